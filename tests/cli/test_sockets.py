"""sockets: the table, the stream and the exit statuses, by the real program on real servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import PASSWORD
from tests.servers.host import wait_until
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Door, Program


def register(name: str, door: Door, password_from: str, **more: Any) -> None:
    """Register a Connection without probing it."""
    parameters = Parameters(
        name=name,
        server=door.server.host,
        port=door.server.port,
        username=door.username,
        database=door.database,
        password_from=password_from,
    )
    Registry().add(Connection(f"id-{name}" if name.isalpha() else "id-odd", parameters._replace(**more)))


@contextmanager
def held(door: Door, number: int) -> Iterator[None]:
    """So many idle sockets of the door's role."""
    with ExitStack() as stack:
        for _ in range(number):
            socket = door.server.connect(door.database, user=door.username, password=PASSWORD)
            stack.callback(socket.close)
        yield


@contextmanager
def following(*words: str) -> Iterator[subprocess.Popen[str]]:
    """The program while it runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "sockets", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def registered(door: Door, password_file: str) -> Door:
    """Two Connections that cannot be told apart."""
    register("maps", door, password_file)
    register("builder", door, password_file)
    return door


def test_the_table_adds_up(pgconns: Program, registered: Door) -> None:
    with held(registered, 3):
        result = pgconns("sockets")
    assert result.status == 0
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["SERVER,", "CONNECTION", "SOCKETS", "ACTIVE", "IDLE", "IN", "TX", "OTHER", "OF", "LIMIT"]
    assert lines[1][0] == f"{registered.server.host}:{registered.server.port}"
    assert lines[1][-2:] == ["of", "97"]
    assert lines[2][:8] == ["maps", "=", "builder", "3", "0", "3", "0", "0"]
    assert lines[-1] == ["pgconns", "itself", "1"]
    strangers = sum(int(line[-1]) for line in lines if line[:2] == ["not", "registered"])
    assert int(lines[1][1]) == 3 + strangers + 1
    assert "pg_monitor" in result.err
    assert PASSWORD not in result.out + result.err


def test_the_table_fits_a_terminal_and_obeys_no_name(pgconns: Program, registered: Door, password_file: str) -> None:
    register("[/]" + "n" * 97, registered, password_file, database="[red]")
    result = pgconns("sockets", env={"COLUMNS": "80"})
    assert all(len(line) <= 80 for line in result.out.splitlines())


def test_json_has_the_shape_of_the_contract(pgconns: Program, registered: Door) -> None:
    with held(registered, 2):
        value = pgconns("sockets", "maps", "--json").json
    assert {"at", "servers", "connections", "unregistered"} <= value.keys()
    (server,) = value["servers"]
    assert {"server", "limit", "reserved", "used", "headroom", "console", "visibility"} <= server.keys()
    assert server["used"] == server["attributed"] + server["unregistered"] + server["console"]
    (connection,) = value["connections"]
    assert connection == {
        "name": "maps",
        "id": "id-maps",
        "server": server["server"],
        "sockets": 2,
        "active": 0,
        "idle": 2,
        "idle_in_transaction": 0,
        "other": 0,
        "unknown": 0,
        "from_region": None,
        "oldest_idle_in_transaction_s": None,
        "headroom": server["headroom"],
        "limit": 97,
        "bounded_by": "server",
        "shared_with": ["builder"],
        "stale": 0,
    }
    assert all({"server", "database", "username", "sockets"} == stranger.keys() for stranger in value["unregistered"])


def test_nothing_reached_is_3_and_something_reached_is_0(
    pgconns: Program, registered: Door, password_file: str, refused_port: int
) -> None:
    register("gone", registered, password_file, port=refused_port)
    result = pgconns("sockets", "gone", "--json")
    assert result.status == 3
    (connection,) = result.json["connections"]
    assert connection["error"] and connection["sockets"] is None and connection["idle"] is None
    assert result.json["servers"][0]["error"] == connection["error"]
    result = pgconns("sockets")
    assert result.status == 0
    assert str(refused_port) in result.err


def test_a_wrong_password_is_3_and_never_shown(pgconns: Program, door: Door) -> None:
    register("wrong", door, "env:WRONG_ONE")
    result = pgconns("sockets", env={"WRONG_ONE": "planted and wrong"})
    assert result.status == 3
    assert "password" in result.err and "planted" not in result.out + result.err


def test_the_vault_opens_once_for_all(pgconns: Program, door: Door, vault_passphrase: object) -> None:
    for name in ("one", "two"):
        added = pgconns("add", name, *door.flags, "--password-from", "vault", "--password-stdin", stdin=PASSWORD)
        assert added.status == 0, added.err
    assert pgconns("sockets", "--json").json["connections"][1]["sockets"] == 0
    locked = pgconns("sockets", env={"PGCONNS_VAULT_PASSPHRASE_FILE": ""})
    assert (locked.status, locked.out) == (5, "")


def test_an_empty_registry_says_what_to_do(pgconns: Program) -> None:
    result = pgconns("sockets")
    assert (result.status, result.out) == (0, "")
    assert "pgconns add --help" in result.err
    assert pgconns("sockets", "--json").json["connections"] == []


@pytest.mark.parametrize(
    ("words", "variable"),
    [
        (["nobody"], ""),
        (["--interval", "soon"], ""),
        (["--interval", "0"], ""),
        (["--interval", "nan"], ""),
        (["--count", "0"], ""),
        (["--count", "-1"], ""),
        (["--count", "1.5"], ""),
        ([], "often"),
    ],
)
def test_what_is_not_right_is_2(pgconns: Program, registered: Door, words: list[str], variable: str) -> None:
    result = pgconns("sockets", *words, env={"PGCONNS_INTERVAL": variable})
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("pgconns: ")


def test_a_stream_keeps_its_pace_and_ends_after_its_count(pgconns: Program, registered: Door) -> None:
    with held(registered, 1):
        result = pgconns("sockets", "--count", "5", "--json", env={"PGCONNS_INTERVAL": "0.2"})
    assert result.status == 0
    values = [json.loads(line) for line in result.out.splitlines()]
    assert [value["connections"][0]["sockets"] for value in values] == [1] * 5
    assert [value["servers"][0]["console"] for value in values] == [1] * 5


def test_each_value_of_a_stream_is_flushed(registered: Door) -> None:
    with following("--follow", "--json", "--interval", "0.2") as process:
        assert process.stdout is not None
        # A busy machine may be asked for the first sample before its server has answered.
        seen = (json.loads(line)["connections"][0]["sockets"] for line in process.stdout)
        assert next(sockets for sockets in seen if sockets is not None) == 0
        with held(registered, 4):
            deadline = time.monotonic() + 20
            while next(seen) != 4:
                assert time.monotonic() < deadline
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr is not None and process.stderr.read() == ""


def test_a_table_is_followed_until_ctrl_c_and_leaves_no_socket(registered: Door) -> None:
    server = registered.server
    with following("--follow", "--interval", "0.2") as process:
        assert process.stdout is not None and process.stderr is not None
        assert any("pg_monitor" in line for line in process.stderr)  # said as soon as the server has answered
        blocks = 0
        while blocks < 2:
            blocks += process.stdout.readline() == "\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert "pg_monitor" not in process.stderr.read()
    gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgconns'"
    wait_until(lambda: server.execute(gone) == [(0,)], "no socket is left")


def test_a_closed_pipe_ends_a_stream_quietly(registered: Door) -> None:
    with following("--follow", "--json", "--interval", "0.2") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(10) == 141
        assert process.stderr is not None and process.stderr.read() == ""
        process.stdout = None


def test_help_shows_an_example(pgconns: Program) -> None:
    result = pgconns("sockets", "--help")
    assert result.status == 0
    assert "pgconns sockets --follow --interval 10 --json" in result.out


def test_what_is_to_be_looked_at_is_said_once(pgconns: Program, registered: Door) -> None:
    registered.server.execute(f'ALTER ROLE "{registered.username}" CONNECTION LIMIT 5')
    with held(registered, 3):
        result = pgconns("sockets", "--count", "3", "--interval", "0.2")
    said = [line for line in result.err.splitlines() if line.startswith("Warning: ")]
    assert said == ["Warning: maps or builder (limit of its role): 80 % of 5 sockets are open, 1 more can open"]
