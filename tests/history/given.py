"""Samples for the tests of the history: any that there may be, and some as a day of traffic makes them."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tui.sockets.growth import Trend
from tui.sockets.model import STATES, ConnectionCount, Group, Pooled, Sample, ServerCount, Unregistered

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = st.text(max_size=6) | st.sampled_from(["db:5432", "gis", "carto", "\x1b[31m", "\ud800", "=1+1"])
NUMBERS = st.integers(0, 200)
MAYBE = st.none() | NUMBERS
LENGTHS = st.none() | st.floats(0, 1e6)
MOMENTS = st.floats(1.7e9, 2.0e9)
RATES = st.floats(-1000, 1000)
TRENDS = st.none() | st.builds(
    Trend,
    st.sampled_from(["unknown", "steady", "shrinking", "growing", "leaking", "surging"]),
    RATES, RATES, RATES, st.none() | MOMENTS, st.none() | MOMENTS, st.none() | MOMENTS, NUMBERS, st.floats(0, 1e6),
)  # fmt: skip
GROUPS = st.builds(
    Group,
    WORDS, WORDS, WORDS, st.none() | WORDS, st.sampled_from(STATES), NUMBERS, LENGTHS, st.integers(0, 3),
    st.integers(1, 3), MAYBE, st.none() | WORDS, st.none() | WORDS, st.none() | WORDS,
)  # fmt: skip
POOLS = st.none() | st.builds(Pooled, WORDS, MAYBE, MAYBE, LENGTHS, MAYBE, MAYBE, st.none() | WORDS, WORDS)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Any sample: names of all kinds, counts that need not add up."""
    labels = draw(st.lists(WORDS, max_size=3, unique=True))
    ids = draw(st.lists(WORDS, max_size=4, unique=True))
    places = st.sampled_from([*labels, "elsewhere:5432"])
    visibility: Any = st.sampled_from([None, "full", "own"])
    bounds: Any = st.sampled_from([None, "server", "role", "database"])
    states: Any = st.none() | st.tuples(*[NUMBERS] * 5)
    servers = [
        ServerCount(
            label, draw(MAYBE), draw(MAYBE), draw(MAYBE), draw(MAYBE), draw(MAYBE), draw(MAYBE), draw(MAYBE),
            draw(visibility), draw(st.none() | MOMENTS), draw(WORDS), draw(st.booleans()),
            draw(st.none() | st.floats(0, 1e5)), draw(MAYBE), draw(TRENDS), draw(st.none() | MOMENTS),
        )
        for label in labels
    ]  # fmt: skip
    connections = [
        ConnectionCount(
            draw(WORDS), id, draw(places), draw(MAYBE), draw(states), draw(MAYBE), draw(LENGTHS), draw(MAYBE),
            draw(MAYBE), draw(bounds), tuple(draw(st.lists(WORDS, max_size=2))), draw(WORDS), draw(MAYBE),
            draw(st.none() | st.floats(0, 1e5)), draw(TRENDS), tuple(draw(st.lists(GROUPS, max_size=4))),
            draw(POOLS),
        )
        for id in ids
    ]  # fmt: skip
    strangers = st.builds(Unregistered, places, WORDS, WORDS, NUMBERS)
    unregistered = draw(st.lists(strangers, max_size=3, unique_by=lambda one: (one.server, one.database, one.username)))
    return Sample(draw(MOMENTS), tuple(servers), tuple(connections), tuple(unregistered))


def as_kept(sample: Sample) -> Sample:
    """A sample as precisely as the history keeps it, with its groups and strangers in order."""
    rank = {server.server: number for number, server in enumerate(sample.servers)}
    return Sample(
        _ms(sample.at),
        tuple(
            replace(
                server,
                seen_at=None if server.seen_at is None else _ms(server.seen_at),
                started_at=None if server.started_at is None else _ms(server.started_at),
                opened_per_minute=_rounded(server.opened_per_minute, 2),
                trend=_trend(server.trend),
            )
            for server in sample.servers
        ),
        tuple(
            replace(
                count,
                oldest_idle_in_transaction_s=_tenths(count.oldest_idle_in_transaction_s),
                opened_per_minute=_rounded(count.opened_per_minute, 2),
                trend=_trend(count.trend),
                groups=tuple(sorted(map(_group, count.groups), key=_order)),
                pooled=_pooled(count.pooled),
            )
            for count in sample.connections
        ),
        tuple(
            sorted(
                sample.unregistered,
                key=lambda one: (rank.get(one.server, len(rank)), -one.sockets, one.database, one.username, one.server),
            )
        ),
    )


def _group(group: Group) -> Group:
    return group._replace(oldest_idle_in_transaction_s=_tenths(group.oldest_idle_in_transaction_s))


def _pooled(pooled: Pooled | None) -> Pooled | None:
    if pooled is None or pooled.maxwait_s is None:
        return pooled
    return replace(pooled, maxwait_s=round(pooled.maxwait_s * 1000) / 1000)


def _order(group: Group) -> tuple[Any, ...]:
    names = (
        group.database, group.username, group.application, group.client, group.state, group.feature, group.carto_user,
        group.connection_id,
    )  # fmt: skip
    oldest = group.oldest_idle_in_transaction_s
    values = (group.sockets, None if oldest is None else round(oldest * 10), group.console, group.kinds, group.stale)
    named, valued = (
        tuple((one is not None, one or empty) for one in part) for part, empty in ((names, ""), (values, 0))
    )
    return -group.sockets, named, valued


def _trend(trend: Trend | None) -> Trend | None:
    if trend is None:
        return None
    at, early, late = (
        None if moment is None else _ms(moment)
        for moment in (trend.exhausted_at, trend.exhausted_earliest, trend.exhausted_latest)
    )
    slopes = (trend.per_minute, trend.low_per_minute, trend.high_per_minute)
    slope, low, high = (round(slope * 1e6) / 1e6 for slope in slopes)
    return Trend(trend.verdict, slope, low, high, at, early, late, trend.samples, round(trend.window_s * 10) / 10)


def _ms(at: float) -> float:
    return round(at * 1e6) // 1000 / 1000


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else math.floor(seconds * 10 + 1e-6) / 10


def _rounded(rate: float | None, digits: int) -> float | None:
    return None if rate is None else round(rate * 10**digits) / 10**digits


class Traffic:
    """Connections on some servers whose sockets wander as pools do: some steady, some in waves, one leaking.

    Every count of a Connection is spread over its groups; `sample` makes the next one.
    """

    def __init__(self, connections: int = 50, servers: int = 5, every_s: float = 2.0, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._every_s = every_s
        self._servers = [f"db-{number}.example.com:5432" for number in range(servers)]
        self._levels = [self._chance.uniform(2, 25) for _ in range(connections)]
        self._held = [round(level) for level in self._levels]
        self._active = [0] * connections
        self._trends: dict[int, Trend] = {}
        self.at = 1.8e9
        self._beat = 0

    @staticmethod
    def id(number: int) -> str:
        """The id of a Connection."""
        return f"00000000-0000-4000-8000-{number:012}"

    def sample(self) -> Sample:
        """The next sample."""
        chance = self._chance
        self.at += self._every_s + chance.gauss(0, 0.002)
        self._beat += 1
        counts = [self._count(number) for number in range(len(self._held))]
        servers = []
        for label in self._servers:
            attributed = sum(count.sockets or 0 for count in counts if count.server == label)
            used = attributed + 4
            seen_at, opened = self.at - chance.uniform(0.005, 0.02), 6.0 * (self._beat // 5 % 7)
            server = ServerCount(label, 497, 3, used, 497 - used, 1, attributed, 3, "full", seen_at)
            servers.append(replace(server, opened_per_minute=opened, started_at=1.79e9))
        left = {server.server: server.headroom for server in servers}
        connections = tuple(replace(count, headroom=left[count.server]) for count in counts)
        strangers = tuple(Unregistered(label, "postgres", "backup", 3) for label in self._servers)
        return Sample(self.at, tuple(servers), connections, strangers)

    def _count(self, number: int) -> ConnectionCount:
        chance = self._chance
        level = self._levels[number] * (1 + 0.5 * math.sin(self.at / 86400 * math.tau)) + (
            self._beat / 900 if number == 0 else 0
        )
        # Sockets of a pool stay for half a minute; queries come and go faster.
        if chance.random() < 0.25:
            self._held[number] = max(
                0, round(self._held[number] + chance.gauss((level - self._held[number]) * 0.1, 0.8))
            )
        held = self._held[number]
        if chance.random() < 0.5:
            self._active[number] = chance.randint(0, max(0, held // 4))
        active = min(held, self._active[number])
        in_tx = 1 if number % 10 == 0 and held > active else 0
        idle = held - active - in_tx
        groups = tuple(sorted(self._groups(number, active, idle, in_tx), key=lambda group: -group.sockets))
        if self._beat % 5 == number % 5:
            slope = chance.gauss(0, 0.02)
            self._trends[number] = Trend(
                "steady",
                slope,
                slope - 0.1,
                slope + 0.1,
                None,
                None,
                None,
                450 + self._beat % 120,
                self.at - 1.8e9 + 900,
            )
        return ConnectionCount(
            name=f"Connection {number:02}",
            id=self.id(number),
            server=self._servers[number % len(self._servers)],
            sockets=held,
            states=(active, idle, in_tx, 0, 0),
            from_region=held,
            oldest_idle_in_transaction_s=2.0 * (self._beat % 40) if in_tx else None,
            limit=497,
            bounded_by="server",
            stale=idle // 2,
            opened_per_minute=6.0 * (self._beat // 5 % 7),
            trend=self._trends.get(number),
            groups=groups,
        )

    def _groups(self, number: int, active: int, idle: int, in_tx: int) -> Iterator[Group]:
        place = (f"gis_{number % 5}", f"carto_{number:02}", f"carto maps {number % 8}")
        said = ("builder", f"auth0|{number:08}", f"5bc8{number:04}")
        near, far = f"10.0.{number % 4}.7", f"10.0.{number % 4}.8"
        for client, part in ((near, idle - idle // 3), (far, idle // 3)):
            if part:
                yield Group(*place, client, "idle", part, None, 0, 1, part // 2, *said)
        if active:
            yield Group(*place, near, "active", active, None, 0, 1, 0, *said)
        if in_tx:
            yield Group(*place, near, "idle_in_transaction", in_tx, 2.0 * (self._beat % 40), 0, 1, 0, *said)
