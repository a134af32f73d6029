"""The advanced options: where the toolbox, the data subscriptions and the temporary tables of workflows are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button, Static

from tui.screens.base import Base
from tui.screens.draft import Draft
from tui.screens.form_fields import ADVANCED
from tui.styling import sheets
from tui.widgets.field_row import FieldRow, Fields

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.screens.services import Services

_MEANINGS = {
    "analytics_toolbox": (
        "Schema of the toolbox functions that Workflows, Builder's SQL analyses, Create Tileset, Geocode Table and "
        "Enrich Data call."
    ),
    "data_observatory": (
        "Schema of your data subscriptions, which are ordinary tables. Data Explorer, Workflows and Enrichment look "
        "for them there."
    ),
    "workflows_temp": (
        "Schema, or database.schema, of the temporary tables of workflow nodes; created if missing and the role may. "
        "Newer pages call it carto_temp. Nothing cleans it."
    ),
}


class AdvancedOptions(Base[Draft]):
    """Where CARTO finds its toolbox and your data subscriptions, and where workflows keep their temporary tables.

    Dismisses with the draft that has these locations.
    """

    CSS_PATH: ClassVar = sheets("forms", "advanced_options")
    heading = "Advanced options"
    BINDINGS: ClassVar = [
        Binding(
            "escape,ctrl+s", "done", "Back to the form", id="advanced.done", tooltip="Go back with these locations"
        ),
        Binding("ctrl+r", "reset", "Defaults", id="advanced.reset", tooltip="Set all three to their defaults"),
        Binding("up", "app.focus_previous", "Previous field", show=False),
        Binding("down", "app.focus_next", "Next field", show=False),
    ]

    def __init__(self, services: Services, draft: Draft) -> None:
        """Start from `draft`."""
        super().__init__(services, draft.values["name"])
        self.draft = draft

    def body(self) -> ComposeResult:
        """Yield a field and its meaning for each location."""
        with Fields():
            for field in ADVANCED:
                yield FieldRow(field.name, field.label, f"Default: {field.default}", self.draft.values[field.name])
                yield Static(_MEANINGS[field.name], classes="meaning", markup=False)
        with Horizontal(id="buttons"):
            yield Button("Back to the form", id="done", compact=True)
            yield Button("Defaults", id="reset", compact=True)

    def on_mount(self) -> None:
        """Show what is wrong with the values already."""
        self.query(FieldRow).first().give_focus()
        self._complain()

    @on(FieldRow.Changed)
    def _changed(self, event: FieldRow.Changed) -> None:
        event.stop()
        self.draft = self.draft.type(event.row.name or "", event.row.value)
        if event.row.has_class("-wrong"):
            self._complain()

    @on(FieldRow.Left)
    def _complain(self) -> None:
        problems = self.draft.problems()
        for row in self.query(FieldRow):
            row.complain(problems.get(row.name or "", ""))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "done":
            self.action_done()
        else:
            self.action_reset()

    def action_done(self) -> None:
        """Go back to the form."""
        self.dismiss(self.draft)

    def action_reset(self) -> None:
        """Set all locations to their defaults."""
        for field in ADVANCED:
            self.draft = self.draft.type(field.name, str(field.default))
        for row in self.query(FieldRow):
            row.show(self.draft.values[row.name or ""])
        self._complain()
