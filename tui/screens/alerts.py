"""The list of alerts: what must be known, since when, and why; those that ended stay for an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from tui.screens.base import Base
from tui.styling import sheets
from tui.text import safe
from tui.widgets.alert_log import AlertLog, Ended, alert_spans, heading
from tui.widgets.cells import plural
from tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.screens.services import Services


class Alerts(Base[str]):
    """Lists what somebody on call must know, newest first; answers with the subject one goes to."""

    heading = "Alerts"
    CSS_PATH: ClassVar = sheets("forms", "alerts")
    BINDINGS: ClassVar = [
        Binding("enter", "go", "Go to it", id="alerts.go", tooltip="Put the panel's cursor on what the alert is about"),
        Binding("h", "replay", "Look back", id="alerts.replay", tooltip="Replay the moment when it was raised"),
        Binding("y", "copy", "Copy", id="alerts.copy", tooltip="Copy the alert's sentence"),
        Binding(
            "escape,q,exclamation_mark", "dismiss(None)", "Back", id="alerts.back", tooltip="Go back to the live panel"
        ),
        Binding("question_mark", "app.help", "Help", id="alerts.help", show=False, tooltip="What the screen is for"),
    ]

    def __init__(self, services: Services) -> None:
        """List what `show` is told."""
        super().__init__(services)
        self._log = AlertLog()
        self._now = 0.0

    def body(self) -> ComposeResult:
        """Yield the list, and the sentence under the cursor whole."""
        yield LiveTable(self._draw, heading, id="alerts")
        yield Static("", id="sentence")

    def on_mount(self) -> None:
        """Let the keys move the cursor."""
        self.query_one(LiveTable).focus()
        self._show()

    def when(self, now: float) -> str:
        """Say of which moment the alerts are."""
        return "now"

    def show(self, log: AlertLog, now: float) -> None:
        """Show newer alerts; `now` is when they were judged. The live panel calls it."""
        self._log, self._now = log, now
        if self.is_mounted:
            self._show()

    def _draw(self, value: Any, cursor: bool, width: int) -> Any:
        return alert_spans(value, cursor, width, self._now)

    def _show(self) -> None:
        self.query_one(LiveTable).show(self._log.lines())
        standing = plural(len(self._log.standing), "alert")
        self.about(f"{standing} {self.when(self._now)}, {len(self._log.ended)} ended within the hour")
        self._show_sentence()

    @on(LiveTable.Moved)
    def _show_sentence(self) -> None:
        one = self._under_cursor()
        said = Content(safe(one.alert.sentence)) if one else Content.styled("✓ Nothing is wrong", "$muted")
        static = self.query_one("#sentence", Static)
        if static.content != said:
            static.update(said, layout=False)

    def _under_cursor(self) -> Ended | None:
        key = self.query_one(LiveTable).cursor
        return next((line.value for line in self._log.lines() if line.key == key), None)

    @on(LiveTable.Chosen)
    def action_go(self) -> None:
        """Answer with what the alert is about."""
        one = self._under_cursor()
        if one is not None:
            self.dismiss(one.alert.subject)

    def action_replay(self) -> None:
        """Show the panel as it was when the alert was raised."""
        one = self._under_cursor()
        if one is not None:
            from tui.screens.replay import Replay, Start  # noqa: PLC0415 - when it is first used

            self.app.push_screen(Replay(self.services, self.services.history(), Start(one.alert.since)))

    def action_copy(self) -> None:
        """Send the sentence to the terminal's clipboard, and show it: the terminal gives no answer."""
        one = self._under_cursor()
        if one is not None:
            text = safe(one.alert.sentence)
            self.app.copy_to_clipboard(text)
            self.tell(text, title="Sent to the terminal's clipboard")
