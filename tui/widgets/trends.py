"""A trend in the few cells of a table's line: a sign, a word, how fast, and the time that is left. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.widgets.cells import duration

if TYPE_CHECKING:
    from tui.sockets.growth import Trend

SIGNS = {"unknown": "·", "steady": "→", "shrinking": "↘", "growing": "↗", "leaking": "↗", "surging": "↑"}
_UNITS = (("m", 1.0), ("h", 60.0), ("d", 1440.0))


def short_rate(per_minute: float) -> str:
    """Return a pace in at most six cells where it is below 1,000, in the unit that makes it a number to grasp.

    >>> short_rate(1.0), short_rate(-12.4), short_rate(0.042), short_rate(0.001)
    ('+1.0/m', '−12/m', '+2.5/h', '+1.4/d')
    """
    unit, times = next(((u, t) for u, t in _UNITS if abs(per_minute * t) >= 0.095), _UNITS[-1])
    pace = abs(per_minute * times)
    return f"{'−' if per_minute < 0 else '+'}{pace:.{0 if pace >= 9.95 else 1}f}/{unit}"


def growth(trend: Trend | None) -> float:
    """Return the sockets a minute of a trend that leads somewhere, else 0."""
    return trend.per_minute if trend is not None and trend.verdict not in {"unknown", "steady"} else 0.0


def short_trend(trend: Trend | None, width: int = 30) -> str:
    """Return a sign, the verdict's word and the pace, in at most `width` cells where the sign and the pace fit.

    Where it is too early to tell, it is only the sign.
    """
    if trend is None or trend.verdict == "unknown":
        return SIGNS["unknown"]
    sign, pace = SIGNS[trend.verdict], short_rate(trend.per_minute) if growth(trend) else ""
    whole = f"{sign} {trend.verdict} {pace}".rstrip()
    return whole if len(whole) <= width else f"{sign} {pace}"


def time_left(trend: Trend | None, at: float) -> float | None:
    """Return the seconds from `at` until the limit is reached, where that is foretold."""
    if trend is None or trend.exhausted_at is None:
        return None
    return max(0.0, trend.exhausted_at - at)


def short_left(trend: Trend | None, at: float) -> str:
    """Return the time that is left, or nothing."""
    left = time_left(trend, at)
    return "" if left is None else duration(left) if left >= 1 else "now"
