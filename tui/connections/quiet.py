"""Quiet hours: windows of a week by the clock of a time zone. Pure.

A window is written `22:00-07:00`, `Sat-Sun 00:00-24:00` or `Mon,Wed 12:00-13:30`; one that ends before it begins ends
on the next day, and its days are those on which it begins. What counts is what the clock on the wall shows: an hour
that a change of the clock repeats is quiet twice, one that it leaves out is not missed.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from tui.connections.parameters import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = r"(?:([A-Za-z, -]+) )?(\d\d):(\d\d) ?- ?(\d\d):(\d\d)"
_RIGHT = "Quiet hours are written like 22:00-07:00, or with days like Sat-Sun 00:00-24:00"
_DAY_MINUTES = 24 * 60


class Window(NamedTuple):
    """Days on which it begins, 0 for Monday, and the minutes of the day from which and until which it is quiet."""

    days: frozenset[int]
    start: int
    end: int

    def holds(self, day: int, minute: int) -> bool:
        """Tell whether a minute of a day is in it."""
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        return (day in self.days and minute >= self.start) or ((day - 1) % 7 in self.days and minute < self.end)


def read(text: str) -> Window:
    """Return the window that a text means. Raises Problem.

    >>> read("Sat-Sun 22:00-07:00")
    Window(days=frozenset({5, 6}), start=1320, end=420)
    """
    found = re.fullmatch(_WINDOW, text.strip(), re.ASCII)
    if found is None:
        raise Problem(f"{_RIGHT}, not {text[:40]!r}")
    start, end = (60 * int(hour) + int(minute) for hour, minute in (found.group(2, 3), found.group(4, 5)))
    if start >= _DAY_MINUTES or end > _DAY_MINUTES or int(found[3]) > 59 or int(found[5]) > 59:
        raise Problem(f"{text[:40]!r} names a time that no clock shows: a day goes from 00:00 to 24:00")
    if start == end:
        raise Problem(f"{text[:40]!r} ends when it begins: a whole day is written 00:00-24:00")
    return Window(_days(found[1]) if found[1] else frozenset(range(7)), start, end)


def _days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = (each.strip() for each in part.partition("-"))
        if first not in _DAYS or (last or first) not in _DAYS:
            raise Problem(f"{part.strip()[:40]!r} is no day: they are Mon, Tue, Wed, Thu, Fri, Sat and Sun")
        start = _DAYS.index(first)
        length = (_DAYS.index(last or first) - start) % 7
        days |= {(start + number) % 7 for number in range(length + 1)}
    return frozenset(days)


def zone(name: str) -> tzinfo:
    """Return a time zone of this machine by its name, such as Europe/Madrid. Raises Problem."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few registries name one

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # ZoneInfoNotFoundError is a LookupError
        raise Problem(
            f"This machine knows no time zone {name[:40]!r}: write one such as Europe/Madrid or UTC;"
            " where it knows none at all, install tzdata"
        ) from None


def is_quiet(at: float, windows: Iterable[Window], where: tzinfo) -> bool:
    """Tell whether a moment, in seconds since the epoch, is in one of the windows."""
    clock = datetime.fromtimestamp(at, where)
    return any(window.holds(clock.weekday(), 60 * clock.hour + clock.minute) for window in windows)
