"""What is done with a socket of its own in the place of the one that watches a server, between two polls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

# No longer than this, so that the place is soon taken again.
LONGEST_S = 15.0

Errand = Callable[[], Awaitable[None]]


class Errands:
    """Errands that wait to be seen to, one after the other."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Errand, asyncio.Future[bool]]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, errand: Errand) -> asyncio.Future[bool]:
        """Have one more done; the future says whether it was."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((errand, done))
        return done

    async def see_to(self) -> None:
        """Do all that wait, but those whose callers are gone."""
        while self._waiting:
            errand, done = self._waiting[0]
            if not done.done():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LONGEST_S):
                        await errand()
            self._waiting.pop(0)
            if not done.done():
                done.set_result(True)

    def drop(self) -> None:
        """Tell all that wait that nothing comes of it."""
        for _, done in self._waiting:
            if not done.done():
                done.set_result(False)
        self._waiting.clear()
