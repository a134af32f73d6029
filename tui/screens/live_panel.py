"""The home screen: which Connection holds how many sockets, of what limit, and what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input, Static

from tui.connections.secret import SecretsError
from tui.screens import connection_actions
from tui.screens.panel_doors import PanelDoors
from tui.screens.panel_keys import KEYS
from tui.text import safe
from tui.widgets.column_cuts import ColumnCuts
from tui.widgets.live_table import LiveTable
from tui.widgets.panel import ORDERS
from tui.widgets.socket_lines import edges, heading
from tui.widgets.troubles import SIGNS

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.screen import Screen

    from tui.connections.model import Connection
    from tui.screens.alerts import Alerts
    from tui.screens.connection_detail import ConnectionDetail

_ORDER_WORDS = {
    "name": "by name",
    "sockets": "by sockets, the most first",
    "growth": "by growth, the fastest first",
    "time left": "by the time left until a limit, the shortest first",
    "trouble": "by trouble, the worst first",
}

_NEED_CONNECTIONS = frozenset((
    "open", "edit", "check", "rename", "remove", "copy", "unlock", "filter", "sort", "trouble", "edge", "server",
    "pause", "step", "alerts", "export_seen", "bouncer",
))  # fmt: skip
_TONES = {"failed": "$failed", "warning": "$warning", "note": "", "plain": ""}

_WELCOME = Content.assemble(
    ("No Connection is registered yet\n\n", "bold"),
    "pgconns registers the PostgreSQL Connections that CARTO uses, checks\n",
    "everything CARTO needs of them, and shows here how many sockets each\n",
    "one holds, of which limit, and what is wrong.\n\n",
    ("   a   ", "bold $accent"), "add one: pick a connector, fill in six parameters, connect\n",
    ("   i   ", "bold $accent"), "import from pg_service.conf, .pgpass, URIs or another registry\n",
    ("   ?   ", "bold $accent"), "help: every key, and what the words and signs mean\n\n",
    ("No server at hand? Leave with ", "$muted"), ("q", "bold $accent"), (" and run  ", "$muted"),
    ("pgconns demo", "bold"),
)  # fmt: skip


class LivePanel(PanelDoors):
    """One line per registered Connection, kept up to date by counting on each server."""

    heading = "Sockets"
    BINDINGS: ClassVar = [*KEYS]

    def body(self) -> ComposeResult:
        """Yield the table, what stands in its place at the first start, and what the cursor's line means."""
        yield Static("", id="damaged", markup=False)
        yield ColumnCuts(LiveTable(self._draw, heading, edges=edges, id="sockets"), id="table")
        with Container(id="first"):
            yield Static(_WELCOME, id="welcome")
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

    def _show(self) -> None:
        panel = self.panel
        table = self.query_one(LiveTable)
        table.show(panel.lines)
        empty = not panel.connections and not self.damaged and self.registry_read
        self.set_class(empty, "-empty")
        self.set_class(bool(self.damaged), "-damaged")
        self._tell(
            "#damaged",
            Content(f"✗ {safe(self.damaged)}\nR reads it again. Until then nothing is written to it.")
            if self.damaged
            else Content(""),
            layout=True,
        )
        said = panel.totals(self.pace(), self.size.width - 22) if panel.connections else ""
        if said != self._about:
            self._about = said
            self.about(said)
        self._show_alert()
        self._show_cursor()
        for screen in self.app.screen_stack[1:]:
            self._feed(screen)

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

    def _feed(self, screen: Screen[Any]) -> None:
        """Hand a screen that lies over the panel what is known now."""
        if isinstance(screen, _alerts_type()):
            screen.show(self.panel.alerts, self.latest.at)
        elif isinstance(screen, _detail_type()):
            connection = self.panel.by_id.get(screen.connection_id)
            if connection is not None:
                screen.show_row(self.panel.row(connection))

    @on(LiveTable.Moved)
    def _moved(self) -> None:
        self._show_cursor()

    @on(LiveTable.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    # What one can do

    def _connection(self) -> Connection | None:
        key = self.query_one(LiveTable).cursor
        return self.panel.by_id.get(key) if key else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done: what needs a Connection needs one under the cursor."""
        if action in _NEED_CONNECTIONS:
            return bool(self.panel.connections)
        return True if action != "clear_filter" else bool(self.panel.wanted)

    def action_open(self, check: bool = False) -> None:
        """Show the Connection under the cursor in detail."""
        connection = self._connection()
        if connection is not None:
            detail = _detail_type()(self.services, connection, check=check, lend=self.lend, past=self.past)
            detail.show_row(self.panel.row(connection))
            self._push(detail)

    def action_bouncer(self) -> None:
        """Plan a PgBouncer before its server."""
        connection = self._connection()
        if connection is not None:
            from tui.screens.bouncer_plan import BouncerPlan  # noqa: PLC0415 - for a quick first frame

            self._push(BouncerPlan(self.services, connection, lend=self.lend))

    def action_check(self) -> None:
        """Show it, and check it again."""
        self.action_open(check=True)

    def action_edit(self) -> None:
        """Change its parameters."""
        connection = self._connection()
        if connection is not None and not self.writing_refused():
            connection_actions.edit(self, connection)

    def action_rename(self) -> None:
        """Give it another name."""
        connection = self._connection()
        if connection is not None and not self.writing_refused():
            self.run_worker(connection_actions.rename(self, connection), description="rename")

    def action_remove(self) -> None:
        """Remove it, after a question."""
        connection = self._connection()
        if connection is not None and not self.writing_refused():
            self.run_worker(connection_actions.remove(self, connection), description="remove")

    def action_copy(self) -> None:
        """Copy its URI, without the password."""
        connection = self._connection()
        if connection is not None:
            connection_actions.copy(self, connection)

    def action_unlock(self) -> None:
        """Ask for what the Connection under the cursor lacks, then count again."""
        connection = self._connection()
        if connection is not None:
            self.run_worker(self._unlock(connection), exclusive=True, group="unlock", description="unlock")

    async def _unlock(self, connection: Connection) -> None:
        try:
            known = await self.passwords.ask(connection)
        except SecretsError as error:
            self.tell(str(error), severity="error")
            return
        if known and self.watching is not None:
            for count in self.latest.sample.connections if self.latest.sample else ():
                if count.error:
                    self.watching.retry(count.id)

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
        listed = _alerts_type()(self.services)
        self._feed(listed)
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

        export(self, seen_sample(sample))

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


def _detail_type() -> type[ConnectionDetail]:
    from tui.screens.connection_detail import ConnectionDetail  # noqa: PLC0415 - for a quick first frame

    return ConnectionDetail


def _alerts_type() -> type[Alerts]:
    from tui.screens.alerts import Alerts  # noqa: PLC0415 - for a quick first frame

    return Alerts
