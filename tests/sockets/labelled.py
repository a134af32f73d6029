"""Series of socket counts whose right verdict is known, for the test bench of the trend.

Each is made from a seed: what a PostgreSQL server's clients do, simulated as sockets that open and close, not as
a line with noise added, because the noise of a pool resembles itself from one sample to the next.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.sockets.growth import Point

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """A series, the limit it lives under, the verdicts that are right, and when it would truly reach the limit."""

    kind: str
    points: tuple[Point, ...]
    limit: int
    right: frozenset[str]
    exhausted_at: float | None = None


STEADY = frozenset({"steady"})
RISING = frozenset({"growing", "leaking", "surging"})


def _pool(rng: random.Random, level: float, relaxation_s: float, step_s: float, count: int) -> list[int]:
    """Simulate sockets that open at random and live for a while: Poisson with mean `level`."""
    value = _poisson(rng, level)
    values = []
    stay = math.exp(-step_s / relaxation_s)
    for _ in range(count):
        value = sum(rng.random() < stay for _ in range(value)) + _poisson(rng, level * (1 - stay))
        values.append(value)
    return values


def _poisson(rng: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, k, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        k += 1
        product *= rng.random()
    return k


def _points(values: list[float] | list[int], step: float, stale: list[int] | None = None) -> tuple[Point, ...]:
    return tuple(
        Point(1.8e9 + i * step, max(0, round(v)), None if stale is None else stale[i]) for i, v in enumerate(values)
    )


def steady_pool(rng: random.Random) -> Labelled:
    """A pool under even load, for half an hour."""
    values = _pool(rng, rng.uniform(5, 60), rng.choice([5, 30, 120]), 2, 900)
    return Labelled("steady pool", _points(values, 2), 200, STEADY)


def quiet(rng: random.Random) -> Labelled:
    """The same number all the time, with a socket more or less now and then."""
    base = rng.randint(1, 40)
    return Labelled("quiet", _points([base + (rng.random() < 0.05) for _ in range(600)], 2), 100, STEADY)


def bursts(rng: random.Random) -> Labelled:
    """Short bursts over an even load; the series may end inside one."""
    values = _pool(rng, rng.uniform(10, 30), 20, 2, 900)
    for _ in range(rng.randint(3, 8)):
        at, width, height = rng.randrange(900), rng.randint(5, 30), rng.randint(20, 60)
        for i in range(at, min(900, at + width)):
            values[i] += height
    return Labelled("bursts", _points(values, 2), 200, STEADY)


def step_up(rng: random.Random) -> Labelled:
    """Another node joins: a step, and level on both sides of it."""
    values = _pool(rng, 20, rng.choice([5, 30]), 2, 600)
    at, height = rng.randrange(60, 500), rng.randint(10, 50)
    return Labelled("step", _points([v + height * (i >= at) for i, v in enumerate(values)], 2), 200, STEADY)


def saw_teeth(rng: random.Random) -> Labelled:
    """Sockets that pile up and are closed by a time-out again and again."""
    period, height = rng.randint(100, 400), rng.randint(10, 40)
    noise = _pool(rng, 15, 20, 2, 1800)
    shift = rng.randrange(period)
    values = [v + height * ((i + shift) % period) / period for i, v in enumerate(noise)]
    return Labelled("saw-teeth", _points(values, 2), 200, STEADY)


def restart(rng: random.Random) -> Labelled:
    """The server restarts; its clients come back within a few minutes."""
    noise = _pool(rng, 8, 20, 2, 900)
    at, back = rng.randrange(450, 800), rng.randint(15, 90)
    base = rng.randint(20, 60)
    values = [v + base * (1 if i < at else min(1.0, (i - at) / back)) for i, v in enumerate(noise)]
    values[at : at + 3] = [0, 0, 0]
    return Labelled("restart", _points(values, 2), 200, STEADY)


def gaps(rng: random.Random) -> Labelled:
    """An even load that was not seen for minutes at a time."""
    points = list(_points(_pool(rng, 30, 30, 2, 900), 2))
    for _ in range(3):
        at = rng.randrange(700)
        del points[at : at + rng.randint(30, 150)]
    return Labelled("gaps", tuple(points), 200, STEADY)


def days(rng: random.Random) -> Labelled:
    """Four days of a daily wave, ending at any hour."""
    count = int((3 + rng.random()) * 24 * 60)
    noise = _pool(rng, 10, 120, 60, count)
    height, shift = rng.uniform(10, 40), rng.random() * 2 * math.pi
    values = [v + height * (1 + math.sin(2 * math.pi * i / 1440 + shift)) for i, v in enumerate(noise)]
    return Labelled("daily wave", _points(values, 60), 300, frozenset({"steady", "shrinking"}))


def _leak(
    rng: random.Random, level: float, per_s: float, step: float, count: int, start: int
) -> tuple[list[int], list[int]]:
    noise = _pool(rng, level, 20, step, count)
    leaked, held = 0, []
    for i in range(count):
        leaked += _poisson(rng, per_s * step) if i >= start else 0
        held.append(leaked)
    return [a + b for a, b in zip(noise, held, strict=True)], held


def minute_leak(rng: random.Random) -> Labelled:
    """One socket a minute leaks under noise; ten minutes have passed since it began, after some minutes of peace."""
    before = rng.choice([0, 150, 900])
    values, held = _leak(rng, rng.uniform(3, 25), 1 / MINUTE, 2, before + 300, before)
    points = _points(values, 2, [held[max(0, i - 30)] + (rng.random() < 0.2) for i in range(len(held))])
    mean = sum(values[-30:]) / 30
    return Labelled("leak 1/min", points, 100, frozenset({"leaking"}), points[-1].at + (100 - mean) * MINUTE)


def recorded_leak(rng: random.Random) -> Labelled:
    """One socket a minute for ten minutes as a file holds it: totals only, with noise of three sockets."""
    values = [20 + i * 2 / 60 + rng.gauss(0, 3) for i in range(301)]
    points = _points(values, 2)
    return Labelled("leak, totals", points, 100, RISING, points[-1].at + 70 * MINUTE)


def slow_leak(rng: random.Random) -> Labelled:
    """Two or three orphans an hour for three days, over a daily wave: the real-life kind."""
    rate, count = rng.uniform(2, 3), 3 * 1440
    values, _ = _leak(rng, 8, rate / HOUR, 60, count, 0)
    height, shift = rng.uniform(3, 12), rng.random() * 2 * math.pi
    waved = [v + height * (1 + math.sin(2 * math.pi * i / 1440 + shift)) for i, v in enumerate(values)]
    points = _points(waved, 60)
    level = sum(waved[-1440:]) / 1440 + rate * 12
    return Labelled("leak 2.5/h", points, 500, RISING, points[-1].at + (500 - level) / rate * HOUR)


def growth(rng: random.Random) -> Labelled:
    """More and more users: the load itself grows, by 3 to 8 sockets a minute over a quarter of an hour."""
    rate = rng.uniform(1.0, 3.0)
    noise = [_poisson(rng, 20 + rate * i * 2 / 60) for i in range(450)]
    points = _points(noise, 2)
    return Labelled("growth", points, 200, RISING, points[-1].at + (200 - 20 - rate * 15) / rate * MINUTE)


def surge(rng: random.Random) -> Labelled:
    """Three minutes in which a runaway client opens a socket every few seconds."""
    noise = _pool(rng, 20, 20, 2, 450)
    rate = rng.uniform(8, 20)
    values = [v + rate * max(0, i - 340) * 2 / 60 for i, v in enumerate(noise)]
    points = _points(values, 2)
    return Labelled("surge", points, 120, frozenset({"surging"}), points[-1].at + (120 - values[-1]) / rate * MINUTE)


def shrink(rng: random.Random) -> Labelled:
    """Clients that leave one by one."""
    noise = _pool(rng, 8, 20, 2, 450)
    values = [v + 60 - 3 * i * 2 / 60 for i, v in enumerate(noise)]
    return Labelled("shrinking", _points(values, 2), 200, frozenset({"shrinking"}))


def _used(
    rng: random.Random, demand: Callable[[int], float], count: int, idle_s: float, *, last_first: bool
) -> tuple[list[int], list[int]]:
    """Simulate a client's pool: who is needed is taken from the idle ones, who is idle for `idle_s` is closed.

    Returns the sockets and how many of them are stale, every two seconds, after half an hour that is not shown.
    """
    busy, idle, before = 0, [], 900  # idle: when each was used last
    sockets, stale = [], []
    stay = math.exp(-2 / 20)
    wanted = _poisson(rng, demand(0))
    for step in range(-before, count):
        now = 2.0 * step
        mean = demand(max(0, step))
        wanted = sum(rng.random() < stay for _ in range(wanted)) + _poisson(rng, mean * (1 - stay))
        turned = min(busy, _poisson(rng, busy * 0.5))
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


def elastic_pool(rng: random.Random) -> Labelled:
    """A pool under even load, its idle sockets seen, that closes what is idle for a while."""
    level = rng.uniform(1, 25)
    values, stale = _used(rng, lambda _: level, 600, rng.choice([10, 120, 600]), last_first=rng.random() < 0.7)
    return Labelled("elastic pool", _points(values, 2, stale), 200, STEADY)


def resting_pool(rng: random.Random) -> Labelled:
    """Load that goes away over some minutes, from a pool that closes nothing: its sockets become stale one by one."""
    level, begin, over = rng.uniform(8, 30), rng.randrange(100, 300), rng.randint(10, 300)
    values, stale = _used(
        rng, lambda i: level * (1 - 0.9 * min(1.0, max(0.0, (i - begin) / over))), 500, 1e9, last_first=True
    )
    return Labelled("resting pool", _points(values, 2, stale), 200, STEADY)


def visited_pool(rng: random.Random) -> Labelled:
    """A quiet pool that opens a handful of sockets at once for a visitor, and keeps them idle for ten minutes."""
    level, begin, height = rng.uniform(1, 5), rng.randrange(60, 450), rng.randint(5, 25)
    values, stale = _used(rng, lambda i: level + height * (begin <= i < begin + 30), 500, 600, last_first=True)
    return Labelled("visited pool", _points(values, 2, stale), 200, STEADY)


def wandering_load(rng: random.Random) -> Labelled:
    """Load that rises and falls for minutes at a time, with pools that follow it: the hardest to be silent about."""
    level, waves = rng.uniform(5, 15), [(rng.uniform(120, 900), rng.uniform(0, 6.3)) for _ in range(3)]

    def demand(i: int) -> float:
        return level * (1 + sum(math.sin(2 * math.pi * 2 * i / period + shift) for period, shift in waves) / 4)

    values, stale = _used(rng, demand, 900, rng.choice([10, 60, 300]), last_first=True)
    return Labelled("wandering load", _points(values, 2, stale), 200, STEADY)


def quick_leak(rng: random.Random) -> Labelled:
    """A client that leaks four sockets a minute, watched for four and a half minutes, beside one that works."""
    values, stale = _used(rng, lambda _: 1.5, 135, 10, last_first=True)
    leaked = [int(2 * i / rng.uniform(14.5, 15.5)) for i in range(135)]
    leaked = [min(18, max(leaked[: i + 1])) for i in range(135)]
    points = _points(
        [v + held for v, held in zip(values, leaked, strict=True)],
        2,
        [s + leaked[max(0, i - 30)] for i, s in enumerate(stale)],
    )
    return Labelled("leak 4/min", points, 57, frozenset({"leaking"}), points[-1].at + (57 - points[-1].sockets) * 15)


def ended_leak(rng: random.Random) -> Labelled:
    """A leak of a quarter of an hour whose client was restarted half a minute ago."""
    values, held = _leak(rng, 10, 1.5 / MINUTE, 2, 450, 0)
    values[-15:] = [value - held[-1] for value in values[-15:]]
    stale = [held[max(0, i - 30)] for i in range(450)]
    stale[-15:] = [0] * 15
    return Labelled("ended leak", _points(values, 2, stale), 100, frozenset({"steady", "shrinking"}))


KINDS: tuple[Callable[[random.Random], Labelled], ...] = (
    steady_pool, quiet, bursts, step_up, saw_teeth, restart, gaps, days,
    elastic_pool, resting_pool, visited_pool, wandering_load, ended_leak,
    quick_leak, minute_leak, recorded_leak, slow_leak, growth, surge, shrink,
)  # fmt: skip
