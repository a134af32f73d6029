"""A session: one open socket, used read-only, bounded in time, and closed without leaving anything behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import dict_row

from tui.postgres.errors import Failure, QueryFailed
from tui.postgres.explain_query import explain_query
from tui.postgres.target import Target

# How long the server may overrun its own statement_timeout before the network is taken for deaf.
_GRACE_S = 2.0
_CANCEL_S = 1.0


class _Tolerant(Loader):
    """Reads text that may not be UTF-8: a SQL_ASCII database hands out whatever bytes it was given."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode("utf-8", "replace")


class Session:
    """One open socket. Every call is its own short read-only transaction, so it works behind a transaction pooler.

    Settings are made with SET LOCAL in the same message as the statement: they cost no round trip, and leave nothing
    in a server connection that a pooler hands to others. Only pg_catalog is on the search_path.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any], target: Target, address: str) -> None:
        self._connection = connection
        self.target = target
        self.address = address
        # A SQL_ASCII database holds any bytes, and refuses to hand those that are no UTF-8 to a client that reads it.
        ascii_only = self.parameter("server_encoding") == "SQL_ASCII"
        self._raw = " SET LOCAL client_encoding = 'SQL_ASCII';" if ascii_only else ""

    async def rows(self, sql: str, params: Sequence[Any] = (), timeout_s: float = 5.0) -> list[dict[str, Any]]:
        """Return the rows of one statement, in one round trip. Raises QueryFailed.

        Values go into `params` (%s in `sql`, and then %% for a percent sign); names are quoted by `quoting.identifier`.
        Ask for numbers and text rather than for times, whose form follows the role's DateStyle.
        """
        milliseconds = max(1, int(timeout_s * 1000))
        statements = (
            f"BEGIN READ ONLY; SET LOCAL statement_timeout = {milliseconds};"
            f" SET LOCAL lock_timeout = {max(1, milliseconds // 2)}; SET LOCAL search_path = pg_catalog, pg_temp;"
            f"{self._raw}\n{sql}\n; COMMIT"
        )
        return await self._bounded(statements, params, timeout_s)

    async def verbatim(self, statement: str, timeout_s: float = 5.0) -> list[dict[str, Any]]:
        """Return the rows of a statement sent just as it stands, in no transaction. Raises QueryFailed.

        For what speaks the protocol and no SQL, such as PgBouncer's console: nothing but our own clock bounds it.
        """
        return await self._bounded(statement, (), timeout_s)

    async def _bounded(self, statements: str, params: Sequence[Any], timeout_s: float) -> list[dict[str, Any]]:
        """Run statements within their time and the grace; where it runs out, the socket is gone."""
        task = asyncio.ensure_future(self._run(statements, params))
        try:
            done, _ = await asyncio.wait({task}, timeout=timeout_s + _GRACE_S)
        except asyncio.CancelledError:
            await self._abandon(task, cancel=True)
            raise
        if not done:
            await self._abandon(task, cancel=False)
            raise QueryFailed(explain_query(Failure("session", code="ETIMEDOUT", timeout_s=timeout_s), self.target))
        outcome = task.result()
        if isinstance(outcome, Failure):
            raise QueryFailed(explain_query(outcome, self.target, ended=self.closed))
        return outcome

    async def _run(self, statements: str, params: Sequence[Any]) -> list[dict[str, Any]] | Failure:
        connection = self._connection
        try:
            async with connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(statements.encode(), params or None)
                while cursor.description is None:
                    if not cursor.nextset():
                        return []
                return await cursor.fetchall()
        except psycopg.Error as error:
            failure = _failure(error)
        if not connection.closed:
            with contextlib.suppress(psycopg.Error):
                await connection.rollback()
        return failure

    async def _abandon(self, task: asyncio.Task[Any], *, cancel: bool) -> None:
        """End a running statement and the socket, whatever the network does, and however often we are cancelled."""
        connection = self._connection
        try:
            if cancel and not connection.closed:
                with contextlib.suppress(psycopg.Error):
                    await connection.cancel_safe(timeout=_CANCEL_S)
        finally:
            hang_up(connection)
            task.add_done_callback(lambda _: connection.pgconn.finish())
        await asyncio.wait({task}, timeout=_CANCEL_S)

    def parameter(self, name: str) -> str | None:
        """Return what the server reported of a parameter, such as server_version; None where it reported nothing."""
        return self._connection.info.parameter_status(name)

    @property
    def backend_pid(self) -> int:
        """The process that the door named at start-up: a pooler invents one."""
        return self._connection.pgconn.backend_pid

    @property
    def encrypted(self) -> bool:
        """Whether this socket is under TLS, as seen from here."""
        return self._connection.pgconn.ssl_in_use

    @property
    def used_password(self) -> bool:
        """Whether the server asked for a password."""
        return bool(self._connection.pgconn.used_password)

    @property
    def closed(self) -> bool:
        """Whether the socket is gone."""
        return bool(self._connection.closed or self._connection.broken)

    async def close(self) -> None:
        """Say goodbye and close the socket; at once, and any number of times."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def prepare(connection: psycopg.AsyncConnection[Any]) -> None:
    """Make a connection one that speaks the simple protocol, prepares nothing, and reads any bytes as text."""
    connection.cursor_factory = psycopg.AsyncClientCursor
    connection.prepare_threshold = None
    for name in ("text", "varchar", "bpchar", "name", '"char"'):
        connection.adapters.register_loader(name, _Tolerant)
    connection.adapters.register_loader(0, _Tolerant)


def hang_up(connection: psycopg.AsyncConnection[Any]) -> None:
    """Shut the socket down under libpq, so that whoever waits for it wakes up and fails."""
    if connection.closed:
        return
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as twin:
        twin.shutdown(socket.SHUT_RDWR)


def _failure(error: psycopg.Error) -> Failure:
    diagnostic = error.diag
    text = diagnostic.message_primary or " ".join(str(error).split())
    detail = diagnostic.message_detail
    return Failure(
        "session",
        f"{text}\n{detail}" if detail else text,
        error.sqlstate or "",
        where=diagnostic.source_function or "",
        hint=diagnostic.message_hint or "",
    )
