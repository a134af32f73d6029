"""Asks for how long a socket must be idle to be ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from tui.screens.base import Dialog

if TYPE_CHECKING:
    from textual.app import ComposeResult

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])[a-z]*", re.ASCII | re.IGNORECASE)


def seconds_of(text: str) -> float | None:
    """Return a length of time in seconds; None where it is none, or where its unit is not said.

    >>> seconds_of("10m"), seconds_of("90 s"), seconds_of("1.5 hours"), seconds_of("15")
    (600.0, 90.0, 5400.0, None)
    """
    said = _AGE.fullmatch(text.strip())
    return None if said is None else float(said[1]) * _UNITS[said[2].lower()]


class IdleAge(Dialog[float]):
    """Answers with seconds, or with None. Who is hit is shown before anything is done."""

    def __init__(self) -> None:
        """Ask."""
        super().__init__("End sockets that are idle for longer than")

    def body(self) -> ComposeResult:
        """Yield the field."""
        yield Static("Which ones these are is shown next; nothing is done before you say so.", classes="words")
        with Horizontal(classes="line"):
            yield Static("For at least", classes="label", markup=False)
            yield Input("10m", placeholder="90s, 10m, 2h, 1d", compact=True)
        yield Static("", classes="problem", markup=False)

    def on_mount(self) -> None:
        """Show no problem yet."""
        self._complain("")

    @on(Input.Changed)
    def _changed(self) -> None:
        self._complain("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        seconds = seconds_of(event.value)
        if seconds:
            self.dismiss(seconds)
        else:
            self._complain("Type a length of time such as 90s, 10m, 2h or 1d")

    def _complain(self, problem: str) -> None:
        shown = self.query_one(".problem", Static)
        shown.display = bool(problem)
        shown.update(Content(f"✗ {problem}" if problem else ""))
