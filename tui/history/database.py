"""The file of the history: opened to write or to read, brought up to date, and set aside where it is damaged."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from tui.connections import files
from tui.history.errors import HistoryError
from tui.history.schema import APPLICATION_ID, MIGRATIONS, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_S = 5.0
# A file that is larger is not read whole to see whether it is damaged.
_CHECKED_BYTES = 64 * 1024 * 1024
_LOG_BYTES = 8 * 1024 * 1024
_PRIMARY = 0xFF  # what the low byte of SQLite's extended result codes says


class Damaged(HistoryError):
    """The file is no history any more."""


class Busy(HistoryError):
    """Another process records into this history; `pid` is its id, or 0 where it did not tell."""

    def __init__(self, path: Path, pid: int) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{who} records into {path} already: one records, others read what it recorded")
        self.pid = pid


def claim(path: Path) -> int:
    """Return the descriptor that makes this process the one that records, until it is closed. Raises Busy."""
    try:
        lock = files.take_lock(path)
    except OSError as error:
        raise HistoryError(f"The history {path} cannot be written: {files.reason(error)}") from None
    if lock is None:
        raise Busy(path, recorder_of(path))
    return lock


def recorder_of(path: Path) -> int:
    """Return the process that recorded last; 0 where that is not known."""
    try:
        return int(files.read_regular(files.lock_place(path), 100))
    except (OSError, ValueError):
        return 0


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the history, made where there is none and brought up to date. Raises HistoryError, Damaged."""
    try:
        files.make_private_file(path)
    except OSError as error:
        raise HistoryError(f"The history {path} cannot be written: {files.reason(error)}") from None
    if not os.access(path, os.W_OK):
        read_only = os.statvfs(path).f_flag & os.ST_RDONLY
        why = "the file system is read-only" if read_only else "permission denied"
        raise HistoryError(f"The history {path} cannot be written: {why}")
    with explaining(path):
        database = sqlite3.connect(path, BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(database, path)
        except BaseException:
            database.close()
            raise
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    fresh = _check(database, path, ": name another file in PGCONNS_HISTORY")
    if path.stat().st_size <= _CHECKED_BYTES:
        (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise Damaged(f"The history {path} is damaged")
    if fresh:
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before anything else is written
    database.execute("PRAGMA journal_mode = WAL")
    # What was acknowledged survives a loss of power: each commit is on the disk. At one commit every two seconds
    # that costs next to nothing.
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    database.execute("PRAGMA foreign_keys = ON")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    for number in range(version, VERSION):
        with transaction(database):
            for statement in MIGRATIONS[number]:
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {number + 1}")


def _check(database: sqlite3.Connection, path: Path, remedy: str = "") -> bool:
    """Return whether nothing is in the file yet; raise HistoryError where it is another's, or of a newer pgconns."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or tables):
        raise HistoryError(f"{path} is a database, and no history of pgconns{remedy}")
    if version > VERSION:
        raise HistoryError(f"The history {path} was written by a newer pgconns: upgrade this one to use it")
    return not tables


@contextmanager
def open_to_change(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the history for a short change until the block ends, whoever records into it. Raises HistoryError."""
    with open_to_read(path), explaining(path):  # which says what is wrong with it
        database = sqlite3.connect(path, BUSY_S, isolation_level=None, check_same_thread=False)
        with closing(database):
            database.execute("PRAGMA synchronous = FULL")
            yield database


@contextmanager
def open_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the history for reading until the block ends, while others may write. Raises HistoryError."""
    if not path.exists():
        raise HistoryError(f"There is no history {path} yet: pgconns watch records, and so does the open console")
    with explaining(path), closing(_connect(path)) as database:
        fresh = _check(database, path)
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if fresh:
            raise HistoryError(f"Nothing was recorded in {path} yet")
        if version < VERSION:
            raise HistoryError(f"The history {path} is of an older pgconns: pgconns watch brings it up to date")
        yield database


def _connect(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads; on a file system that is read-only, one that needs no file beside it."""
    place = path.absolute().as_uri()
    database = sqlite3.connect(f"{place}?mode=ro", BUSY_S, isolation_level=None, check_same_thread=False, uri=True)
    try:
        database.execute("PRAGMA trusted_schema = OFF")  # the file may come from elsewhere
        database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if os.access(path.parent, os.W_OK) or (log.exists() and log.stat().st_size):
            database.close()
            raise
        database.close()
        database = sqlite3.connect(f"{place}?mode=ro&immutable=1", isolation_level=None, uri=True)
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Make all changes of the block, durable when it ends, or none."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled it back already
            database.execute("ROLLBACK")
        raise


def set_aside(path: Path) -> Path:
    """Give a damaged history, and what SQLite keeps beside it, another name; return that. Raises HistoryError."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
    number = 1
    while aside.exists():
        number += 1
        aside = aside.with_name(f"{aside.name.partition('_')[0]}_{number}")
    try:
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise HistoryError(f"The damaged history {path} cannot be renamed: {files.reason(error)}") from None
    return aside


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into HistoryError or Damaged."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from None


def _explained(error: sqlite3.Error, path: Path) -> HistoryError:
    """Return why the history could not be used, in words."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code == sqlite3.SQLITE_NOTADB:
        return Damaged(f"{path} is no history of pgconns, or it is damaged")
    if code == sqlite3.SQLITE_CORRUPT:
        return Damaged(f"The history {path} is damaged")
    reasons = {
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_READONLY: "it, or its file system, is read-only",
        sqlite3.SQLITE_CANTOPEN: "it, or a file beside it, cannot be opened",
        sqlite3.SQLITE_BUSY: "another program keeps it locked",
        sqlite3.SQLITE_IOERR: "the disk failed to read or write",
    }
    if code == sqlite3.SQLITE_IOERR and _is_full(path):
        code = sqlite3.SQLITE_FULL
    return HistoryError(f"The history {path} cannot be used: {reasons.get(code, str(error))}")


def _is_full(path: Path) -> bool:
    try:
        return os.statvfs(path.parent).f_bavail < 16
    except OSError:
        return False
