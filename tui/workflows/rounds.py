"""Looks at the locations for temporary tables, one after the other, every ten minutes, while something records.

The socket that watches a server looks at those of its database. For another database a socket is opened in its place,
for a moment: a server never has two of ours.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

from tui.connections.secret import SecretsError
from tui.postgres.door import connect
from tui.postgres.errors import ServerError
from tui.postgres.target import target
from tui.workflows.looking import look, look_into
from tui.workflows.tables import Elsewhere, spot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.postgres.target import Target
    from tui.sockets.lending import Lent
    from tui.workflows.tables import Look, Spot

EVERY_S = 600.0
# The first round begins when the servers were met.
FIRST_S = 5.0
_CONNECT_S = 5.0


class Watching(Protocol):
    """What lends the sockets that watch servers."""

    def lend(self, connection_id: str) -> Lent | None:
        """Return the socket through which a Connection's server is watched; None where none is open."""

    async def run_errand(self, connection_id: str, errand: Callable[[], Awaitable[None]]) -> bool:
        """Have something done with a socket of its own in that one's place; return whether it was done."""


class Keeper(Protocol):
    """Where it is kept. Its methods block; what cannot be kept is left out."""

    def looked(self, spot: Spot) -> float | None:
        """Return when a location was looked at last."""

    def keep(self, spot: Spot, look: Look | None, at: float, error: str = "") -> None:
        """Keep what was seen, or why nothing could be."""


class Rounds:
    """Makes the rounds until cancelled; `connections` are asked for at each, and `is_due` whether it is to be made."""

    def __init__(
        self,
        watching: Watching,
        keeper: Keeper,
        password_of: Callable[[Connection], Awaitable[Secret | None]],
        connections: Callable[[], Iterable[Connection]],
        is_due: Callable[[], bool],
    ) -> None:
        self._watching = watching
        self._keeper = keeper
        self._password_of = password_of
        self._connections = connections
        self._is_due = is_due
        self._tried: dict[Spot, float] = {}

    async def run(self) -> None:
        """Make the rounds."""
        await asyncio.sleep(FIRST_S)
        while True:
            if self._is_due():
                await self.make()
            await asyncio.sleep(EVERY_S / 10)

    async def make(self) -> None:
        """Look at each location that was not looked at lately, once, whatever number of Connections share it."""
        for where, connection in {spot(one): one for one in self._connections()}.items():
            looked = await asyncio.to_thread(self._keeper.looked, where)
            tried = self._tried.get(where, -EVERY_S)
            lately = looked is not None and 0 <= time.time() - looked < EVERY_S
            if not lately and time.monotonic() - tried >= EVERY_S:
                await self._visit(where, connection)

    async def _visit(self, where: Spot, connection: Connection) -> None:
        lent = self._watching.lend(connection.id)
        elsewhere: Elsewhere | None = None
        if lent is not None and lent.target.database == where.database:
            try:
                seen = await look(lent, where.location)
            except ServerError as error:
                await self._keep(where, None, error.finding.message)
                return
            if not isinstance(seen, Elsewhere):
                await self._keep(where, seen)
                return
            elsewhere = seen
        await self._watching.run_errand(connection.id, partial(self._go, where, connection, elsewhere))

    async def _go(self, where: Spot, connection: Connection, elsewhere: Elsewhere | None) -> None:
        """Look with sockets of its own, one after the other."""
        try:
            if elsewhere is None:
                async with await connect(await self._target(connection), _CONNECT_S) as session:
                    seen = await look(session, where.location)
                if not isinstance(seen, Elsewhere):
                    await self._keep(where, seen)
                    return
                elsewhere = seen
            there = connection._replace(parameters=connection.parameters._replace(database=elsewhere.database))
            async with await connect(await self._target(there), _CONNECT_S) as session:
                await self._keep(where, await look_into(session, elsewhere.schema))
        except ServerError as error:
            await self._keep(where, None, error.finding.message)
        except SecretsError as error:
            await self._keep(where, None, str(error))

    async def _target(self, connection: Connection) -> Target:
        return target(connection.parameters, await self._password_of(connection))

    async def _keep(self, where: Spot, seen: Look | None, error: str = "") -> None:
        self._tried[where] = time.monotonic()
        await asyncio.to_thread(self._keeper.keep, where, seen, time.time(), error)
