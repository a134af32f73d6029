"""What each day was like: its peak, and how high the minutes of it were. Pure."""

from __future__ import annotations

import math
from datetime import date, datetime, tzinfo
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from tui.history.rollup import merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.history.rollup import Rollup

SHARES = (0.50, 0.95, 0.99)


class Day(NamedTuple):
    """One day. `peak_at` is when the step began that held the most; `percentiles` are those of SHARES.

    A percentile is the number of sockets that this share of the day's steps never passed. None where nothing was seen.
    """

    day: date
    whole: Rollup
    peak_at: float | None
    percentiles: tuple[int | None, ...]


def days(rollups: Iterable[Rollup], zone: tzinfo | None = None) -> list[Day]:
    """Return the days of a series of minutes or hours, by the calendar of a time zone, or of this machine."""
    found: dict[date, list[Rollup]] = {}
    for one in rollups:
        if one.samples or one.unseen:
            found.setdefault(datetime.fromtimestamp(one.at, zone).date(), []).append(one)
    return [_day(day, found[day]) for day in sorted(found)]


def _day(day: date, rollups: Sequence[Rollup]) -> Day:
    seen = [one for one in rollups if one.maximum is not None]
    most = sorted(one.maximum or 0 for one in seen)
    highest = max(seen, key=lambda one: one.maximum or 0, default=None)
    return Day(
        day,
        reduce(merge, rollups),
        None if highest is None else highest.at,
        tuple(percentile(most, share) if most else None for share in SHARES),
    )


def percentile(ordered: Sequence[int], share: float) -> int:
    """Return the least number that a share of the numbers is no higher than.

    >>> percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.95)
    (2, 4)
    """
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
