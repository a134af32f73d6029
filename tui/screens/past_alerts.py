"""The alerts of the moment that the replay shows."""

from __future__ import annotations

from typing import ClassVar

from tui.screens.alerts import Alerts
from tui.styling import sheets
from tui.widgets.alert_log import past_moment


class PastAlerts(Alerts):
    """Lists what somebody on call had to know at the moment that the replay shows; answers with a subject."""

    heading = "Replay of the alerts"
    CSS_PATH: ClassVar = sheets("forms", "alerts", "replay")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no replay of a replay, and nothing that would be done today."""
        return action not in {"replay", "acknowledge"}

    def _look(self) -> None:
        """Ask nobody: who sees to what, and what became of deliveries, is of today."""

    def when(self, now: float) -> str:
        """Say of which moment the alerts are."""
        return f"then, {past_moment(now)}"
