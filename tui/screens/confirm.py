"""Asks before something that cannot be undone; the safe answer is the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from tui.screens.base import Dialog
from tui.text import safe_lines

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Confirm(Dialog[bool]):
    """A question, exactly what happens, and two answers; dismisses with whether to do it."""

    BINDINGS: ClassVar = [
        Binding("escape,n", "answer(False)", "No", id="confirm.no", tooltip="Leave everything as it is"),
        Binding("y", "answer(True)", "Yes", id="confirm.yes", tooltip="Do what the question says"),
        Binding("left,right,up,down", "app.focus_next", "Other answer", show=False),
    ]

    def __init__(self, question: str, consequence: str, *, do: str, keep: str = "Cancel") -> None:
        """Ask `question` and tell the `consequence`; `do` and `keep` are the words on the answers."""
        super().__init__(question)
        self._consequence = consequence
        self._do = do
        self._keep = keep

    def body(self) -> ComposeResult:
        """Yield the consequence and the answers, the safe one first."""
        yield Static(Content(safe_lines(self._consequence)), classes="words")
        with Horizontal(classes="answers"):
            yield Button(Content(self._keep), id="keep", compact=True)
            yield Button(Content(self._do), id="do", compact=True)

    def on_mount(self) -> None:
        """Make the safe answer the default."""
        self.query_one("#keep", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "do")

    def action_answer(self, yes: bool) -> None:
        """Answer by key."""
        self.dismiss(yes)
