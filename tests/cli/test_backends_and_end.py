"""backends and end: who is listed, who is hit and who is not, and the exit statuses, by the real program."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.cli.conftest import PASSWORD
from tests.cli.test_terminal import Person
from tests.servers.host import wait_until
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry
from tui.sockets import actions_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Door, Program

Socket = psycopg.Connection[Any]


@contextmanager
def held(door: Door, number: int, **more: Any) -> Iterator[list[Socket]]:
    """So many idle sockets of the door's role."""
    with ExitStack() as stack:
        sockets = [
            door.server.connect(door.database, **({"user": door.username, "password": PASSWORD} | more))
            for _ in range(number)
        ]
        for socket in sockets:
            stack.callback(socket.close)
        yield sockets


def lives(socket: Socket) -> bool:
    """Whether the server still answers through a socket."""
    try:
        socket.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def pid(socket: Socket) -> int:
    """The backend of a socket."""
    return socket.info.backend_pid


@pytest.fixture
def prod(door: Door, password_file: str) -> Door:
    """A Connection by the name of prod."""
    parameters = Parameters(
        name="prod",
        server=door.server.host,
        port=door.server.port,
        username=door.username,
        database=door.database,
        password_from=password_file,
    )
    Registry().add(Connection("id-prod", parameters))
    return door


def test_only_the_connections_own_are_listed(pgconns: Program, prod: Door) -> None:
    comment = "/* CARTO/3.0 (USERID:auth0|u; CM:builder; connectionId:c-1; mapId:m) */ SELECT 1"
    stranger = {"user": prod.server.superuser, "password": prod.server.password}
    with held(prod, 2, application_name="maps-api") as (one, two), held(prod, 1, **stranger):
        first, second = pid(one), pid(two)
        one.execute(comment)
        two.execute("BEGIN")
        listed = pgconns("backends", "prod", "--json")
        idle = pgconns("backends", "prod", "--state", "idle", "--json")
        old = pgconns("backends", "prod", "--older-than", "1h")
        shown = pgconns("backends", "prod", env={"COLUMNS": "80"})
    assert (listed.status, listed.json["name"], listed.json["left_out"]) == (0, "prod", 0)
    assert {backend["pid"] for backend in listed.json["backends"]} == {first, second}
    (backend,) = idle.json["backends"]
    assert (backend["query"], backend["application"], backend["client"]) == (comment, "maps-api", "127.0.0.1")
    assert backend["carto"] == {"feature": "builder", "user": "auth0|u", "connection_id": "c-1", "map_id": "m"}
    assert (old.status, old.out) == (0, "")
    assert "no such socket" in old.err
    lines = shown.out.splitlines()
    assert lines[0].split() == ["PID", "STATE", "SINCE", "OPEN", "APPLICATION", "CLIENT", "FEATURE", "QUERY"]
    assert len(lines) == 3 and all(len(line) <= 80 for line in lines)
    assert any("idle in tx" in line and line.endswith("BEGIN") for line in lines)
    assert any("builder" in line and line.endswith("SELECT 1") for line in lines)


def test_hostile_texts_are_shown_and_never_obeyed(pgconns: Program, prod: Door) -> None:
    with held(prod, 1, application_name="[red]") as (socket,):
        socket.execute("SELECT '\x1b]0;owned\x07\u202e' -- " + "x" * 100_000)
        shown = pgconns("backends", "prod")
        value = pgconns("backends", "prod", "--json")
    assert "\x1b" not in shown.out and "\u202e" not in shown.out
    assert len(shown.out.splitlines()) == 2
    assert value.out.isascii() and value.json["backends"][0]["query_cut"] is True


def test_end_hits_exactly_what_it_listed(pgconns: Program, prod: Door) -> None:
    with held(prod, 3) as (one, two, busy), held(prod, 1, application_name="pgconns") as (console,):
        pids = {pid(one), pid(two)}
        others = {pid(busy), pid(console)}
        busy.execute("BEGIN")
        dry = pgconns("end", "prod", "--idle", "--dry-run", "--json")
        assert (dry.status, dry.json["results"]) == (0, [])
        assert {target["pid"] for target in dry.json["targets"]} == pids
        assert lives(one) and not actions_log.place().exists()
        done = pgconns("end", "prod", "--idle", "--yes")
        assert done.status == 0, done.err
        assert [lives(socket) for socket in (one, two, busy, console)] == [False, False, True, True]
    assert all(f"{ended}: It was ended" in done.out for ended in pids)
    assert not any(str(other) in done.out for other in others)
    lines = [json.loads(line) for line in actions_log.place().read_text().splitlines()]
    assert {(line["pid"], line["outcome"], line["role"]) for line in lines} == {
        (ended, "done", prod.username) for ended in pids
    }


def test_a_pid_of_others_is_never_hit(pgconns: Program, prod: Door) -> None:
    stranger = {"user": prod.server.superuser, "password": prod.server.password}
    with held(prod, 1) as (own,), held(prod, 1, **stranger) as (other,):
        mine, strange = pid(own), pid(other)
        result = pgconns("end", "prod", "--pid", str(strange), "--pid", str(mine), "--yes", "--json")
        assert lives(other) and not lives(own)
    assert result.status == 1
    assert result.json["missing"] == [strange]
    assert [(one["pid"], one["outcome"]) for one in result.json["results"]] == [(mine, "done")]


def test_a_missing_grant_is_said_exactly(pgconns: Program, prod: Door) -> None:
    registry = Registry()
    matching = registry.get("prod")
    registry.replace(matching._replace(parameters=matching.parameters._replace(match_application=("maps*",))))
    other = {"user": prod.server.role(PASSWORD, "LOGIN"), "application_name": "maps-api"}
    with held(prod, 1, **other) as (socket,):
        for missing in ("pg_read_all_stats", "pg_signal_backend"):
            grant = f'GRANT {missing} TO "{prod.username}";'
            result = pgconns("end", "prod", "--pid", str(pid(socket)), "--yes")
            assert (result.status, grant in result.err) == (1, True), result.err
            value = pgconns("end", "prod", "--idle", "--yes", "--json")
            assert (value.status, value.json["targets"], value.json["results"]) == (1, [], [])
            assert [spared["fix"] for spared in value.json["spared"]] == [grant]
            assert lives(socket)
            prod.server.execute(grant)
        assert pgconns("end", "prod", "--idle", "--yes").status == 0
        assert not lives(socket)


def test_a_query_is_cancelled_and_its_socket_stays(pgconns: Program, prod: Door) -> None:
    with held(prod, 2) as (runs, idle):
        runs.pgconn.send_query(b"SELECT pg_sleep(60)")
        query = "SELECT state FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: prod.server.execute(query, (pid(runs),)) == [("active",)], "the query runs")
        young = pgconns("end", "prod", "--cancel", "--older-than", "1h", "--yes")
        assert (young.status, young.out) == (0, "")
        wrong = pgconns("end", "prod", "--cancel", "--pid", str(pid(idle)), "--yes")
        assert wrong.status == 1 and "no such query" in wrong.err
        result = pgconns("end", "prod", "--cancel", "--yes")
        assert (result.status, f"{pid(runs)}: Its query was cancelled" in result.out) == (0, True), result.err
        while runs.pgconn.get_result() is not None:
            pass
        assert lives(runs) and lives(idle)


def test_idle_in_transaction_is_ended_by_age(pgconns: Program, prod: Door) -> None:
    with held(prod, 2) as (holds, idle):
        holds.execute("BEGIN")
        holds.execute("SELECT 1")
        assert pgconns("end", "prod", "--idle-in-transaction", "--older-than", "2h", "--yes").status == 0
        assert pgconns("end", "prod", "--idle-in-transaction", "--older-than", "0s", "--yes").status == 0
        assert [lives(socket) for socket in (holds, idle)] == [False, True]


def test_a_log_that_cannot_be_written_is_said(pgconns: Program, prod: Door) -> None:
    actions_log.place().parent.mkdir(parents=True)
    actions_log.place().mkdir()
    with held(prod, 1) as (socket,):
        result = pgconns("end", "prod", "--idle", "--yes")
        assert not lives(socket)
    assert result.status == 0
    assert "actions.log cannot be written" in result.err and "not logged" in result.err


def test_a_person_is_shown_who_and_asked(prod: Door) -> None:
    with held(prod, 1) as (socket,):
        no = Person("end", "prod", "--idle")
        no.types("End this socket? [y/N]", "")
        assert no.status() == 1
        assert str(pid(socket)) in no.shown and "Nothing was done" in no.shown
        away = Person("end", "prod", "--idle")
        away.sees("[y/N]")
        away.interrupts()
        assert away.status() == 130
        assert lives(socket)
        yes = Person("end", "prod", "--idle")
        yes.sees("[y/N]")
        late = prod.server.connect(prod.database, user=prod.username, password=PASSWORD)
        yes.types("[y/N]", "y")
        assert yes.status() == 0, yes.shown
        assert not lives(socket) and lives(late)
        late.close()


def test_what_became_busy_while_a_person_thought_is_left_alone(prod: Door) -> None:
    with held(prod, 1) as (socket,):
        person = Person("end", "prod", "--idle")
        person.sees("[y/N]")
        socket.execute("BEGIN")
        person.types("[y/N]", "y")
        assert person.status() == 1
        assert lives(socket)


@pytest.mark.parametrize(
    "words",
    [
        ["end", "prod"],
        ["end", "prod", "--idle"],
        ["end", "prod", "--idle", "--json"],
        ["end", "prod", "--idle", "--cancel", "--yes"],
        ["end", "prod", "--idle", "--pid", "1", "--yes"],
        ["end", "prod", "--pid", "1", "--older-than", "1h", "--yes"],
        ["end", "prod", "--pid", "-1", "--yes"],
        ["end", "prod", "--pid", "one", "--yes"],
        ["end", "prod", "--idle", "--older-than", "soon", "--yes"],
        ["end", "nobody", "--idle", "--yes"],
        ["backends", "nobody"],
        ["backends"],
        ["backends", "prod", "--older-than", "-1m"],
        ["backends", "prod", "--state", "asleep"],
    ],
)
def test_what_is_not_right_is_2(pgconns: Program, prod: Door, words: list[str]) -> None:
    with held(prod, 1) as (socket,):
        result = pgconns(*words)
        assert lives(socket)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("pgconns: ")


def test_a_server_that_is_not_there_is_3(pgconns: Program, prod: Door, refused_port: int) -> None:
    registry = Registry()
    gone = registry.get("prod")
    registry.replace(gone._replace(parameters=gone.parameters._replace(port=refused_port)))
    for words in (["backends", "prod"], ["end", "prod", "--idle", "--yes"]):
        result = pgconns(*words)
        assert (result.status, result.out) == (3, "")
        assert str(refused_port) in result.err


def test_a_password_that_cannot_be_had_is_5(pgconns: Program, prod: Door) -> None:
    os.environ.pop("NOT_SET", None)
    registry = Registry()
    gone = registry.get("prod")
    registry.replace(gone._replace(parameters=gone.parameters._replace(password_from="env:NOT_SET")))
    assert pgconns("end", "prod", "--idle", "--yes").status == 5
