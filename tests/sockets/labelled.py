"""Series of socket counts whose right verdict is known, for the test bench of the trend. Each is made from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from tests.sockets.simulated import HOUR, MINUTE, leak_beside, points_of, poisson, pool, used
from tui.demo.scenario import ACTORS, MAX_CONNECTIONS
from tui.demo.traffic import wanted
from tui.sockets.growth import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


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


def steady_pool(rng: random.Random) -> Labelled:
    """A pool under even load, for half an hour."""
    values = pool(rng, rng.uniform(5, 60), rng.choice([5, 30, 120]), 2, 900)
    return Labelled("steady pool", points_of(values, 2), 200, STEADY)


def quiet(rng: random.Random) -> Labelled:
    """The same number all the time, with a socket more or less now and then."""
    base = rng.randint(1, 40)
    return Labelled("quiet", points_of([base + (rng.random() < 0.05) for _ in range(600)], 2), 100, STEADY)


def bursts(rng: random.Random) -> Labelled:
    """Short bursts over an even load; the series may end inside one."""
    values = pool(rng, rng.uniform(10, 30), 20, 2, 900)
    for _ in range(rng.randint(3, 8)):
        at, width, height = rng.randrange(900), rng.randint(5, 30), rng.randint(20, 60)
        for i in range(at, min(900, at + width)):
            values[i] += height
    return Labelled("bursts", points_of(values, 2), 200, STEADY)


def step_up(rng: random.Random) -> Labelled:
    """Another node joins: a step, and level on both sides of it."""
    values = pool(rng, 20, rng.choice([5, 30]), 2, 600)
    at, height = rng.randrange(60, 500), rng.randint(10, 50)
    return Labelled("step", points_of([v + height * (i >= at) for i, v in enumerate(values)], 2), 200, STEADY)


def saw_teeth(rng: random.Random) -> Labelled:
    """Sockets that pile up and are closed by a time-out again and again."""
    period, height = rng.randint(100, 400), rng.randint(10, 40)
    noise = pool(rng, 15, 20, 2, 1800)
    shift = rng.randrange(period)
    values = [v + height * ((i + shift) % period) / period for i, v in enumerate(noise)]
    return Labelled("saw-teeth", points_of(values, 2), 200, STEADY)


def restart(rng: random.Random) -> Labelled:
    """The server restarts; its clients come back within a few minutes."""
    noise = pool(rng, 8, 20, 2, 900)
    at, back = rng.randrange(450, 800), rng.randint(15, 90)
    base = rng.randint(20, 60)
    values = [v + base * (1 if i < at else min(1.0, (i - at) / back)) for i, v in enumerate(noise)]
    values[at : at + 3] = [0, 0, 0]
    return Labelled("restart", points_of(values, 2), 200, STEADY)


def gaps(rng: random.Random) -> Labelled:
    """An even load that was not seen for minutes at a time."""
    points = list(points_of(pool(rng, 30, 30, 2, 900), 2))
    for _ in range(3):
        at = rng.randrange(700)
        del points[at : at + rng.randint(30, 150)]
    return Labelled("gaps", tuple(points), 200, STEADY)


def days(rng: random.Random) -> Labelled:
    """Four days of a daily wave, ending at any hour."""
    count = int((3 + rng.random()) * 24 * 60)
    noise = pool(rng, 10, 120, 60, count)
    height, shift = rng.uniform(10, 40), rng.random() * 2 * math.pi
    values = [v + height * (1 + math.sin(2 * math.pi * i / 1440 + shift)) for i, v in enumerate(noise)]
    return Labelled("daily wave", points_of(values, 60), 300, frozenset({"steady", "shrinking"}))


def minute_leak(rng: random.Random) -> Labelled:
    """One socket a minute leaks under noise; ten minutes have passed since it began, after some minutes of peace."""
    before = rng.choice([0, 150, 900])
    values, held = leak_beside(rng, rng.uniform(3, 25), 1 / MINUTE, 2, before + 300, before)
    points = points_of(values, 2, [held[max(0, i - 30)] + (rng.random() < 0.2) for i in range(len(held))])
    mean = sum(values[-30:]) / 30
    return Labelled("leak 1/min", points, 100, frozenset({"leaking"}), points[-1].at + (100 - mean) * MINUTE)


def recorded_leak(rng: random.Random) -> Labelled:
    """One socket a minute for ten minutes as a file holds it: totals only, with noise of three sockets."""
    values = [20 + i * 2 / 60 + rng.gauss(0, 3) for i in range(301)]
    points = points_of(values, 2)
    return Labelled("leak, totals", points, 100, RISING, points[-1].at + 70 * MINUTE)


def slow_leak(rng: random.Random) -> Labelled:
    """Two or three orphans an hour for three days, over a daily wave: the real-life kind."""
    rate, count = rng.uniform(2, 3), 3 * 1440
    values, _ = leak_beside(rng, 8, rate / HOUR, 60, count, 0)
    height, shift = rng.uniform(3, 12), rng.random() * 2 * math.pi
    waved = [v + height * (1 + math.sin(2 * math.pi * i / 1440 + shift)) for i, v in enumerate(values)]
    points = points_of(waved, 60)
    level = sum(waved[-1440:]) / 1440 + rate * 12
    return Labelled("leak 2.5/h", points, 500, RISING, points[-1].at + (500 - level) / rate * HOUR)


def growth(rng: random.Random) -> Labelled:
    """More and more users: the load itself grows, by 3 to 8 sockets a minute over a quarter of an hour."""
    rate = rng.uniform(1.0, 3.0)
    noise = [poisson(rng, 20 + rate * i * 2 / 60) for i in range(450)]
    points = points_of(noise, 2)
    return Labelled("growth", points, 200, RISING, points[-1].at + (200 - 20 - rate * 15) / rate * MINUTE)


def surge(rng: random.Random) -> Labelled:
    """Three minutes in which a runaway client opens a socket every few seconds."""
    noise = pool(rng, 20, 20, 2, 450)
    rate = rng.uniform(8, 20)
    values = [v + rate * max(0, i - 340) * 2 / 60 for i, v in enumerate(noise)]
    points = points_of(values, 2)
    return Labelled("surge", points, 120, frozenset({"surging"}), points[-1].at + (120 - values[-1]) / rate * MINUTE)


def shrink(rng: random.Random) -> Labelled:
    """Clients that leave one by one."""
    noise = pool(rng, 8, 20, 2, 450)
    values = [v + 60 - 3 * i * 2 / 60 for i, v in enumerate(noise)]
    return Labelled("shrinking", points_of(values, 2), 200, frozenset({"shrinking"}))


def elastic_pool(rng: random.Random) -> Labelled:
    """A pool under even load, its idle sockets seen, that closes what is idle for a while."""
    level = rng.uniform(1, 25)
    values, stale = used(rng, lambda _: level, 600, rng.choice([10, 120, 600]), last_first=rng.random() < 0.7)
    return Labelled("elastic pool", points_of(values, 2, stale), 200, STEADY)


def resting_pool(rng: random.Random) -> Labelled:
    """Load that goes away over some minutes, from a pool that closes nothing: its sockets become stale one by one."""
    level, begin, over = rng.uniform(8, 30), rng.randrange(100, 300), rng.randint(10, 300)
    values, stale = used(
        rng, lambda i: level * (1 - 0.9 * min(1.0, max(0.0, (i - begin) / over))), 500, 1e9, last_first=True
    )
    return Labelled("resting pool", points_of(values, 2, stale), 200, STEADY)


def visited_pool(rng: random.Random) -> Labelled:
    """A quiet pool that opens a handful of sockets at once for a visitor, and keeps them idle for ten minutes."""
    level, begin, height = rng.uniform(1, 5), rng.randrange(60, 450), rng.randint(5, 25)
    values, stale = used(rng, lambda i: level + height * (begin <= i < begin + 30), 500, 600, last_first=True)
    return Labelled("visited pool", points_of(values, 2, stale), 200, STEADY)


def wandering_load(rng: random.Random) -> Labelled:
    """Load that rises and falls for minutes at a time, with pools that follow it: the hardest to be silent about."""
    level, waves = rng.uniform(5, 15), [(rng.uniform(120, 900), rng.uniform(0, 6.3)) for _ in range(3)]

    def demand(i: int) -> float:
        return level * (1 + sum(math.sin(2 * math.pi * 2 * i / period + shift) for period, shift in waves) / 4)

    values, stale = used(rng, demand, 900, rng.choice([10, 60, 300]), last_first=True)
    return Labelled("wandering load", points_of(values, 2, stale), 200, STEADY)


def rolling_deployment(rng: random.Random) -> Labelled:
    """Nodes join one after the other, each with the idle sockets of its pool's minimum; then all is level again."""
    values = pool(rng, rng.uniform(3, 25), 20, 2, 600)
    stale = [int(rng.random() < 0.2) for _ in values]
    at, minimum = rng.randrange(60, 240), rng.randint(3, 10)
    for _ in range(rng.randint(2, 4)):
        for i in range(at, 600):
            values[i] += minimum
            stale[i] += minimum * (i >= at + 30)
        at += rng.randint(15, 60)
    return Labelled("rolling deployment", points_of(values, 2, stale), 200, STEADY)


def storm(rng: random.Random) -> Labelled:
    """All clients connect anew at once; what they opened in vain is closed after a while of idleness."""
    level, begin, height = rng.uniform(3, 15), rng.randrange(60, 300), rng.uniform(30, 80)
    lasts, idle_s = rng.uniform(10, 90), rng.choice([30, 120, 300])
    sockets, stale = used(
        rng, lambda i: level + height * math.exp(-(i - begin) / lasts) * (i >= begin), 600, idle_s, last_first=True
    )
    return Labelled("storm", points_of(sockets, 2, stale), 120, frozenset({"steady", "shrinking"}))


def _demo(rng: random.Random, count: int) -> list[int]:
    """Return what all clients of the demo hold, without the one that leaks: waves that beat with each other."""
    offsets = [rng.uniform(0, actor.rhythm_s) for actor in ACTORS]
    return [
        sum(wanted(actor, 2 * i + offset) for actor, offset in zip(ACTORS, offsets, strict=True)) for i in range(count)
    ]


def server_of_waves(rng: random.Random) -> Labelled:
    """A small server whose clients come and go in waves that beat with each other: those of the demo."""
    values = _demo(rng, rng.randrange(60, 600))
    stale = [int(rng.random() < 0.2) for _ in values]
    return Labelled("server of waves", points_of(values, 2, stale), MAX_CONNECTIONS - 3, STEADY)


def quick_leak(rng: random.Random) -> Labelled:
    """A client that leaks four sockets a minute, watched for four and a half minutes, beside one that works."""
    values, stale = used(rng, lambda _: 1.5, 135, 10, last_first=True)
    leaked = [int(2 * i / rng.uniform(14.5, 15.5)) for i in range(135)]
    leaked = [min(18, max(leaked[: i + 1])) for i in range(135)]
    points = points_of(
        [v + held for v, held in zip(values, leaked, strict=True)],
        2,
        [s + leaked[max(0, i - 30)] for i, s in enumerate(stale)],
    )
    return Labelled("leak 4/min", points, 57, frozenset({"leaking"}), points[-1].at + (57 - points[-1].sockets) * 15)


def pool_leak(rng: random.Random) -> Labelled:
    """One socket a minute leaks for ten minutes beside a pool whose own idle sockets become stale and are closed."""
    count, level = 300 + rng.choice([0, 150]), rng.uniform(3, 15)
    values, stale = used(rng, lambda _: level, count, rng.choice([30, 120]), last_first=True)
    leaks = [0] * count
    for i in range(count - 300, count):
        leaks[i] = leaks[i - 1] + poisson(rng, 2 / MINUTE) if i else 0
    idle = [s + leaks[max(0, i - 30)] for i, s in enumerate(stale)]
    both = points_of([a + b for a, b in zip(values, leaks, strict=True)], 2, idle)
    mean = sum(values) / count + leaks[-1]
    return Labelled("leak 1/min, pool", both, 100, frozenset({"leaking"}), both[-1].at + (100 - mean) * MINUTE)


def pausing_leak(rng: random.Random) -> Labelled:
    """A job that leaks two sockets a minute while it runs, four minutes of every ten; half an hour of it."""
    noise, held, leaked = pool(rng, rng.uniform(3, 15), 20, 2, 900), [], 0
    shift = rng.randrange(300)
    for i in range(900):
        leaked += poisson(rng, 2 * 2 / MINUTE) if (i + shift) % 300 < 120 else 0
        held.append(leaked)
    values = [a + b for a, b in zip(noise, held, strict=True)]
    stale = [held[max(0, i - 30)] + (rng.random() < 0.2) for i in range(900)]
    points = points_of(values, 2, stale)
    left = (100 - sum(noise) / 900 - leaked) / 0.8 * MINUTE
    return Labelled("leak with pauses", points, 100, frozenset({"leaking"}), points[-1].at + left)


def waved_leak(rng: random.Random) -> Labelled:
    """Six orphans an hour for twelve hours, over a daily wave that rises or falls meanwhile; idle ones were seen."""
    values, held = leak_beside(rng, 8, 6 / HOUR, 60, 720, 0)
    height, shift = rng.uniform(3, 12), rng.random() * 2 * math.pi
    waved = [v + height * (1 + math.sin(2 * math.pi * i / 1440 + shift)) for i, v in enumerate(values)]
    points = points_of(waved, 60, [held[max(0, i - 1)] + (rng.random() < 0.2) for i in range(720)])
    left = (300 - held[-1] - 8 - height) * 10 * MINUTE
    return Labelled("leak 6/h, wave", points, 300, frozenset({"leaking"}), points[-1].at + left)


def server_leak(rng: random.Random) -> Labelled:
    """The demo's whole server, one of whose clients leaks four sockets a minute: four and a half minutes of it."""
    values = _demo(rng, 135)
    leaks = list(accumulate((int(2 * i / rng.uniform(14.5, 15.5)) for i in range(135)), max))
    stale = [leaks[max(0, i - 30)] + (rng.random() < 0.2) for i in range(135)]
    points = points_of([v + held for v, held in zip(values, leaks, strict=True)], 2, stale)
    left = (MAX_CONNECTIONS - 3 - sum(values) / 135 - leaks[-1]) * 15
    return Labelled("server with leak", points, MAX_CONNECTIONS - 3, frozenset({"leaking"}), points[-1].at + left)


def ended_leak(rng: random.Random) -> Labelled:
    """A leak of a quarter of an hour whose client was restarted half a minute ago."""
    values, held = leak_beside(rng, 10, 1.5 / MINUTE, 2, 450, 0)
    values[-15:] = [value - held[-1] for value in values[-15:]]
    stale = [held[max(0, i - 30)] for i in range(450)]
    stale[-15:] = [0] * 15
    return Labelled("ended leak", points_of(values, 2, stale), 100, frozenset({"steady", "shrinking"}))


KINDS: tuple[Callable[[random.Random], Labelled], ...] = (
    steady_pool, quiet, bursts, step_up, saw_teeth, restart, gaps, days,
    elastic_pool, resting_pool, visited_pool, wandering_load, rolling_deployment, storm, server_of_waves, ended_leak,
    quick_leak, minute_leak, pool_leak, pausing_leak, waved_leak, server_leak, recorded_leak, slow_leak,
    growth, surge, shrink,
)  # fmt: skip
