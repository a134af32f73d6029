"""A Door: one socket at most, the cause kept, and a prompt end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.postgres.given import eventually, superuser, to
from tests.postgres.test_session import sockets
from tests.servers.fixtures import PgServer
from tests.servers.impostors import FaultyProxy, Listener
from tui.postgres.door import Door
from tui.postgres.errors import CannotConnect, QueryFailed


async def ask(door: Door, timeout_s: float = 5.0) -> int:
    """Return which backend serves the door now."""
    async with door.session(timeout_s) as session:
        return int((await session.rows("SELECT pg_backend_pid() AS pid"))[0]["pid"])


async def test_one_socket_whatever_number_ask(pg_server: PgServer) -> None:
    server = pg_server(17)
    door = Door(superuser(server, application_name="one"))
    try:
        pids = await asyncio.gather(*(ask(door) for _ in range(8)))
        assert len(set(pids)) == 1
        assert sockets(server, "one") == 1
    finally:
        await door.close()
    await eventually(lambda: sockets(server, "one") == 0, "the socket is gone", 2)


async def test_the_cause_is_kept(pg_server: PgServer) -> None:
    door = Door(superuser(pg_server(17), password="wrong"))
    try:
        for _ in range(3):
            started = time.monotonic()
            with pytest.raises(CannotConnect) as raised:
                await ask(door)
            assert raised.value.finding.code == "28P01"
            assert time.monotonic() - started < 2
            assert raised.value.__suppress_context__
    finally:
        await door.close()


async def test_it_comes_back(pg_server: PgServer) -> None:
    server = pg_server(17, own="restarted")
    door = Door(superuser(server))
    try:
        first = await ask(door)
        with server.stopped(), pytest.raises((QueryFailed, CannotConnect)):
            await ask(door)
        deadline = time.monotonic() + 15
        while True:
            try:
                assert await ask(door) != first
                break
            except (QueryFailed, CannotConnect):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
    finally:
        await door.close()


async def test_it_tries_again_ever_more_rarely(
    impostor: Callable[[str], Listener], caplog: pytest.LogCaptureFixture
) -> None:
    door = Door(to(impostor("starting"), password="pw"))
    tries = 0
    deadline = time.monotonic() + 2.5
    try:
        while time.monotonic() < deadline:
            with pytest.raises(CannotConnect) as raised:
                await ask(door)
            assert raised.value.finding.code == "57P03"
            tries += 1
            await asyncio.sleep(0.02)
    finally:
        await door.close()
    assert tries > 10
    assert 1 <= sum(record.name == "psycopg.pool" for record in caplog.records) <= 4


async def test_closing_is_prompt_even_when_deaf(
    pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]
) -> None:
    server = pg_server(17)
    proxy = faulty_proxy(server.host, server.port)
    proxy.deaf()
    door = Door(superuser(server, host=proxy.host, port=proxy.port))
    asking = asyncio.ensure_future(ask(door, 60))
    await eventually(lambda: proxy.open == 1, "the socket opens")
    started = time.monotonic()
    await door.close()
    assert time.monotonic() - started < 1
    with pytest.raises(CannotConnect):
        await asking
    proxy.heal()
    await eventually(lambda: proxy.open == 0, "the socket is gone")


async def test_cancelled_while_it_opens(pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]) -> None:
    server = pg_server(17)
    proxy = faulty_proxy(server.host, server.port)
    proxy.deaf()
    door = Door(superuser(server, host=proxy.host, port=proxy.port))
    asking = asyncio.ensure_future(ask(door, 60))
    await eventually(lambda: proxy.open == 1, "the socket opens")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    proxy.heal()
    assert await ask(door) > 0
    await door.close()
    await eventually(lambda: proxy.open == 0, "the socket is gone")


async def test_cancelled_while_it_asks(pg_server: PgServer) -> None:
    server = pg_server(17)
    door = Door(superuser(server, application_name="asked"))

    async def sleep() -> None:
        async with door.session() as session:
            await session.rows("SELECT pg_sleep(60)", timeout_s=60)

    asking = asyncio.ensure_future(sleep())
    active = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'asked' AND state = 'active'"
    await eventually(lambda: bool(server.execute(active)), "the query runs")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await eventually(lambda: not server.execute(active), "the query is gone")
    assert await ask(door) > 0
    assert sockets(server, "asked") == 1
    await door.close()


async def test_a_door_that_was_never_used_or_closed_twice(pg_server: PgServer) -> None:
    door = Door(superuser(pg_server(17)))
    await door.close()
    await door.close()
    with pytest.raises(CannotConnect):
        await ask(door)
