"""One Connection: its sockets now and lately, and on a second page its parameters and what its last check found."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui import paths
from tui.connections import checks
from tui.connections.registry import RegistryError, UnknownConnection
from tui.connections.secret import SecretsError
from tui.probe.report import CHECKS
from tui.screens import connection_actions
from tui.screens.base import Base
from tui.screens.connection_facts import (
    how_long_ago,
    kept_findings,
    parameter_facts,
    plotted,
    read_ledger,
    socket_facts,
    verdict,
)
from tui.screens.look_back import look_back
from tui.screens.passphrase import password_of
from tui.screens.span_plot import SpanPlot
from tui.styling import sheets
from tui.text import safe
from tui.widgets.cells import plural
from tui.widgets.check_list import CheckList
from tui.widgets.fact_list import FactList

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from tui.connections.model import Connection
    from tui.screens.at_server import Lend
    from tui.screens.look_back import LookedBack
    from tui.screens.services import Services
    from tui.sockets.growth import Point
    from tui.widgets.socket_lines import Row
    from tui.workflows.tables import Ledger

    PastOf = Callable[[str], tuple[Point, ...]]


# The ledger of temporary tables is written every ten minutes.
_LOOK_S = 60.0


class ConnectionDetail(Base[None]):
    """Everything about one Connection, and what one can do with it."""

    heading = "Connection"
    CSS_PATH: ClassVar = sheets("forms", "connection_detail")
    BINDINGS: ClassVar = [
        Binding("escape,q", "back", "Back", id="detail.back", tooltip="Go back to the live panel; stops a check"),
        Binding("enter,g", "groups", "Who", id="detail.groups", tooltip="Show who holds its sockets; cancel, end"),
        Binding("p", "page(True)", "Parameters", id="detail.about", tooltip="Show its parameters and its last check"),
        Binding("p", "page(False)", "Sockets", id="detail.lately", tooltip="Show its sockets now and lately"),
        Binding(
            "s", "span(1)", "Span", id="detail.span", tooltip="Plot a longer span: an hour, a day… of what was recorded"
        ),
        Binding("S", "span(-1)", "Span", id="detail.span_back", show=False, tooltip="Plot a shorter span"),
        Binding("c", "check", "Check", id="detail.check", tooltip="Check again everything CARTO needs of it"),
        Binding("e", "edit", "Edit", id="detail.edit", tooltip="Change its parameters"),
        Binding("r", "rename", "Rename", id="detail.rename", show=False, tooltip="Give it another name"),
        Binding("d,delete", "remove", "Remove", id="detail.remove", tooltip="Remove it; asks first"),
        Binding("y", "copy", "Copy", id="detail.copy", show=False, tooltip="Copy its URI, without the password"),
        Binding("f", "copy_fixes", "Copy fixes", id="detail.fixes", tooltip="Copy the fixes of what the check found"),
        Binding("i", "regions", "Regions", id="detail.regions", tooltip="Show the rules that let CARTO in to it"),
        Binding("b", "bouncer", "PgBouncer", id="detail.bouncer", tooltip="Plan a PgBouncer before its server"),
        Binding("w", "clients", "Clients", id="detail.clients", tooltip="Show who is in its PgBouncer, and who waits"),
        Binding("question_mark", "app.help", "Help", id="detail.help", show=False, tooltip="What the screen is for"),
    ]

    def __init__(
        self,
        services: Services,
        connection: Connection,
        *,
        check: bool = False,
        lend: Lend = lambda _: None,
        past: PastOf = lambda _: (),
    ) -> None:
        """Show `connection`; with `check`, check it again at once.

        `lend` lends the socket that watches its server; `past` returns older counts than those of its row.
        """
        super().__init__(services, connection.name)
        self.connection = connection
        self._check_now = check
        self._lend = lend
        self._past = past
        self._row: Row | None = None
        self._left = False
        self._kept: dict[str, Any] | None = {}
        self._ledger: Ledger | None = None

    @property
    def connection_id(self) -> str:
        """Which Connection it is."""
        return self.connection.id

    def body(self) -> ComposeResult:
        """Yield two pages: sockets, and parameters above the check list."""
        with Vertical(id="lately"):
            yield FactList(socket_facts(self._row), id="now")
            yield SpanPlot(self._look_back)
        with VerticalScroll(id="about"):
            yield FactList(parameter_facts(self.connection), id="parameters")
            yield Static("", id="checked", markup=False)
            yield CheckList(CHECKS, can_focus=False)

    def on_mount(self) -> None:
        """Show the last check, or make one."""
        self._show_plot()
        self._look()
        self.set_interval(_LOOK_S, self._look)
        if self._check_now:
            self.action_check()
        else:
            self._show_kept()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the page that is not shown, and what there is to do on the one that is."""
        about = self.has_class("-about")
        if action == "page":
            return parameters[0] != about
        if action == "span":
            return not about
        if action == "clients":
            return self._is_pooled
        return about if action == "copy_fixes" else True

    def action_page(self, about: bool) -> None:
        """Show the parameters and the check, or the sockets."""
        self.set_class(about, "-about")
        if about:
            self.query_one("#about").focus()
        else:
            self.set_focus(None)
        self.refresh_bindings()

    def show_row(self, row: Row) -> None:
        """Show newer counts of this Connection; the live panel calls it."""
        if row.connection != self.connection:
            self.connection = row.connection
            self._show_parameters()
        was_pooled, self._row = self._is_pooled, row
        if self.is_mounted:
            if self._is_pooled != was_pooled:
                self.refresh_bindings()
            self.query_one("#now", FactList).show(socket_facts(row, self._ledger))
            self._show_plot()

    def _look(self) -> None:
        """See what is known of its temporary tables."""
        self.run_worker(self._read_ledger(), group="ledger", exclusive=True, description="read the ledger")

    async def _read_ledger(self) -> None:
        path = self.services.recorder.path if self.services.recorder is not None else paths.history_file()
        ledger = await asyncio.to_thread(read_ledger, path, self.connection)
        if self.is_attached and ledger != self._ledger:
            self._ledger = ledger
            self.query_one("#now", FactList).show(socket_facts(self._row, ledger))

    def _show_plot(self) -> None:
        self.query_one(SpanPlot).show(plotted(self._row, self._past(self.connection.id)))

    def _look_back(self, span_s: float, points: int) -> LookedBack:
        """Read what was recorded of a span until now; it blocks."""
        return look_back(self.services.past(), self.connection.id, span_s, points, time.time())

    def action_span(self, step: int) -> None:
        """Plot a longer span, or a shorter one."""
        self.query_one(SpanPlot).turn(step)

    def _show_parameters(self) -> None:
        if self.is_mounted:
            self.about(self.connection.name)
            self.query_one("#parameters", FactList).show(parameter_facts(self.connection))

    def _say(self, words: str) -> None:
        self.query_one("#checked", Static).update(Content(safe(words)))

    def on_screen_resume(self) -> None:
        """Show what an edit changed."""
        self.run_worker(self._reload(), group="reload", exclusive=True, description="read the Connection again")

    async def _reload(self) -> None:
        try:
            self.connection = await asyncio.to_thread(self.services.registry.get, self.connection.id)
        except UnknownConnection:
            self._leave()
            return
        except RegistryError as error:
            self.tell(str(error), severity="error")
            return
        self._show_parameters()
        if not self._checking:
            self._show_kept()

    @property
    def _checking(self) -> bool:
        return any(worker.group == "check" and not worker.is_finished for worker in self.workers)

    def _show_kept(self) -> None:
        report = checks.load(self.connection.id)
        if report == self._kept:
            return  # what the screen says meanwhile, such as why there was no check, stands
        self._kept = report
        check_list = self.query_one(CheckList)
        check_list.display = bool(report)
        findings = kept_findings(report) if report else ()
        if not report:
            self._say("Never checked here: press c")
        check_list.reset(running=False)
        for finding in findings:
            check_list.show(finding)
        check_list.finish()
        check_list.scroll_home(animate=False)
        if report:
            self._say(f"Last check, {how_long_ago(str(report.get('at', '')))}: {verdict(findings)}")

    def _leave(self) -> None:
        """Close, once: a removal is noticed by whoever removed it, and when the question is gone from the screen."""
        if not self._left:
            self._left = True
            self.dismiss()

    def action_back(self) -> None:
        """Leave; a check that is being made is cancelled."""
        self.workers.cancel_group(self, "check")
        self._leave()

    def action_check(self) -> None:
        """Check again; what is found streams in."""
        self.action_page(about=True)
        check_list = self.query_one(CheckList)
        check_list.display = True
        check_list.reset()
        self._say("Checking…")
        self.query_one("#checked").scroll_visible(top=True, animate=False)
        self.run_worker(self._check(), group="check", exclusive=True, description="check a Connection")

    async def _check(self) -> None:
        check_list = self.query_one(CheckList)
        try:
            password = await password_of(self, self.services.secrets, self.connection)
            report = await self.services.probe(self.connection.parameters, password, check_list.show)
        except SecretsError as error:
            check_list.finish()
            self._say(f"Not checked: {safe(str(error))}")
            return
        check_list.finish()
        if not await asyncio.to_thread(checks.save, self.connection.id, report.to_json()):
            self.tell("What was found cannot be kept: see the doctor (D on the live panel)", severity="warning")
        self._kept = checks.load(self.connection.id)
        self._say(f"Checked now: {verdict(report.findings)}")

    def action_groups(self) -> None:
        """Show who holds its sockets."""
        from tui.screens.at_server import RealServer  # noqa: PLC0415 - when it is first used, like the next
        from tui.screens.socket_groups import SocketGroups  # noqa: PLC0415

        self.app.push_screen(SocketGroups(self.services, self.connection, partial(RealServer, lend=self._lend)))

    def action_regions(self) -> None:
        """Show its region's addresses, and the rules that let them in to it."""
        from tui.screens.region_ips import RegionIps  # noqa: PLC0415 - when it is first used

        self.app.push_screen(RegionIps(self.services, self.connection))

    @property
    def _is_pooled(self) -> bool:
        return self._row is not None and self._row.seen is not None and self._row.seen.pooled is not None

    def action_clients(self) -> None:
        """Show the clients in its PgBouncer."""
        from tui.screens.pool_clients import PoolClients  # noqa: PLC0415 - when it is first used

        self.app.push_screen(PoolClients(self.services, self.connection))

    def action_bouncer(self) -> None:
        """Plan a PgBouncer before its server."""
        from tui.screens.bouncer_plan import BouncerPlan  # noqa: PLC0415 - when it is first used

        self.app.push_screen(BouncerPlan(self.services, self.connection, lend=self._lend))

    def action_edit(self) -> None:
        """Change its parameters."""
        connection_actions.edit(self, self.connection)

    def action_rename(self) -> None:
        """Give it another name."""
        self.run_worker(connection_actions.rename(self, self.connection), description="rename")

    def action_remove(self) -> None:
        """Remove it, after a question."""
        self.run_worker(self._remove(), description="remove")

    async def _remove(self) -> None:
        if await connection_actions.remove(self, self.connection):
            self._leave()

    def action_copy(self) -> None:
        """Copy its URI, without the password."""
        connection_actions.copy(self, self.connection)

    def action_copy_fixes(self) -> None:
        """Copy what would mend what the check found."""
        fixes = [finding.fix for finding in self.query_one(CheckList).findings if finding.fix]
        if not fixes:
            self.tell("The last check found nothing to mend")
            return
        self.app.copy_to_clipboard("\n".join(fixes))
        self.tell(
            f"{plural(len(fixes), 'fix')[:-1]}es" if len(fixes) > 1 else fixes[0],
            title="Sent to the terminal's clipboard",
        )
