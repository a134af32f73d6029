"""The console on counts that nobody took: all of them change at each beat. Writes how long its loop stalled."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.app import Console, _collect_garbage
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry
from tui.connections.secrets import Secrets
from tui.screens.live_panel import LivePanel
from tui.screens.services import Services
from tui.sockets.model import ConnectionCount, Sample, ServerCount
from tui.sockets.past import Trends
from tui.sockets.series import Series

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from textual.screen import Screen

BEAT_S = 0.5
BEATS = 12
TICK_S = 0.001
PER_SERVER = 20


class Changing:
    """A watch whose counts all change at each beat."""

    def __init__(self, connections: Sequence[Connection], on_sample: Callable[[Sample], None]) -> None:
        self.connections = connections
        self.on_sample = on_sample
        self.interval_s = BEAT_S
        self.series = {one.id: Series() for one in connections}
        self.trends = Trends()

    def set_connections(self, connections: Sequence[Connection]) -> None:
        """Go on with the same ones."""

    def set_regions(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        """Count nobody by regions."""

    def retry(self, connection_id: str) -> None:
        """Have nothing to try."""

    def lend(self, connection_id: str) -> None:
        """Have no socket."""

    async def run_errand(self, connection_id: str, errand: Callable[[], Awaitable[None]]) -> bool:
        """Have no socket to do it with."""
        return False

    async def close(self) -> None:
        """Have nothing to close."""

    async def run(self) -> None:
        """Make samples beforehand, so that the stalls are those of showing them."""
        samples = [_sample(self.connections, beat) for beat in range(10)]
        beat = 0
        while True:
            beat += 1
            self.on_sample(samples[beat % 10])
            await asyncio.sleep(BEAT_S)


def _sample(connections: Sequence[Connection], beat: int) -> Sample:
    counts, servers = [], {}
    for number, connection in enumerate(connections):
        parameters = connection.parameters
        server = f"{parameters.server}:{parameters.port}"
        sockets = 1 + (number + beat) % 9
        counts.append(
            ConnectionCount(
                connection.name, connection.id, server, sockets, (1, sockets - 1, 0, 0, 0), headroom=97 - sockets,
                limit=97, bounded_by="server",
            )
        )  # fmt: skip
        servers[server] = ServerCount(server, 100, 3, 40 + beat, 57 - beat, 1, 39 + beat, 0, "full", time.time())
    return Sample(time.time(), tuple(servers.values()), tuple(counts), ())


class Stalling(Console):
    """The console with a panel fed by Changing."""

    def __init__(self, number: int, place: Path) -> None:
        super().__init__(Services(Registry(), Secrets()))
        self.connections = tuple(
            Connection(
                str(n),
                Parameters(name=f"C{n:04}", server=f"db{n // PER_SERVER}", username=f"carto_{n}", database="gis"),
            )
            for n in range(number)
        )
        self.place = place

    def get_default_screen(self) -> Screen[Any]:
        """Start with the panel, fed by hand."""
        return LivePanel(self.services, lambda connections, password_of, interval_s, on_sample: _never())

    async def on_mount(self) -> None:
        """Time the loop once the panel is shown."""
        self.run_worker(self._measure(), description="measure")

    async def _measure(self) -> None:
        await asyncio.sleep(1.5)
        _collect_garbage()
        panel = self.screen
        assert isinstance(panel, LivePanel)
        panel.services.registry.stamp = lambda: panel._stamp  # type: ignore[method-assign, assignment, return-value]
        panel.registry_read = True
        panel.latest = type(panel.latest)(connections=self.connections)
        panel.watching = watch = Changing(self.connections, panel._on_sample)
        running = asyncio.create_task(watch.run())
        found = {}
        for words, keys in (("panel", []), ("sorted by sockets", ["s"])):
            for key in keys[:1]:
                panel.post_message(_key(key))
            await asyncio.sleep(2 * BEAT_S)
            longest = 0.0
            end = time.perf_counter() + BEATS * BEAT_S
            while (before := time.perf_counter()) < end:
                await asyncio.sleep(TICK_S)
                longest = max(longest, time.perf_counter() - before - TICK_S)
            found[words] = longest
        running.cancel()
        partial = self.place.with_suffix(".partial")
        partial.write_text(json.dumps(found))
        partial.rename(self.place)
        self.exit(0)


def _key(name: str) -> Any:
    from textual import events
    from textual.keys import _character_to_key

    return events.Key(_character_to_key(name) if len(name) == 1 else name, name if len(name) == 1 else None)


def _never() -> Any:
    raise AssertionError


if __name__ == "__main__":
    Stalling(int(sys.argv[2]), Path(sys.argv[1])).run()
