"""From single counts to minutes, from minutes to hours: least, mean, most and last, and how many were seen. Pure."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.sockets.model import ConnectionCount, ServerCount

MINUTE, HOUR = 60, 3600
STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
SHORT_STEPS_S = (5, 10, 15, 30, *STEPS_S)
# Spans up to this long are read from the samples themselves; so close together beats are thought to be at least.
RAW_SPAN_S, LEAST_BEAT_S, LEAST_GAP_S = 900.0, 1.5, 10.0


@dataclass(frozen=True, slots=True)
class Rollup:
    """What was counted of a Connection or a server in a span of time; of none when it was not seen, never zero.

    `at` is when the span begins, in seconds since the epoch, and `seconds` its length; 0 is a single count. `samples`
    were seen, `unseen` were not; where both are 0, nothing was recorded. `total` over `samples` is the mean. What
    holds no extreme is as it was seen last in the span: `last` and its states, of which limit, how many more could
    open, and how many were opened a minute.
    """

    at: float
    seconds: int = 0
    samples: int = 0
    unseen: int = 0
    minimum: int | None = None
    total: int = 0
    maximum: int | None = None
    last: int | None = None
    states: tuple[int, int, int, int, int] | None = None  # in the order of STATES
    least_stale: int | None = None
    limit: int | None = None
    headroom: int | None = None
    least_headroom: int | None = None
    oldest_idle_in_transaction_s: float | None = None
    opened_per_minute: float | None = None

    @property
    def mean(self) -> float | None:
        """The mean of the counts; None where nothing was seen."""
        return self.total / self.samples if self.samples else None

    @property
    def full_at(self) -> int | None:
        """How many sockets it could have held, with what others held then; None where that is not known."""
        return None if self.last is None or self.headroom is None else self.last + self.headroom


def of_connection(count: ConnectionCount, at: float) -> Rollup:
    """Return a single count of a Connection."""
    if count.sockets is None:
        return Rollup(at, unseen=1)
    n, oldest, opened = count.sockets, count.oldest_idle_in_transaction_s, count.opened_per_minute
    return Rollup(
        at, 0, 1, 0, n, n, n, n, count.states, count.stale, count.limit, count.headroom, count.headroom, oldest, opened
    )


def of_server(server: ServerCount, at: float) -> Rollup:
    """Return a single count of a server: its sockets are all that it holds, by whomever."""
    if server.used is None:
        return Rollup(at, unseen=1)
    n, opened = server.used, server.opened_per_minute
    return Rollup(
        at, 0, 1, 0, n, n, n, n, None, server.stale, server.limit, server.headroom, server.headroom, None, opened
    )  # fmt: skip


def merge(first: Rollup, second: Rollup) -> Rollup:
    """Return what two spans were together; `second` is the later one. Its length is left as that of the first.

    >>> merge(Rollup(0, 60, 1, 0, 3, 3, 3, 3), Rollup(60, 60, 1, 1, 5, 5, 5, 5)).mean
    4.0
    """
    if not second.samples:
        return replace(first, unseen=first.unseen + second.unseen)
    if not first.samples:
        return replace(second, at=first.at, seconds=first.seconds, unseen=first.unseen + second.unseen)
    return Rollup(
        first.at,
        first.seconds,
        first.samples + second.samples,
        first.unseen + second.unseen,
        _least(first.minimum, second.minimum),
        first.total + second.total,
        _most(first.maximum, second.maximum),
        second.last,
        second.states,
        _least(first.least_stale, second.least_stale),
        second.limit,
        second.headroom,
        _least(first.least_headroom, second.least_headroom),
        _longest(first.oldest_idle_in_transaction_s, second.oldest_idle_in_transaction_s),
        second.opened_per_minute,
    )


def by_step(rollups: Iterable[Rollup], seconds: int) -> list[Rollup]:
    """Return one roll-up per step of the clock in which there is one; `rollups` in the order they were recorded.

    A clock that jumped back adds to the steps that were there already; the result is in the order of time.
    """
    steps: dict[int, list[Rollup]] = {}
    for one in rollups:
        steps.setdefault(begin(one.at, seconds), []).append(one)
    return [_together(steps[at], at, seconds) for at in sorted(steps)]


def _together(rollups: Sequence[Rollup], at: int, seconds: int) -> Rollup:
    """Return what `merge` makes of many, in one go: a week of minutes is ten thousand of them."""
    unseen = sum(one.unseen for one in rollups)
    seen = [one for one in rollups if one.samples]
    if not seen:
        return Rollup(float(at), seconds, unseen=unseen)
    last = seen[-1]
    return Rollup(
        float(at),
        seconds,
        sum(one.samples for one in seen),
        unseen,
        min((n for one in seen if (n := one.minimum) is not None), default=None),
        sum(one.total for one in seen),
        max((n for one in seen if (n := one.maximum) is not None), default=None),
        last.last,
        last.states,
        min((n for one in seen if (n := one.least_stale) is not None), default=None),
        last.limit,
        last.headroom,
        min((n for one in seen if (n := one.least_headroom) is not None), default=None),
        max((s for one in seen if (s := one.oldest_idle_in_transaction_s) is not None), default=None),
        last.opened_per_minute,
    )


def with_gaps(rollups: Sequence[Rollup], start: float, end: float, seconds: int) -> list[Rollup]:
    """Return one roll-up for every step of a span; empty ones where nothing was recorded.

    With 0 seconds, `rollups` are single counts, in the order they were recorded: where they are further apart than
    beats are, an empty one stands in between.
    """
    if seconds:
        known = {int(one.at): one for one in rollups}
        steps = range(begin(start, seconds), math.ceil(end), seconds)
        return [known.get(at) or Rollup(float(at), seconds) for at in steps]
    apart = [later.at - one.at for one, later in itertools.pairwise(rollups) if later.at > one.at]
    most = max(LEAST_GAP_S, 4 * median(apart)) if apart else 0.0
    found: list[Rollup] = []
    for one in rollups:
        if found and one.at - found[-1].at > most:
            found.append(Rollup(found[-1].at + most / 2))
        found.append(one)
    return found


def step_for(span_s: float, points: int) -> int:
    """Return the steps of the clock, in seconds, of which a span has at most so many; 0 for single counts.

    >>> step_for(600, 400), step_for(86400, 300), step_for(7 * 86400, 200)
    (0, 300, 3600)
    """
    if span_s <= RAW_SPAN_S and span_s <= points * LEAST_BEAT_S:
        return 0
    wanted = span_s / max(1, points)
    steps = SHORT_STEPS_S if span_s <= RAW_SPAN_S else STEPS_S
    return next((step for step in steps if step >= wanted), math.ceil(wanted / STEPS_S[-1]) * STEPS_S[-1])


def begin(at: float, seconds: int) -> int:
    """Return when the step of the clock began that holds a moment.

    >>> begin(125.9, 60)
    120
    """
    return int(at // seconds) * seconds


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _longest(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)
