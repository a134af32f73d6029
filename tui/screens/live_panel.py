"""The home screen: which Connection holds how many sockets, of what limit, and what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input, Static

from tui.connections.secret import SecretsError
from tui.screens import connection_actions
from tui.screens.panel_feed import PanelFeed
from tui.text import safe
from tui.widgets.live_table import LiveTable
from tui.widgets.panel import ORDERS
from tui.widgets.socket_lines import heading
from tui.widgets.troubles import SIGNS

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.screen import Screen

    from tui.connections.model import Connection
    from tui.screens.connection_detail import ConnectionDetail

INTERVALS_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_ORDER_WORDS = {"name": "by name", "sockets": "by sockets, the most first", "trouble": "by trouble, the worst first"}

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


class LivePanel(PanelFeed):
    """One line per registered Connection, kept up to date by counting on each server."""

    heading = "Sockets"
    BINDINGS: ClassVar = [
        Binding("a", "add", "Add", id="panel.add", tooltip="Register a Connection: pick a connector, fill in, connect"),
        Binding("enter", "open", "Open", id="panel.open", tooltip="Show the Connection under the cursor in detail"),
        Binding("e", "edit", "Edit", id="panel.edit", tooltip="Change the Connection's parameters"),
        Binding("c", "check", "Check", id="panel.check", tooltip="Check again everything CARTO needs of it"),
        Binding("r", "rename", "Rename", id="panel.rename", show=False, tooltip="Give the Connection another name"),
        Binding(
            "d,delete", "remove", "Remove", id="panel.remove", show=False, tooltip="Remove the Connection; asks first"
        ),
        Binding("y", "copy", "Copy", id="panel.copy", show=False, tooltip="Copy its URI, without the password"),
        Binding("slash", "filter", "Filter", id="panel.filter", tooltip="Show Connections whose names hold some text"),
        Binding("s", "sort", "Sort", id="panel.sort", tooltip="Sort by name, sockets or trouble"),
        Binding(
            "p",
            "pause",
            "Pause",
            id="panel.pause",
            show=False,
            tooltip="Hold the panel still; counting goes on behind it",
        ),
        Binding("plus,equals_sign", "interval(1)", "Slower", id="panel.slower", show=False, tooltip="Count less often"),
        Binding("minus", "interval(-1)", "Faster", id="panel.faster", show=False, tooltip="Count more often"),
        Binding("u", "unlock", "Unlock", id="panel.unlock", show=False, tooltip="Give the passphrase or password"),
        Binding(
            "i", "import", "Import", id="panel.import", show=False, tooltip="Import Connections from a file or text"
        ),
        Binding(
            "x", "export", "Export", id="panel.export", show=False, tooltip="Show, write or copy the registry as TOML"
        ),
        Binding("A", "apply", "Apply", id="panel.apply", show=False, tooltip="Make the registry what a file says"),
        Binding("D", "doctor", "Doctor", id="panel.doctor", show=False, tooltip="Check this machine and terminal"),
        Binding("R", "reload", "Reload", id="panel.reload", show=False, tooltip="Read the registry again"),
        Binding("question_mark", "app.help", "Help", id="panel.help", show=False, tooltip="What the screen is for"),
        Binding("escape", "clear_filter", "Clear", id="panel.clear", show=False),
        Binding("q", "app.quit", "Quit", id="panel.quit", tooltip="Leave pgconns"),
    ]

    def body(self) -> ComposeResult:
        """Yield the table, what stands in its place at the first start, and what the cursor's line means."""
        yield Static("", id="damaged", markup=False)
        yield LiveTable(self._draw, heading, id="sockets")
        with Container(id="first"):
            yield Static(_WELCOME, id="welcome")
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
        pace = "PAUSED" if self.paused else f"every {self.interval_s:g} s"
        said = panel.totals(pace, self.size.width - 22) if panel.connections else ""
        if said != self._about:
            self._about = said
            self.about(said)
        self._show_cursor()
        for screen in self.app.screen_stack[1:]:
            if isinstance(screen, _detail_type()):
                self._feed(screen)

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
        tones = {"failed": "$failed", "warning": "$warning", "note": ""}
        lines += [
            Content.styled(f"{SIGNS[trouble.level]} {safe(trouble.sentence)}", tones[trouble.level])
            for trouble in self.panel.wrong(connection)
        ]
        lines.append(Content.styled(self.panel.standing(connection), "$muted"))
        self._tell("#cursor", Content("\n").join(lines))

    def _tell(self, selector: str, content: Content, *, layout: bool = False) -> None:
        """Write into a part of the screen, if it says something else: an unchanged panel sends nothing."""
        static = self.query_one(selector, Static)
        if static.content != content:
            static.update(content, layout=layout)

    def _feed(self, detail: ConnectionDetail) -> None:
        connection = self.panel.by_id.get(detail.connection_id)
        if connection is not None:
            detail.show_row(self.panel.row(connection))

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
        if action in {"open", "edit", "check", "rename", "remove", "copy", "unlock", "filter", "sort", "pause"}:
            return bool(self.panel.connections)
        return True if action != "clear_filter" else bool(self.panel.wanted)

    def _push(self, screen: Screen[Any]) -> None:
        self.app.push_screen(screen)

    def _writing_refused(self) -> bool:
        if self.damaged:
            self.tell("The registry is not written to while it is damaged: mend it, then press R", severity="error")
        return bool(self.damaged)

    def action_add(self) -> None:
        """Register a Connection."""
        if not self._writing_refused():
            from tui.screens.connector_picker import ConnectorPicker  # noqa: PLC0415 - for a quick first frame

            self._push(ConnectorPicker(self.services))

    def action_open(self, check: bool = False) -> None:
        """Show the Connection under the cursor in detail."""
        connection = self._connection()
        if connection is not None:
            detail = _detail_type()(self.services, connection, check=check)
            detail.show_row(self.panel.row(connection))
            self._push(detail)

    def action_check(self) -> None:
        """Show it, and check it again."""
        self.action_open(check=True)

    def action_edit(self) -> None:
        """Change its parameters."""
        connection = self._connection()
        if connection is not None and not self._writing_refused():
            connection_actions.edit(self, connection)

    def action_rename(self) -> None:
        """Give it another name."""
        connection = self._connection()
        if connection is not None and not self._writing_refused():
            self.run_worker(connection_actions.rename(self, connection), description="rename")

    def action_remove(self) -> None:
        """Remove it, after a question."""
        connection = self._connection()
        if connection is not None and not self._writing_refused():
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

    def action_pause(self) -> None:
        """Hold the panel still, or go on with what is known now."""
        self.paused = not self.paused
        self.know(self.latest)

    def action_interval(self, step: int) -> None:
        """Count less or more often."""
        nearest = min(INTERVALS_S, key=lambda interval: abs(interval - self.interval_s))
        index = min(max(INTERVALS_S.index(nearest) + step, 0), len(INTERVALS_S) - 1)
        if INTERVALS_S[index] != self.interval_s:
            self.interval_s = INTERVALS_S[index]
            self.know(self.latest)
            if self.watching is not None:
                self.watching.interval_s = self.interval_s

    def action_sort(self) -> None:
        """Sort by the next order."""
        order = ORDERS[(ORDERS.index(self.panel.order) + 1) % len(ORDERS)]
        self.know(replace(self.latest, order=order))
        self.tell(f"Sorted {_ORDER_WORDS[order]}")

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

    def action_import(self) -> None:
        """Import Connections from a file or from pasted text."""
        if not self._writing_refused():
            from tui.screens.import_connections import ImportConnections  # noqa: PLC0415 - for a quick first frame

            self._push(ImportConnections(self.services))

    def action_export(self) -> None:
        """Show, write or copy the registry."""
        from tui.screens.export_connections import ExportConnections  # noqa: PLC0415 - for a quick first frame

        self._push(ExportConnections(self.services))

    def action_apply(self) -> None:
        """Make the registry what a file says."""
        if not self._writing_refused():
            from tui.screens.apply_registry import ApplyRegistry  # noqa: PLC0415 - for a quick first frame

            self._push(ApplyRegistry(self.services))

    def action_doctor(self) -> None:
        """Check this machine and terminal."""
        from tui.screens.doctor import Doctor  # noqa: PLC0415 - for a quick first frame

        self._push(Doctor(self.services))


def _detail_type() -> type[ConnectionDetail]:
    from tui.screens.connection_detail import ConnectionDetail  # noqa: PLC0415 - for a quick first frame

    return ConnectionDetail
