"""Lengths of time as people write them on the command line."""

from __future__ import annotations

import re

from tui.cli.output import Refused

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd])", re.ASCII)


def seconds(option: str, text: str) -> float:
    """Return a duration in seconds; a number without a unit could be anything. Raises Refused.

    >>> seconds("--older-than", "10m"), seconds("--older-than", "1.5h")
    (600.0, 5400.0)
    """
    said = _DURATION.fullmatch(text.strip())
    if said is None:
        raise Refused(f"{option} is a length of time such as 90s, 30m, 2h or 1d")
    return float(said[1]) * _UNITS[said[2]]


def words(seconds: float | None) -> str:
    """Return a duration in words short enough for a column; a dash where it is not known.

    >>> words(None), words(7.2), words(754), words(90_000)
    ('–', '7s', '12m34s', '1d1h')
    """
    if seconds is None:
        return "–"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m{whole % 60}s"
    if whole < 86_400:
        return f"{whole // 3_600}h{whole % 3_600 // 60}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3_600}h"
