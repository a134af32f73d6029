"""The alerts that stand, those that ended a while ago, and how each is drawn. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from tui.sockets.alerts import changes
from tui.text import cells, pad, safe
from tui.widgets.cells import duration, plural
from tui.widgets.live_table import Line, Span, Spans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.sockets.alerts import Alert

KEPT_S = 3600.0  # how long one that ended is still listed
_MOST_ENDED = 200
_SIGNS = {"critical": "✗", "warning": "!"}
_TONES = {"critical": "failed", "warning": "warning"}
_DAY_S = 86_400.0


class Ended(NamedTuple):
    """An alert whose reason is gone, and since when; `by` is who sees to one that stands."""

    alert: Alert
    at: float
    by: str = ""


@dataclass(frozen=True)
class AlertLog:
    """Alerts as they were last judged; `raised` are those that were new then, or had become critical."""

    standing: tuple[Alert, ...] = ()
    ended: tuple[Ended, ...] = ()
    raised: tuple[Alert, ...] = ()

    def take(self, judged: Sequence[Alert], at: float) -> AlertLog:
        """Return the log with what was judged at a moment, in seconds since the epoch."""
        raised, cleared = changes(self.standing, judged)
        again = {alert.key for alert in judged}
        kept = (one for one in self.ended if at - one.at < KEPT_S and one.alert.key not in again)
        return AlertLog(tuple(judged), (*(Ended(alert, at) for alert in cleared), *kept)[:_MOST_ENDED], raised)

    def resumed(self, before: Sequence[Alert]) -> AlertLog:
        """Return the log with alerts that stood before it was begun: they stand since then, until they are judged."""
        known = {alert.key: alert for alert in before}
        now = [a._replace(since=min(a.since, known[a.key].since)) if a.key in known else a for a in self.standing]
        rest = known.keys() - {alert.key for alert in now}
        return replace(self, standing=(*now, *(alert for alert in before if alert.key in rest)))

    def lines(self, seen_to: Mapping[tuple[str, str], str] = {}) -> tuple[Line, ...]:
        """Return the lines of the list: those that stand, the newest first, then those that ended.

        `seen_to` says by whom, by the alert's key.
        """
        standing = sorted(self.standing, key=lambda alert: -alert.since)
        listed = [Ended(alert, 0.0, seen_to.get(alert.key, "")) for alert in standing]
        return tuple(Line(f"{one.alert.kind} {one.alert.subject} {one.at}", one) for one in (*listed, *self.ended))

    def summary(self) -> tuple[str, str]:
        """Return one line for the panel, and its tone; empty when nothing stands.

        The gravest is told, of those the newest.
        """
        if not self.standing:
            return "", "plain"
        first = min(self.standing, key=lambda alert: (alert.level != "critical", -alert.since))
        said = f"{_SIGNS[first.level]} {plural(len(self.standing), 'alert')} (press !) · {moment(first.since)} "
        return said + safe(first.sentence), _TONES[first.level]


def moment(at: float, now: float | None = None) -> str:
    """Return a moment by this machine's clock; with its day, where it is more than a day before `now`."""
    shape = "%H:%M:%S" if now is None or now - at < _DAY_S else "%d %b %H:%M"
    return time.strftime(shape, time.localtime(at))


def past_moment(at: float) -> str:
    """Return a moment of the past by this machine's clock: with its day, always."""
    return time.strftime("%d %b %H:%M:%S", time.localtime(at))


def said(one: Ended) -> str:
    """Return an alert's sentence, after who sees to it."""
    return f"{safe(one.by)} sees to it · " * bool(one.by) + safe(one.alert.sentence)


def heading(width: int) -> Spans:
    """Draw the titles of the list."""
    return (Span(pad("   Since        Stood   What", width)),)


def alert_spans(one: Ended, cursor: bool, width: int, now: float) -> Spans:
    """Draw an alert: its sign, since when, for how long, and its sentence."""
    alert = one.alert
    tone = "muted" if one.at or one.by else _TONES[alert.level]
    stood = duration((one.at or now) - alert.since)
    front = f"{'·' if one.at else _SIGNS[alert.level]} {pad(moment(alert.since, now), 12)} {pad(stood, 7)} "
    spans = [Span("❯" if cursor else " ", "accent"), Span(front, tone)]
    words = f"ended {moment(one.at, now)} · " * bool(one.at) + said(one)
    left = width - sum(cells(span.text) for span in spans)
    return (*spans, Span(pad(words, left), "muted" if one.at else "plain"))
