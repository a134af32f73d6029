"""Simulates the clients of a PostgreSQL server as sockets that open, are used, rest and close.

Not as a line with noise added: the noise of a pool resembles itself from one sample to the next.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from tui.sockets.growth import Point

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def pool(rng: random.Random, level: float, relaxation_s: float, step_s: float, count: int) -> list[int]:
    """Simulate sockets that open at random and live for a while: Poisson with mean `level`."""
    value = poisson(rng, level)
    values = []
    stay = math.exp(-step_s / relaxation_s)
    for _ in range(count):
        value = sum(rng.random() < stay for _ in range(value)) + poisson(rng, level * (1 - stay))
        values.append(value)
    return values


def poisson(rng: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, k, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        k += 1
        product *= rng.random()
    return k


def points_of(values: list[float] | list[int], step: float, stale: list[int] | None = None) -> tuple[Point, ...]:
    return tuple(
        Point(1.8e9 + i * step, max(0, round(v)), None if stale is None else stale[i]) for i, v in enumerate(values)
    )


def leak_beside(
    rng: random.Random, level: float, per_s: float, step: float, count: int, start: int
) -> tuple[list[int], list[int]]:
    noise = pool(rng, level, 20, step, count)
    leaked, held = 0, []
    for i in range(count):
        leaked += poisson(rng, per_s * step) if i >= start else 0
        held.append(leaked)
    return [a + b for a, b in zip(noise, held, strict=True)], held


def used(
    rng: random.Random, demand: Callable[[int], float], count: int, idle_s: float, *, last_first: bool
) -> tuple[list[int], list[int]]:
    """Simulate a client's pool: who is needed is taken from the idle ones, who is idle for `idle_s` is closed.

    Returns the sockets and how many of them are stale, every two seconds, after half an hour that is not shown.
    """
    busy, idle, before = 0, [], 900  # idle: when each was used last
    sockets, stale = [], []
    stay = math.exp(-2 / 20)
    wanted = poisson(rng, demand(0))
    for step in range(-before, count):
        now = 2.0 * step
        mean = demand(max(0, step))
        wanted = sum(rng.random() < stay for _ in range(wanted)) + poisson(rng, mean * (1 - stay))
        turned = min(busy, poisson(rng, busy * 0.5))
        idle += [now] * (turned + max(0, busy - turned - wanted))
        busy = min(busy - turned, wanted)
        while busy < wanted:
            busy += 1
            if idle:
                idle.pop(-1 if last_first else 0)
        idle = [used for used in idle if now - used < idle_s]
        if step >= 0:
            sockets.append(busy + len(idle))
            stale.append(sum(now - used > 60 for used in idle))
    return sockets, stale
