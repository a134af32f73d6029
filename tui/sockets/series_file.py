"""Reads a recorded series of socket counts from CSV. Pure."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime

from tui.sockets.growth import Point


class SeriesError(ValueError):
    """A sentence that names the line that is wrong and says what would be right."""


def read_series(text: str) -> list[Point]:
    """Return the points of a CSV with the columns `at` and `sockets`, in the order of their time; others are ignored.

    `at` is ISO 8601 (UTC where it names no offset) or seconds since 1970. Rows without a count are gaps, not zeros.
    Raises SeriesError.
    """
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        missing = [name for name in ("at", "sockets") if name not in header]
        if missing:
            raise SeriesError(f"line 1 lacks the column {' and '.join(missing)}: the header is at,sockets")
        at, sockets = header.index("at"), header.index("sockets")
        points = [
            Point(_moment(row[at], rows.line_num), _count(row[sockets], rows.line_num))
            for row in rows
            if len(row) > max(at, sockets) and row[sockets].strip()
        ]
    except csv.Error as error:
        raise SeriesError(f"line {rows.line_num} is no CSV: {error}") from None
    return sorted({point.at: point for point in points}.values(), key=lambda point: point.at)


def _moment(text: str, line: int) -> float:
    text = text.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise SeriesError(
                f"line {line}: {text[:40]!r} is no time: write 2026-11-22T19:40:00Z or seconds since 1970"
            ) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(seconds) or not 0 <= seconds < 253402300800:  # the year 10000
        raise SeriesError(f"line {line}: {text[:40]!r} is no time: write seconds since 1970")
    return seconds


def _count(text: str, line: int) -> int:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise SeriesError(f"line {line}: {text.strip()[:40]!r} is no number of sockets")
    return round(value)
