"""The home screen: which Connection holds how many sockets, of what limit, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from tui.connections.secret import SecretsError
from tui.screens import connection_actions
from tui.screens.panel_doors import PanelDoors
from tui.screens.panel_keys import KEYS
from tui.text import safe
from tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.connections.model import Connection
    from tui.screens.connection_detail import ConnectionDetail

_NEED_CONNECTIONS = frozenset((
    "open", "edit", "check", "rename", "remove", "copy", "unlock", "filter", "sort", "trouble", "edge", "server",
    "pause", "step", "alerts", "export_seen", "bouncer",
))  # fmt: skip
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
        with Container(id="first"):
            yield Static(_WELCOME, id="welcome")
        yield from super().body()

    def _show(self) -> None:
        self.set_class(not self.panel.connections and not self.damaged and self.registry_read, "-empty")
        self.set_class(bool(self.damaged), "-damaged")
        words = (
            f"✗ {safe(self.damaged)}\nR reads it again. Until then nothing is written to it." if self.damaged else ""
        )
        self._tell("#damaged", Content(words), layout=True)
        super()._show()

    @on(LiveTable.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    # What one can do

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


def _detail_type() -> type[ConnectionDetail]:
    from tui.screens.connection_detail import ConnectionDetail  # noqa: PLC0415 - for a quick first frame

    return ConnectionDetail
