"""A session: read-only, bounded, and gone when it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import psycopg
import pytest

from tests.postgres.given import eventually, superuser, to
from tests.servers.fixtures import PgServer, StartBouncer
from tests.servers.impostors import FaultyProxy
from tests.servers.postgres import Server
from tui.postgres.door import connect
from tui.postgres.errors import QueryFailed

SOCKETS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"


def sockets(server: Server, application: str) -> int:
    """Count the sockets of an application, as the server sees them."""
    return int(server.execute(SOCKETS, (application,))[0][0])


async def test_it_is_read_only_and_names_itself(pg_server: PgServer) -> None:
    server = pg_server(17)
    async with await connect(superuser(server)) as session:
        (row,) = await session.rows("SELECT current_setting('application_name') AS name, pg_backend_pid() AS pid")
        assert row == {"name": "pgconns", "pid": session.backend_pid}
        with pytest.raises(QueryFailed) as raised:
            await session.rows("CREATE TABLE t ()")
        assert raised.value.finding.code == "25006"
        assert await session.rows("SELECT 1 AS still") == [{"still": 1}]
        assert await session.rows("SELECT '%d' AS percent") == [{"percent": "%d"}]
        assert await session.rows("SELECT 1 WHERE false") == []


async def test_a_function_of_somebody_else_is_not_called(pg_server: PgServer) -> None:
    """A name that the database's owner put on the search_path does not shadow the catalogue's."""
    server = pg_server(17)
    database = server.database()
    server.execute(
        "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS $$SELECT NULL::timestamptz$$", (), database
    )
    server.execute(f'ALTER DATABASE "{database}" SET search_path = public, pg_catalog')
    async with await connect(superuser(server, database=database)) as session:
        assert await session.rows("SELECT now() IS NULL AS fooled") == [{"fooled": False}]


async def test_time_limits(pg_server: PgServer) -> None:
    server = pg_server(16)
    database = server.database()
    server.execute("CREATE TABLE held ()", (), database)
    async with await connect(superuser(server, database=database)) as session:
        with pytest.raises(QueryFailed) as raised:
            await session.rows("SELECT pg_sleep(30)", timeout_s=0.2)
        assert raised.value.finding.code == "57014"
        with server.connect(database) as holder, holder.transaction():
            holder.execute("LOCK TABLE held")
            with pytest.raises(QueryFailed) as raised:
                await session.rows("SELECT * FROM public.held", timeout_s=0.4)
            assert raised.value.finding.code == "55P03"
        assert not session.closed


async def test_cancelled_in_the_middle(pg_server: PgServer) -> None:
    server = pg_server(15)
    session = await connect(superuser(server, application_name="cancelled"))
    task = asyncio.ensure_future(session.rows("SELECT pg_sleep(60)", timeout_s=60))
    running = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'cancelled' AND state = 'active'"
    await eventually(lambda: bool(server.execute(running)), "the query runs")
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 1
    assert session.closed
    await eventually(lambda: sockets(server, "cancelled") == 0, "the socket is gone", 2)


async def test_a_deaf_network_is_noticed(pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]) -> None:
    server = pg_server(17)
    proxy = faulty_proxy(server.host, server.port)
    async with await connect(superuser(server, host=proxy.host, port=proxy.port)) as session:
        proxy.deaf()
        started = time.monotonic()
        with pytest.raises(QueryFailed) as raised:
            await session.rows("SELECT 1", timeout_s=0.1)
        assert time.monotonic() - started < 4
        assert (raised.value.finding.code, session.closed) == ("ETIMEDOUT", True)
        assert "fell silent" in raised.value.finding.message


async def test_the_line_is_cut_or_the_backend_ended(
    pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]
) -> None:
    server = pg_server(17)
    async with await connect(superuser(server)) as session:
        server.execute("SELECT pg_terminate_backend(%s)", (session.backend_pid,))
        with pytest.raises(QueryFailed) as raised:
            await session.rows("SELECT 1")
        assert session.closed
        assert raised.value.finding.code in {"57P01", "ECONNRESET"}
    proxy = faulty_proxy(server.host, server.port)
    async with await connect(superuser(server, host=proxy.host, port=proxy.port)) as session:
        proxy.drop()
        with pytest.raises(QueryFailed) as raised:
            await session.rows("SELECT 1")
        assert "hung up" in raised.value.finding.message
        assert session.closed


async def test_bytes_that_are_no_utf8(pg_server: PgServer) -> None:
    server = pg_server(16)
    database = server.database(options="TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    async with await connect(superuser(server, database=database)) as session:
        rows = await session.rows(
            r"SELECT e'caf\351' AS word, e'caf\351'::name AS name, ARRAY[e'\377'::text] AS many, e'\351'::varchar AS v"
        )
        assert rows == [{"word": "caf\ufffd", "name": "caf\ufffd", "many": ["\ufffd"], "v": "\ufffd"}]
        with pytest.raises(QueryFailed) as raised:
            await session.rows(r"SELECT e'caf\351'::int")
        assert "caf" in raised.value.finding.message


async def test_nothing_is_left_in_a_pooled_connection(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    role = server.role("pw")
    bouncer = pgbouncer(server, settings={"default_pool_size": "1"})
    target = to(bouncer, username=role, password="pw")
    async with await connect(target) as one, await connect(target) as other:
        for _ in range(8):
            for session in (one, other):
                assert await session.rows("SELECT %s::text AS t", ("x'y",)) == [{"t": "x'y"}]
        with pytest.raises(QueryFailed):
            await one.rows("SELECT 1/0")
        assert await other.rows("SELECT 1 AS n") == [{"n": 1}]
        with psycopg.connect(bouncer.dsn("postgres", role, "pw"), autocommit=True, prepare_threshold=None) as plain:
            for setting, value in (
                ("statement_timeout", "0"),
                ("lock_timeout", "0"),
                ("search_path", '"$user", public'),
            ):
                row = plain.execute(f"SHOW {setting}".encode()).fetchone()
                assert row == (value,)


async def test_the_console_of_pgbouncer_is_no_database(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    bouncer = pgbouncer(pg_server(17))
    target = to(bouncer, username=bouncer.admin, password=bouncer.admin_password, database="pgbouncer")
    async with await connect(target) as session:
        with pytest.raises(QueryFailed) as raised:
            await session.rows("SELECT 1")
        assert "admin console" in raised.value.finding.message
