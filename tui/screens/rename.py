"""Asks for another name of a Connection; its password stays where it is, for it is kept under the id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from tui.connections.parameters import BY_NAME, Problem
from tui.screens.base import Dialog
from tui.text import safe
from tui.widgets.field_row import SafeInput

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Rename(Dialog[str]):
    """Dismisses with the new name, or None."""

    def __init__(self, name: str, taken: frozenset[str]) -> None:
        """Change `name` to one that is not among those taken."""
        super().__init__(f"Rename {name}")
        self._current = name
        self._taken = taken - {name}

    def body(self) -> ComposeResult:
        """Yield the field and what is wrong with it."""
        yield Static("The name tells Connections apart, here and in CARTO.", classes="words", markup=False)
        yield SafeInput(self._current)
        yield Static("", classes="problem", markup=False)
        with Horizontal(classes="answers"):
            yield Button("Rename", id="rename", compact=True)
            yield Button("Cancel", id="cancel", compact=True)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._complain(self._read(event.value)[1])

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._answer()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "rename":
            self._answer()
        else:
            self.dismiss(None)

    def _answer(self) -> None:
        name, problem = self._read(self.query_one(Input).value)
        if problem:
            self._complain(problem)
        else:
            self.dismiss(name if name != self._current else None)

    def _read(self, text: str) -> tuple[str, str]:
        try:
            name = str(BY_NAME["name"].read(text))
        except Problem as problem:
            return "", str(problem)
        return name, "Another Connection has that name already: choose another one" if name in self._taken else ""

    def _complain(self, problem: str) -> None:
        shown = self.query_one(".problem", Static)
        shown.display = bool(problem)
        shown.update(Content(safe(f"✗ {problem}")))

    def on_mount(self) -> None:
        """Nothing is wrong with the name that it has."""
        self._complain("")
