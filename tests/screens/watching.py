"""A Watch of no server: the test says what it counts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.screens.conftest import until
from tui.screens.live_panel import LivePanel
from tui.sockets.past import Trends
from tui.sockets.series import Series

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from textual.pilot import Pilot

    from tui.connections.model import Connection
    from tui.screens.watching import OnSample, PasswordOf
    from tui.sockets.lending import Lent
    from tui.sockets.model import Sample


class FakeWatch:
    """Stands in for the sampler."""

    def __init__(
        self, connections: Sequence[Connection], password_of: PasswordOf, interval_s: float, on_sample: OnSample
    ) -> None:
        self.connections = tuple(connections)
        self.password_of = password_of
        self.interval_s = interval_s
        self.on_sample = on_sample
        self.series: dict[str, Series] = {}
        self.trends = Trends()
        self.retried: list[str] = []
        self.regions: dict[str, tuple[str, ...]] = {}
        self.closed = False

    def set_connections(self, connections: Sequence[Connection]) -> None:
        """Remember what is to be counted."""
        self.connections = tuple(connections)

    def set_regions(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        """Remember the regions' addresses."""
        self.regions = dict(addresses)

    def retry(self, connection_id: str) -> None:
        """Remember whose credentials were to be tried again."""
        self.retried.append(connection_id)

    def lend(self, connection_id: str) -> Lent | None:
        """Have no socket."""

    async def run_errand(self, connection_id: str, errand: Callable[[], Awaitable[None]]) -> bool:
        """Have no server."""
        return False

    async def run(self) -> None:
        """Count nothing by itself."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Remember it."""
        self.closed = True

    def count(self, sample: Sample) -> None:
        """Hand out a sample, as the sampler does."""
        for count in sample.connections:
            self.trends.add(count.id, sample.at, count.sockets, count.stale, count.limit)
            self.series[count.id] = self.series.get(count.id, Series()).add(sample.at, count.sockets)
        self.on_sample(sample)


async def watching(pilot: Pilot[int]) -> FakeWatch:
    """Wait until the live panel counts, and return what it counts with."""

    def found() -> list[FakeWatch]:
        panels = [screen for screen in pilot.app.screen_stack if isinstance(screen, LivePanel)]
        return [panel.watching for panel in panels if isinstance(panel.watching, FakeWatch)]

    await until(pilot, found)
    await pilot.pause()
    return found()[0]
