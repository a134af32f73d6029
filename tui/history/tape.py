"""The recorded samples as a tape: one stands on a sample, and goes forward and back from it, or anywhere else.

The order is that in which they were recorded, whatever the clock did. A tape reads run by run, some minutes at a time;
what is recorded meanwhile is on it too. All calls block; one thread at a time may make them.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from tui.history.database import open_to_read
from tui.history.runs import decoded, inflated, snapshot, understood

if TYPE_CHECKING:
    from pathlib import Path

    from tui.sockets.model import Sample

_RUNS_KEPT = 6


class _Run(NamedTuple):
    """Samples that follow each other; one that is still `open` grows."""

    samples: tuple[Sample, ...]
    open: bool


class Tape:
    """Stands on `sample`; None where nothing is recorded, or before the first `seek`. Calls raise HistoryError."""

    def __init__(self, path: Path) -> None:
        """Read the history in `path`."""
        self._path = path
        self._runs: OrderedDict[int, _Run] = OrderedDict()
        self._run = 0
        self._index = 0
        self.sample: Sample | None = None

    def seek(self, at: float) -> Sample | None:
        """Go to the last sample at or before a moment, in seconds since the epoch; before all, to the first."""
        run = self._run_at(at)
        if run is None:
            return None
        samples = self._samples(run)
        index = max((number for number, sample in enumerate(samples) if sample.at <= at), default=-1)
        self._stand(run, max(0, index))
        return self.sample if index >= 0 else self.back() or self.sample

    def forward(self) -> Sample | None:
        """Go to the next sample, and return it; None at the end."""
        place = self._beside(self._run, self._index, 1)
        return self._stand(*place) if place else None

    def back(self) -> Sample | None:
        """Go to the sample before, and return it; None at the beginning."""
        place = self._beside(self._run, self._index, -1)
        return self._stand(*place) if place else None

    def next(self) -> Sample | None:
        """Return the next sample without going there; None at the end."""
        place = self._beside(self._run, self._index, 1)
        return self._samples(place[0])[place[1]] if place else None

    def before(self, number: int) -> list[Sample]:
        """Return so many samples before this one, or as many as there are, from old to new."""
        found: list[Sample] = []
        place: tuple[int, int] | None = (self._run, self._index)
        while place and len(found) < number and (place := self._beside(*place, -1)):
            found.append(self._samples(place[0])[place[1]])
        return found[::-1]

    def _stand(self, run: int, index: int) -> Sample | None:
        samples = self._samples(run)
        self._run, self._index, self.sample = run, index, samples[index] if samples else None
        return self.sample

    def _beside(self, run: int, index: int, step: int) -> tuple[int, int] | None:
        """Return the place of the sample after (1) or before (-1) a place."""
        if 0 <= index + step < len(self._samples(run)):
            return run, index + step
        if step > 0 and run in self._runs and self._runs[run].open:
            del self._runs[run]  # it may have grown
            if index + step < len(self._samples(run)):
                return run, index + step
        beside = self._run_beside(run, step)
        while beside is not None and not self._samples(beside):
            beside = self._run_beside(beside, step)
        if beside is None:
            return None
        return beside, 0 if step > 0 else len(self._samples(beside)) - 1

    def _samples(self, run: int) -> tuple[Sample, ...]:
        """Return the samples of a run; none where it was thrown away meanwhile."""
        if run not in self._runs:
            self._runs[run] = self._read(run)
            while len(self._runs) > _RUNS_KEPT:
                self._runs.popitem(last=False)
        self._runs.move_to_end(run)
        return self._runs[run].samples

    def _read(self, run: int) -> _Run:
        with open_to_read(self._path) as database, snapshot(database):
            found = database.execute("SELECT lines FROM chunk WHERE seq = ?", (run,)).fetchone()
            rows = database.execute("SELECT line FROM beat WHERE chunk = ? ORDER BY seq", (run,)).fetchall()
        lines = [line for (line,) in rows] if found is None else inflated(self._path, found[0])
        samples = tuple(understood(self._path, decoder) for decoder in decoded(self._path, lines))
        return _Run(samples, open=found is None)

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
