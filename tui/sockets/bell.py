"""Tells any number of waiting tasks that something happened."""

from __future__ import annotations

import asyncio


class Bell:
    """Rung by callbacks, waited for by tasks; each waiter remembers which ring it heard last."""

    def __init__(self) -> None:
        self.rung = 0
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits."""
        self.rung += 1
        self._event.set()
        self._event = asyncio.Event()

    async def after(self, heard: int) -> int:
        """Wait until it was rung more than `heard` times; return how often it was."""
        while self.rung <= heard:
            await self._event.wait()
        return self.rung
