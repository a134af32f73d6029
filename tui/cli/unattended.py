"""What commands have in common that run for weeks with nobody there: secrets, reading the registry again, systemd."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.connections.model import Connection
    from tui.connections.secret import Secret

_PASSPHRASE = "/etc/pgconns/vault-passphrase"  # noqa: S105 - where it is, not what it is


class AskingAtStart:
    """The secret stores, which ask whoever sits here at the start, and nobody once `asking` is False."""

    def __init__(self) -> None:
        from tui.connections.secrets import Secrets

        self.asking = True
        self.opened = Secrets(ask_passphrase=self._ask)

    def _ask(self, new: bool) -> Secret | None:
        from tui.cli import prompts

        return prompts.passphrase(new) if self.asking else None


def number(connections: Sequence[Connection]) -> str:
    """Return how many Connections there are, in words."""
    return "1 Connection" if len(connections) == 1 else f"{len(connections)} Connections"


def unit_of(command: str, does: str, interval: str | None, folders: Sequence[str], more: Sequence[str] = ()) -> str:
    """Return the unit that has a command run as whoever asks for it, with the files that are used now.

    It writes into `folders`; `more` are further words of its command line.
    """
    from pathlib import Path

    from tui.cli.sockets import interval as checked
    from tui.history.systemd import unit
    from tui.sockets.actions_log import os_user

    program = Path(sys.argv[0]).absolute()
    words = [str(program)] if program.name == "pgconns" else [sys.executable, "-m", "tui"]
    times = [] if interval is None else ["--interval", f"{checked(interval):g}"]
    return unit(command, does, [*words, command, *times, *more], os_user(), folders, os.environ, _PASSPHRASE)
