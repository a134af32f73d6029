"""The one socket through which a server is watched, and what was learned of the server through it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, LiteralString

from tui.postgres.door import Door
from tui.postgres.errors import QueryFailed
from tui.postgres.target import target
from tui.sockets import queries
from tui.sockets.churn import Churn
from tui.sockets.lending import Lent
from tui.sockets.model import Limits, Snapshot

if TYPE_CHECKING:
    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.postgres.door import Session
    from tui.sockets.model import Group
    from tui.sockets.queries import Identity, Sight

CONNECT_TIMEOUT_S = 10.0
QUERY_TIMEOUT_S = 5.0
# Limits and grants change rarely: they are read again this often.
LEARN_EVERY_S = 60.0
# A pooler in between lost the statement, or has it from another client.
_STATEMENT_LOST = frozenset({"26000", "42P05"})
# Bytes in a query that the database's encoding, or the client's, has no letters for.
_UNREADABLE = frozenset({"22021", "22P05"})

# How long idle is stale, the cap of groups, patterns of applications, networks of clients.
Arguments = tuple[float, int, list[str], list[str]]


class Lookout:
    """Polls a server through the door of one of its Connections. Raises ServerError; then close it."""

    identity: Identity
    sight: dict[str, Sight]
    own_sight: Sight

    def __init__(self, connection: Connection, password: Secret | None) -> None:
        self.connection = connection
        self._door = Door(target(connection.parameters, password), connect_timeout_s=CONNECT_TIMEOUT_S)
        self._limits: Limits
        self._pid: int | None = None
        self._learn_at = 0.0
        self._usernames: list[str] = []
        self._pooled = False
        self._prepared: tuple[LiteralString, Arguments] | None = None
        self._folds = False  # whether there are more groups than a poll may return
        self._comments = True
        self._version = 0
        self._churn = Churn()

    async def poll(self, arguments: Arguments, usernames: list[str], databases: list[str]) -> Snapshot:
        """Return what the server holds now, for Connections of these roles and databases."""
        async with self._door.session(CONNECT_TIMEOUT_S) as session:
            await self._learn(session, usernames)
            groups = await self._groups(session, arguments)
            at = time.time()
            sees_all = self.own_sight.sees_all and not any(group.state == "unknown" for group in groups)
            if self._version >= queries.OPENED_SINCE and self._churn.is_due(time.monotonic()):
                await self._read_opened(session, databases)
            return Snapshot(at, groups, self._limits, sees_all, self._churn.per_minute())

    async def learn(self, usernames: list[str]) -> None:
        """Open the socket, and learn which server this is and what its roles see; nothing to do where it is known."""
        if self._pid is None or self._is_due(usernames):
            async with self._door.session(CONNECT_TIMEOUT_S) as session:
                await self._learn(session, usernames)

    def lend(self) -> Lent:
        """Return the socket for statements of others, one at a time between polls."""
        return Lent(self._door)

    async def close(self) -> None:
        """Close the socket."""
        await self._door.close()

    async def _learn(self, session: Session, usernames: list[str]) -> None:
        if session.backend_pid != self._pid:  # the door opened a new socket: it may lead to another server
            self._learn_at = 0.0
            self._prepared = None
            self._churn = Churn()
            self._pid = session.backend_pid
        if not self._is_due(usernames):
            return
        (row,) = await session.rows(queries.IDENTITY, timeout_s=QUERY_TIMEOUT_S)
        self._pooled = row["pid"] != session.backend_pid
        self._version = row["version"]
        self.identity = queries.Identity(await _system(session), row["started"], row["port"])
        self.sight = queries.read_sight(
            await session.rows(queries.SIGHT, (usernames, usernames), timeout_s=QUERY_TIMEOUT_S)
        )
        self.own_sight = self.sight.get(row["username"], queries.Sight())
        self._limits = queries.read_limits(await session.rows(queries.SETTINGS, timeout_s=QUERY_TIMEOUT_S))
        self._learn_at = time.monotonic() + LEARN_EVERY_S
        self._usernames = usernames

    def _is_due(self, usernames: list[str]) -> bool:
        return usernames != self._usernames or time.monotonic() >= self._learn_at

    async def _read_opened(self, session: Session, databases: list[str]) -> None:
        """Read how many sockets were ever opened. A server that does not say loses no poll by it."""
        try:
            rows = await session.rows(queries.OPENED, (databases,), timeout_s=QUERY_TIMEOUT_S)
        except QueryFailed:
            if session.closed:
                raise
            self._version = 0  # not asked again until the slow things are read again
        else:
            self._churn.add(time.monotonic(), {row["database"]: row["sockets"] for row in rows})

    async def _groups(self, session: Session, arguments: Arguments) -> tuple[Group, ...]:
        """Poll; where there are too many groups, with the smallest of them folded, until there are far fewer."""
        most = arguments[1]
        rows = await self._rows(session, arguments)
        if not self._folds and len(rows) > most:
            self._folds = True
            rows = await self._rows(session, arguments)
        elif self._folds:
            self._folds = sum(row["kinds"] for row in rows) > most / 2
        return queries.read_groups(rows, pooled=self._pooled)

    async def _rows(self, session: Session, arguments: Arguments) -> list[dict[str, Any]]:
        """Run the poll: prepared, which spares the server a fifth of it, where the socket is the server's own."""
        try:
            return await self._ask(session, arguments)
        except QueryFailed as error:
            code = error.finding.code
            if code in _STATEMENT_LOST and not self._pooled:
                self._pooled = True
            elif code in _UNREADABLE and self._comments:
                self._comments = False
            else:
                raise
        return await self._rows(session, arguments)

    async def _ask(self, session: Session, arguments: Arguments) -> list[dict[str, Any]]:
        poll = queries.POLL_FOLDED if self._folds else queries.POLL
        poll = poll if self._comments else queries.without_comments(poll)
        values = arguments if self._folds else arguments[:2]
        if self._pooled:
            return await session.rows(poll, values, timeout_s=QUERY_TIMEOUT_S)
        if self._prepared != (poll, arguments):
            await self._unprepare(session)
            await session.rows("PREPARE pgconns_poll AS " + poll, values, timeout_s=QUERY_TIMEOUT_S)
            self._prepared = poll, arguments
        return await session.rows("EXECUTE pgconns_poll", timeout_s=QUERY_TIMEOUT_S)

    async def _unprepare(self, session: Session) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            await session.rows("DEALLOCATE pgconns_poll", timeout_s=QUERY_TIMEOUT_S)


async def _system(session: Session) -> str:
    """Return the system identifier; empty where a provider hides it: the start's time still tells servers apart."""
    try:
        return str((await session.rows(queries.SYSTEM, timeout_s=QUERY_TIMEOUT_S))[0]["system"])
    except QueryFailed:
        if session.closed:
            raise
        return ""
