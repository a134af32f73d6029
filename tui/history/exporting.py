"""A recorded series as the fields of JSON and CSV. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tui.sockets.model import STATES

if TYPE_CHECKING:
    from tui.history.days import Day
    from tui.history.reader import KeptAlert, Restart
    from tui.history.rollup import Rollup


def sample_json(one: Rollup) -> dict[str, Any]:
    """Return one of the `samples` of `history --json`: null where nothing was seen.

    `seconds` is how long it stands for, 0 for a single count; `sockets` and the states are the last in it.
    """
    return {
        "at": iso(one.at),
        "seconds": one.seconds,
        "sockets": one.last,
        "minimum": one.minimum,
        "mean": _rounded(one.mean, 2),
        "maximum": one.maximum,
        **dict(zip(STATES, one.states or (None,) * len(STATES), strict=True)),
        "limit": one.limit,
        "headroom": one.headroom,
        "least_headroom": one.least_headroom,
        "stale": one.least_stale,
        "oldest_idle_in_transaction_s": _rounded(one.oldest_idle_in_transaction_s, 1),
        "opened_per_minute": _rounded(one.opened_per_minute, 2),
        "samples": one.samples,
        "unseen": one.unseen,
    }


def day_json(one: Day) -> dict[str, Any]:
    """Return one of the `days` of `history --per-day --json`."""
    return {
        "day": one.day.isoformat(),
        "peak": one.whole.maximum,
        "peak_at": None if one.peak_at is None else iso(one.peak_at),
        "mean": _rounded(one.whole.mean, 2),
        "p50": one.percentiles[0],
        "p95": one.percentiles[1],
        "p99": one.percentiles[2],
        "minimum": one.whole.minimum,
        "least_headroom": one.whole.least_headroom,
        "limit": one.whole.limit,
        "samples": one.whole.samples,
        "unseen": one.whole.unseen,
    }


def alert_json(one: KeptAlert) -> dict[str, Any]:
    """Return one of the `alerts` of `history --json`."""
    ended = None if one.ended is None else iso(one.ended)
    return {**one.alert.to_json(), "since": iso(one.alert.since), "ended": ended}


def restart_json(one: Restart) -> dict[str, Any]:
    """Return one of the `restarts` of `history --json`."""
    return {"server": one.server, "started": iso(one.started), "seen": iso(one.seen)}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def iso(at: float) -> str:
    """Return a moment in ISO 8601, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
