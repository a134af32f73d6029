"""Cancelling and ending real backends: exactly those of the plan, judged again at the moment of acting."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.sockets.given import connection, held, password_of, role
from tui.postgres.door import Session, connect
from tui.postgres.target import target
from tui.sockets import actions_log
from tui.sockets.backends import Backend, Filter, backends
from tui.sockets.control import carry_out, plan

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer
    from tests.servers.postgres import Server

MAJORS = (12, 13, 14, 15, 16, 17, 18)


async def opened(server: Server, username: str, database: str = "postgres") -> Session:
    """A session of a role."""
    one = connection(server, "acting", username, database)
    return await connect(target(one.parameters, await password_of(one)))


async def listed(session: Session, **wanted: Any) -> tuple[Backend, ...]:
    """The backends that fit."""
    return (await backends(session, Filter(**wanted))).backends


def lives(socket: psycopg.Connection[Any]) -> bool:
    """Whether the server still answers through a socket."""
    try:
        socket.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def log() -> list[dict[str, Any]]:
    """The lines of the log of actions."""
    path = actions_log.place()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("major", MAJORS)
async def test_exactly_the_plan_is_ended_by_its_own_role(pg_server: PgServer, major: int) -> None:
    server = pg_server(major)
    carto, gis = role(server), server.database()
    with held(server, 3, carto, gis) as (first, second, third), held(server, 1, carto, gis, "active") as (busy,):
        async with await opened(server, carto, gis) as session:
            idle = await listed(session, username=carto, state="idle")
            assert {one.pid for one in idle} == {socket.info.backend_pid for socket in (first, second, third)}
            chosen = plan("end", [one for one in idle if one.pid != third.info.backend_pid], carto, state="idle")
            told: list[int] = []
            done = await carry_out(session, chosen, lambda result: told.append(result.backend.pid))
            assert [result.outcome for result in done.results] == ["done", "done"]
            assert sorted(told) == sorted(one.pid for one in chosen.targets)
            running = plan("cancel", await listed(session, username=carto), carto)
            assert [one.pid for one in running.targets] == [busy.info.backend_pid]
            cancelled = await carry_out(session, running)
            assert [result.outcome for result in cancelled.results] == ["done"]
        assert [lives(socket) for socket in (first, second, third)] == [False, False, True]
        assert busy.pgconn.get_result().error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"  # type: ignore[union-attr]
    assert [(line["action"], line["outcome"]) for line in log()] == [("end", "done")] * 2 + [("cancel", "done")]
    assert log()[0]["os_user"] and log()[0]["role"] == carto and log()[0]["server"].endswith(str(server.port))
