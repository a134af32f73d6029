"""Connections that point to real servers, and sockets opened in known numbers."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from tests.servers.host import wait_until
from tui.connections.model import Connection, Parameters
from tui.connections.secret import Secret
from tui.sockets.sampler import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.servers.postgres import Server
    from tui.sockets.model import ConnectionCount, Sample, ServerCount

PASSWORD = "of every role here"
WRONG = "wrong"


def connection(server: Server, name: str, username: str, database: str, /, **more: Any) -> Connection:
    """A Connection to a server; the password of one whose `password_from` is env:WRONG is wrong."""
    values = {"server": server.host, "port": server.port, "password_from": "env:RIGHT", **more}
    return Connection(f"id of {name}", Parameters(name=name, username=username, database=database, **values))


async def password_of(connection: Connection) -> Secret:
    """The password of a Connection's role."""
    if connection.parameters.password_from == "env:WRONG":
        return Secret(WRONG)
    return Secret(PASSWORD)


def role(server: Server, *member_of: str, attributes: str = "LOGIN") -> str:
    """A role that logs in by PASSWORD."""
    return server.role(PASSWORD, attributes, member_of=member_of)


@contextmanager
def held(
    server: Server, number: int, username: str, database: str, state: str = "idle", **more: Any
) -> Iterator[list[psycopg.Connection[Any]]]:
    """So many sockets in a state, until the block ends."""
    with ExitStack() as stack:
        sockets = []
        for _ in range(number):
            sockets.append(server.connect(database, user=username, password=PASSWORD, **more))
            stack.callback(sockets[-1].close)
        for socket in sockets:
            if state == "idle_in_transaction":
                socket.execute("BEGIN")
                socket.execute("SELECT 1")
            elif state == "active":
                socket.pgconn.send_query(b"SELECT pg_sleep(60)")
        if state == "active":
            pids = [socket.info.backend_pid for socket in sockets]
            query = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY (%s) AND state = 'active'"
            wait_until(lambda: server.execute(query, (pids,)) == [(number,)], "the queries run")
        yield sockets
        for socket in sockets:
            if state == "active":
                socket.cancel_safe()


def consoles(server: Server) -> int:
    """How many sockets of pgconns the server holds."""
    ((number,),) = server.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgconns%'")
    return int(number)


@asynccontextmanager
async def watching(*connections: Connection, interval_s: float = 0.1, **more: Any) -> AsyncIterator[Watch]:
    """A watch that runs until the block ends."""
    watch = Watch(connections, password_of, interval_s, **more)
    running = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        await watch.close()
        assert running.cancelled()


async def until(watch: Watch, wanted: Callable[[Sample], object], limit_s: float = 20.0) -> Sample:
    """The first sample of which something is true."""
    async with asyncio.timeout(limit_s):
        async for sample in watch.samples():
            if wanted(sample):
                return sample
    raise AssertionError


async def first(watch: Watch, number: int) -> AsyncIterator[Sample]:
    """The next so many samples."""
    async with aclosing(watch.samples()) as samples:
        async for sample in samples:
            yield sample
            number -= 1
            if not number:
                return


def by_name(sample: Sample) -> dict[str, ConnectionCount]:
    """The Connections of a sample."""
    return {count.name: count for count in sample.connections}


def only_server(sample: Sample) -> ServerCount:
    """The one server of a sample."""
    (server,) = sample.servers
    return server
