"""When a hook is told of an alert: once, after it has stood for a while, and once more when it is over. Pure.

Each hook has a state of its own for each alert, which `step` takes from look to look:

    nothing -> stands -> told -> worse -> gone -> nothing

What is gone for less than `gone_seconds` never was: a reason that comes and goes is told once. In quiet hours nothing
is told but, where the hook says so, what is critical; what stands at their end is told then. Who acknowledges an alert
says that it is seen to: it is told again where it becomes critical, or when the acknowledgement lapses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tui.connections import quiet

if TYPE_CHECKING:
    from datetime import tzinfo

    from tui.connections.model import Hook
    from tui.connections.quiet import Window
    from tui.sockets.alerts import Alert, Level

Event = Literal["raised", "worsened", "reminder", "cleared", "test"]
Key = tuple[str, str]  # the alert's kind and subject


class Acknowledgement(NamedTuple):
    """Somebody sees to an alert, as grave as `level`; `until` is when that lapses, None: when the alert is over."""

    kind: str
    subject: str
    level: str
    by: str
    at: float
    until: float | None = None

    def covers(self, level: str, since: float, now: float) -> bool:
        """Tell whether it is about an alert that stands since then, and still holds."""
        return self.at >= since and (self.level == "critical" or level == "warning") and not self.lapsed(now)

    def lapsed(self, now: float) -> bool:
        """Tell whether its time is over."""
        return self.until is not None and now >= self.until


class Known(NamedTuple):
    """An alert as one hook knows it; moments in seconds since the epoch.

    `since` is when it began to stand, `critical_since` to be critical, `gone` to be over, each None where it is not;
    `told` is the level that was told last, at `told_at`.
    """

    alert: Alert
    since: float
    critical_since: float | None = None
    gone: float | None = None
    told: Level | None = None
    told_at: float = 0.0


class Terms(NamedTuple):
    """A hook with its quiet hours read."""

    hook: Hook
    windows: tuple[Window, ...]
    where: tzinfo | None

    def holds_back(self, level: str, at: float) -> bool:
        """Tell whether quiet hours keep something of that level back."""
        if self.where is None or (level == "critical" and self.hook.critical_in_quiet_hours):
            return False
        return quiet.is_quiet(at, self.windows, self.where)


def terms(hook: Hook) -> Terms:
    """Return a hook with its quiet hours read. Raises Problem where this machine does not know its time zone."""
    where = quiet.zone(hook.time_zone) if hook.quiet_hours else None
    return Terms(hook, tuple(map(quiet.read, hook.quiet_hours)), where)


def step(
    terms: Terms, known: Known | None, alert: Alert | None, at: float, acknowledged: Acknowledgement | None = None
) -> tuple[Known | None, Event | None]:
    """Return what is known after a look, and what is to be told now; `alert` is None where it does not stand."""
    if alert is None:
        return _gone(terms, known, at) if known is not None else (None, None)
    known = _standing(known, alert, at)
    hook = terms.hook
    covered = acknowledged is not None and acknowledged.covers(alert.level, known.since, at)
    if covered or terms.holds_back(alert.level, at) or (hook.level, alert.level) == ("critical", "warning"):
        return known, None
    event: Event | None = None
    if known.told is None:
        from_then = known.since if hook.level == "warning" else known.critical_since
        if from_then is not None and at - from_then >= hook.stands_seconds:
            event = "raised"
    elif known.told == "warning" and known.critical_since is not None:
        if at - known.critical_since >= hook.stands_seconds:
            event = "worsened"
    elif _is_due_again(hook, known, at, acknowledged):
        event = "reminder"
    if event is None:
        return known, None
    return known._replace(told=known.told if event == "reminder" else alert.level, told_at=at), event


def _standing(known: Known | None, alert: Alert, at: float) -> Known:
    """Return what is known of an alert that stands; a clock that was set back makes nothing wait."""
    critical = at if alert.level == "critical" else None
    if known is None:
        return Known(alert, at, critical)
    if critical is not None and known.critical_since is not None:
        critical = min(known.critical_since, at)
    return known._replace(
        alert=alert, since=min(known.since, at), critical_since=critical, gone=None, told_at=min(known.told_at, at)
    )


def _gone(terms: Terms, known: Known, at: float) -> tuple[Known | None, Event | None]:
    if known.told is None:
        return None, None
    gone = at if known.gone is None else min(known.gone, at)
    known = known._replace(gone=gone, critical_since=None)
    if at - gone < terms.hook.gone_seconds or terms.holds_back(known.told or "", at):
        return known, None
    return None, "cleared"


def _is_due_again(hook: Hook, known: Known, at: float, acknowledged: Acknowledgement | None) -> bool:
    until = acknowledged.until if acknowledged is not None and acknowledged.at >= known.since else None
    if until is not None and known.told_at < until <= at:
        return True
    return bool(hook.remind_hours) and at - known.told_at >= hook.remind_hours * 3600
