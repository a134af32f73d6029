"""A Connection's server, asked for single sockets and told to act: each time by a short session of its own."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.connections.secret import Secret
    from tui.postgres.door import Session
    from tui.sockets.backends import Backend, Listing
    from tui.sockets.control import Done, Plan, Result


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
    """The server itself."""

    def __init__(self, connection: Connection, registry: Registry) -> None:
        self._connection = connection
        self._registry = registry

    async def listed(self, password: Secret | None, *, whole_server: bool) -> Listing:
        """Return the sockets of the Connection, or all of its server. Raises ServerError, RegistryError."""
        from tui.sockets.attribution import Attribution  # noqa: PLC0415 - when first used, like all below
        from tui.sockets.backends import backends, belonging  # noqa: PLC0415
        from tui.sockets.credentials import place  # noqa: PLC0415

        async with await self._session(password) as session:
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

        async with await self._session(password) as session:
            wanted = Filter(pids=(backend.pid,))
            listing = await backends(session, wanted, most=1, query_bytes=WHOLE_QUERY_BYTES)
        return next((one for one in listing.backends if one.started == backend.started), None)

    async def act(self, password: Secret | None, plan: Plan, on_result: Callable[[Result], None]) -> Done:
        """Carry a plan out. Raises ServerError where no session opens."""
        from tui.sockets.control import carry_out  # noqa: PLC0415

        async with await self._session(password) as session:
            return await carry_out(session, plan, on_result)

    async def _session(self, password: Secret | None) -> Session:
        await asyncio.to_thread(import_module, "tui.postgres.door")  # 290 ms, which the screen is not to wait for
        from tui.postgres.door import connect  # noqa: PLC0415
        from tui.postgres.target import target  # noqa: PLC0415

        return await connect(target(self._connection.parameters, password))
