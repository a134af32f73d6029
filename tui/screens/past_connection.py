"""A Connection of the past: how it stood at the moment that the replay shows, and who held its sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from tui.screens.base import Base
from tui.screens.connection_facts import socket_facts
from tui.screens.replay_keys import KEYS_ABOVE
from tui.styling import sheets
from tui.widgets.backend_lines import tabs
from tui.widgets.fact_list import FactList
from tui.widgets.live_table import LiveTable
from tui.widgets.recorded_groups import BYS, heading, lines, spans

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.widgets.live_table import Spans
    from tui.widgets.roster import By
    from tui.widgets.socket_lines import Row


class PastConnection(Base[None]):
    """How a Connection stood at a moment of the past, and who held its sockets then; nothing is done to them here."""

    heading = "Replay of a Connection"
    CSS_PATH: ClassVar = sheets("forms", "replay")
    BINDINGS: ClassVar = [
        Binding("escape,q", "dismiss(None)", "Back", id="past.back", tooltip="Go back to the replay"),
        *KEYS_ABOVE,
        Binding("b,B", "by(1)", "By", id="past.by", tooltip="Group by the next: application, client, role…"),
        Binding("question_mark", "app.help", "Help", id="past.help", show=False, tooltip="What the screen is for"),
    ]

    def __init__(self, replay: Base[None], connection_id: str) -> None:
        """Show what `show` is told of a Connection by the `replay`, which goes on by its keys."""
        super().__init__(replay.services)
        self._replay = replay
        self.connection_id = connection_id
        self._row: Row | None = None
        self._moment = Content("")
        self._by: By = "application"

    def body(self) -> ComposeResult:
        """Yield the moment, the facts, and the groups."""
        yield Static("", id="past")
        yield FactList(id="then")
        yield Static(tabs(self._by, BYS), id="by")
        yield LiveTable(self._draw, self._heading, id="groups")

    def on_mount(self) -> None:
        """Let the keys move the cursor."""
        self.query_one(LiveTable).focus()
        self._show()

    def show(self, row: Row | None, moment: Content) -> None:
        """Show another moment; None where the Connection was not there. The replay calls it."""
        self._row, self._moment = row, moment
        if self.is_mounted:
            self._show()

    def _show(self) -> None:
        row = self._row
        self.query_one("#past", Static).update(self._moment)
        self.about(row.connection.name if row is not None else "not there at this moment")
        self.query_one("#then", FactList).show(socket_facts(row) if row is not None else ())
        groups = row.seen.groups if row is not None and row.seen is not None else ()
        self.query_one(LiveTable).show(lines(groups, self._by))

    def _heading(self, width: int) -> Spans:
        return heading(self._by, width)

    def _draw(self, value: Any, cursor: bool, width: int) -> Spans:
        return spans(value, cursor, width)

    async def action_on_replay(self, action: str) -> None:
        """Play, hold still, step, go to a moment or an alert."""
        await self.app.run_action(action, self._replay)

    def action_by(self, step: int) -> None:
        """Group by something else."""
        self._by = BYS[(BYS.index(self._by) + step) % len(BYS)]
        self.query_one("#by", Static).update(tabs(self._by, BYS))
        self._show()
        table = self.query_one(LiveTable)
        table.redraw()
        table.refresh()
