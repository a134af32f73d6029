"""The recorded load of a server's pools, and the arrivals that it is taken for. Pure.

The history counts sockets every two seconds or so; it saw none come and none go. So arrivals are reconstructed:

- of transactions: each socket that was busy at a count (active, in a transaction, or of a state that says neither) is
  one arrival, which holds a server socket until the next count. The work is that which was counted; its pieces are as
  long as the interval. Where the real ones are shorter, too long a wait is predicted, by up to an interval or two; who
  waits at a time is not told well by counts: fewer for shorter ones, more for longer ones.
- of sessions: as many came as the count rose by, or as the server counted to have been opened (`opened_per_minute`,
  of the whole database, from PostgreSQL 14 on) where that is more; who came first leaves first. Their mean length is
  right by Little's law (L = lambda W), their spread is not: real sessions of very different lengths wait longer.

`python -m tests.bouncer.test_agreement` measures the error of both on loads whose arrivals are known.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from tui.bouncer.simulation import Arrival, Outcome, simulate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tui.bouncer.model import PoolMode, Prediction
    from tui.bouncer.simulation import Proxy

UNSEEN = -1
# An interval without a count that is longer than so many usual ones is a gap: what was held is not known.
_GAP = 4.0


class Series(NamedTuple):
    """The counts of one pool; UNSEEN where it could not be seen. `opened` is per minute, of the whole database."""

    database: str
    username: str
    held: Sequence[int]
    busy: Sequence[int]
    opened: Sequence[float]


@dataclass(frozen=True, slots=True)
class Load:
    """The counts of all pools of a server, at moments in seconds since the epoch; `used` are all of its sockets."""

    at: Sequence[float]
    series: tuple[Series, ...]
    used: Sequence[int]

    @property
    def held(self) -> list[int]:
        """How many sockets all pools held at each moment; what was not seen counts nothing."""
        return [sum(max(0, n) for n in counts) for counts in zip(*(one.held for one in self.series), strict=True)]

    @property
    def busy(self) -> list[int]:
        """How many of them were busy."""
        return [sum(max(0, n) for n in counts) for counts in zip(*(one.busy for one in self.series), strict=True)]

    @property
    def interval_s(self) -> float:
        """The usual time between two counts."""
        return median(max(0.0, later - one) for one, later in pairwise(self.at)) if len(self.at) > 1 else 0.0


def replay(load: Load, proxy: Proxy, mode: PoolMode) -> Prediction:
    """Return what the load would have done through the pools of `proxy`."""
    peak = max(load.held, default=0)
    if mode == "session":
        return simulate(sessions(load), proxy).prediction(peak)
    # Where no pool is short of sockets nobody waits: only the rest is simulated, which is little of a day.
    pressed = _pressed(load, proxy)
    found = simulate(transactions(load, pressed), proxy)
    quiet = [index for index in range(len(load.at) - 1) if index not in pressed]
    beside = sum(max(0, one.busy[index]) for one in load.series for index in quiet)
    busiest = max((sum(max(0, one.busy[index]) for one in load.series) for index in quiet), default=0)
    # A client waits for one transaction at a time: no more of them wait than had sockets.
    waiting = min(found.peak_waiting, peak)
    return Outcome(
        found.waits + (0.0,) * beside, max(found.peak_server_sockets, busiest), waiting, found.refused
    ).prediction(peak)


def _pressed(load: Load, proxy: Proxy) -> frozenset[int]:
    """Return the counts at which somebody may have waited, with those before and after them."""
    size = {(one.database, one.username): one.pool_size for one in proxy.pools}
    found: set[int] = set()
    databases: dict[str, list[int]] = {}
    for one in load.series:
        _press(one.busy, size[one.database, one.username], found)
        together = databases.setdefault(one.database, [0] * len(load.at))
        databases[one.database] = [n + max(0, more) for n, more in zip(together, one.busy, strict=True)]
    for database, busy in databases.items():
        if proxy.databases.get(database):
            _press(busy, proxy.databases[database], found)
    return frozenset(found)


def _press(busy: Sequence[int], size: int, found: set[int]) -> None:
    left = 0  # the work that is left over, in sockets times intervals
    size -= 1  # between two counts there may be one more than at either
    for index, count in enumerate(busy):
        left = max(0, left + max(0, count) - size)
        if left or count >= size:
            found.update((max(0, index - 1), index, min(index + 1, len(busy) - 1)))


def _spans(load: Load) -> Iterator[tuple[int, float, float]]:
    """Yield the number of each count with when it was and how long it is taken to have held."""
    usual = load.interval_s
    for index, (at, later) in enumerate(pairwise(load.at)):
        if 0 < later - at <= _GAP * usual:
            yield index, at, later - at
        else:
            yield index, at, usual


def transactions(load: Load, only: frozenset[int] | None = None) -> list[Arrival]:
    """Return the load as transactions; of some counts only."""
    return [
        Arrival(at + length * number / count, length, one.database, one.username)
        for index, at, length in _spans(load)
        if only is None or index in only
        for one in load.series
        for count in (one.busy[index],)
        for number in range(count)
    ]


def sessions(load: Load) -> list[Arrival]:
    """Return the load as sessions."""
    shares: dict[str, list[int]] = {}
    for one in load.series:
        held = shares.setdefault(one.database, [0] * len(load.at))
        shares[one.database] = [n + max(0, more) for n, more in zip(held, one.held, strict=True)]
    return [arrival for one in load.series for arrival in _sessions(load, one, shares)]


def _sessions(load: Load, one: Series, shares: Mapping[str, Sequence[int]]) -> Iterator[Arrival]:
    began: deque[float] = deque()
    churned = 0.0
    for index, at, length in _spans(load):
        held = one.held[index]
        if held == UNSEEN:
            continue
        change = held - len(began)
        if one.opened[index] >= 0 and held:
            churned += one.opened[index] * length / 60 * held / shares[one.database][index]
        came = max(change, min(int(churned), held))
        churned = min(max(0.0, churned - came), 1.0)
        left = came - change  # of those that were there before
        for number in range(left):
            since = began.popleft()
            yield Arrival(since, at + length * number / left - since, one.database, one.username)
        began.extend(at + length * number / came for number in range(came))
    end = load.at[-1] if load.at else 0.0
    for since in began:
        yield Arrival(since, max(0.0, end - since), one.database, one.username)
