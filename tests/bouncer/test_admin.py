"""The console of a real PgBouncer."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from tests.postgres.given import to
from tests.servers.fixtures import PgServer, StartBouncer
from tests.servers.pgbouncer import Bouncer
from tui.bouncer.admin import console, console_target, refusal
from tui.postgres.errors import CannotConnect, QueryFailed
from tui.postgres.finding import Finding
from tui.postgres.target import Target


def as_admin(bouncer: Bouncer) -> Any:
    """Return the way to its console."""
    return console_target(to(bouncer, username=bouncer.admin, password=bouncer.admin_password))


async def refused(place: Any, username: str, password: str) -> Finding:
    """Return why its console did not open."""
    with pytest.raises(CannotConnect) as raised:
        async with console(console_target(to(place, username=username, password=password))):
            pass
    return raised.value.finding


async def test_everything_that_it_shows(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    role = server.role("pw")
    bouncer = pgbouncer(server, settings={"max_client_conn": "55"})
    with psycopg.connect(bouncer.dsn(user=role, password="pw"), autocommit=True) as client:
        pid = client.execute("SELECT pg_backend_pid()").fetchone()
        async with console(as_admin(bouncer)) as door:
            state = await door.state()
            clients, servers, traffic = await door.clients(), await door.servers(), await door.traffic()
            with pytest.raises(QueryFailed):
                await door.show("NONSENSE")  # type: ignore[arg-type]
            assert await door.pools(), "what it refuses does not end the session"
    assert state.number is not None
    assert state.number >= (1, 16, 0)
    assert state.setting("max_client_conn") == 55
    assert [(one.name, one.port) for one in state.databases if one.name != "pgbouncer"] == [("postgres", server.port)]
    (pool,) = (one for one in state.pools if one.username == role)
    assert (pool.clients, pool.servers, state.clients) == (1, 1, 1)
    assert [one.database for one in clients if one.username == role] == ["postgres"]
    assert [(one.pid,) for one in servers] == [pid]
    assert {one.database for one in traffic} >= {"postgres"}
    assert state.halted == ""


async def test_who_may_not_look(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    role, other = server.role("pw"), server.role("pw")
    bouncer = pgbouncer(server, settings={"stats_users": other})
    found = await refused(bouncer, role, "pw")
    assert (found.check, f"stats_users = {role}" in found.fix) == ("console", True)
    found = await refused(bouncer, "stranger", "pw")
    assert (found.code, "auth_file" in found.fix) == ("28P01", True)
    async with console(console_target(to(bouncer, username=other, password="pw"))) as door:
        assert (await door.state()).setting("max_client_conn") == 100
        with pytest.raises(QueryFailed, match="admin access"):
            await door._session.verbatim("PAUSE")


async def test_a_database_of_that_name_is_no_console(pg_server: PgServer) -> None:
    server = pg_server(17)
    server.database(name="pgbouncer")
    role = server.role("pw")
    found = await refused(server, role, "pw")
    assert "no PgBouncer" in found.message


async def test_a_deaf_one_is_given_up(pg_server: PgServer, pgbouncer: StartBouncer, faulty_proxy: Any) -> None:
    bouncer = pgbouncer(pg_server(17))
    proxy = faulty_proxy(bouncer.host, bouncer.port)
    target = console_target(to(proxy, username=bouncer.admin, password=bouncer.admin_password))
    async with console(target) as door:
        proxy.deaf()
        with pytest.raises(QueryFailed, match="silent"):
            async with asyncio.timeout(30):
                await door.show("POOLS", timeout_s=0.2)


def test_a_console_that_never_answers() -> None:
    silent = Finding("authentication", "failed", "it says nothing for 10 s", code="ETIMEDOUT")
    found = refusal(silent, Target("127.0.0.1", 6432, "pgbouncer", "carto"))
    assert (found.check, "auth_query" in found.fix, "does not answer carto" in found.message) == ("console", True, True)
    unreachable = Finding("tcp", "failed", "nobody listens", code="ETIMEDOUT")
    assert refusal(unreachable, Target("127.0.0.1", 6432, "pgbouncer", "carto")) == unreachable
