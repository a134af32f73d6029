"""Where what was recorded is read from: this machine's file, or a server with Prometheus' HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tui.connections.registry import Registry
    from tui.history.reader import KeptAlert, Kind, Past, Restart, Span
    from tui.history.rollup import Rollup
    from tui.sockets.alerts import Alert
    from tui.sockets.series import Series


class Source(Protocol):
    """What was recorded. Each call blocks, and raises HistoryError where it cannot be read.

    Moments are in seconds since the epoch, spans half open. Connections go by their id, servers by their label. Whole
    samples, for a replay, are kept by the file alone: see `History.samples`.
    """

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what the answers until now are lacking."""

    def span(self) -> Span | None:
        """Return from when to when something was recorded; None where nothing was."""

    def names(self, kind: Kind = "connection") -> dict[str, str]:
        """Return what was ever recorded: ids of Connections with their last names, or labels of servers."""

    def series(self, key: str, start: float, end: float, points: int = 400, kind: Kind = "connection") -> Past:
        """Return what was counted, in at most `points` steps."""

    def series_by(self, seconds: int, key: str, start: float, end: float, kind: Kind = "connection") -> Past:
        """Return what was counted, in steps of so many seconds; 0 for single counts."""

    def all_steps(self, key: str, start: float, end: float, kind: Kind = "connection") -> list[Rollup]:
        """Return what is known of a span, as finely as days are told by."""

    def minutes(
        self, names: Iterable[tuple[Kind, str]], start: float, end: float
    ) -> dict[tuple[Kind, str], list[Rollup]]:
        """Return what trends are judged by, of many series at once: steps with their mean and their least stale."""

    def lately(self, ids: Sequence[str], start: float, end: float) -> Mapping[str, Series]:
        """Return single counts of many Connections, for sparklines."""

    def servers_of(self, connection_id: str, start: float, end: float) -> set[str]:
        """Return the servers under which a Connection was seen."""

    def alerts(self, start: float, end: float) -> tuple[KeptAlert, ...]:
        """Return the alerts that stood in a span, the oldest first."""

    def standing(self, at: float) -> tuple[Alert, ...]:
        """Return the alerts that stood until lately, for whoever goes on judging."""

    def restarts(self, start: float, end: float) -> tuple[Restart, ...]:
        """Return the starts of servers that were first seen in a span, the oldest first."""


def open_source(registry: Registry, path: Path | None = None) -> Source:
    """Return the source that the registry names, or else the file `path`, or that of the environment.

    Raises RegistryError, and HistoryError where what the registry says of it is wrong.
    """
    from tui.history.settings import parse  # noqa: PLC0415 - not before the first frame, like the next

    place = parse(registry.settings("history")).source
    if place is not None:
        from tui.history.prometheus import PrometheusHistory  # noqa: PLC0415 - httpx: only where it is asked

        return PrometheusHistory(place)
    from tui.history.reader import History  # noqa: PLC0415 - sqlite3

    return History(path)
