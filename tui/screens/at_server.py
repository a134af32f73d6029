"""A Connection's server, asked for single sockets and told to act: each time by a short session of its own.

On a full server none opens: then the socket that watches the server is lent for it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.connections.secret import Secret
    from tui.sockets.backends import Backend, Listing
    from tui.sockets.control import Done, Plan, Result
    from tui.sockets.lending import Asked, Lent

    Lend = Callable[[str], Lent | None]

_FULL = "53300"


class AtServer(Protocol):
    """What the screens of single sockets need of a server. All raise ServerError, whose finding says why."""

    async def listed(self, password: Secret | None, *, whole_server: bool) -> Listing:
        """Return the sockets of the Connection, or all of its server."""

    async def whole(self, password: Secret | None, backend: Backend) -> Backend | None:
        """Return a backend with its whole query; None when it has gone."""

    async def act(self, password: Secret | None, plan: Plan, on_result: Callable[[Result], None]) -> Done:
        """Carry a plan out."""


class OpenAtServer(Protocol):
    """Makes an AtServer."""

    def __call__(self, connection: Connection, registry: Registry) -> AtServer:
        """Return the server of `connection`; the others in `registry` have a say in whose a socket is."""


class RealServer:
    """The server itself. `lend` returns the socket that watches the server of a Connection, by its id."""

    def __init__(self, connection: Connection, registry: Registry, lend: Lend = lambda _: None) -> None:
        self._connection = connection
        self._registry = registry
        self._lend = lend

    async def listed(self, password: Secret | None, *, whole_server: bool) -> Listing:
        """Return the sockets of the Connection, or all of its server. Raises ServerError, RegistryError."""
        from tui.sockets.attribution import Attribution  # noqa: PLC0415 - when first used, like all below
        from tui.sockets.backends import backends, belonging  # noqa: PLC0415
        from tui.sockets.credentials import place  # noqa: PLC0415

        async with self.asked(password) as session:
            listing = await backends(session)
        if whole_server:
            return listing
        registered = await asyncio.to_thread(self._registry.load)
        here = place(self._connection)
        others = [one for one in registered if place(one) == here and one.id != self._connection.id]
        return belonging(listing, Attribution((self._connection, *others)), self._connection)

    async def whole(self, password: Secret | None, backend: Backend) -> Backend | None:
        """Return a backend with its whole query; None when it has gone. Raises ServerError."""
        from tui.sockets.backends import WHOLE_QUERY_BYTES, Filter, backends  # noqa: PLC0415

        async with self.asked(password) as session:
            wanted = Filter(pids=(backend.pid,))
            listing = await backends(session, wanted, most=1, query_bytes=WHOLE_QUERY_BYTES)
        return next((one for one in listing.backends if one.started == backend.started), None)

    async def act(self, password: Secret | None, plan: Plan, on_result: Callable[[Result], None]) -> Done:
        """Carry a plan out. Raises ServerError where no session opens."""
        from tui.sockets.control import carry_out  # noqa: PLC0415

        async with self.asked(password) as session:
            return await carry_out(session, plan, on_result)

    @asynccontextmanager
    async def asked(self, password: Secret | None) -> AsyncIterator[Asked]:
        """Open a session for the length of the block, or borrow the socket that watches. Raises ServerError."""
        await asyncio.to_thread(import_module, "tui.postgres.door")  # 290 ms, which the screen is not to wait for
        from tui.postgres.door import connect  # noqa: PLC0415
        from tui.postgres.errors import CannotConnect  # noqa: PLC0415
        from tui.postgres.target import target  # noqa: PLC0415

        try:
            session = await connect(target(self._connection.parameters, password))
        except CannotConnect as error:
            lent = self._lend(self._connection.id) if error.finding.code == _FULL else None
            if lent is None:
                raise
        else:
            async with session:
                yield session
            return
        yield lent
