"""Asks for the moment that the replay is to go to."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.widgets import Input, Static

from tui.screens.base import Dialog
from tui.screens.idle_age import seconds_of

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.history.reader import Span


def moment_of(text: str, shown: float, span: Span) -> float | None:
    """Return a moment that somebody typed, in seconds since the epoch; None where it is none.

    It is a time of the day that is `shown`, a date, both, so long before or after what is shown, or an end of `span`.

    >>> from tui.history.reader import Span
    >>> moment_of("-10m", 5000.0, Span(0.0, 9000.0)), moment_of("end", 5000.0, Span(0.0, 9000.0))
    (4400.0, 9000.0)
    """
    text = text.strip()
    if text.lower() in {"start", "end"}:
        return span.start if text.lower() == "start" else span.end
    if text.startswith(("+", "-")):
        seconds = seconds_of(text[1:])
        return None if seconds is None else shown + (seconds if text[0] == "+" else -seconds)
    day = time.strftime("%Y-%m-%dT", time.localtime(shown))
    for said in (text, day + text):
        try:
            return datetime.fromisoformat(said).timestamp()
        except (ValueError, OverflowError, OSError):
            continue
    return None


class Jump(Dialog[float]):
    """Answers with a moment, in seconds since the epoch, or with None."""

    def __init__(self, shown: float, span: Span) -> None:
        """Ask; `shown` is the moment that is on the screen, `span` what is recorded."""
        super().__init__("Go to")
        self._shown = shown
        self._span = span

    def body(self) -> ComposeResult:
        """Yield the field."""
        ends = " to ".join(time.strftime("%a %d %b %Y %H:%M", time.localtime(at)) for at in self._span)
        yield Static(f"Recorded: {ends}. A time of the day that is shown, a date and a time, -10m, +1h, start or end.")
        yield Input(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self._shown)), compact=True)
        yield Static("", classes="problem", markup=False)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._complain("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        moment = moment_of(event.value, self._shown, self._span)
        if moment is None:
            self._complain("Type a moment such as 19:30, 2026-11-22 19:30, -10m, +1h, start or end")
        else:
            self.dismiss(moment)

    def _complain(self, problem: str) -> None:
        self.query_one(".problem", Static).update(Content(f"✗ {problem}" if problem else ""))
