"""CARTO's regions: their addresses, how old they are, what changed; and the rules that let them in beside them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from textual import events, on
from textual.binding import Binding
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from tui.connections.parameters import Problem
from tui.connections.registry import RegistryError
from tui.regions import directory
from tui.regions.model import BUILT_IN
from tui.regions.naming import find
from tui.regions.rules import FIREWALLS, Inexpressible, Rules, first_for, write
from tui.regions.telling import lost, outdated, troubles, wanted
from tui.screens.base import Base
from tui.styling import sheets
from tui.text import safe
from tui.widgets.cells import plural
from tui.widgets.live_table import Line, LiveTable, Spans
from tui.widgets.region_lines import (
    firewall_tabs,
    matching,
    progress_words,
    region_heading,
    region_spans,
    region_words,
    rules_content,
    why_none,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.regions.model import Region
    from tui.screens.services import Services


class Lists(Protocol):
    """Where the lists of addresses come from (tests hand in others)."""

    def look(self, registry: Registry) -> directory.Directory:
        """Return what is known without asking anybody; raise RegistryError."""

    async def refresh(self, on_progress: directory.OnProgress, registry: Registry) -> directory.Refreshed:
        """Ask CARTO anew; raise Problem, RegistryError."""


class RegionIps(Base[None]):
    """CARTO's addresses per region, and the rules of a firewall that let those under the cursor in."""

    heading = "Regions"
    CSS_PATH: ClassVar = sheets("forms", "region_ips")
    BINDINGS: ClassVar = [
        Binding("escape,q", "back", "Back", id="regions.back", tooltip="Show all regions again, or go back"),
        Binding("slash", "filter", "Find", id="regions.filter", tooltip="Find by name, code, address or tenant's URL"),
        Binding("f", "firewall(1)", "Firewall", id="regions.firewall", tooltip="Write the rules of the next firewall"),
        Binding(
            "F", "firewall(-1)", "Firewall", id="regions.firewall_back", show=False, tooltip="Of the firewall before"
        ),
        Binding("u", "undo", "Undo", id="regions.undo", tooltip="Show what takes the rules out again, or the rules"),
        Binding("y", "copy", "Copy", id="regions.copy", tooltip="Copy the rules that are shown"),
        Binding("a", "copy_addresses", "Addresses", id="regions.addresses", tooltip="Copy the addresses alone"),
        Binding("r", "refresh", "Refresh", id="regions.refresh", tooltip="Ask CARTO for its addresses now"),
        Binding("J", "scroll(1)", "Down", id="regions.scroll", show=False, tooltip="Scroll the rules down"),
        Binding("K", "scroll(-1)", "Up", id="regions.scroll_back", show=False, tooltip="Scroll the rules up"),
        Binding("question_mark", "app.help", "Help", id="regions.help", show=False, tooltip="What the screen is for"),
    ]

    def __init__(
        self,
        services: Services,
        connection: Connection | None = None,
        *,
        lists: Lists = directory,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Write rules for `connection`, starting with its region; with placeholders without one."""
        super().__init__(services, f"rules for {connection.name}" if connection else "rules with placeholders")
        self.connection = connection
        self.regions: tuple[Region, ...] = ()
        self.firewall = first_for(connection.parameters.connector if connection else "")
        self.undo = False
        self._lists = lists
        self._now = now
        self._rules: Rules | None = None

    def body(self) -> ComposeResult:
        """Yield the regions with the addresses of one, the rules, and what the last question came to."""
        with Container(id="sides"):
            with Vertical(id="known"):
                yield Input(placeholder="part of a name, code or address, or a tenant's URL", compact=True, id="filter")
                yield LiveTable(self._draw, region_heading, id="regions")
                yield Static("", id="addresses", markup=False)
            with Vertical(id="written"):
                yield Static("", id="firewalls", markup=False)
                with VerticalScroll(id="rules"):
                    yield Static("", id="text", markup=False)
        with VerticalScroll(id="said"):
            yield Static("", id="sentences", markup=False)

    def on_mount(self) -> None:
        """Read what is known, and let the keys move the cursor."""
        self.query_one(LiveTable).focus()
        self.run_worker(self._look(), group="look", description="read the regions")

    async def _look(self) -> None:
        try:
            known = await asyncio.to_thread(self._lists.look, self.services.registry)
        except RegistryError as error:
            known = directory.Directory(BUILT_IN, (str(error),))
        self._know(known.regions)
        notes = (*known.notes, outdated(known.regions, self._now(), "r"), self._start_at_its_own())
        self._say([f"! {note}" for note in notes if note], "$warning")

    def _start_at_its_own(self) -> str:
        """Put the cursor on the Connection's region; return why that cannot be, empty where it can."""
        own = self.connection.parameters.region if self.connection else ""
        try:
            self.query_one(LiveTable).move_cursor(find(self.regions, own).region if own else None)
        except Problem as problem:
            return str(problem)
        return ""

    def _know(self, regions: tuple[Region, ...]) -> None:
        self.regions = regions
        self._show()

    def _say(self, sentences: list[str], style: str = "") -> None:
        self._tell_state(Content("\n").join(Content.styled(safe(sentence), style) for sentence in sentences))

    def _tell_state(self, said: Content) -> None:
        self.query_one("#sentences", Static).update(said)
        self.query_one("#said").display = bool(said.plain)

    # What is shown

    def _draw(self, value: Any, cursor: bool, width: int) -> Spans:
        return region_spans(value, cursor, width, self._now())

    @property
    def _wanted_text(self) -> str:
        return self.query_one("#filter", Input).value

    @property
    def _region(self) -> Region | None:
        cursor = self.query_one(LiveTable).cursor
        return next((region for region in self.regions if region.region == cursor), None)

    def _show(self) -> None:
        shown = matching(self.regions, self._wanted_text)
        self.query_one(LiveTable).show([Line(region.region, region) for region in shown])
        self._explain()

    @on(LiveTable.Moved)
    def _explain(self) -> None:
        """Show the addresses of the region under the cursor, and the rules for them."""
        region, below = self._region, self.query_one("#addresses", Static)
        if region is not None:
            below.update(region_words(region, self._now(), below.content_size.width, below.content_size.height))
        elif self.regions:
            below.update(why_none(self.regions, self._wanted_text))
        self._show_rules()

    def on_resize(self) -> None:
        """Break the lines where the terminal ends now."""
        self.call_after_refresh(self._explain)

    def _show_rules(self) -> None:
        tabs, text = self.query_one("#firewalls", Static), self.query_one("#text", Static)
        tabs.update(firewall_tabs(FIREWALLS, self.firewall, tabs.content_size.width, undo=self.undo))
        self._rules, region = None, self._region
        if region is None:
            text.update("")
            return
        connector = self.connection.parameters.connector if self.connection else ""
        try:
            self._rules = write(self.firewall, wanted(region, self.connection), connector)
        except Inexpressible as error:
            text.update(Content.styled(f"✗ {safe(str(error))}", "$failed"))
            return
        text.update(rules_content(self._rules, (*lost(region), *self._rules.notes), undo=self.undo))

    # What one can do

    def action_back(self) -> None:
        """Stop asking, show all regions again, or leave."""
        if self._is_asking:
            self.workers.cancel_group(self, "refresh")
            self._say(["Stopped: the lists are those known before."])
        elif self._wanted_text or self.has_class("-filtering"):
            self.query_one("#filter", Input).value = ""
            self._leave_filter()
        else:
            self.dismiss()

    def action_filter(self) -> None:
        """Type what a region's name, code or addresses hold."""
        self.add_class("-filtering")
        self.query_one("#filter").focus()

    def on_paste(self, event: events.Paste) -> None:
        """Find the region of a tenant's address that is pasted anywhere."""
        self.query_one("#filter", Input).value = event.text.strip().partition("\n")[0]
        self.action_filter()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self._show()

    @on(Input.Submitted, "#filter")
    def _leave_filter(self) -> None:
        self.set_class(bool(self._wanted_text), "-filtering")
        self.query_one(LiveTable).focus()

    def action_firewall(self, step: int) -> None:
        """Write the rules of another firewall."""
        self.firewall = FIREWALLS[(FIREWALLS.index(self.firewall) + step) % len(FIREWALLS)]
        self._turn()

    def action_scroll(self, lines: int) -> None:
        """Scroll the rules, wherever the focus is."""
        self.query_one("#rules").scroll_relative(y=lines, animate=False)

    def action_undo(self) -> None:
        """Show what takes the rules out again, or the rules."""
        self.undo = not self.undo
        self._turn()

    def _turn(self) -> None:
        self._show_rules()
        self.query_one("#rules").scroll_home(animate=False)

    def action_copy(self) -> None:
        """Send the rules, or their undo, to the terminal's clipboard; the terminal gives no answer."""
        if self._rules is not None:
            what = "What takes the rules out" if self.undo else "The rules"
            self._copy(self._rules.undo if self.undo else self._rules.rules, f"{what} for {self.firewall}")

    def action_copy_addresses(self) -> None:
        """Send the region's addresses to the terminal's clipboard, one a line."""
        region = self._region
        if region is not None:
            self._copy("\n".join(region.addresses) + "\n", ", ".join(region.addresses))

    def _copy(self, text: str, what: str) -> None:
        self.app.copy_to_clipboard(text)
        self.tell(what[:200], title="Sent to the terminal's clipboard")

    # Asking CARTO

    @property
    def _is_asking(self) -> bool:
        return any(worker.group == "refresh" and not worker.is_finished for worker in self.workers)

    def action_refresh(self) -> None:
        """Ask CARTO for its addresses; a question that is being asked goes on."""
        if not self._is_asking:
            self._tell_state(progress_words(0, 0))
            self.run_worker(self._refresh(), group="refresh", description="ask CARTO for its addresses")

    async def _refresh(self) -> None:
        try:
            found = await self._lists.refresh(self._progressed, self.services.registry)
        except (Problem, RegistryError) as error:
            self._say([f"✗ Not asked: {error}"], "$failed")
            return
        self._know(found.regions)
        self._tell_state(_outcome(found))

    def _progressed(self, done: int, total: int) -> None:
        self._tell_state(progress_words(done, total))


def _outcome(found: directory.Refreshed) -> Content:
    """Say what a question came to: what changed first, then what went wrong."""
    if not found.reached:
        first = Content.styled("✗ Nothing usable was answered: the lists are those known before.", "$failed")
    elif found.changed:
        lists = plural(len(found.changed), "list")
        first = Content.styled(f"! CARTO answered: {lists} changed: {safe(', '.join(found.changed))}", "$warning")
    else:
        first = Content.styled("✓ CARTO answered: no list changed", "$ok")
    rest = [Content.styled(f"! {safe(sentence)}", "$warning") for sentence in troubles(found.troubles)]
    return Content("\n").join([first, *rest])
