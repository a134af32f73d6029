"""What the screens need from the rooms below, handed to every screen's constructor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tui.connections.registry import RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.connections.model import Parameters
    from tui.connections.registry import Registry
    from tui.connections.secret import Secret
    from tui.connections.secrets import Secrets
    from tui.history.reader import History
    from tui.history.recorder import Recorder
    from tui.history.sources import Source
    from tui.postgres.finding import Finding
    from tui.probe.report import Report
    from tui.regions.model import Region


class Probe(Protocol):
    """Connects once, hands out findings as they are made, and returns the report of them all."""

    async def __call__(
        self, parameters: Parameters, password: Secret | None, on_finding: Callable[[Finding], None]
    ) -> Report:
        """Probe the server that `parameters` name."""


async def probe(parameters: Parameters, password: Secret | None, on_finding: Callable[[Finding], None]) -> Report:
    """Probe a real server."""
    from tui.probe.run import probe as run  # noqa: PLC0415 - imports psycopg, 290 ms, when it is first used

    return await run(parameters, password, on_finding)


def parse_conninfo(text: str) -> dict[str, str]:
    """Take a URI or key=value text apart with libpq's own parser; raises ValueError."""
    from tui.postgres.conninfo import parse  # noqa: PLC0415 - imports psycopg, 290 ms, when it is first used

    return parse(text)


def find_service(name: str) -> dict[str, str]:
    """Return the options of a service of pg_service.conf."""
    from tui.connections.pg_service import find  # noqa: PLC0415 - when it is first used

    return find(name)


@dataclass(frozen=True, slots=True)
class Services:
    """The registry, the secrets, how often to count, and the doors to servers (tests hand in others).

    `recorder` keeps what is counted; where there is none, nothing is.
    """

    registry: Registry
    secrets: Secrets
    interval_s: float = 2.0
    probe: Probe = probe
    parse_conninfo: Callable[[str], dict[str, str]] = parse_conninfo
    find_service: Callable[[str], dict[str, str]] = find_service
    recorder: Recorder | None = None

    def past(self) -> Source:
        """Return where the past is read from: the recorder's file, or what the registry names.

        Reads the registry; raises RegistryError, and HistoryError where what it says of it is wrong.
        """
        from tui.history.sources import open_source  # noqa: PLC0415 - not before the first frame

        return open_source(self.registry, self.recorder.path if self.recorder is not None else None)

    def history(self) -> History:
        """Return what this machine recorded: whole samples, for a replay, are kept nowhere else."""
        from tui.history.reader import History  # noqa: PLC0415 - sqlite3: not before the first frame

        return History(self.recorder.path if self.recorder is not None else None)

    def regions(self) -> tuple[Region, ...]:
        """Return all regions as they are known, without asking anybody; reads files.

        CARTO's alone where the registry cannot be read, which whoever lists Connections tells.
        """
        from tui.regions.directory import known  # noqa: PLC0415 - not before the first frame
        from tui.regions.model import BUILT_IN  # noqa: PLC0415

        try:
            return known(self.registry)
        except RegistryError:
            return BUILT_IN
