"""The list of alerts: what must be known, since when, why, and who sees to it; those that ended stay for an hour."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from tui import paths
from tui.history.errors import HistoryError
from tui.screens.base import Base
from tui.styling import sheets
from tui.text import safe
from tui.widgets.alert_log import AlertLog, Ended, alert_spans, heading, moment, said
from tui.widgets.cells import plural
from tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult

    from tui.connections.model import Hook
    from tui.history.notices import Delivery
    from tui.screens.services import Services


_LOOK_S = 5.0


class Alerts(Base[str]):
    """Lists what somebody on call must know, newest first; answers with the subject one goes to."""

    heading = "Alerts"
    CSS_PATH: ClassVar = sheets("forms", "alerts")
    BINDINGS: ClassVar = [
        Binding("enter", "go", "Go to it", id="alerts.go", tooltip="Put the panel's cursor on what the alert is about"),
        Binding("h", "replay", "Look back", id="alerts.replay", tooltip="Replay the moment when it was raised"),
        Binding(
            "a",
            "acknowledge",
            "Acknowledge",
            id="alerts.acknowledge",
            tooltip="Say that you see to it: no hook reminds of it; again takes it back",
        ),
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
        self._seen_to: dict[tuple[str, str], str] = {}

    def body(self) -> ComposeResult:
        """Yield the list, and the sentence under the cursor whole."""
        yield LiveTable(self._draw, heading, id="alerts")
        yield Static("", id="hooks")
        yield Static("", id="sentence")

    def on_mount(self) -> None:
        """Let the keys move the cursor."""
        self.query_one(LiveTable).focus()
        self._show()
        self._look()
        self.set_interval(_LOOK_S, self._look)

    def _look(self) -> None:
        """See who acknowledged what, here or elsewhere, and what became of the last deliveries."""
        self.run_worker(self._read(), group="read", exclusive=True, description="read who sees to what")

    async def _read(self) -> None:
        seen_to, failures = await asyncio.to_thread(self._kept)
        if not self.is_attached:
            return
        self._seen_to = seen_to
        self._show()
        hooks = self.query_one("#hooks", Static)
        words = Content("\n").join(Content.styled(f"! {safe(failure)}", "$warning") for failure in failures)
        if hooks.content != words:
            hooks.update(words)

    @property
    def _path(self) -> Path:
        return self.services.recorder.path if self.services.recorder is not None else paths.history_file()

    def _kept(self) -> tuple[dict[tuple[str, str], str], list[str]]:
        from tui.connections.registry import RegistryError  # noqa: PLC0415 - sqlite3, when it is first used
        from tui.history import notices  # noqa: PLC0415
        from tui.history.reader import STANDS_S  # noqa: PLC0415

        try:
            standing = notices.standing(self._path, time.time(), STANDS_S)
            fares = notices.deliveries(self._path)
            hooks = self.services.registry.hooks()
        except (HistoryError, RegistryError):
            return {}, []  # nothing was recorded, or it is told on the panel
        seen_to: dict[tuple[str, str], str] = {}
        for one in standing:
            if one.acknowledged is not None:
                seen_to[one.alert.key] = one.acknowledged.by
        return seen_to, failures(hooks, fares)

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
        self.query_one(LiveTable).show(self._log.lines(self._seen_to))
        standing = plural(len(self._log.standing), "alert")
        self.about(f"{standing} {self.when(self._now)}, {len(self._log.ended)} ended within the hour")
        self._show_sentence()

    @on(LiveTable.Moved)
    def _show_sentence(self) -> None:
        one = self._under_cursor()
        words = Content(said(one)) if one else Content.styled("✓ Nothing is wrong", "$muted")
        static = self.query_one("#sentence", Static)
        if static.content != words:
            static.update(words, layout=False)

    def _under_cursor(self) -> Ended | None:
        key = self.query_one(LiveTable).cursor
        return next((line.value for line in self._log.lines(self._seen_to) if line.key == key), None)

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

    def action_acknowledge(self) -> None:
        """Keep that whoever sits here sees to the alert, or does not any more."""
        one = self._under_cursor()
        if one is not None and not one.at:
            self.run_worker(self._acknowledge(one), group="acknowledge", description="acknowledge an alert")

    async def _acknowledge(self, one: Ended) -> None:
        try:
            await asyncio.to_thread(self._keep, one)
        except HistoryError as error:
            self.tell(f"{error}. It cannot be kept that you see to it", severity="error")
        self._look()

    def _keep(self, one: Ended) -> None:
        from tui.history import notices  # noqa: PLC0415 - sqlite3, when it is first used
        from tui.hooks.telling import Acknowledgement  # noqa: PLC0415
        from tui.sockets.actions_log import os_user  # noqa: PLC0415

        alert = one.alert
        if one.by:
            notices.withdraw(self._path, alert.key)
        else:
            seen_to = Acknowledgement(alert.kind, alert.subject, alert.level, os_user(), time.time())
            notices.acknowledge(self._path, seen_to)

    def action_copy(self) -> None:
        """Send the sentence to the terminal's clipboard, and show it: the terminal gives no answer."""
        one = self._under_cursor()
        if one is not None:
            text = safe(one.alert.sentence)
            self.app.copy_to_clipboard(text)
            self.tell(text, title="Sent to the terminal's clipboard")


def failures(hooks: tuple[Hook, ...], fares: dict[str, Delivery]) -> list[str]:
    """Return a sentence for each hook whose last delivery failed."""
    told = [fares[hook.name] for hook in hooks if hook.name in fares]
    return [
        f"Hook {one.hook}: last delivery failed at {moment(one.failed)}: {one.error}"
        for one in told
        if one.failed is not None
    ]
