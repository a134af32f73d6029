"""Imports Connections: a file or pasted text, what was found in it, a choice; then each is checked and registered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from tui.connections import parameters
from tui.connections.importing import Imported, from_text, read_import
from tui.connections.model import Connection
from tui.connections.parameters import Problem
from tui.connections.registry import RegistryError, new_id
from tui.screens.draft import Draft
from tui.screens.many import Item, Many
from tui.styling import sheets
from tui.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from tui.screens.services import Services

_HINT = (
    "Type the path of a file, or paste its text: pg_service.conf, .pgpass, URIs (postgresql://…, one a line), "
    "or another registry. Then press ctrl+s. You choose what is registered when you see what was found."
)


def item(imported: Imported, place: str, taken: frozenset[str]) -> Item:
    """Return what can become of an imported draft; complete ones are chosen at first.

    `place` is where new passwords go, unless the text says where this one lives; `taken` are registered names.
    """
    draft = {"password_from": place, **imported.draft}
    read, problems = parameters.read(draft)
    name = draft.get("name", "")
    server = draft.get("server", "?")
    host = f"[{server}]" if ":" in server and "/" not in server else server
    port = f":{draft['port']}" if draft.get("port") else ""
    where = f"{host}{port}/{draft.get('database', '?')} as {draft.get('username', '?')}"
    password = "with" if imported.password else "without"
    notes = (f"from {imported.origin}, {password} a password", *imported.notes)
    if read is None:
        said = "; ".join([*problems.values(), "press e to complete it"])
        return Item(name, where, "unable", said, password=imported.password, notes=notes)
    if name in taken:
        said = "A Connection of that name is registered already"
        return Item(name, where, "unable", said, password=imported.password, notes=notes)
    said = "; ".join(imported.notes)
    return Item(name, where, "found", said, Connection(new_id(), read), None, imported.password, notes, marked=True)


def read_text_or_file(text: str, parse: Callable[[str], dict[str, str]]) -> tuple[Imported, ...]:
    """Return what a text holds, or the file that it names; raise Problem."""
    from tui.connections import pg_service  # noqa: PLC0415 - only to import

    line = text.strip()
    if "\n" not in line and line[:1] in {"/", "~", "."}:
        try:
            path = Path(line).expanduser()
        except RuntimeError:
            raise Problem(f"{line} names no home folder that is known") from None
        return read_import(path, parse)
    return from_text(text, parse, pg_service.find)


class ImportConnections(Many):
    """Registers Connections that a file or a pasted text holds; nothing before you have chosen."""

    heading = "Import"
    CSS_PATH: ClassVar = sheets("forms", "many")
    BINDINGS: ClassVar = [
        Binding("ctrl+s", "go", "Look", id="import.go", tooltip="Read the text, and show what is in it"),
        Binding(
            "enter,ctrl+s", "register", "Register", id="import.register", tooltip="Check and register what is chosen"
        ),
        Binding("e", "edit", "Complete", id="import.edit", tooltip="Open the line under the cursor in the form"),
        Binding("escape", "back", "Back", id="import.back", tooltip="Stop; back to the text; back to the live panel"),
    ]

    def __init__(self, services: Services) -> None:
        """Import into the registry of `services`."""
        super().__init__(services)
        self._imported: tuple[Imported, ...] = ()

    def body(self) -> ComposeResult:
        """Yield the text, and the list of what was found in it."""
        with Vertical(id="source"):
            yield Static(Content(_HINT), classes="words")
            yield TextArea(id="text", compact=True)
            yield Static("", id="problem", markup=False)
        yield from self.list_body()

    def on_mount(self) -> None:
        """Start with the text."""
        self.query_one(TextArea).focus()

    def action_go(self) -> None:
        """Read the text."""
        if not self.busy and not self.listing:
            self.run_worker(self._read(), description="read what is imported")

    def action_register(self) -> None:
        """Check and register what is chosen."""
        if not self.busy:
            self.run_worker(self.register_chosen(), description="register what is imported")

    async def _read(self) -> None:
        text = self.query_one(TextArea).text
        if not text.strip():
            self._complain("There is nothing to import yet: type a path, or paste text")
            return
        try:
            self._imported = await asyncio.to_thread(read_text_or_file, text, self.services.parse_conninfo)
            registered = await asyncio.to_thread(self.services.registry.load)
        except (Problem, RegistryError) as error:
            self._complain(str(error))
            return
        self._complain("")
        place = await asyncio.to_thread(self.services.secrets.default_source)
        taken = frozenset(connection.name for connection in registered if not connection.read_only)
        self.set_items([item(imported, place, taken) for imported in self._imported])

    def _complain(self, problem: str) -> None:
        self.query_one("#problem", Static).update(Content(safe(f"✗ {problem}" if problem else "")))

    def action_edit(self) -> None:
        """Complete a Connection in the form, which registers it."""
        if self.index < 0 or self.busy or self.items[self.index].state == "registered":
            return
        from tui.screens.parameter_form import ParameterForm  # noqa: PLC0415 - when it is first used

        index, imported = self.index, self._imported[self.index]

        def registered(connection: Connection | None) -> None:
            if connection is not None:
                self.change(index, name=connection.name, state="registered", said="registered", marked=False)

        draft = Draft.new().fill(imported.draft, imported.password)
        self.app.push_screen(ParameterForm(self.services, draft, notes=imported.notes, kept=True), registered)

    def action_back(self) -> None:
        """Stop what runs; go back to the text, or to the live panel."""
        if self.busy:
            self.stop()
        elif self.listing and not any(each.state == "registered" for each in self.items):
            self.set_items(())
            self.query_one(TextArea).focus()
        else:
            self.dismiss()
