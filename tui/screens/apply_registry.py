"""Applies a registry file: shows what would be added and changed, asks, then checks and registers each."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.connections.applying import Plan, plan, plan_named
from tui.connections.parameters import BY_NAME
from tui.connections.registry import Registry, RegistryError, read_connections
from tui.screens.confirm import Confirm
from tui.screens.many import Item, Many
from tui.styling import sheets
from tui.text import safe
from tui.widgets.cells import plural
from tui.widgets.panel import server_name

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.connections.applying import Change
    from tui.connections.model import Connection, Hook, OwnRegion
    from tui.screens.services import Services

_HINT = (
    "The path of a registry file, as Export writes it. What it holds is added or changed here, after you have seen "
    "what that means; what it lacks stays registered."
)


def items(planned: Plan) -> list[Item]:
    """Return the plan as a list: additions and changes first, which are chosen, then what stays as it is."""
    return [
        *(Item(c.name, _where(c), "found", "is added", c, marked=True) for c in planned.add),
        *(_changed(change) for change in planned.change),
        *(Item(c.name, _where(c), "kept", "is as the file has it") for c in planned.unchanged),
        *(Item(c.name, _where(c), "kept", "is not in the file: it stays") for c in planned.absent),
    ]


def _changed(change: Change) -> Item:
    old, new = change.before.parameters, change.after.parameters
    notes = tuple(
        f"{field.label}: {field.show(getattr(old, field.name)) or '–'} → {field.show(getattr(new, field.name)) or '–'}"
        for field in map(BY_NAME.__getitem__, change.fields)
    )
    labels = ", ".join(BY_NAME[name].label for name in change.fields)
    return Item(
        change.before.name, _where(change.after), "found", f"changes {labels}", change.after, change.before,
        notes=notes, marked=True,
    )  # fmt: skip


def _where(connection: Connection) -> str:
    return f"{server_name(connection)}/{connection.parameters.database} as {connection.parameters.username}"


class ApplyRegistry(Many):
    """Makes the registry hold what a file declares; doing it twice changes nothing."""

    heading = "Apply"
    CSS_PATH: ClassVar = sheets("forms", "many")
    BINDINGS: ClassVar = [
        Binding("ctrl+s", "go", "Look", id="apply.go", tooltip="Read the file, and show what it means"),
        Binding("enter,ctrl+s", "register", "Apply", id="apply.apply", tooltip="Check what is chosen, and apply it"),
        Binding("escape", "back", "Back", id="apply.back", tooltip="Stop; back to the path; back to the live panel"),
    ]

    def __init__(self, services: Services) -> None:
        """Start without a file."""
        super().__init__(services)
        self._regions: tuple[OwnRegion, ...] = ()
        self._hooks: tuple[Hook, ...] = ()

    def body(self) -> ComposeResult:
        """Yield the path, and the list of what would be done."""
        with Vertical(id="source"):
            yield Static(Content(_HINT), classes="words")
            yield Input(placeholder="~/connections.toml", compact=True, id="path")
            yield Static("", id="problem", markup=False)
        yield from self.list_body()

    def on_mount(self) -> None:
        """Start with the path."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def action_go(self) -> None:
        """Read the file."""
        if not self.busy and not self.listing:
            self.run_worker(self._read(), description="read what is applied")

    def action_register(self) -> None:
        """Ask, then check and apply what is chosen."""
        if not self.busy:
            self.run_worker(self._apply(), description="apply what is chosen")

    async def _read(self) -> None:
        try:
            self.set_items(items(await asyncio.to_thread(self._plan, self.query_one(Input).value.strip())))
        except RegistryError as error:
            self._complain(str(error))
            return
        self._complain("" if self.items else "The file holds no Connection, and none is registered")

    def _plan(self, text: str) -> Plan:
        if not text:
            raise RegistryError("Type the path of a registry file")
        try:
            path = Path(text).expanduser()
        except RuntimeError:
            raise RegistryError(f"{text} names no home folder that is known") from None
        registry, wanted = self.services.registry, read_connections(path)
        declared = Registry(path, ())
        regions = plan_named(registry.regions(), declared.regions())
        hooks = plan_named(registry.hooks(), declared.hooks())
        self._regions, self._hooks = (*regions.add, *regions.change), (*hooks.add, *hooks.change)
        return plan(registry.load(), wanted)

    def _complain(self, problem: str) -> None:
        self.query_one("#problem", Static).update(Content(safe(f"✗ {problem}" if problem else "")))

    async def _apply(self) -> None:
        chosen = [item for item in self.items if item.marked]
        if chosen or self._regions or self._hooks:
            regions = [f"  · region {region.name}: {', '.join(region.addresses)}" for region in self._regions]
            hooks = [f"  · hook {hook.name}: {hook.kind}" for hook in self._hooks]
            lines = regions + hooks + [f"  · {item.name}: {item.said}" for item in chosen[:10]]
            lines += [f"  · and {len(chosen) - 10} more"] if len(chosen) > 10 else []
            words = "\n".join([*lines, "Each Connection is checked first; only what is OK is applied."])
            if not await self.app.push_screen_wait(
                Confirm(f"Apply {plural(len(chosen) + len(regions) + len(hooks), 'change')}?", words, do="Apply")
            ):
                return
            try:
                await asyncio.to_thread(self._enter)
            except RegistryError as error:
                self.tell(str(error), severity="error")
                return
        await self.register_chosen()

    def _enter(self) -> None:
        for region in self._regions:
            self.services.registry.set_region(region)
        for hook in self._hooks:
            self.services.registry.set_hook(hook)
        self._regions, self._hooks = (), ()

    def action_back(self) -> None:
        """Stop what runs; go back to the path, or to the live panel."""
        if self.busy:
            self.stop()
        elif self.listing and not any(item.state == "registered" for item in self.items):
            self.set_items(())
            self.query_one(Input).focus()
        else:
            self.dismiss()
