"""Hands the past that was recorded to whoever starts to watch: a leak of two sockets an hour is seen at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.history.errors import HistoryError, NotAnswered
from tui.sockets.past import DAY_S, Past

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tui.history.reader import History, KeptAlert, Kind
    from tui.history.rollup import Rollup
    from tui.history.sources import Source
    from tui.sockets.alerts import Alert
    from tui.sockets.series import Series

RECENT_S = 240.0  # a sparkline shows the last LONGEST counts, which come every two seconds


class Before(NamedTuple):
    """What was before: a day of each series by id or label, the last counts by id, and the alerts that stood.

    `trouble` says why it is not known, where somebody should know.
    """

    pasts: Mapping[str, Past] = {}
    series: Mapping[str, Series] = {}
    standing: tuple[Alert, ...] = ()
    trouble: str = ""


def before(source: Source, ids: Iterable[str], servers: Iterable[str], now: float) -> Before:
    """Return what was recorded before `now` of some Connections and servers; nothing where nothing can be read."""
    known = list(ids)
    names: list[tuple[Kind, str]] = [("connection", id) for id in known]
    names += (("server", label) for label in servers)
    try:
        minutes = source.minutes(names, now - DAY_S, now)
        pasts = {key: past(rollups, now) for (_, key), rollups in minutes.items()}
        return Before(pasts, source.lately(known, now - RECENT_S, now), source.standing(now))
    except NotAnswered as error:
        return Before(trouble=str(error))
    except HistoryError:
        return Before()


def alerts_at(history: History, at: float, ended_within_s: float) -> tuple[tuple[Alert, ...], list[KeptAlert]]:
    """Return the alerts that stood at a moment of the past, and those that had ended lately, the newest first.

    A row keeps the gravest level and the last sentence: what has two levels is told as the milder one until it is
    judged again. Raises HistoryError.
    """
    standing: list[Alert] = []
    ended: list[KeptAlert] = []
    for kept in history.alerts(at - ended_within_s, at):
        alert = kept.alert
        if kept.ended is not None and kept.ended <= at:
            ended.append(kept)
        else:
            level = "warning" if alert.kind in {"level", "time_left"} else alert.level
            standing.append(alert._replace(level=level, seen=min(alert.seen, at)))
    return tuple(standing), sorted(ended, key=lambda kept: -(kept.ended or 0.0))


def past(rollups: Iterable[Rollup], now: float) -> Past:
    """Return what minutes hold as a past to which counts from `now` on can be added."""
    found = Past()
    for one in rollups:
        if one.mean is not None:
            found.add(min(one.at + one.seconds / 2, now), round(one.mean), one.least_stale)
    return found
