"""A part of the history as one file, a history itself, that is opened wherever one likes. No secret is in it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import zlib
from contextlib import closing
from pathlib import Path

from tui.connections import files
from tui.history import database
from tui.history.encoding import Encoder
from tui.history.errors import HistoryError
from tui.history.reader import SPAN, Span
from tui.history.rollup import HOUR, MINUTE, begin, by_step
from tui.history.rows import FIELDS, from_row, to_row
from tui.history.runs import decoded, inflated, snapshot, understood
from tui.history.schema import COLUMNS
from tui.history.store import Store

# Alerts that had ended by so long are listed still when the recording begins.
_LISTED_S = 3600.0
_RUNS = """
    SELECT seq, began, ended, 1 FROM chunk WHERE ended >= ?1 AND began < ?2
    UNION ALL
    SELECT chunk, min(at), max(at), 0 FROM beat GROUP BY chunk HAVING max(at) >= ?1 AND min(at) < ?2
    ORDER BY 1
"""


def export(history: Path, file: Path, start: float | None, end: float) -> Span:
    """Write what `history` holds of a span, in seconds since the epoch, into `file`; return from when to when.

    It is made beside `file`, mode 0600, and gets its name when it is complete; what is there already stays. Raises
    HistoryError.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{file.name}.", dir=file.parent))
    except OSError as error:
        raise _unwritten(file, files.reason(error)) from None
    made = folder / file.name
    try:
        span = _copy(history, made, start or 0.0, end)
        Store(made).close()  # closes the run that was open, with its minutes and hours
        with closing(sqlite3.connect(made)) as recording:
            recording.execute("PRAGMA journal_mode = DELETE")  # in one file, which is never written to again
        files.publish(made, file)
    except FileExistsError:
        raise _unwritten(file, "it is there already") from None
    except OSError as error:
        raise _unwritten(file, files.reason(error)) from None
    except sqlite3.Error as error:
        raise _unwritten(file, str(error)) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return span


def _unwritten(file: Path, why: str) -> HistoryError:
    return HistoryError(f"{file} cannot be written: {why}")


def _copy(history: Path, made: Path, start: float, end: float) -> Span:
    """Copy the samples of a span, and what else is known of it."""
    with database.open_to_read(history) as source, snapshot(source):
        runs = source.execute(_RUNS, (start, end)).fetchall()
        with closing(database.open_to_write(made)) as target, database.transaction(target):
            for run, began, ended, is_closed in runs:
                if start <= began and ended < end:
                    _rows(source, target, "chunk", "seq, last_seq, began, ended, lines", "seq = ?", (run,))
                    _rows(source, target, "beat", "seq, chunk, at, line", "chunk = ?", (run,))
                else:
                    _copy_part(source, target, history, run, start, end, is_closed=bool(is_closed))
            found, there = target.execute(SPAN).fetchone(), Span(*source.execute(SPAN).fetchone())
            if found[0] is None:
                raise HistoryError(f"No sample is kept in {history} of that time: pgconns replay shows what there is")
            span = Span(*found)
            # Of a minute that is cut nothing is known but its samples; an hour that is cut is made of its minutes.
            since = span.start if there.start < span.start else 0.0
            until = span.end if there.end > span.end else span.end + HOUR
            columns = ", ".join(COLUMNS)
            for table, seconds in (("minute", MINUTE), ("hour", HOUR)):
                series = f"id IN (SELECT series FROM {table} WHERE at >= ? AND at <= ?)"  # noqa: S608 - a name of ours
                named = (begin(span.start, seconds), span.end)
                _rows(source, target, "series", "id, kind, key, name", series, named)
                whole = (max(since, named[0]), until - seconds, span.end)
                _rows(source, target, table, columns, "at >= ? AND at <= ? AND at <= ?", whole)
            for hour in {begin(span.start, HOUR), begin(span.end, HOUR)}:
                _add_hour(target, hour)
            stood = (span.end, span.start - _LISTED_S)
            alert = "kind, subject, level, sentence, since, seen, ended"
            _rows(source, target, "alert", alert, "since <= ? AND coalesce(ended, seen) >= ?", stood)
            _rows(source, target, "restart", "server, started, seen", "seen >= ? AND seen <= ?", span)
    return span


def _copy_part(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    history: Path,
    run: int,
    start: float,
    end: float,
    *,
    is_closed: bool,
) -> None:
    """Copy the samples of a run that are in the span, written anew: each is told by what differs from the last."""
    rows = source.execute("SELECT line FROM beat WHERE chunk = ? ORDER BY seq", (run,)).fetchall()
    if is_closed:
        (packed,) = source.execute("SELECT lines FROM chunk WHERE seq = ?", (run,)).fetchone()
        rows = [(line,) for line in inflated(history, packed)]
    encoder, part = Encoder(), []
    for number, decoder in enumerate(decoded(history, [line for (line,) in rows]), run):
        if start <= decoder.at < end:
            part.append((number, decoder.at, encoder.line(understood(history, decoder))))
    if not part:
        return
    (first, began, _), (last, ended, _) = part[0], part[-1]
    if is_closed:
        lines = zlib.compress("\n".join(line for _, _, line in part).encode("ascii"), 9)
        target.execute("INSERT INTO chunk VALUES (?, ?, ?, ?, ?)", (first, last, began, ended, lines))
    else:  # its minutes and hours are made when it is closed
        added = [(number, first, at, line) for number, at, line in part]
        target.executemany("INSERT INTO beat (seq, chunk, at, line) VALUES (?, ?, ?, ?)", added)


def _add_hour(target: sqlite3.Connection, hour: int) -> None:
    """Make an hour of the minutes that there are, for each series that has none."""
    places = ", ".join("?" * len(COLUMNS))
    for (series,) in target.execute("SELECT id FROM series").fetchall():
        rows = target.execute(
            f"SELECT {FIELDS} FROM minute WHERE series = ? AND at >= ? AND at < ? ORDER BY at",  # noqa: S608
            (series, hour, hour + HOUR),
        )
        for one in by_step([from_row(row, MINUTE) for row in rows], HOUR):
            row = (series, *to_row(one))
            target.execute(f"INSERT OR IGNORE INTO hour (series, {FIELDS}) VALUES ({places})", row)  # noqa: S608


def _rows(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    table: str,
    columns: str,
    which: str,
    values: tuple[float, ...],
) -> None:
    rows = source.execute(f"SELECT {columns} FROM {table} WHERE {which}", values)  # noqa: S608 - names of ours
    places = ", ".join("?" * (columns.count(",") + 1))
    target.executemany(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})", rows)  # noqa: S608
