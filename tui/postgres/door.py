"""The one door to a server: a session for a moment, or a Door that keeps at most one socket open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
import psycopg_pool

from tui.postgres.errors import CannotConnect, Failure
from tui.postgres.explain import explain
from tui.postgres.finding import Finding
from tui.postgres.opening import NotOpened, open_socket
from tui.postgres.resolve import NotResolved, resolve
from tui.postgres.session import Session, prepare
from tui.postgres.target import Target

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

__all__ = ["Door", "Session", "connect"]

Connection = TypeVar("Connection", bound=psycopg.AsyncConnection[Any])

# The pool logs each failed attempt as a warning, which Python prints to stderr where nobody listens: the screen.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# A server that says one of these is busy with itself: another of its addresses may do.
_NOT_NOW = frozenset({"57P03"})


async def connect(target: Target, timeout_s: float = 10.0, addresses: Sequence[str] = ()) -> Session:
    """Open a session within `timeout_s`. Raises CannotConnect, with a finding that says why and what to do.

    `addresses` are those of the host, best first, where the caller has looked them up already.
    """
    outcome = await _attempt(target, timeout_s, addresses)
    if isinstance(outcome, Failure):
        raise CannotConnect(explain(outcome, target))
    opened, address = outcome
    return Session(await _wrap(psycopg.AsyncConnection[Any], opened), target, address)


async def _attempt(target: Target, timeout_s: float, addresses: Sequence[str] = ()) -> tuple[PGconn, str] | Failure:
    """Try the addresses of a target in turn, until a server answers yes or no."""
    deadline = time.monotonic() + timeout_s
    try:
        addresses = addresses or await resolve(target.host, target.port, timeout_s)
    except NotResolved as error:
        return error.failure
    failure = Failure("resolve", code="EAI_NONAME")
    for index, address in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0 and index:
            break
        try:
            return await open_socket(target, address, max(left, 0.1) / (len(addresses) - index)), address
        except NotOpened as error:
            failure = error.failure
            if failure.stage != "tcp" and failure.code not in _NOT_NOW:
                break
    return failure


async def _wrap(kind: type[Connection], opened: PGconn) -> Connection:
    connection = kind(opened)
    await connection.set_autocommit(True)
    prepare(connection)
    return connection


class Door:
    """Keeps at most one socket to a server open, opens it when it is first asked for, and again when it broke.

    After a failure the pool tries again by itself, ever more rarely and with jitter; until then `session` raises the
    cause of the last attempt at once.
    """

    def __init__(self, target: Target, *, connect_timeout_s: float = 10.0, give_up_s: float = 300.0) -> None:
        self.target = target
        self._timeout_s = connect_timeout_s
        self._failed = asyncio.Event()
        self._cause: Finding | None = None
        self._attempting: asyncio.Future[tuple[PGconn, str] | Failure] | None = None
        self._address = ""
        self._pool: psycopg_pool.AsyncConnectionPool[Any] | None = None
        self._give_up_s = give_up_s
        self._closed = False

    @contextlib.asynccontextmanager
    async def session(self, timeout_s: float = 10.0) -> AsyncIterator[Session]:
        """Lend the one session, for the length of the block. Raises CannotConnect."""
        pool = await self._opened()
        connection = await self._get(pool, timeout_s)
        try:
            yield Session(connection, self.target, self._address)
        finally:
            await pool.putconn(connection)

    async def _opened(self) -> psycopg_pool.AsyncConnectionPool[Any]:
        if self._closed:
            raise CannotConnect(Finding("session", "failed", f"The door to {self.target.place} is closed"))
        if self._pool is None:
            self._pool = psycopg_pool.AsyncConnectionPool(
                connection_class=self._recorder(),
                min_size=0,
                max_size=1,
                open=False,
                num_workers=1,
                reconnect_timeout=self._give_up_s,
                name=f"door to {self.target.place}",
            )
            await self._pool.open()
        return self._pool

    def _recorder(self) -> type[psycopg.AsyncConnection[Any]]:
        """Return a connection class that opens sockets our way and keeps the cause when one does not open."""
        door = self

        class Recorded(psycopg.AsyncConnection[Any]):
            @classmethod
            async def connect(cls, conninfo: str = "", **kwargs: Any) -> Self:
                return await _wrap(cls, await door._open())

        return Recorded

    async def _open(self) -> PGconn:
        self._attempting = asyncio.ensure_future(_attempt(self.target, self._timeout_s))
        try:
            outcome = await self._attempting
        except asyncio.CancelledError:
            self._attempting.cancel()
            raise
        if isinstance(outcome, Failure):
            self._cause = explain(outcome, self.target)
            self._failed.set()
            raise psycopg.OperationalError("the door keeps the cause")
        self._failed.clear()
        opened, self._address = outcome
        return opened

    async def _get(self, pool: psycopg_pool.AsyncConnectionPool[Any], timeout_s: float) -> psycopg.AsyncConnection[Any]:
        """Return the pool's connection, or raise the cause as soon as there is one."""
        getting = asyncio.ensure_future(pool.getconn(timeout=timeout_s))
        failing = asyncio.ensure_future(self._failed.wait())
        try:
            await asyncio.wait({getting, failing}, return_when=asyncio.FIRST_COMPLETED)
            if getting.done() and not getting.exception():
                connection: psycopg.AsyncConnection[Any] = await getting
                return connection
        except asyncio.CancelledError:
            await self._give_back(pool, getting)
            raise
        finally:
            failing.cancel()
        await self._give_back(pool, getting)
        silence = explain(Failure("session", code="ETIMEDOUT", timeout_s=timeout_s), self.target)
        raise CannotConnect(self._cause or silence) from None

    @staticmethod
    async def _give_back(pool: psycopg_pool.AsyncConnectionPool[Any], getting: asyncio.Future[Any]) -> None:
        getting.cancel()
        await asyncio.wait({getting})  # unlike awaiting it, this tells its cancellation from the caller's
        if not getting.cancelled() and getting.exception() is None:
            await pool.putconn(getting.result())

    @property
    def closed(self) -> bool:
        """Whether it is closed for good."""
        return self._closed

    async def close(self) -> None:
        """Close the socket, and stop trying; leaves nothing behind."""
        self._closed = True
        if self._attempting is not None:
            self._attempting.cancel()
        if self._pool is not None:
            await self._pool.close(timeout=1.0)
            self._pool = None
