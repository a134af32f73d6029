"""What is plotted of a Connection over a span of the past, and the words beneath it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tui.history.events import events
from tui.widgets.cells import duration, plural
from tui.widgets.plot_span import CRITICAL, RESTART, WARNING, Mark, PlottedSpan, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tui.history.events import Events
    from tui.history.reader import Past
    from tui.history.rollup import Rollup
    from tui.history.sources import Source


class LookedBack(NamedTuple):
    """What is plotted, and what is said of it."""

    plotted: PlottedSpan
    said: str


def look_back(history: Source, connection_id: str, span_s: float, points: int, now: float) -> LookedBack:
    """Return a span until `now`, in at most so many steps. It blocks; raises HistoryError."""
    start = now - span_s
    past = history.series(connection_id, start, now, points)
    happened = events(history, connection_id, "connection", start, now)
    # A start before the span was only seen in it first.
    found = happened._replace(restarts=tuple(one for one in happened.restarts if one.started >= start))
    plotted = PlottedSpan(start, now, past.seconds, tuple(map(_step, past.rollups)), tuple(_marks(found, now)))
    return LookedBack(plotted, " · ".join((_said(past, found), *history.notes)))


def _step(one: Rollup) -> Step:
    return Step(one.at, one.minimum, one.maximum, one.full_at)


def _marks(found: Events, now: float) -> Iterator[Mark]:
    for kept in found.alerts:
        sign = CRITICAL if kept.alert.level == "critical" else WARNING
        yield Mark(sign, kept.alert.since, now if kept.ended is None else kept.ended)
    for one in found.restarts:
        yield Mark(RESTART, one.started, one.started)


def _said(past: Past, found: Events) -> str:
    """Say how long a step is, the peak, and what happened."""
    peak = max((one for one in past.rollups if one.maximum is not None), key=lambda one: one.maximum or 0, default=None)
    if peak is None:
        return "Nothing was recorded of it in that time: pgconns watch records, and so does the open console"
    parts = [f"peak {peak.maximum} {time.strftime('%a %d %b %H:%M', time.localtime(peak.at))}"]
    parts += [f"{plural(len(found.alerts), 'alert')} ({WARNING} {CRITICAL})"] if found.alerts else []
    parts += [f"{plural(len(found.restarts), 'restart')} ({RESTART})"] if found.restarts else []
    parts.append(f"steps of {duration(past.seconds)}" if past.seconds else "each count")
    return " · ".join(parts)
