"""What was counted in the last day, kept small, and the trends of it, which are judged now and then. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import replace
from statistics import median_low
from typing import TYPE_CHECKING

from tui.sockets.growth import LEAST_RISE, MINUTE, RISING, SHORTEST_S, Point, Trend, trend

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

RAW_S = 15 * MINUTE
RAW_STEP_S = 1.9  # counts that come faster than every two seconds say no more about where it leads
DAY_S = 24 * 60 * MINUTE
# A trend reads what is older than two hours in steps of five minutes: its long spans see enough in these.
_FINE, _STEP = 120, 5
JUDGED_EVERY_S = 10.0
_UNSEEN = -1


class _Points:
    """Points from old to new, in 16 bytes each."""

    def __init__(self) -> None:
        self.at = array("d")
        self.sockets = array("i")
        self.stale = array("i")

    def add(self, at: float, sockets: int, stale: int) -> None:
        self.at.append(at)
        self.sockets.append(sockets)
        self.stale.append(stale)

    def forget(self, before: float) -> int:
        """Leave out what is older, many at a time, since it moves all others; return how many."""
        first = bisect_left(self.at, before)
        if first < 60:
            return 0
        del self.at[:first], self.sockets[:first], self.stale[:first]
        return first

    def read(self, indices: range) -> Iterator[Point]:
        at, sockets, stale = self.at, self.sockets, self.stale
        return (Point(at[i], sockets[i], None if stale[i] == _UNSEEN else stale[i]) for i in indices)


class Past:
    """One series: each count of the last quarter of an hour, and a day by the minute: 30 KB when full."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._raw = _Points()
        self._minutes = _Points()
        self._minute_from = 0  # the first of the raw counts that is in no minute yet

    def add(self, at: float, sockets: int, stale: int | None) -> None:
        """Add a count; where the clock was set back, everything begins anew."""
        raw = self._raw
        if raw.at:
            if at < raw.at[-1]:
                self._begin()
                raw = self._raw
            elif at - raw.at[-1] < RAW_STEP_S:
                return
            elif self._minute_from < len(raw.at) and at - raw.at[self._minute_from] >= MINUTE:
                self._roll_up()
        raw.add(at, sockets, _UNSEEN if stale is None else stale)
        self._minute_from -= min(self._minute_from, raw.forget(at - RAW_S))

    def _roll_up(self) -> None:
        raw, first = self._raw, self._minute_from
        middle = raw.at[(first + len(raw.at)) // 2]
        # The fewest stale ones: who was idle for long and is used again leaked none.
        self._minutes.add(middle, median_low(raw.sockets[first:]), min(raw.stale[first:]))
        self._minutes.forget(middle - DAY_S)
        self._minute_from = len(raw.at)

    @property
    def last(self) -> float:
        """When the last count was added, in seconds since the epoch; 0 before the first."""
        return self._raw.at[-1] if self._raw.at else 0.0

    def points(self) -> tuple[Point, ...]:
        """Return all that is kept, from old to new: first by the minute, then each count."""
        return tuple(self._read(len(self._minutes.at), 1))

    def trend(self, limit: int | None) -> Trend:
        """Return where it leads; `limit` is how many sockets may be open at most."""
        counts = [*self._minutes.sockets, *self._raw.sockets]
        if counts and max(counts) - min(counts) < LEAST_RISE:  # as most Connections are, most of the time
            at = self._raw.at
            length = at[-1] - (self._minutes.at[0] if self._minutes.at else at[0])
            if length >= SHORTEST_S:
                return Trend("steady", samples=len(counts), window_s=length)
        return trend(tuple(self._read(_FINE, _STEP)), limit)

    def _read(self, fine: int, step: int) -> Iterator[Point]:
        older = bisect_left(self._minutes.at, self._raw.at[0]) if self._raw.at else 0
        edge = max(0, older - fine)
        yield from self._minutes.read(range(0, edge, step))
        yield from self._minutes.read(range(edge, older))
        yield from self._raw.read(range(len(self._raw.at)))


class Trends:
    """The pasts of many series by name, and the trend of each as it was judged last.

    Whether a series rises is only told otherwise than before where two looks in a row say so: waves of a load meet for
    seconds. Until then the trend stays what it was.
    `pace` is how many seconds of a series pass in one of the clock: a test lives faster.
    """

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace
        self._pasts: dict[str, Past] = {}
        self._limits: dict[str, int | None] = {}
        self._judged: dict[str, Trend] = {}
        self._judged_at: dict[str, float] = {}
        self._doubted: dict[str, bool] = {}  # whether the last look saw another way than is told

    def add(self, name: str, at: float, sockets: int | None, stale: int | None, limit: int | None) -> None:
        """Add a count, taken at a moment in seconds since the epoch; None, where nothing was seen, is a gap."""
        self._limits[name] = limit
        past = self._pasts.setdefault(name, Past())
        if sockets is not None:
            past.add(at * self._pace, sockets, stale)

    def precede(self, pasts: Mapping[str, Past]) -> None:
        """Put older counts, by the names of their series, before those that were added until now."""
        for name, past in pasts.items():
            last = past.last
            for point in self._pasts[name].points() if name in self._pasts else ():
                if point.at > last:
                    past.add(point.at, point.sockets, point.stale)
            self._pasts[name] = past
            self._limits.setdefault(name, None)
            self._judged_at.pop(name, None)

    def keep(self, names: Collection[str]) -> None:
        """Forget the series of other names."""
        for known in (self._pasts, self._limits, self._judged, self._judged_at, self._doubted):
            for name in known.keys() - names:
                del known[name]

    def points(self, name: str) -> tuple[Point, ...]:
        """Return what is kept of a series, from old to new; at most a day."""
        past = self._pasts.get(name)
        return tuple(replace(p, at=p.at / self._pace) for p in past.points()) if past else ()

    def of(self, name: str) -> Trend | None:
        """Return the trend of a series as it was judged last; None where there is one sample to judge, or none."""
        found = self._judged.get(name)
        return found if found is not None and found.samples > 1 else None

    def judge(self, at: float, is_spent: Callable[[], bool]) -> None:
        """Judge again what was judged longest ago, until the time for it is spent; at least one."""
        latest = at - JUDGED_EVERY_S / self._pace
        due = [name for name in self._pasts if not latest < self._judged_at.get(name, 0.0) <= at]
        for name in sorted(due, key=lambda name: self._judged_at.get(name, 0.0)):
            found = self._slowed(self._pasts[name].trend(self._limits[name]))
            told = self._judged.get(name)
            turns = told is not None and (told.verdict in RISING) != (found.verdict in RISING)
            self._doubted[name] = turns and not self._doubted.get(name, False)
            if not self._doubted[name]:
                self._judged[name] = found
            self._judged_at[name] = at
            if is_spent():
                break

    def _slowed(self, found: Trend) -> Trend:
        """Return a trend by the clock."""
        if self._pace == 1.0:
            return found
        moments = (found.exhausted_at, found.exhausted_earliest, found.exhausted_latest)
        at, earliest, latest = (None if moment is None else moment / self._pace for moment in moments)
        return replace(
            found,
            per_minute=found.per_minute * self._pace,
            low_per_minute=found.low_per_minute * self._pace,
            high_per_minute=found.high_per_minute * self._pace,
            exhausted_at=at,
            exhausted_earliest=earliest,
            exhausted_latest=latest,
            window_s=found.window_s / self._pace,
        )
