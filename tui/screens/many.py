"""A list of Connections to register: what was found, which are chosen, and how far each one came."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from tui.connections.registry import Refused, RegistryError
from tui.connections.secret import PasswordNeeded, SecretsError, VaultLocked
from tui.screens.base import Base
from tui.screens.passphrase import unlocked
from tui.text import pad, safe, safe_lines, shorten
from tui.widgets.cells import plural
from tui.widgets.live_table import Line, LiveTable, Span, Spans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult

    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.screens.services import Services

State = Literal["found", "unable", "kept", "waiting", "checking", "registered", "failed"]
_AT_ONCE = 4
_SIGNS: dict[State, tuple[str, str]] = {
    "found": ("", "plain"),
    "unable": ("! ", "warning"),
    "kept": ("", "muted"),
    "waiting": ("· ", "muted"),
    "checking": ("… ", "accent"),
    "registered": ("✓ ", "ok"),
    "failed": ("✗ ", "failed"),
}


@dataclass(frozen=True)
class Item:
    """One Connection of the list; `said` explains its state in a line, `notes` say more of it.

    Without a `connection` it cannot be chosen. `before` is what the Connection is now, where it is registered.
    """

    name: str
    where: str
    state: State
    said: str
    connection: Connection | None = None
    before: Connection | None = None
    password: Secret | None = None
    notes: tuple[str, ...] = ()
    marked: bool = False


def able(item: Item) -> bool:
    """Return whether an item can be chosen."""
    return item.connection is not None and item.state in {"found", "failed"}


def draw(item: Item, cursor: bool, width: int) -> Spans:
    """Draw one line: its mark, name, address, and how far it came."""
    name, address = max(12, width // 4), max(16, width // 3)
    mark = "[x]" if item.marked else "[ ]" if able(item) else "   "
    sign, tone = _SIGNS[item.state]
    room = max(0, width - name - address - 8)
    return (
        Span("❯ " if cursor else "  ", "accent"),
        Span(mark + " ", "accent" if item.marked else "muted"),
        Span(pad(safe(item.name), name) + " ", "strong"),
        Span(pad(safe(item.where), address) + " ", "muted"),
        Span(pad(shorten(safe(sign + item.said), room), room), tone),
    )


class Many(Base[None]):
    """Shows a list of Connections; checks and registers those that are chosen."""

    BINDINGS: ClassVar = [
        Binding("space", "mark", "Choose", id="many.mark", tooltip="Choose or leave out the line under the cursor"),
        Binding("asterisk", "mark_all", "All", id="many.all", tooltip="Choose all, or none"),
    ]

    def __init__(self, services: Services) -> None:
        """Register in the registry of `services`."""
        super().__init__(services)
        self.items: tuple[Item, ...] = ()
        self._one_writes = asyncio.Lock()

    def list_body(self) -> ComposeResult:
        """Yield the list, and what the line under its cursor means."""
        yield LiveTable(lambda index, cursor, width: draw(self.items[index], cursor, width), id="items")
        yield Static("", id="said", markup=False)

    @property
    def listing(self) -> bool:
        """Whether there is a list."""
        return bool(self.items)

    @property
    def busy(self) -> bool:
        """Whether something is being done here; `workers` are all of the app's, the panel's among them."""
        return any(worker.node is self and not worker.is_finished for worker in self.workers)

    @property
    def index(self) -> int:
        """The line under the cursor; -1 without one."""
        key = self.query_one(LiveTable).cursor
        return int(key) if key is not None and int(key) < len(self.items) else -1

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what fits the step."""
        if action == "go":
            return not self.listing
        return self.listing if action in {"mark", "mark_all", "edit", "register"} else True

    def set_items(self, items: Sequence[Item]) -> None:
        """Show another list, or none."""
        self.items = tuple(items)
        self.set_class(self.listing, "-listing")
        self.refresh_bindings()
        self.show()
        if self.listing:
            self.query_one(LiveTable).focus()

    def change(self, index: int, **values: object) -> None:
        """Replace parts of an item."""
        changed = replace(self.items[index], **values)  # type: ignore[arg-type]
        self.items = (*self.items[:index], changed, *self.items[index + 1 :])
        self.show()

    def show(self) -> None:
        """Show the items as they are now."""
        table = self.query_one(LiveTable)
        table.show([Line(str(index), index) for index in range(len(self.items))])
        chosen = sum(item.marked for item in self.items)
        self.about(f"{plural(len(self.items), 'Connection')}, {chosen} chosen" if self.items else "")
        self._explain()

    @on(LiveTable.Moved)
    def _explain(self) -> None:
        """Tell everything about the line under the cursor."""
        item = self.items[self.index] if self.index >= 0 else None
        lines = (item.name, item.said, *item.notes) if item else ()
        self.query_one("#said", Static).update(Content(safe_lines("\n".join(dict.fromkeys(filter(None, lines))))))

    @on(LiveTable.Chosen)
    def action_mark(self) -> None:
        """Choose the line under the cursor, or leave it out."""
        if self.index >= 0 and not self.busy and able(self.items[self.index]):
            self.change(self.index, marked=not self.items[self.index].marked)

    def action_mark_all(self) -> None:
        """Choose all that can be, or none when all are chosen."""
        if not self.busy:
            mark = not all(item.marked for item in self.items if able(item))
            self.items = tuple(replace(item, marked=mark) if able(item) else item for item in self.items)
            self.show()

    def stop(self) -> None:
        """Stop what is being done; what is registered stays registered."""
        self.workers.cancel_node(self)
        for index, item in enumerate(self.items):
            if item.state in {"waiting", "checking"}:
                self.change(index, state="found", said="stopped")

    async def register_chosen(self) -> None:
        """Check the chosen ones, some at a time, and register those of which everything needed is OK."""
        chosen = [index for index, item in enumerate(self.items) if item.marked and able(item)]
        if not chosen:
            self.tell("Nothing is chosen: space chooses a line", severity="warning")
            return
        for index in chosen:
            self.change(index, state="waiting", said="waiting")
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(index: int) -> None:
            async with turn:
                await self._register(index)

        async with asyncio.TaskGroup() as group:
            for index in chosen:
                group.create_task(one(index))
        done = sum(self.items[index].state == "registered" for index in chosen)
        left = len(chosen) - done
        said = f"{plural(done, 'Connection')} registered"
        self.tell(
            f"{said}, {left} not: their lines say why" if left else said, severity="warning" if left else "information"
        )

    async def _register(self, index: int) -> None:
        item = self.items[index]
        if item.connection is None:
            return
        self.change(index, state="checking", said="checking…")
        try:
            known = item.password or await self._password(item.before or item.connection)
            report = await self.services.probe(item.connection.parameters, known, lambda _: None)
            failed = [finding for finding in report.findings if finding.status == "failed"]
            if failed:
                notes = (f"→ {failed[0].fix}",) if failed[0].fix else ()
                self.change(index, state="failed", said=failed[0].message, notes=notes)
                return
            async with self._one_writes:
                writing = self._writing(item, item.connection, report.to_json())
                left = await unlocked(self, self.services.secrets, writing)
        except (SecretsError, Refused, RegistryError) as error:
            self.change(index, state="failed", said=str(error))
            return
        if left:
            self.tell(left, severity="warning")
        warnings = f", {plural(len(report.warnings), 'warning')} kept" if report.warnings else ""
        self.change(index, state="registered", said=f"registered{warnings}", marked=False)

    async def _password(self, connection: Connection) -> Secret | None:
        """Return the password that is kept for a Connection; a new one has none in a vault that is locked."""
        secrets = self.services.secrets
        try:
            return await asyncio.to_thread(secrets.get, connection)
        except PasswordNeeded:
            return None
        except VaultLocked:
            async with self._one_writes:
                return await unlocked(self, secrets, lambda: secrets.get(connection))

    def _writing(self, item: Item, connection: Connection, report: dict[str, object]) -> Callable[[], str | None]:
        from tui.connections.registration import register, update  # noqa: PLC0415 - imports what writes TOML

        registry, secrets, before = self.services.registry, self.services.secrets, item.before
        password = item.password if secrets.writable(connection.parameters.password_from) else None
        if before is None:
            return lambda: register(registry, secrets, connection, password, report)
        return lambda: update(registry, secrets, before, connection, password, report)
