"""Who holds the sockets of a Connection: in groups, one by one, and what can be done about them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from tui.connections.registry import RegistryError
from tui.connections.secret import SecretsError
from tui.postgres.errors import ServerError
from tui.screens.at_server import AtServer, OpenAtServer, RealServer
from tui.screens.backend import ShowBackend
from tui.screens.base import Base
from tui.screens.end_backends import EndBackends
from tui.screens.idle_age import IdleAge
from tui.screens.passphrase import password_of
from tui.styling import sheets
from tui.text import safe
from tui.widgets.backend_lines import (
    about_listing,
    backend_heading,
    backend_spans,
    backend_words,
    group_heading,
    group_spans,
    group_words,
    tabs,
)
from tui.widgets.cells import duration
from tui.widgets.live_table import LiveTable, Spans
from tui.widgets.panel import server_name
from tui.widgets.roster import TITLES, GroupOf, Roster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.screens.services import Services
    from tui.sockets.backends import Backend
    from tui.sockets.control import Action

# Single sockets are read at this pace while they are shown: slower than counts, since each time costs a session.
PACE_S = 10.0


class SocketGroups(Base[None]):
    """Who holds a Connection's sockets, grouped as you like, down to single ones; cancels queries, ends sockets."""

    heading = "Who holds sockets"
    CSS_PATH: ClassVar = sheets("forms", "socket_groups")
    BINDINGS: ClassVar = [
        Binding("escape,q", "back", "Back", id="groups.back", tooltip="Go back to the groups, or to the Connection"),
        Binding("enter", "open", "Open", id="groups.open", tooltip="Show the sockets of the group; of one, its query"),
        Binding("b,right", "by(1)", "By", id="groups.by", tooltip="Group by the next: application, client, role…"),
        Binding("B,left", "by(-1)", "By", id="groups.by_back", show=False, tooltip="Group by the one before"),
        Binding("c", "act('cancel')", "Cancel", id="groups.cancel", tooltip="Cancel the queries that run; asks first"),
        Binding("e", "act('end')", "End", id="groups.end", tooltip="End the sockets under the cursor; asks first"),
        Binding("i", "idle", "Idle", id="groups.idle", tooltip="End the idle sockets of the group; asks first"),
        Binding("o", "idle_older", "Older", id="groups.older", tooltip="End those idle for longer than…; asks first"),
        Binding(
            "a",
            "whole_server",
            "All",
            id="groups.all",
            show=False,
            tooltip="Show all of the server, or its own",
        ),
        Binding("r", "refresh", "Refresh", id="groups.refresh", show=False, tooltip="Read them again now"),
        Binding("X", "export", "Export", id="groups.export", show=False, tooltip="Write them into a CSV or JSON file"),
        Binding("y", "copy", "Copy", id="groups.copy", show=False, tooltip="Copy what stands under the cursor"),
        Binding("question_mark", "app.help", "Help", id="groups.help", show=False, tooltip="What the screen is for"),
    ]

    def __init__(self, services: Services, connection: Connection, open_server: OpenAtServer = RealServer) -> None:
        """Show who holds the sockets of `connection`, as `open_server` makes the way to ask."""
        super().__init__(services, connection.name)
        self.connection = connection
        self.roster = Roster()
        self._server: AtServer = open_server(connection, services.registry)
        self._whole_server = False
        self._problem = ""
        self._password: tuple[Secret | None] | None = None  # known while this screen is open
        self._asking = False
        self._wake = asyncio.Event()

    def body(self) -> ComposeResult:
        """Yield what they are grouped by, the table, and what the cursor's line means."""
        yield Static(tabs(self.roster.by), id="by")
        yield LiveTable(self._draw, self._heading, id="lines")
        yield Static("reading…", id="said", markup=False)

    def on_mount(self) -> None:
        """Let the keys move the cursor."""
        self.query_one(LiveTable).focus()

    def on_screen_resume(self) -> None:
        """Read them while the screen is shown."""
        if not self._asking:
            follow: Callable[[], Awaitable[None]] = self._follow  # cancelled before it starts, it was never made
            self.run_worker(follow, group="follow", exclusive=True, description="read single sockets")

    def on_screen_suspend(self) -> None:
        """Ask nothing of the server while nobody looks."""
        if not self._asking:
            self.workers.cancel_group(self, "follow")

    async def _follow(self) -> None:
        while True:
            self._wake.clear()
            pace = PACE_S if await self._read() else None  # who gave no password is not asked for it again and again
            try:
                async with asyncio.timeout(pace):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _read(self) -> bool:
        """Read them, and show them or why they are not; return whether to try again by itself."""
        whole = self._whole_server
        try:
            listing = await self._server.listed(await self._secret(), whole_server=whole)
        except ServerError as error:
            fix = f" → {error.finding.fix}" if error.finding.fix else ""
            self._problem = f"{error.finding.message}{fix}"
            self._password = None  # it may be another one by now
        except (SecretsError, RegistryError) as error:
            self._problem = str(error)
            self._show()
            return False
        else:
            self._problem = ""
            if whole == self._whole_server:
                self.roster = replace(self.roster, listing=listing)
        self._show()
        return True

    async def _secret(self) -> Secret | None:
        if self._password is None:
            self._asking = True  # the question covers this screen, which waits for its answer
            try:
                self._password = (await password_of(self, self.services.secrets, self.connection),)
            finally:
                self._asking = False
        return self._password[0]

    def _heading(self, width: int) -> Spans:
        by = self.roster.by
        return group_heading(by, width) if self.roster.group is None else backend_heading(by, width)

    def _draw(self, value: Any, cursor: bool, width: int) -> Spans:
        if isinstance(value, GroupOf):
            return group_spans(value, cursor, width)
        return backend_spans(value, self.roster.by, cursor, width)

    def _show(self) -> None:
        roster = self.roster
        self.query_one(LiveTable).show(roster.lines)
        group = roster.group
        path = tabs(roster.by) if group is None else Content.assemble(
            (f"{TITLES[roster.by]}  ", "$muted"), (safe(group), "bold $accent")
        )  # fmt: skip
        self.query_one("#by", Static).update(path)
        whose = f"all of {server_name(self.connection)}" if self._whole_server else self.connection.name
        self.about(about_listing(roster.listing, whose))
        self._explain()

    @on(LiveTable.Moved)
    def _explain(self) -> None:
        """Say more of the line under the cursor, or why there is none."""
        roster = self.roster
        if self._problem:
            kept = f" (shown as of {duration(time.time() - roster.listing.at)} ago)" if roster.listing else ""
            shown = Content.styled(f"✗ Not read: {safe(self._problem)}{kept}", "$failed")
        elif roster.listing is None:
            shown = Content("reading…")
        elif not (under := roster.under(self._cursor)):
            gone = "Its sockets are gone: esc shows the groups" if roster.group is not None else "It has no sockets now"
            shown = Content.styled(gone, "$muted")
        elif roster.group is None:
            shown = group_words(under)
        else:
            shown = backend_words(under[0])
        self.query_one("#said", Static).update(shown)

    @property
    def _cursor(self) -> str | None:
        return self.query_one(LiveTable).cursor

    # What one can do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Group only where groups are shown."""
        return self.roster.group is None if action == "by" else True

    def _turn_to(self, roster: Roster, cursor: str | None = None) -> None:
        """Show another level or another grouping, with the cursor on its first line or on `cursor`."""
        deeper = (roster.group is None) != (self.roster.group is None)
        self.roster = roster
        self._show()
        table = self.query_one(LiveTable)
        table.redraw()
        table.refresh()
        if roster.lines:
            table.move_cursor(cursor or roster.lines[0].key)
        if deeper:
            self.refresh_bindings()

    def action_back(self) -> None:
        """Show the groups again, or leave."""
        if self.roster.group is None:
            self.dismiss()
        else:
            self._turn_to(replace(self.roster, group=None), self.roster.group)

    @on(LiveTable.Chosen)
    def action_open(self) -> None:
        """Show the sockets of a group, or everything about one."""
        under = self.roster.under(self._cursor)
        if not under:
            return
        if self.roster.group is None:
            self._turn_to(replace(self.roster, group=self._cursor))
        else:
            self.app.push_screen(ShowBackend(self.services, under[0], self._server, self._secret))

    def action_by(self, step: int) -> None:
        """Group by something else."""
        self._turn_to(replace(self.roster, by=self.roster.next_by(step)))

    def action_whole_server(self) -> None:
        """Show all sockets of the server, or the Connection's own again."""
        self._whole_server = not self._whole_server
        self.action_refresh()

    def action_refresh(self) -> None:
        """Read them now."""
        self._wake.set()

    def action_copy(self) -> None:
        """Copy the group's name, or the socket's query."""
        under = self.roster.under(self._cursor)
        if under:
            text = under[0].query if self.roster.group is not None else self._cursor or ""
            self.app.copy_to_clipboard(text)
            self.tell(text[:200], title="Sent to the terminal's clipboard")

    def action_export(self) -> None:
        """Write the sockets that are listed, or those of the group, into a file."""
        listing = self.roster.listing
        if listing is None:
            self.tell("Nothing was read yet")
            return
        from tui.screens.export_seen import export, seen_sockets  # noqa: PLC0415 - when it is first used

        shown = self.roster.opened if self.roster.group is not None else listing.backends
        export(self, seen_sockets(self.connection.name, listing.at, shown))

    def action_act(self, action: Action) -> None:
        """Cancel the queries, or end the sockets, of the line under the cursor."""
        self._act(action, self.roster.under(self._cursor))

    def action_idle(self) -> None:
        """End the idle sockets of the group."""
        self._act("end", self._of_group(), idle_s=0.0)

    def action_idle_older(self) -> None:
        """End those of the group that are idle for longer than a person says."""
        backends = self._of_group()

        def answered(seconds: float | None) -> None:
            if seconds is not None:
                self._act("end", backends, idle_s=seconds)

        self.app.push_screen(IdleAge(), answered)

    def _of_group(self) -> tuple[Backend, ...]:
        roster = self.roster
        return roster.opened if roster.group is not None else roster.under(self._cursor)

    def _act(self, action: Action, backends: tuple[Backend, ...], idle_s: float | None = None) -> None:
        from tui.sockets.control import plan  # noqa: PLC0415 - when it is first used

        listing = self.roster.listing
        username = (listing.username if listing else "") or self.connection.parameters.username
        if idle_s is not None:  # who is not idle is not meant, and need not be listed as spared
            backends = tuple(
                one for one in backends if one.state == "idle" and (idle_s == 0 or (one.state_s or 0.0) >= idle_s)
            )
            wanted = plan(action, backends, username, state="idle", least_s=idle_s or None)
        else:
            backends = tuple(one for one in backends if action == "end" or one.state == "active")
            wanted = plan(action, backends, username)
        if backends:
            self.app.push_screen(EndBackends(wanted, self._server, self._secret))
        elif idle_s is not None:
            self.tell("None of them is idle" + (f" for {duration(idle_s)} or longer" if idle_s else ""))
        else:
            self.tell("No query runs there" if action == "cancel" else "There is no socket to end")
