"""A robust slope and its interval, over the medians of pieces of time. Pure.

The slope is Theil and Sen's (Sen 1968, J. Am. Stat. Assoc. 63:1379), its interval from Kendall's S, whose variance is
widened for samples that resemble their neighbours (Yue and Wang 2004, Water Resour. Manag. 18:201). A burst shorter
than half a piece weighs nothing in the piece's median.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from statistics import NormalDist, fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.sockets.growth import Point

QUANTUM = 0.5  # counts are whole: no scatter is known to be finer
CONFIDENCE = 0.95
CONFIDENT = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def since(points: Sequence[Point], at: float) -> int:
    """Return the position of the first point that is not before a moment."""
    return bisect_left(points, at, key=lambda point: point.at)


def cut(points: Sequence[Point], pieces: int) -> list[Sequence[Point]]:
    """Cut a series into pieces of equal time; the empty ones are left out."""
    start, width = points[0].at, (points[-1].at - points[0].at) / pieces
    if width <= 0:
        return [points]
    edges = [0, *(since(points, start + i * width) for i in range(1, pieces)), len(points)]
    return [points[a:b] for a, b in itertools.pairwise(edges) if b > a]


def medians(points: Sequence[Point], pieces: int) -> list[tuple[float, float]]:
    """Return the mean time and the median count of each piece."""
    return [(fmean(p.at for p in piece), float(median(p.sockets for p in piece))) for piece in cut(points, pieces)]


def quantiles(points: Sequence[Point], pieces: int, share: float) -> list[float]:
    """Return of each piece the count that a share of its counts lies below."""
    if not points:
        return []
    return [quantile(sorted(p.sockets for p in piece), share) for piece in cut(points, pieces)]


def quantile(values: Sequence[int], share: float) -> float:
    """Return the value that a share of sorted values lies below."""
    return float(values[min(len(values) - 1, int(share * len(values)))])


def theil_sen(binned: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Return the median slope, its interval, and its standard score; both allow for autocorrelation."""
    n = len(binned)
    slopes = sorted(
        (binned[j][1] - binned[i][1]) / (binned[j][0] - binned[i][0]) for i in range(n) for j in range(i + 1, n)
    )
    slope = median(slopes)
    score = sum(s > 0 for s in slopes) - sum(s < 0 for s in slopes)
    values = [value for _, value in binned]
    ties = [values.count(v) for v in set(values)]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    residuals = [value - slope * at for at, value in binned]
    middle = fmean(residuals)
    power = sum((r - middle) ** 2 for r in residuals)
    shared = sum((a - middle) * (b - middle) for a, b in itertools.pairwise(residuals))
    # So few residuals resemble each other less than what they are samples of (Kendall 1954, Biometrika 41:403).
    neighbour = min(0.9, max(0.0, (n * shared / power + 2) / (n - 4))) if power else 0.0
    deviation = math.sqrt(variance * (1 + neighbour) / (1 - neighbour))
    # What the slope is over its own error, as in a regression, with the residuals' median deviation for their scatter.
    spread = max(QUANTUM, 1.4826 * median(abs(r - median(residuals)) for r in residuals))
    rise = slope * (binned[-1][0] - binned[0][0])
    z = rise / spread * math.sqrt(n / 12 * (1 - neighbour) / (1 + neighbour)) if abs(score) > deviation else 0.0
    reach = int(CONFIDENT * deviation)
    lower = max(0, (len(slopes) - reach) // 2)
    upper = min(len(slopes) - 1, (len(slopes) + reach) // 2)
    return slope, slopes[lower], slopes[upper], z


def is_straight(binned: Sequence[tuple[float, float]]) -> bool:
    """Tell whether a line fits better than one step, by the squares that each of them leaves."""
    n = len(binned)
    at, value = fmean(a for a, _ in binned), fmean(v for _, v in binned)
    by_line = sum((a - at) * (v - value) for a, v in binned) ** 2 / sum((a - at) ** 2 for a, _ in binned)
    before = itertools.accumulate(v - value for _, v in binned[:-1])
    by_step = max(total**2 * n / (k * (n - k)) for k, total in enumerate(before, 1))
    return by_line > 0.9 * by_step  # of a step in the middle, a line explains three quarters
