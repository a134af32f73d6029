"""Lends the socket through which a server is watched: on a full server no other can be opened to act through."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.postgres.door import Door
    from tui.postgres.target import Target

_WAITS_S = 10.0


class Asked(Protocol):
    """What single backends are read and acted on through: a session, or a socket that is lent."""

    @property
    def target(self) -> Target:
        """Where it leads, and as which role."""

    @property
    def closed(self) -> bool:
        """Whether it is gone for good."""

    async def rows(self, sql: str, params: Sequence[Any] = (), timeout_s: float = 5.0) -> list[dict[str, Any]]:
        """Return the rows of one statement. Raises ServerError."""


class Lent:
    """A door's one socket, for one statement at a time: polls go on between them."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._running: set[asyncio.Task[list[dict[str, Any]]]] = set()

    @property
    def target(self) -> Target:
        """Where it leads, and as which role."""
        return self._door.target

    @property
    def closed(self) -> bool:
        """Whether the server is not watched through it any more."""
        return self._door.closed

    async def rows(self, sql: str, params: Sequence[Any] = (), timeout_s: float = 5.0) -> list[dict[str, Any]]:
        """Return the rows of one statement. Raises ServerError.

        A statement goes on where its caller is cancelled: ending it would end the socket, and there may be no other.
        """
        task = asyncio.ensure_future(self._rows(sql, params, timeout_s))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _rows(self, sql: str, params: Sequence[Any], timeout_s: float) -> list[dict[str, Any]]:
        async with self._door.session(_WAITS_S) as session:
            return await session.rows(sql, params, timeout_s)

    def _ended(self, task: asyncio.Task[list[dict[str, Any]]]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # heard, though the caller may be gone
