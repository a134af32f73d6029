"""A panel on the screen: its lines, what is wrong, what the cursor's line means, and how one moves in it.

What is shown is one value; the live panel makes it from what is counted, the replay from what was recorded.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content
from textual.reactive import var
from textual.widgets import Input, Static

from tui.screens.base import Base
from tui.text import safe
from tui.widgets.column_cuts import ColumnCuts
from tui.widgets.live_table import LiveTable
from tui.widgets.panel import ORDERS, Panel
from tui.widgets.socket_lines import edges, heading
from tui.widgets.troubles import SIGNS

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.screen import Screen

    from tui.connections.model import Connection
    from tui.screens.alerts import Alerts
    from tui.screens.services import Services

_ORDER_WORDS = {
    "name": "by name",
    "sockets": "by sockets, the most first",
    "growth": "by growth, the fastest first",
    "time left": "by the time left until a limit, the shortest first",
    "trouble": "by trouble, the worst first",
}

_TONES = {"failed": "$failed", "warning": "$warning", "note": "", "plain": ""}


class PanelView(Base[None]):
    """Shows `panel`, and keeps it up to date with `latest`, which is what is known."""

    shows = "What the panel shows now"
    panel: var[Panel] = var(Panel, init=False, always_update=True)

    def __init__(self, services: Services) -> None:
        """Show nothing yet."""
        super().__init__(services)
        self.latest = Panel()

    def body(self) -> ComposeResult:
        """Yield the table, the alert that matters most, what the cursor's line means, and the filter."""
        yield ColumnCuts(LiveTable(self._draw, heading, edges=edges, id="sockets"), id="table")
        yield Static("", id="alert")
        yield Static("", id="cursor")
        yield Input(placeholder="part of a name, server, database or role", compact=True, id="filter")

    def on_mount(self) -> None:
        """Let the keys move the cursor."""
        self.query_one(LiveTable).focus()

    def watch_panel(self) -> None:
        """Show the value that was set."""
        self._show()

    def _draw(self, value: str, cursor: bool, width: int) -> Any:
        return self.panel.draw(value, cursor, width)

    def know(self, latest: Panel) -> None:
        """Take in what is known now, and show it."""
        self.latest = latest
        if self.app.is_running:  # else the console is being left: its screens lose their parts one by one
            self.panel = latest

    def pace(self) -> str:
        """Say what moments are shown."""
        raise NotImplementedError

    def alerts_screen(self) -> Alerts:
        """Return the screen that lists the alerts."""
        return _alerts_type()(self.services)

    def feed(self, screen: Screen[Any]) -> None:
        """Hand a screen that was opened from here what is known now."""
        if isinstance(screen, _alerts_type()):
            screen.show(self.panel.alerts, self.latest.at)

    def _show(self) -> None:
        panel = self.panel
        self.query_one(LiveTable).show(panel.lines)
        said = panel.totals(self.pace(), self.size.width - 22) if panel.connections else ""
        if said != self._about:
            self._about = said
            self.about(said)
        self._show_alert()
        self._show_cursor()
        for screen in self.screens_above():
            self.feed(screen)

    def screens_above(self) -> list[Screen[Any]]:
        """Return the screens that were opened from here, and from those."""
        stack = self.app.screen_stack
        above = stack[stack.index(self) + 1 :] if self in stack else []
        return list(takewhile(lambda screen: not isinstance(screen, PanelView), above))

    def _show_alert(self) -> None:
        words, tone = self.panel.alerts.summary()
        self.set_class(bool(words), "-alert")
        line = Content.styled(words, _TONES[tone]).truncate(max(20, self.size.width - 2), ellipsis=True)
        self._tell("#alert", line)

    def _show_cursor(self) -> None:
        connection = self._connection()
        if connection is None:
            words = "" if not self.panel.connections else f"No Connection matches {safe(self.panel.wanted)}"
            self._tell("#cursor", Content.styled(words, "$muted"))
            return
        first = Content.assemble(
            (safe(connection.name), "bold"), ("  " + safe(self.panel.address(connection)), "$muted")
        )
        lines = [first.truncate(max(20, self.size.width - 2), ellipsis=True)]
        for level, sentence in self.panel.details(connection):
            sign = "" if level == "plain" else f"{SIGNS[level]} "
            lines.append(Content.styled(sign + safe(sentence), "$muted" if level == "plain" else _TONES[level]))
        self._tell("#cursor", Content("\n").join(lines))

    def _tell(self, selector: str, content: Content, *, layout: bool = False) -> None:
        """Write into a part of the screen, if it says something else: an unchanged panel sends nothing."""
        static = self.query_one(selector, Static)
        if static.content != content:
            static.update(content, layout=layout)

    @on(LiveTable.Moved)
    def _moved(self) -> None:
        self._show_cursor()

    def _connection(self) -> Connection | None:
        key = self.query_one(LiveTable).cursor
        return self.panel.by_id.get(key) if key else None

    def action_sort(self, step: int) -> None:
        """Sort by the next order, or by the one before."""
        order = ORDERS[(ORDERS.index(self.panel.order) + step) % len(ORDERS)]
        self.know(replace(self.latest, order=order))
        self.tell(f"Sorted {_ORDER_WORDS[order]}")

    def action_trouble(self, step: int) -> None:
        """Go to the next Connection with a trouble that way, round the end."""
        key = self.panel.next_trouble(self.query_one(LiveTable).cursor, step)
        if key is None:
            self.tell("No Connection is in trouble")
        self.query_one(LiveTable).move_cursor(key)

    def action_edge(self, direction: int) -> None:
        """Go to the first or last Connection."""
        self.query_one(LiveTable).action_edge(direction)

    def action_server(self, number: int) -> None:
        """Go to the first Connection of a server, counted from 1."""
        self.query_one(LiveTable).move_cursor(self.panel.first_of_server(number))

    def action_alerts(self) -> None:
        """List the alerts, then go to the one that was chosen."""
        listed = self.alerts_screen()
        self.feed(listed)
        self.app.push_screen(listed, self._go_to)

    def _go_to(self, subject: str | None) -> None:
        """Put the cursor on a Connection, or on the first of a server."""
        if subject is not None:
            self.query_one(LiveTable).move_cursor(self.panel.key_of(subject))

    def action_export_seen(self) -> None:
        """Write what is seen into a file."""
        sample = self.panel.seen()
        if sample is None:
            self.tell("Nothing was counted yet")
            return
        from tui.screens.export_seen import export, seen_sample  # noqa: PLC0415 - for a quick first frame

        export(self, seen_sample(sample, self.shows))

    def action_filter(self) -> None:
        """Type what names must hold."""
        self.add_class("-filtering")
        self.query_one("#filter").focus()

    def action_clear_filter(self) -> None:
        """Show all Connections again."""
        self.query_one("#filter", Input).value = ""
        self._leave_filter()

    def _leave_filter(self) -> None:
        self.set_class(bool(self.panel.wanted), "-filtering")
        self.query_one(LiveTable).focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.know(replace(self.latest, wanted=event.value.strip()))

    @on(Input.Submitted, "#filter")
    def _filter_submitted(self) -> None:
        self._leave_filter()


def _alerts_type() -> type[Alerts]:
    from tui.screens.alerts import Alerts  # noqa: PLC0415 - for a quick first frame

    return Alerts
