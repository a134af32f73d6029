"""The recorded samples as a tape: one stands on a sample, and goes forward and back from it, or anywhere else.

The order is that in which they were recorded, whatever the clock did. A tape reads run by run, some minutes at a time,
and keeps their lines, of which each is turned into a sample when it is wanted; what is recorded meanwhile is on it too.
All calls block; one thread at a time may make them.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from tui.history.database import Damaged, open_to_read
from tui.history.decoding import Decoder
from tui.history.lines import EncodingError, since_before
from tui.history.runs import inflated, snapshot, understood

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tui.sockets.model import Sample

_RUNS_KEPT = 6


class _Run(NamedTuple):
    """Lines that follow each other, with the moment of each; one that is still `open` grows."""

    lines: tuple[str, ...] = ()
    moments: tuple[float, ...] = ()
    open: bool = False


class _Place(NamedTuple):
    """A line of a run, which is known by the number of its first sample."""

    run: int
    number: int


_NOWHERE = _Place(0, -1)


class Tape:
    """Stands on `sample`; None where nothing is recorded, or before the first `seek`. Calls raise HistoryError."""

    def __init__(self, path: Path) -> None:
        """Read the history in `path`."""
        self._path = path
        self._runs: OrderedDict[int, _Run] = OrderedDict()
        self._place = _NOWHERE
        self._decoder = Decoder()
        self._decoded = _NOWHERE  # the last line that the decoder took
        self.sample: Sample | None = None

    def seek(self, at: float) -> Sample | None:
        """Go to the last sample at or before a moment, in seconds since the epoch; before all, to the first."""
        run = self._run_at(at)
        if run is None:
            return None
        index = max((number for number, moment in enumerate(self._read(run).moments) if moment <= at), default=-1)
        place = _Place(run, max(0, index))
        return self._stand(place if index >= 0 else self._beside(place, -1) or place)

    def forward(self) -> Sample | None:
        """Go to the next sample, and return it; None at the end."""
        place = self._beside(self._place, 1)
        return self._stand(place) if place else None

    def back(self) -> Sample | None:
        """Go to the sample before, and return it; None at the beginning."""
        place = self._beside(self._place, -1)
        return self._stand(place) if place else None

    def next_at(self) -> float | None:
        """Return when the next sample was made; None at the end."""
        place = self._beside(self._place, 1)
        return self._read(place.run).moments[place.number] if place else None

    def before(self, number: int) -> Iterator[Sample]:
        """Yield so many samples before this one, or as many as there are, from old to new."""
        places: list[_Place] = []
        place: _Place | None = self._place
        while len(places) < number and place and (place := self._beside(place, -1)):
            places.append(place)
        for one in reversed(places):
            yield self._sample(one)

    def stretches(self, longest_s: float) -> list[tuple[float, float]]:
        """Return from when to when something was recorded, from old to new, apart by more than `longest_s`."""
        with open_to_read(self._path) as database:
            runs = database.execute(
                "SELECT began, ended FROM chunk UNION ALL SELECT min(at), max(at) FROM beat GROUP BY chunk ORDER BY 1"
            )
            found: list[tuple[float, float]] = []
            for began, ended in runs:
                if found and began - found[-1][1] <= longest_s:
                    found[-1] = found[-1][0], max(found[-1][1], ended)
                else:
                    found.append((began, ended))
        return found

    def _stand(self, place: _Place) -> Sample | None:
        self.sample = self._sample(place)
        self._place = place
        return self.sample

    def _sample(self, place: _Place) -> Sample:
        """Return a sample: the decoder takes the lines up to it, from where it is or from the first of the run."""
        run, index = place
        if self._decoded.run != run or self._decoded.number > index:
            self._decoder, self._decoded = Decoder(), _Place(run, -1)
        try:
            for line in self._read(run).lines[self._decoded.number + 1 : index + 1]:
                self._decoder.take(line)
        except EncodingError:
            self._decoded = _NOWHERE  # the decoder is good for nothing any more
            raise Damaged(f"The history {self._path} is damaged") from None
        self._decoded = place
        return understood(self._path, self._decoder)

    def _beside(self, place: _Place, step: int) -> _Place | None:
        """Return the place of the sample after (1) or before (-1) a place."""
        run, index = place
        if 0 <= index + step < len(self._read(run).lines):
            return _Place(run, index + step)
        if step > 0 and self._read(run).open:
            del self._runs[run]  # it may have grown
            if index + step < len(self._read(run).lines):
                return _Place(run, index + step)
        beside = self._run_beside(run, step)
        return None if beside is None else _Place(beside, 0 if step > 0 else len(self._read(beside).lines) - 1)

    def _read(self, run: int) -> _Run:
        """Return a run; an empty one where it was thrown away meanwhile."""
        if run not in self._runs:
            self._runs[run] = self._read_anew(run)
            while len(self._runs) > _RUNS_KEPT:
                self._runs.popitem(last=False)
        self._runs.move_to_end(run)
        return self._runs[run]

    def _read_anew(self, run: int) -> _Run:
        with open_to_read(self._path) as database, snapshot(database):
            found = database.execute("SELECT lines FROM chunk WHERE seq = ?", (run,)).fetchone()
            rows = database.execute("SELECT line FROM beat WHERE chunk = ? ORDER BY seq", (run,)).fetchall()
        lines = [line for (line,) in rows] if found is None else inflated(self._path, found[0])
        try:
            moments = tuple(milliseconds / 1000 for milliseconds in accumulate(map(since_before, lines)))
        except EncodingError:
            raise Damaged(f"The history {self._path} is damaged") from None
        return _Run(tuple(lines), moments, open=found is None)

    def _run_at(self, at: float) -> int | None:
        """Return the run that holds a moment, or the first one after it, or the last one."""
        with open_to_read(self._path) as database, snapshot(database):
            for query in (
                "SELECT seq FROM chunk WHERE ended >= ? ORDER BY ended LIMIT 1",
                "SELECT chunk FROM beat WHERE at >= ? ORDER BY seq LIMIT 1",
            ):
                found = database.execute(query, (at,)).fetchone()
                if found is not None:
                    return int(found[0])
            (last,) = database.execute(
                "SELECT max(run) FROM (SELECT max(seq) AS run FROM chunk UNION ALL SELECT max(chunk) FROM beat)"
            ).fetchone()
        return None if last is None else int(last)

    def _run_beside(self, run: int, step: int) -> int | None:
        best, way = ("min", ">") if step > 0 else ("max", "<")
        with open_to_read(self._path) as database:
            (found,) = database.execute(
                f"SELECT {best}(run) FROM (SELECT {best}(seq) AS run FROM chunk WHERE seq {way} ?1"  # noqa: S608
                f" UNION ALL SELECT {best}(chunk) FROM beat WHERE chunk {way} ?1)",
                (run,),
            ).fetchone()
        return None if found is None else int(found)
