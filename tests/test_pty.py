"""The real program in a real terminal: a Connection is registered by keys, and its sockets are counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.terminal import Terminal, fill_in_a_form

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import PgServer

PROGRAM = [sys.executable, "-m", "tui"]
SOCKETS = 3


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)])
def test_register_by_keys_and_see_its_sockets(pg_server: PgServer, home: Path, columns: int, rows: int) -> None:
    server = pg_server(17)
    database, role = server.database(), server.role("the pass word")
    with ExitStack() as stack:
        terminal = stack.enter_context(Terminal(PROGRAM, os.environ, columns, rows))
        fill_in_a_form(terminal, server, role, "the pass word", database)
        terminal.wait_for("A passphrase for the new vault", 30)
        terminal.press("correct horse", "tab", "correct horse", "enter")
        terminal.wait_for("Registered", 30)
        for _ in range(SOCKETS):
            stack.enter_context(server.connect(database, user=role, password="the pass word"))
        terminal.press("enter")
        terminal.wait_for(lambda text: f"{SOCKETS}/97" in text, 30)
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.restored
    listed = subprocess.run([*PROGRAM, "list", "--json"], check=True, capture_output=True, text=True, timeout=30)
    (connection,) = json.loads(listed.stdout)["connections"]
    assert (connection["name"], connection["username"], connection["password_from"]) == ("Prod", role, "vault")
    assert (home / ".local/share/pgconns/vault").stat().st_mode & 0o777 == 0o600


def test_cancelled_while_it_connects_nothing_is_registered(pg_server: PgServer, home: Path) -> None:
    server = pg_server(17)
    with Terminal(PROGRAM, os.environ) as terminal:
        fill_in_a_form(terminal, server, "nobody of that name", "pw", "postgres")
        terminal.wait_for("Authentication", 30)
        terminal.press("escape")
        terminal.wait_for("Root certificate")
        assert "nobody of that name" in terminal.text
        terminal.press("ctrl+q")
        assert terminal.end() == 0
        assert terminal.restored
    assert not (home / ".config/pgconns/registry.toml").exists()
