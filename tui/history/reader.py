"""Reads the history, while others write it.

Every call opens the file anew and sees it as it is at that moment; all of them block, so that a screen calls them in a
thread. Moments are in seconds since the epoch, spans half open. Where the clock was set back, samples and single
counts come in the order in which they were recorded, and steps hold what was recorded at their time, both times.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui import paths
from tui.connections.files import followed
from tui.history.database import open_to_read
from tui.history.rollup import (
    HOUR,
    MINUTE,
    Rollup,
    begin,
    by_step,
    of_connection,
    of_server,
    step_for,
    with_gaps,
)
from tui.history.rows import FIELDS, from_row
from tui.history.runs import decoded, decoded_rows, inflated, opened_rows, snapshot, tallied, understood
from tui.history.store import storable
from tui.sockets.alerts import Alert
from tui.sockets.series import Series

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tui.history.decoding import Decoder, Tally
    from tui.sockets.model import Sample

Kind = Literal["connection", "server"]
SPAN = "SELECT min(began), max(ended) FROM (SELECT began, ended FROM chunk UNION ALL SELECT min(at), max(at) FROM beat)"
# An alert of a recorder that was ended stands on if it was seen so lately.
STANDS_S = 600.0


class Past(NamedTuple):
    """A series in steps of `seconds` of the clock, one each, also where nothing was recorded; 0: single counts."""

    seconds: int
    rollups: tuple[Rollup, ...]


class KeptAlert(NamedTuple):
    """An alert, and when it ended; None while it stands."""

    alert: Alert
    ended: float | None


class Restart(NamedTuple):
    """A start of a server, by its own clock, and when it was first seen."""

    server: str
    started: float
    seen: float


class Span(NamedTuple):
    """From when to when something was recorded."""

    start: float
    end: float


class History:
    """What was recorded. Each call raises HistoryError where there is none, or it cannot be read."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path | None = None) -> None:
        """Read `path`, or the history of the environment."""
        self.path = followed(path or paths.history_file())

    def span(self) -> Span | None:
        """Return from when to when samples are kept; None where none are."""
        with open_to_read(self.path) as database:
            found = database.execute(SPAN).fetchone()
        return None if found[0] is None else Span(*found)

    def names(self, kind: Kind = "connection") -> dict[str, str]:
        """Return what was ever recorded: ids of Connections with their last names, or labels of servers."""
        with open_to_read(self.path) as database, snapshot(database):
            found = dict(database.execute("SELECT key, name FROM series WHERE kind = ?", (kind,)).fetchall())
            opened = opened_rows(database)
        # What is in no chunk yet is in no series either: its last sample names what there is.
        for decoder in itertools.islice(decoded_rows(self.path, opened), max(0, len(opened) - 1), None):
            last = understood(self.path, decoder)
            if kind == "connection":
                found |= {storable(one.id): storable(one.name) for one in last.connections}
            else:
                found |= {storable(one.server): storable(one.server) for one in last.servers}
        return dict(sorted(found.items(), key=lambda one: (one[1], one[0])))

    def series(self, key: str, start: float, end: float, points: int = 400, kind: Kind = "connection") -> Past:
        """Return what was counted of a Connection by its id, or of a server by its label, in at most `points` steps.

        Steps are single counts up to a quarter of an hour, else whole minutes, or hours where the minutes are gone.
        """
        with open_to_read(self.path) as database, snapshot(database):
            seconds = self._step(database, key, kind, start, step_for(end - start, points))
            return self._series(database, key, kind, start, end, seconds)

    def series_by(self, seconds: int, key: str, start: float, end: float, kind: Kind = "connection") -> Past:
        """Return a series as `series` does, in steps of so many seconds; 0 for single counts."""
        with open_to_read(self.path) as database, snapshot(database):
            return self._series(database, key, kind, start, end, seconds)

    def minutes(
        self, names: Iterable[tuple[Kind, str]], start: float, end: float
    ) -> dict[tuple[Kind, str], list[Rollup]]:
        """Return the minutes of a span in which something was recorded, of many series at once."""
        found: dict[tuple[Kind, str], list[Rollup]] = {}
        with open_to_read(self.path) as database, snapshot(database):
            rows = opened_rows(database)
            for name in names:
                found[name] = _stepped(database, *name, start, end, MINUTE)
        opened: dict[tuple[Kind, str], list[Rollup]] = {name: [] for name in found}
        for decoder in decoded_rows(self.path, rows):
            if start <= decoder.at < end:
                for kind, key in found:
                    opened[kind, key].append(_single(decoder, key, kind))
        return {name: by_step([*found[name], *opened[name]], MINUTE) for name in found}

    def all_steps(self, key: str, start: float, end: float, kind: Kind = "connection") -> list[Rollup]:
        """Return the minutes of a span, and before the first of them the hours: what is still known of it."""
        with open_to_read(self.path) as database, snapshot(database):
            hours = _stepped(database, kind, key, start, end, HOUR)
            past = self._series(database, key, kind, start, end, MINUTE, gaps=False)
        first = past.rollups[0].at if past.rollups else math.inf
        return [*(one for one in hours if one.at + HOUR <= first), *past.rollups]

    def lately(self, ids: Sequence[str], start: float, end: float) -> dict[str, Series]:
        """Return the single counts of many Connections."""
        found = {id: Series() for id in ids}
        for sample in self.samples(start, end):
            for count in sample.connections:
                if count.id in found:
                    found[count.id] = found[count.id].add(sample.at, count.sockets)
        return found

    def servers_of(self, connection_id: str, start: float, end: float) -> set[str]:
        """Return the servers under which a Connection was seen: at the beginning of a span, and at its end."""
        found: set[str] = set()
        with open_to_read(self.path) as database, snapshot(database):
            chunks = database.execute(
                "SELECT lines FROM chunk WHERE seq IN"
                " (SELECT min(seq) FROM chunk WHERE ended >= ?1 AND began < ?2 UNION"
                "  SELECT max(seq) FROM chunk WHERE ended >= ?1 AND began < ?2)",
                (start, end),
            ).fetchall()
            opened = opened_rows(database)
        runs = [decoded(self.path, inflated(self.path, lines)) for (lines,) in chunks]
        for decoder in itertools.chain(*runs, decoded_rows(self.path, opened)):
            count = decoder.connection(connection_id)
            if count is not None:
                found.add(count.server)
        return found

    def samples(self, start: float, end: float) -> Iterator[Sample]:
        """Yield every sample of a span in the order in which they were recorded: what the panel showed then."""
        for decoder in self._decoded(start, end):
            yield understood(self.path, decoder)

    def tallies(self, ids: Sequence[str], label: str, start: float, end: float) -> Iterator[Tally]:
        """Yield the single counts of Connections by their ids on one server, in the order they were recorded."""
        for decoder in self._decoded(start, end):
            yield tallied(self.path, decoder, ids, label)

    def alerts(self, start: float, end: float) -> tuple[KeptAlert, ...]:
        """Return the alerts that stood in a span, the oldest first."""
        with open_to_read(self.path) as database:
            rows = database.execute(
                "SELECT kind, level, subject, sentence, since, seen, ended FROM alert"
                " WHERE since < ? AND coalesce(ended, seen) >= ? ORDER BY since, id",
                (end, start),
            )
            return tuple(KeptAlert(Alert(*row[:6]), row[6]) for row in rows)

    def standing(self, at: float) -> tuple[Alert, ...]:
        """Return the alerts that stood when recording ended lately, for whoever goes on judging."""
        return tuple(kept.alert for kept in self.alerts(at - STANDS_S, at + 1) if kept.ended is None)

    def restarts(self, start: float, end: float) -> tuple[Restart, ...]:
        """Return the starts of servers that were first seen in a span, the oldest first."""
        with open_to_read(self.path) as database:
            rows = database.execute(
                "SELECT server, started, seen FROM restart WHERE seen >= ? AND seen < ? ORDER BY seen", (start, end)
            )
            return tuple(Restart(*row) for row in rows)

    def _step(self, database: sqlite3.Connection, key: str, kind: Kind, start: float, seconds: int) -> int:
        """Return the wanted step, or a longer one where what it would be read from is not kept that long."""
        if seconds < MINUTE:
            (kept,) = database.execute("SELECT min(began) FROM chunk").fetchone()
            if kept is not None and kept > start and self._first(database, key, kind, "minute") < kept:
                seconds = MINUTE
        if MINUTE <= seconds < HOUR:
            minutes, hours = (self._first(database, key, kind, table) for table in ("minute", "hour"))
            if minutes > start and hours < math.inf and hours + HOUR <= minutes:
                seconds = HOUR
        return seconds

    @staticmethod
    def _first(database: sqlite3.Connection, key: str, kind: Kind, table: str) -> float:
        (found,) = database.execute(
            f"SELECT min(at) FROM {table} WHERE series ="  # noqa: S608 - a name of ours
            " (SELECT id FROM series WHERE kind = ? AND key = ?)",
            (kind, storable(key)),
        ).fetchone()
        return float("inf") if found is None else float(found)

    def _series(
        self,
        database: sqlite3.Connection,
        key: str,
        kind: Kind,
        start: float,
        end: float,
        seconds: int,
        *,
        gaps: bool = True,
    ) -> Past:
        if seconds < MINUTE:
            single = [_single(decoder, key, kind) for decoder in self._decoded(start, end)]
            found = by_step(single, seconds) if seconds else single
            return Past(seconds, tuple(with_gaps(found, start, end, seconds)))
        first = begin(start, seconds)
        closed = _stepped(database, kind, key, first, end, HOUR if seconds % HOUR == 0 else MINUTE)
        decoders = decoded_rows(self.path, opened_rows(database))
        opened = [_single(decoder, key, kind) for decoder in decoders if first <= decoder.at < end]
        found = by_step([*closed, *opened], seconds)
        return Past(seconds, tuple(with_gaps(found, start, end, seconds) if gaps else found))

    def _decoded(self, start: float, end: float) -> Iterator[Decoder]:
        """Yield the decoder after each sample of a span: chunk by chunk, so that no writer waits for the reader."""
        last = 0
        with open_to_read(self.path) as database:
            while True:
                with snapshot(database):  # what is in no chunk yet might be put into one between two looks
                    found = database.execute(
                        "SELECT last_seq, lines FROM chunk WHERE seq > ? AND ended >= ? AND began < ?"
                        " ORDER BY seq LIMIT 1",
                        (last, start, end),
                    ).fetchone()
                    rows = [] if found else opened_rows(database, last)
                if found is None:
                    break
                last = found[0]
                for decoder in decoded(self.path, inflated(self.path, found[1])):
                    if start <= decoder.at < end:
                        yield decoder
        for decoder in decoded_rows(self.path, rows):
            if start <= decoder.at < end:
                yield decoder


def _stepped(
    database: sqlite3.Connection, kind: Kind, key: str, start: float, end: float, seconds: int
) -> list[Rollup]:
    """Return the minutes or hours of a series that are in their table."""
    table = {MINUTE: "minute", HOUR: "hour"}[seconds]
    rows = database.execute(
        f"SELECT {FIELDS} FROM {table} WHERE series ="  # noqa: S608 - names of ours
        " (SELECT id FROM series WHERE kind = ? AND key = ?) AND at >= ? AND at < ? ORDER BY at",
        (kind, storable(key), start, end),
    )
    return [from_row(row, seconds) for row in rows]


def _single(decoder: Decoder, key: str, kind: Kind) -> Rollup:
    if kind == "server":
        server = decoder.server(key)
        return Rollup(decoder.at) if server is None else of_server(server, decoder.at)
    count = decoder.connection(key)
    return Rollup(decoder.at) if count is None else of_connection(count, decoder.at)
