"""A trend in words: which way, how fast, and when the limit is reached. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from tui.widgets.cells import duration
from tui.widgets.trends import SIGNS

if TYPE_CHECKING:
    from tui.sockets.growth import Trend

TrendTone = Literal["plain", "muted", "warning", "failed"]

_TONES: dict[str, TrendTone] = {
    "unknown": "muted",
    "steady": "plain",
    "shrinking": "plain",
    "growing": "warning",
    "leaking": "warning",
    "surging": "failed",
}
_SLOW_PER_MINUTE = 0.2  # slower than this, sockets are told by the hour
_SOON_S = 86_400.0


def trend_tone(trend: Trend | None) -> TrendTone:
    """Return the tone of a verdict: what grows warns."""
    return _TONES[trend.verdict] if trend is not None else "muted"


def trend_sentence(trend: Trend | None) -> str:
    """Return which way it goes, and how fast, with the interval of the speed.

    >>> from tui.sockets.growth import Trend
    >>> trend_sentence(Trend("leaking", 1.25, 1.0, 1.4, window_s=600))
    '↗ leaking: 1.2 sockets a minute (1 to 1.4), over the last 10 min'
    >>> trend_sentence(Trend("steady", window_s=3600)), trend_sentence(None)
    ('→ steady over the last 1 h', '· not known yet: it takes some minutes of counting')
    """
    if trend is None or trend.verdict == "unknown":
        return f"{SIGNS['unknown']} not known yet: it takes some minutes of counting"
    sign, past = SIGNS[trend.verdict], f"over the last {duration(trend.window_s)}"
    if trend.verdict == "steady":
        return f"{sign} steady {past}"
    return f"{sign} {trend.verdict}: {rate(trend)}, {past}"


def rate(trend: Trend) -> str:
    """Return how fast it goes, as a positive number, with its interval.

    >>> from tui.sockets.growth import Trend
    >>> rate(Trend("shrinking", -0.05, -0.06, -0.04))
    '3 sockets an hour (2.4 to 3.6)'
    """
    slow = abs(trend.per_minute) < _SLOW_PER_MINUTE
    factor, unit = (60, "an hour") if slow else (1, "a minute")
    low, high = trend.low_per_minute, trend.high_per_minute
    if trend.per_minute < 0:
        low, high = -high, -low
    speed, low, high = (round(value * factor, 1) for value in (abs(trend.per_minute), low, high))
    return f"{speed:g} {'socket' if speed == 1 else 'sockets'} {unit} ({low:g} to {high:g})"


def full_sentence(trend: Trend | None, now: float) -> str:
    """Return when the limit is reached: likely, earliest, latest; empty where it is not foretold.

    `now` and the moments of the trend are in seconds since the epoch; the clock is this machine's.
    """
    if trend is None or trend.exhausted_at is None:
        return ""
    left = trend.exhausted_at - now
    if left <= 0:
        return "now"
    moment = time.strftime("%H:%M" if left < _SOON_S else "%a %d %b %H:%M", time.localtime(trend.exhausted_at))
    told = f"in about {duration(left)}, at {moment}"
    if trend.exhausted_earliest is not None:
        told += f"; earliest in {duration(trend.exhausted_earliest - now)}"
    latest = trend.exhausted_latest
    return f"{told}, latest {f'in {duration(latest - now)}' if latest is not None else 'unknown'}"
