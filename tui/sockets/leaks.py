"""Whether idle sockets only accumulate. Pure.

Sockets that leak are a counting process: they arrive one by one, at moments that are spread, and none departs. A slope
says little of so few of them, since their distance from a line wanders; a sign test does (Conover 1999, Practical
Nonparametric Statistics, 3.4), over the floors of pieces of time: a socket that is idle for long and used again
leaked not. Each piece counts for two arrivals at most, but for all its departures. What arrives in larger batches is
the pool of another node, or of a load that ends.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 4  # arrivals that stayed: in ten minutes of one a minute there are hardly ever fewer
_CRITICAL = 2.0  # four of them, and none that went, are enough
_AT_ONCE, _ALONE = 2, 0.75  # so many arrivals alone, or as a pair
_COARSE, _FEWEST_COARSE = 3, 5


def accumulate(floors: Sequence[float], fewest: int = FEWEST, spread: float = 0.25) -> bool:
    """Tell whether a floor of idle sockets, given for equal pieces of time, only accumulates.

    At least `fewest` must have stayed, and have arrived over a part of the time that is no less than `spread`; a
    silence that is longer than it lasted has ended it. Idle
    sockets of a pool beside them come and go: longer pieces see the leak below these.
    """
    longer = [min(floors[i : i + _COARSE]) for i in range(0, len(floors), _COARSE)]
    return _accumulate(floors, fewest, spread, 3) or _accumulate(longer, fewest, spread, _FEWEST_COARSE)


def counted(floors: Sequence[float]) -> tuple[float, float]:
    """Return how many have arrived since the first one did, and the part of the time that this took.

    The leak may have begun at any time before its first arrival, which therefore counts for a half.

    >>> counted([2, 2, 3, 3, 4])
    (1.5, 0.6)
    """
    first = next(i for i, (a, b) in enumerate(itertools.pairwise(floors)) if b > a)
    arrived = floors[-1] - floors[0] - (floors[first + 1] - floors[first]) / 2
    return arrived, (len(floors) - 1 - first) / len(floors)


def _accumulate(floors: Sequence[float], fewest: int, spread: float, times: int) -> bool:
    changes = [b - a for a, b in itertools.pairwise(floors)]
    rises = [i for i, change in enumerate(changes) if change > 0]
    if len(rises) < times:
        return False
    lasted, silent = rises[-1] - rises[0], len(changes) - 1 - rises[-1]
    if lasted < max(silent, spread * len(changes)):
        return False
    arrived = sum(min(_AT_ONCE, changes[i]) for i in rises)
    departed = -sum(change for change in changes if change < 0)
    stayed = arrived - departed
    if stayed < fewest or stayed < _CRITICAL * math.sqrt(arrived + departed):
        return False
    return arrived >= _ALONE * sum(changes[i] for i in rises) or len(rises) >= len(changes) / 2
