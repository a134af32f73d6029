"""Watches all servers at once, and makes of what they say one stream of samples.

One task per server. Connections first stand together by host and port; servers that prove to be the same, by their
identity, are merged, so that each keeps one socket however many names lead to it. When a server comes back as another
(a failover, a restart), its addresses are told apart and asked again. A sample is made at each beat from what is known
then: a slow server's last count keeps its time, a dead one's reason stands instead of its counts.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.sockets.bell import Bell
from tui.sockets.credentials import place
from tui.sockets.model import Sample
from tui.sockets.past import Trends
from tui.sockets.series import Series
from tui.sockets.server import Circumstances, PasswordOf, ServerWatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from tui.connections.model import Connection
    from tui.sockets.errands import Errand
    from tui.sockets.lending import Lent
    from tui.sockets.model import Polls
    from tui.sockets.queries import Identity

# A sample waits so long for servers that are about to answer.
GRACE_S = 1.0
# So many servers are polled in one go; more are spread over a part of the interval.
AT_ONCE = 16
_SPREAD = 0.4
# Trends may take such a part of the time, and never hold up the screen for longer, however many Connections there are.
_FOR_TRENDS, _TRENDS_AT_ONCE_S = 0.01, 0.015
# Between beats, news of late servers is gathered for so long before it is told.
_GATHER_S = 1.0


class Watch:
    """Counts the sockets of Connections until it is closed.

    `sample` is always there; before the first beat it counts nothing. `on_sample` is called with each new one, also
    when a late server reports between beats. `series` holds the last counts of each Connection, by its id, one per
    beat; `trends` a day of them, by the same ids and by the labels of servers. `completed` adds to each sample what
    others know.
    """

    def __init__(
        self,
        connections: Sequence[Connection],
        password_of: PasswordOf,
        interval_s: float = 2.0,
        region_addresses: Mapping[str, tuple[str, ...]] | None = None,
        on_sample: Callable[[Sample], None] | None = None,
        trends: Trends | None = None,
        completed: Callable[[Sample], Sample] = lambda sample: sample,
    ) -> None:
        self.series: dict[str, Series] = {}
        self.trends = trends or Trends()
        self.on_sample = on_sample
        self._completed = completed
        self._circumstances = Circumstances(password_of, interval_s, region_addresses or {})
        self._connections: tuple[Connection, ...] = ()
        self._servers: list[ServerWatch] = []
        self._tasks: dict[ServerWatch, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._running: asyncio.Task[None] | None = None
        self._beat = 0
        self._news = Bell()
        self._sampled = Bell()
        self._hurry = False
        self.set_connections(connections)
        self.sample = self._assemble()

    @property
    def interval_s(self) -> float:
        """The seconds between two beats; may be set at any time."""
        return self._circumstances.interval_s

    @interval_s.setter
    def interval_s(self, seconds: float) -> None:
        self._circumstances.interval_s = seconds
        self._hurry = True
        self._news.ring()

    def polls(self) -> dict[str, Polls]:
        """Return how the polls of each server went until now, by its label."""
        return {server.label: server.polls for server in self._servers}

    def set_connections(self, connections: Sequence[Connection]) -> None:
        """Watch other Connections from now on; what stays as it was is not disturbed."""
        at = {one: server for server in self._servers for one in server.places}
        members: dict[ServerWatch, list[Connection]] = {server: [] for server in self._servers}
        strangers: list[Connection] = []
        for connection in connections:
            server = at.get(place(connection))
            (strangers if server is None else members[server]).append(connection)
        self._connections = tuple(connections)
        for server, theirs in members.items():
            if not theirs:
                self._servers.remove(server)
                if (task := self._tasks.pop(server, None)) is not None:
                    task.cancel()
            elif tuple(theirs) != server.connections:
                server.replace(theirs)
        self._add(strangers)
        known = {connection.id for connection in connections}
        self.series = {id: series for id, series in self.series.items() if id in known}
        self._news.ring()

    def set_regions(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        """Take these for the regions' addresses from now on; what was seen last is counted anew."""
        self._circumstances.region_addresses = addresses
        for server in self._servers:
            server.replace(server.connections)
        self._news.ring()

    def retry(self, connection_id: str) -> None:
        """Try a Connection's credentials again, at once: its password was changed."""
        for server in self._servers:
            if any(connection.id == connection_id for connection in server.connections):
                server.forget(connection_id)

    def lend(self, connection_id: str) -> Lent | None:
        """Return the socket through which a Connection's server is watched, to act through where it is full."""
        for server in self._servers:
            if any(connection.id == connection_id for connection in server.connections):
                return server.lend()
        return None

    async def run_errand(self, connection_id: str, errand: Errand) -> bool:
        """Have something done with a socket of its own in the place of the one that watches a Connection's server.

        Returns whether it was done; see `ServerWatch.run_errand`.
        """
        for server in self._servers:
            if any(connection.id == connection_id for connection in server.connections):
                return await server.run_errand(errand)
        return False

    async def run(self) -> None:
        """Watch until closed or cancelled; leaves no socket behind."""
        self._running = asyncio.current_task()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for server in self._servers:
                    self._start(server)
                await self._keep_time()
        finally:
            self._group = self._running = None
            self._tasks.clear()

    async def samples(self) -> AsyncGenerator[Sample]:
        """Yield the sample of each beat to come; a slow reader misses some."""
        heard = self._sampled.rung
        while True:
            heard = await self._sampled.after(heard)
            yield self.sample

    async def settled(self) -> None:
        """Wait until every server has answered or failed."""
        while not all(server.settled for server in self._servers):
            await self._news.after(self._news.rung)

    async def close(self) -> None:
        """End `run`, and with it every socket."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    def conclude(self, sentence: str) -> Sample:
        """Return what is known now; `sentence` is the error of servers that have not answered yet."""
        for server in self._servers:
            server.conclude(sentence)
        return self._assemble()

    async def _keep_time(self) -> None:
        """Beat at the interval, on time whatever a beat took, and make a sample at each."""
        now = asyncio.get_running_loop().time
        due = now()
        while True:
            self._hurry = False
            self._beat += 1
            spread = _SPREAD * self.interval_s if len(self._servers) > AT_ONCE else 0.0
            for number, server in enumerate(self._servers):
                server.beat(self._beat, spread * number / len(self._servers))
            await self._wait_for_answers(now() + min(GRACE_S, self.interval_s / 2))
            self._publish(beat=True)
            due += self.interval_s
            if due <= now():
                due = now() + self.interval_s
            await self._wait_for_news(due)
            if self._hurry:
                due = now()

    async def _wait_for_answers(self, until: float) -> None:
        """Wait for the servers that kept up so far; a slow one makes nobody wait."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                while any(server.done == self._beat - 1 and not server.failures for server in self._servers):
                    await self._news.after(self._news.rung)

    async def _wait_for_news(self, until: float) -> None:
        """Wait for the next beat; make a sample in between where a late server has answered."""
        while not self._hurry:
            try:
                async with asyncio.timeout_at(until):
                    await self._news.after(self._news.rung)
                    if not self._hurry:
                        await asyncio.sleep(_GATHER_S)
            except TimeoutError:
                return
            self._publish(beat=False)

    def _publish(self, *, beat: bool) -> None:
        self.sample = self._assemble()
        if beat:
            self._remember(self.sample)
            self._sampled.ring()
        if self.on_sample is not None:
            self.on_sample(self.sample)

    def _remember(self, sample: Sample) -> None:
        """Add a beat's counts to what was; then judge trends, which the next sample tells."""
        names = set()
        for server in sample.servers:
            names.add(server.server)
            self.trends.add(server.server, sample.at, server.used, server.stale, server.limit)
        for count in sample.connections:
            names.add(count.id)
            self.series[count.id] = self.series.get(count.id, Series()).add(sample.at, count.sockets)
            # Others may take sockets of the same limit: what is left of it is this Connection's to fill.
            limit = None if count.sockets is None or count.headroom is None else count.sockets + count.headroom
            self.trends.add(count.id, sample.at, count.sockets, count.stale, limit)
        self.trends.keep(names)
        until = time.perf_counter() + min(_FOR_TRENDS * self.interval_s, _TRENDS_AT_ONCE_S)
        self.trends.judge(sample.at, lambda: time.perf_counter() > until)

    def _assemble(self) -> Sample:
        rank = {connection.id: number for number, connection in enumerate(self._connections)}
        watches = sorted(self._servers, key=lambda one: rank[one.counted.connections[0].id])
        counted = [one.counted for one in watches]
        sample = Sample(
            time.time(),
            tuple(
                replace(
                    one.counted.server,
                    trend=self.trends.of(one.counted.server.server),
                    started_at=one.identity.started / 1_000_000 if one.identity else None,
                )
                for one in watches
            ),
            tuple(
                replace(count, trend=self.trends.of(count.id))
                for count in sorted((c for one in counted for c in one.connections), key=lambda c: rank[c.id])
            ),
            tuple(stranger for one in counted for stranger in one.unregistered),
        )
        return self._completed(sample)

    def _add(self, connections: Sequence[Connection]) -> None:
        """Watch Connections whose server is not known yet: one watch per address."""
        places: dict[tuple[str, int], list[Connection]] = {}
        for connection in connections:
            places.setdefault(place(connection), []).append(connection)
        for members in places.values():
            server = ServerWatch(members, self._circumstances, self._met, self._news.ring)
            self._servers.append(server)
            self._start(server)

    def _start(self, server: ServerWatch) -> None:
        if self._group is not None:
            self._tasks[server] = self._group.create_task(server.run(), name="server watch")
            server.beat(self._beat)

    def _met(self, server: ServerWatch, identity: Identity) -> bool:
        """Learn which server answered; return whether another watch takes over, because it is the same."""
        for other in self._servers:
            if other is not server and other.identity == identity:
                theirs = {connection.id for connection in (*server.connections, *other.connections)}
                self._servers.remove(server)
                self._tasks.pop(server, None)
                other.take_over(server, [connection for connection in self._connections if connection.id in theirs])
                self._news.ring()
                return True
        if server.identity is not None and len(server.places) > 1:
            here = server.place_in_use
            there = [connection for connection in server.connections if place(connection) != here]
            server.replace([connection for connection in server.connections if place(connection) == here])
            self._add(there)
        server.identity = identity
        return False


async def take_sample(
    connections: Sequence[Connection],
    password_of: PasswordOf,
    region_addresses: Mapping[str, tuple[str, ...]] | None = None,
    timeout_s: float = 15.0,
    kind: type[Watch] = Watch,
) -> Sample:
    """Return one sample of all servers, asked at the same time; those silent for `timeout_s` are not waited for.

    `kind` is the Watch that takes it.
    """
    watch = kind(connections, password_of, timeout_s, region_addresses)
    running = asyncio.create_task(watch.run())
    settled = asyncio.create_task(watch.settled())
    try:
        await asyncio.wait({running, settled}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running  # raises what went wrong
        return watch.conclude(f"It did not answer within {timeout_s:.0f} seconds")
    finally:
        settled.cancel()
        await watch.close()
