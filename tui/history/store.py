"""Writes the history: each sample durable before it is acknowledged, in one file that stays within its bounds.

A sample becomes a row of `beat`. After CHUNK_BEATS of them, or LONGEST_S, the rows are closed: compressed into one
chunk, and their roll-ups added to the minutes and hours, all in one transaction. What a process that was killed left
open is closed when the next one opens the file. The number of a sample, `seq`, only grows, whatever the clock does;
where the clock jumps back, a new chunk begins, so that within one time never does.
"""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

from tui.history import database
from tui.history.decoding import Decoder
from tui.history.encoding import Encoder
from tui.history.lines import EncodingError, milliseconds
from tui.history.rollup import HOUR, MINUTE, Rollup, begin, merge, of_connection, of_server
from tui.history.rows import FIELDS, from_row, to_row
from tui.history.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tui.sockets.alerts import Alert
    from tui.sockets.model import Sample

CHUNK_BEATS, MOST_BEATS, LONGEST_S = 60, 600, 120.0
# An alert that stands on is noted so often: after a crash, this is how well its end is known.
_SEEN_EVERY_S = 30.0
# What stood when the recorder before this one ended may stand on: whoever judges has so long to find that out.
_RESUMED_S = 30.0
# So much is thrown away at once: what reads and writes meanwhile waits for no longer.
_CHUNKS_AT_ONCE, _ROWS_AT_ONCE, _PAGES_AT_ONCE = 20, 5000, 256
_STEPS = (("minute", MINUTE), ("hour", HOUR))

Name = tuple[str, str]  # "connection" or "server", and its id or label


class Store:
    """The one writer of a history. Raises HistoryError, and Busy where another process records.

    A damaged file is given another name, `aside`, and a new one is begun; with `damaged`, it is known to be so. After
    any error but from `__init__`, `abandon` it and open another: what was acknowledged is in the file.
    """

    def __init__(self, path: Path, settings: Settings | None = None, *, damaged: bool = False) -> None:
        self.path = path
        self.settings = settings or Settings()
        self.aside: Path | None = None
        self._encoder = Encoder()
        self._rollups: dict[Name, dict[int, Rollup]] = {}
        self._names: dict[Name, str] = {}
        self._series: dict[Name, int] = {}
        self._restarts: dict[str, float | None] = {}
        self._beats = 0
        self._chunk = 0
        self._began = self._last = 0.0
        self._lock = database.claim(path)
        try:
            try:
                self._open(damaged)
            except database.Damaged:
                self._open(True)
        except BaseException:
            os.close(self._lock)
            raise

    def _open(self, damaged: bool) -> None:
        if damaged and self.path.exists():
            self.aside = database.set_aside(self.path)
        self._database = database.open_to_write(self.path)
        try:
            self._begin()
        except BaseException:
            self._database.close()
            raise

    def _begin(self) -> None:
        with database.explaining(self.path):
            for (chunk,) in self._database.execute("SELECT DISTINCT chunk FROM beat ORDER BY chunk").fetchall():
                self._recover(chunk)
            found = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'beat'").fetchone()
            self.seq = found[0] if found else 0
            self._standing = {
                (kind, subject): (id, seen)
                for id, kind, subject, seen in self._database.execute(
                    "SELECT id, kind, subject, seen FROM alert WHERE ended IS NULL"
                )
            }
            self._abandoned = set(self._standing)
            self._first: float | None = None

    def write(self, sample: Sample, alerts: Sequence[Alert] = ()) -> int:
        """Keep a sample, and the alerts that stand after it; return its number once both are on the disk."""
        with database.explaining(self.path):
            at = milliseconds(sample.at) / 1000  # as it is read back
            if self._is_due(at):
                self.close_chunk()
            if not self._beats:
                self._encoder.begin()
                self._chunk, self._began = self.seq + 1, at
            line = self._encoder.line(sample)
            with database.transaction(self._database):
                self._database.execute(
                    "INSERT INTO beat (seq, chunk, at, line) VALUES (?, ?, ?, ?)",
                    (self.seq + 1, self._chunk, at, line),
                )
                self._note_restarts(sample)
                standing = self._note_alerts(alerts, sample.at)
            self._standing = standing
            self.seq += 1
            self._beats += 1
            self._last = at
            self._add(sample)
            return self.seq

    def close_chunk(self) -> None:
        """Compress the samples that are open, add their roll-ups, and throw away what is older than is kept."""
        with database.explaining(self.path):
            if not self._beats:
                return
            self._compress(self._chunk, self._began, self._last)
            self._beats = 0
            self._throw_away()

    def close(self) -> None:
        """Close the file, and let others record; what is open is compressed if that can be done."""
        try:
            self.close_chunk()
        finally:
            self._database.close()
            os.close(self._lock)

    def abandon(self) -> None:
        """Close the file as it is, after an error."""
        self._database.close()
        os.close(self._lock)

    def _is_due(self, at: float) -> bool:
        if not self._beats:
            return False
        old_enough = self._beats >= CHUNK_BEATS and at - self._began >= LONGEST_S
        return at < self._last or old_enough or self._beats >= MOST_BEATS

    # Roll-ups

    def _add(self, sample: Sample) -> None:
        for server in sample.servers:
            self._add_one(("server", server.server), server.server, of_server(server, sample.at))
        for count in sample.connections:
            self._add_one(("connection", count.id), count.name, of_connection(count, sample.at))

    def _add_one(self, name: Name, words: str, one: Rollup) -> None:
        minutes = self._rollups.setdefault(name, {})
        at = begin(one.at, MINUTE)
        known = minutes.get(at)
        minutes[at] = one if known is None else merge(known, one)
        self._names[name] = words

    def _compress(self, chunk: int, began: float, ended: float) -> None:
        """Turn the rows of a chunk into one, in one transaction with its roll-ups."""
        execute = self._database.execute
        rows = execute("SELECT seq, line FROM beat WHERE chunk = ? ORDER BY seq", (chunk,)).fetchall()
        lines = zlib.compress("\n".join(line for _, line in rows).encode("ascii"), 9)
        with database.transaction(self._database):
            execute("INSERT INTO chunk VALUES (?, ?, ?, ?, ?)", (chunk, rows[-1][0], began, ended, lines))
            execute("DELETE FROM beat WHERE chunk = ?", (chunk,))
            for name, minutes in self._rollups.items():
                series = self._series_of(name)
                for table, seconds in _STEPS:
                    self._add_to(table, series, seconds, minutes.values())
        self._rollups = {}

    def _add_to(self, table: str, series: int, seconds: int, rollups: Iterable[Rollup]) -> None:
        steps: dict[int, Rollup] = {}
        for one in rollups:
            at = begin(one.at, seconds)
            steps[at] = merge(steps[at], one) if at in steps else one
        for at, one in steps.items():
            found = self._database.execute(
                f"SELECT {FIELDS} FROM {table} WHERE series = ? AND at = ?",  # noqa: S608 - names of ours
                (series, at),
            ).fetchone()
            whole = one if found is None else merge(from_row(found, seconds), one)
            row = (at, *to_row(whole)[1:])
            self._database.execute(
                f"INSERT OR REPLACE INTO {table} (series, {FIELDS}) VALUES (?{', ?' * len(row)})",  # noqa: S608
                (series, *row),
            )

    def _series_of(self, name: Name) -> int:
        found: tuple[int] = self._database.execute(
            "INSERT INTO series (kind, key, name) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, key) DO UPDATE SET name = excluded.name RETURNING id",
            (*map(storable, name), storable(self._names[name])),
        ).fetchone()
        return found[0]

    def _recover(self, chunk: int) -> None:
        """Close what another process left open."""
        rows = self._database.execute("SELECT at, line FROM beat WHERE chunk = ? ORDER BY seq", (chunk,)).fetchall()
        decoder = Decoder()
        for _, line in rows:
            try:
                decoder.take(line)
                self._add(decoder.sample())
            except EncodingError:
                break  # the lines are kept as they are, and whoever reads them is told
        self._compress(chunk, rows[0][0], rows[-1][0])

    # Alerts and restarts

    def _note_alerts(self, alerts: Sequence[Alert], at: float) -> dict[Name, tuple[int, float]]:
        """Note what was raised, changed and ended; return the rows of those that stand, and when they were noted."""
        execute = self._database.execute
        standing: dict[Name, tuple[int, float]] = {}
        for alert in alerts:
            key = (str(alert.kind), storable(alert.subject))
            told = (alert.level, storable(alert.sentence), alert.seen)
            known = self._standing.get(key)
            if known is None:
                id = execute(
                    "INSERT INTO alert (kind, subject, since, level, sentence, seen) VALUES (?, ?, ?, ?, ?, ?)"
                    " RETURNING id",
                    (*key, alert.since, *told),
                ).fetchone()[0]
                standing[key] = (id, at)
            elif not 0 <= at - known[1] < _SEEN_EVERY_S or self._level(known[0]) != alert.level:
                execute("UPDATE alert SET level = ?, sentence = ?, seen = ? WHERE id = ?", (*told, known[0]))
                standing[key] = (known[0], at)
            else:
                standing[key] = known
        self._first = at if self._first is None else self._first
        self._abandoned -= standing.keys()
        for key, row in self._standing.items():
            if key in standing:
                continue
            if key in self._abandoned and 0 <= at - self._first < _RESUMED_S:
                standing[key] = row
            else:
                # Of what stood when nobody recorded, the end is not known: it is when it was seen last.
                ended = None if key in self._abandoned else at
                execute("UPDATE alert SET ended = coalesce(?, seen) WHERE id = ?", (ended, row[0]))
        return standing

    def _level(self, id: int) -> str:
        return str(self._database.execute("SELECT level FROM alert WHERE id = ?", (id,)).fetchone()[0])

    def _note_restarts(self, sample: Sample) -> None:
        for server in sample.servers:
            if server.started_at is not None and self._restarts.get(server.server) != server.started_at:
                self._database.execute(
                    "INSERT OR IGNORE INTO restart VALUES (?, ?, ?)",
                    (storable(server.server), server.started_at, sample.at),
                )
                self._restarts[server.server] = server.started_at

    # Bounds

    def _throw_away(self) -> None:
        """Throw away what is older than is kept, and the oldest where the file is too large, a part at a time."""
        kept = {name: self._last - self.settings.kept_s(name) for name in ("raw_days", "minute_weeks", "hour_years")}
        execute = self._database.execute
        with database.transaction(self._database):
            execute(
                "DELETE FROM chunk WHERE seq IN (SELECT seq FROM chunk WHERE ended < ? ORDER BY ended LIMIT ?)",
                (kept["raw_days"], _CHUNKS_AT_ONCE),
            )
            self._throw_rollups("minute", kept["minute_weeks"])
            self._throw_rollups("hour", kept["hour_years"])
            execute("DELETE FROM alert WHERE ended < ?", (kept["hour_years"],))
            execute("DELETE FROM restart WHERE seen < ?", (kept["hour_years"],))
        if self.size() > self.settings.largest_mb * 1e6:
            with database.transaction(self._database):
                self._throw_oldest()
        execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()

    def _throw_rollups(self, table: str, before: float) -> None:
        left = _ROWS_AT_ONCE
        for (series,) in self._database.execute("SELECT id FROM series").fetchall():
            if left > 0:
                left -= self._database.execute(
                    f"DELETE FROM {table} WHERE series = ? AND at IN"  # noqa: S608 - a name of ours
                    f" (SELECT at FROM {table} WHERE series = ? AND at < ? ORDER BY at LIMIT ?)",
                    (series, series, before, left),
                ).rowcount

    def _throw_oldest(self) -> None:
        """Throw away the oldest samples; where there are none, the oldest minutes, then the oldest hours."""
        thrown = self._database.execute(
            "DELETE FROM chunk WHERE seq IN (SELECT seq FROM chunk ORDER BY seq LIMIT ?)", (_CHUNKS_AT_ONCE,)
        ).rowcount
        for table, seconds in _STEPS:
            if not thrown:
                (oldest,) = self._database.execute(f"SELECT min(at) FROM {table}").fetchone()  # noqa: S608
                if oldest is not None:
                    self._throw_rollups(table, oldest + seconds * 60)
                    thrown = 1

    def size(self) -> int:
        """Return how many bytes the history takes, without the space that is free again."""
        (pages,) = self._database.execute("PRAGMA page_count").fetchone()
        (free,) = self._database.execute("PRAGMA freelist_count").fetchone()
        (each,) = self._database.execute("PRAGMA page_size").fetchone()
        return int((pages - free) * each)


def storable(text: str) -> str:
    """Return a text that SQLite takes: what is no Unicode, from a name in bytes for one, is told by its number."""
    return text.encode("utf-8", "backslashreplace").decode()
