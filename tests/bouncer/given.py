"""Loads whose arrivals are known, and histories in which such a load was recorded."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from tui.bouncer.evidence import Evidence
from tui.bouncer.load import Load, Series
from tui.bouncer.simulation import Arrival
from tui.history.store import Store
from tui.sockets.model import ConnectionCount, Group, Sample, ServerCount

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from tui.connections.model import Connection
    from tui.sockets.model import State


def arrivals(
    rng: random.Random, level: float, holding_s: float, length_s: float, wave: float = 0.0, period_s: float = 600.0
) -> list[Arrival]:
    """A Poisson load that keeps `level` sockets busy, in waves of so much of it: exponential holding times."""
    found: list[Arrival] = []
    at, highest = 0.0, level * (1 + wave) / holding_s
    while True:
        at += rng.expovariate(highest)
        if at > length_s:
            return found
        rate = level * (1 + wave * math.sin(at / period_s * math.tau)) / holding_s
        if rng.random() < rate / highest:
            found.append(Arrival(at, rng.expovariate(1 / holding_s), "gis", "carto"))


def counted(load: Sequence[Arrival], length_s: float, every_s: float = 2.0, idle: int = 0) -> Load:
    """The counts that a poll would have seen of a load: all of it busy, with `idle` more sockets beside it."""
    begun = sorted(one.at for one in load)
    ended = sorted(one.at + one.holding_s for one in load)
    moments = [number * every_s for number in range(int(length_s / every_s) + 1)]
    busy = [bisect_right(begun, at) - bisect_right(ended, at) for at in moments]
    held = [count + idle for count in busy]
    per_minute = [60 * len(load) / length_s] * len(moments)
    return Load(moments, (Series("gis", "carto", held, busy, per_minute),), [count + 4 for count in held])


def recorded(*pools: tuple[str, str, list[int], list[int]], **more: Any) -> Evidence:
    """A recording of some pools: (database, role, held, busy)."""
    moments = [2.0 * n for n in range(len(pools[0][2]))]
    series = tuple(Series(db, role, held, busy, [-1.0] * len(held)) for db, role, held, busy in pools)
    load = Load(moments, series, [0] * len(moments))
    values = {"start": 0.0, "end": 7 * 86_400.0, "peak": max(load.held), "peak_at": 0.0, "p95": 5, "load": load}
    return Evidence(**{**values, "others": 10, **more})


def record(
    path: Path, connections: Sequence[Connection], label: str, counts: Sequence[tuple[int, int]], end: float,
    limit: int = 97, every_s: float = 2.0,
) -> None:  # fmt: skip
    """Record counts of (active, idle) sockets, of each Connection the same, until a moment; 4 of others beside them."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store(path)
    for number, (active, idle) in enumerate(counts):
        at = end - (len(counts) - 1 - number) * every_s
        ours = (active + idle) * len(connections)
        used = ours + 4
        store.write(
            Sample(
                at,
                (ServerCount(label, limit, 3, used, limit - used, 1, ours, 3, "full", at, opened_per_minute=30.0),),
                tuple(_count(one, label, active, idle, limit, used) for one in connections),
                (),
            )
        )
    store.close()


def _count(connection: Connection, label: str, active: int, idle: int, limit: int, used: int) -> ConnectionCount:
    p = connection.parameters
    states: tuple[tuple[State, int], ...] = (("active", active), ("idle", idle))
    groups = tuple(
        Group(p.database, p.username, "carto", "10.0.0.7", state, sockets, stale=0)
        for state, sockets in states
        if sockets
    )
    return ConnectionCount(
        connection.name, connection.id, label, active + idle, (active, idle, 0, 0, 0), headroom=limit - used,
        limit=limit, bounded_by="server", opened_per_minute=30.0, groups=groups,
    )  # fmt: skip
