"""What happened to a Connection or a server in a span: its alerts, those of its server, and the server's starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui.history.reader import KeptAlert, Kind, Restart
    from tui.history.sources import Source


class Events(NamedTuple):
    """What happened, the oldest first."""

    alerts: tuple[KeptAlert, ...]
    restarts: tuple[Restart, ...]


def events(history: Source, key: str, kind: Kind, start: float, end: float) -> Events:
    """Return what concerns a Connection by its id, or a server by its label. Raises HistoryError."""
    places = {key}
    if kind == "connection":
        places |= history.servers_of(key, start, end)
    alerts = tuple(kept for kept in history.alerts(start, end) if kept.alert.subject in places)
    return Events(alerts, tuple(one for one in history.restarts(start, end) if one.server in places))
