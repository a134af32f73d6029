"""A part of the history as one file, a history itself, that is opened wherever one likes. No secret is in it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from tui.connections import files
from tui.history import database
from tui.history.errors import HistoryError
from tui.history.reader import Span
from tui.history.rollup import HOUR, MINUTE, begin
from tui.history.runs import snapshot
from tui.history.schema import COLUMNS
from tui.history.store import Store

# Alerts that had ended by so long are listed still when the recording begins.
_LISTED_S = 3600.0
_RUNS = """
    SELECT seq, began, ended FROM chunk WHERE ended >= ?1 AND began < ?2
    UNION ALL
    SELECT chunk, min(at), max(at) FROM beat GROUP BY chunk HAVING max(at) >= ?1 AND min(at) < ?2
"""


def export(history: Path, file: Path, start: float | None, end: float) -> Span:
    """Write what `history` holds of a span, in seconds since the epoch, into `file`; return from when to when.

    Runs of samples are taken whole, so that it may begin and end some minutes earlier and later. What `file` was
    before stays: it is made beside it, mode 0600, and gets its name when it is complete. Raises HistoryError.
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
    """Copy the runs of a span, and what is known of their time."""
    with database.open_to_read(history) as source, snapshot(source):
        runs = source.execute(_RUNS, (start, end)).fetchall()
        if not runs:
            raise HistoryError(f"No sample is kept in {history} of that time: pgconns replay shows what there is")
        span = Span(min(began for _, began, _ in runs), max(ended for _, _, ended in runs))
        with closing(database.open_to_write(made)) as target, database.transaction(target):
            for run, _, _ in runs:
                _rows(source, target, "chunk", "seq, last_seq, began, ended, lines", "seq = ?", (run,))
                _rows(source, target, "beat", "seq, chunk, at, line", "chunk = ?", (run,))
            columns = ", ".join(COLUMNS)
            for table, seconds in (("minute", MINUTE), ("hour", HOUR)):
                within = (begin(span.start, seconds), span.end)
                series = f"id IN (SELECT series FROM {table} WHERE at >= ? AND at <= ?)"  # noqa: S608 - a name of ours
                _rows(source, target, "series", "id, kind, key, name", series, within)
                _rows(source, target, table, columns, "at >= ? AND at <= ?", within)
            stood = (span.end, span.start - _LISTED_S)
            alert = "kind, subject, level, sentence, since, seen, ended"
            _rows(source, target, "alert", alert, "since <= ? AND coalesce(ended, seen) >= ?", stood)
            _rows(source, target, "restart", "server, started, seen", "seen >= ? AND seen <= ?", span)
    return span


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
