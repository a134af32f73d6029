"""Where a number of sockets leads: a robust slope with its interval, a verdict, and when the limit is reached. Pure.

The slope is a robust one (see `slope`). Several spans are looked at, the last minutes and the last days alike: a leak
of two sockets an hour is invisible to the first, a surge to the second. Leaks are looked for first (see `leaks`).

A significant slope alone is not growth. To be believed, a rise must also be
* spread: a line fits better than one step does, and no part of the span falls back;
* new: above what was seen before the span; a saw-tooth, a daily wave or the recovery from a restart is not;
* worth it: more than the scatter of the samples, and more than two sockets.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import NormalDist, fmean, median
from typing import TYPE_CHECKING, Any, Literal, get_args

from tui.sockets.leaks import FEWEST, accumulate, counted
from tui.sockets.slope import CONFIDENT, cut, is_straight, medians, quantile, quantiles, since, theil_sen

if TYPE_CHECKING:
    from collections.abc import Sequence

Verdict = Literal["unknown", "steady", "shrinking", "growing", "leaking", "surging"]
VERDICTS: frozenset[str] = frozenset(get_args(Verdict))
RISING: frozenset[Verdict] = frozenset({"growing", "leaking", "surging"})

MINUTE = 60.0
SPANS_S = (3 * MINUTE, 10 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE, 7 * 24 * 60 * MINUTE)
SHORTEST_S = 2 * MINUTE  # in less, a pool that fills for a visitor looks like anything
BINS = 30
FEWEST_BINS = 10
SURGE_WITHIN_S = 10 * MINUTE
# The test looks again every few seconds for weeks, so it is stricter than the interval that is printed.
SIGNIFICANCE = 0.001
LEAST_RISE, SCATTERS = 2.0, 1.5  # in sockets, and in what single counts differ from the line
NEVER_S = 10 * 365 * 86400.0  # a limit further away than ten years is not foretold
_CRITICAL = NormalDist().inv_cdf(1 - SIGNIFICANCE / 2)
_CRITICAL_SURGE = CONFIDENT  # what would fill the server in minutes cannot wait for more


@dataclass(frozen=True, slots=True)
class Point:
    """How many sockets were open at a moment (seconds since the epoch).

    `stale` counts those that have been idle for longer than a minute, where that was seen: a socket that leaked is one
    of them for ever, while the sockets of a load hardly ever are.
    """

    at: float
    sockets: int
    stale: int | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """Slopes in sockets a minute, moments in seconds since the epoch; None where nothing can be said."""

    verdict: Verdict
    per_minute: float = 0.0
    low_per_minute: float = 0.0
    high_per_minute: float = 0.0
    exhausted_at: float | None = None
    exhausted_earliest: float | None = None
    exhausted_latest: float | None = None
    samples: int = 0
    window_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of a trend."""
        moments = {
            "exhausted_at": self.exhausted_at,
            "exhausted_earliest": self.exhausted_earliest,
            "exhausted_latest": self.exhausted_latest,
        }
        return {
            "verdict": self.verdict,
            "per_minute": round(self.per_minute, 4),
            "low_per_minute": round(self.low_per_minute, 4),
            "high_per_minute": round(self.high_per_minute, 4),
            **{
                key: datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
                for key, at in moments.items()
                if at is not None
            },
            "samples": self.samples,
            "window_s": round(self.window_s, 1),
        }


@dataclass(frozen=True, slots=True)
class _Rise:
    """What one span of the series says; slopes in sockets a second."""

    span_s: float
    samples: int
    slope: float
    low: float
    high: float
    level: float  # where the fitted line ends
    direction: int  # +1 risen, -1 fallen, 0 neither can be told
    certain: bool  # enough bins to contradict a longer span


def trend(points: Sequence[Point], limit: int | None = None) -> Trend:
    """Return where a series leads; `points` in the order of their time, `limit` the sockets that may be open at most.

    Of a series whose clock jumped back, only what came after the jump is read.
    """
    points = _after_last_jump(points)
    length = points[-1].at - points[0].at if points else 0.0
    if len(points) < FEWEST_BINS or length < SHORTEST_S:
        return Trend("unknown", samples=len(points), window_s=length)
    spans = [span for span in SPANS_S if span <= length * 1.02]
    if not spans or (length > 1.5 * spans[-1] and spans[-1] < SPANS_S[-1]):
        spans.append(length)
    rises = [rise for span in spans if (rise := _rise(points, span)) is not None]
    if not rises:
        return Trend("unknown", samples=len(points), window_s=length)
    leak = _leak(points, spans)
    if leak is not None:
        return _trend("leaking", leak, points, limit)
    # Load wanders for minutes at a time: so short a span is only believed of what cannot wait.
    chosen = _choose([rise for rise in rises if rise.span_s >= SPANS_S[1] or _surges(rise, limit)])
    if chosen is None:
        longest = next((rise for rise in rises if rise.span_s >= SPANS_S[1]), rises[-1])
        return _trend("steady", longest, points, None)
    if chosen.direction < 0:
        return _trend("shrinking", chosen, points, None)
    return _trend(_kind(chosen, points, limit), chosen, points, limit)


def _after_last_jump(points: Sequence[Point]) -> Sequence[Point]:
    start = 0
    for index in range(1, len(points)):
        if points[index].at <= points[index - 1].at:
            start = index
    return points[start:]


def _choose(rises: list[_Rise]) -> _Rise | None:
    """Return the shortest span that has risen or fallen, unless a shorter one shows that this has ended."""
    for index, rise in enumerate(rises):
        if not rise.direction:
            continue
        ended = any(
            shorter.certain and shorter.span_s * 6 >= rise.span_s and not shorter.low <= rise.slope <= shorter.high
            for shorter in rises[:index]
        )
        if not ended:
            return rise
    return None


def _leak(points: Sequence[Point], spans: list[float]) -> _Rise | None:
    """Return the rise of the stale sockets where they only accumulate, ending at the level that all sockets have now.

    Where load goes away, sockets become stale as well: only those count that came on top of the others.
    """
    counts = [p.stale for p in points if p.stale is not None]
    if len(counts) < max(FEWEST_BINS, len(points) // 2) or max(counts) - min(counts) < FEWEST:
        return None
    stale = [Point(p.at, p.stale) for p in points if p.stale is not None]
    end = stale[-1].at
    for span in spans:
        first = since(stale, end - span)
        window = stale[first:]
        floors = quantiles(window, min(BINS, len(window)), 0.0)
        # Some minutes of a load may look like a leak: so short a span is only believed of a fast one.
        if not (accumulate(floors) if span >= SPANS_S[1] else accumulate(floors, FEWEST * 3 // 2, 0.6)):
            continue
        thirds = [fmean(p.sockets for p in piece) for piece in cut(points[since(points, end - span) :], 3)]
        if len(thirds) < 3 or thirds[-1] - thirds[0] < (floors[-1] - floors[0]) / 6 or not _new(stale, first, span):
            continue
        arrivals, part = counted(floors)
        lasted, error = part * span, CONFIDENT * math.sqrt(arrivals)  # Poisson
        level = float(median(p.sockets for p in points[since(points, end - span / 15) :]))
        low, high = max(0.0, arrivals - error) / lasted, (arrivals + error) / lasted
        return _Rise(span, len(window), arrivals / lasted, low, high, level, 1, certain=True)
    return None


def _trend(verdict: Verdict, rise: _Rise, points: Sequence[Point], limit: int | None) -> Trend:
    now = points[-1].at

    def reached(slope: float) -> float | None:
        if limit is None or slope <= 0 or limit - rise.level > slope * NEVER_S:
            return None
        return now + max(0.0, limit - rise.level) / slope

    return Trend(
        verdict,
        rise.slope * MINUTE,
        rise.low * MINUTE,
        rise.high * MINUTE,
        exhausted_at=reached(rise.slope),
        exhausted_earliest=reached(rise.high),
        exhausted_latest=reached(rise.low),
        samples=rise.samples,
        window_s=rise.span_s,
    )


def _surges(rise: _Rise, limit: int | None) -> bool:
    """Tell whether a rise would eat the whole limit in twenty minutes, and is near enough to do it in ten."""
    if limit is None:
        return rise.slope * MINUTE >= 10
    return rise.slope * 2 * SURGE_WITHIN_S >= limit and limit - rise.level <= rise.slope * SURGE_WITHIN_S


def _kind(rise: _Rise, points: Sequence[Point], limit: int | None) -> Verdict:
    """Tell what sort of growth a believed rise is."""
    window = points[since(points, points[-1].at - rise.span_s) :]
    if _surges(rise, limit):
        return "leaking" if _left_behind(window) else "surging"
    if window[-1].stale is not None:
        return "growing"  # the stale sockets, looked at first, did not rise
    # Leaked sockets never close: the floor rises as the whole does, and never gives back.
    floor = quantiles(window, 8, 0.1)
    if len(floor) < 4:
        return "growing"
    risen = floor[-1] - floor[0]
    given_back = max(max(floor[: i + 1]) - value for i, value in enumerate(floor))
    return (
        "leaking" if risen >= 0.6 * rise.slope * rise.span_s * 7 / 8 and given_back <= 1 + 0.15 * risen else "growing"
    )


def _left_behind(window: Sequence[Point]) -> bool:
    """Tell whether what rose until a minute ago is stale by now, as no load's sockets are."""
    first, last = window[0], window[-1]
    earlier = window[: since(window, last.at - MINUTE)]
    if not earlier or first.stale is None or last.stale is None:
        return False
    stale = last.stale - first.stale
    return stale >= FEWEST // 2 and stale >= 0.6 * (earlier[-1].sockets - first.sockets)


def _rise(points: Sequence[Point], span: float) -> _Rise | None:
    end = points[-1].at
    first = since(points, end - span)
    window = points[first:]
    binned = medians(window, min(BINS, len(window)))
    if len(binned) < FEWEST_BINS or binned[-1][0] - binned[0][0] < 0.6 * span:
        return None
    slope, low, high, z = theil_sen(binned)
    level = median(value - slope * (at - end) for at, value in binned)
    scatter = 1.4826 * median(abs(p.sockets - level - slope * (p.at - end)) for p in window)
    direction = 0
    critical = _CRITICAL if span >= SPANS_S[1] else _CRITICAL_SURGE
    if abs(z) >= critical and abs(slope) * span >= max(LEAST_RISE, SCATTERS * scatter):
        sign = 1 if slope > 0 else -1
        quarters = quantiles(window, 4, 0.5)
        if len(quarters) == 4 and _spread(quarters, sign) and is_straight(binned):
            lasts = max(p.sockets for p in window[-5:]) >= level - slope * span / 2
            if sign < 0 or (lasts and _new(points, first, span)):
                direction = sign
    return _Rise(span, len(window), slope, low, high, level, direction, certain=len(binned) >= 24)


def _spread(quarters: list[float], sign: int) -> bool:
    """Tell whether no quarter of the span falls back behind the one before, but for noise."""
    total = sign * (quarters[-1] - quarters[0])
    return all(sign * (b - a) >= -0.1 * total for a, b in itertools.pairwise(quarters)) and total > 0


def _new(points: Sequence[Point], first: int, span: float) -> bool:
    """Tell whether the end of the span stands above all that was seen for a while before it."""
    end = points[-1].at
    horizon = max(6 * span, 36 * 60 * MINUTE if span >= 60 * MINUTE else 0.0)
    before = points[since(points, end - span - horizon) : first]
    piece = span / 4
    if not before or before[-1].at - before[0].at < piece:
        return True
    now = quantile(sorted(p.sockets for p in points[since(points, end - piece) :]), 0.25)
    count = max(1, int((before[-1].at - before[0].at) / piece))
    return now > max(quantiles(before, count, 0.25), default=-math.inf)
