"""Exports the registry as TOML: to look at, to write into a file, or to copy. No secret is in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Input, Static, TextArea

from tui.connections import files
from tui.connections.registry import RegistryError
from tui.connections.registry_text import dumps
from tui.screens.base import Base
from tui.screens.confirm import Confirm
from tui.styling import sheets
from tui.text import safe_lines
from tui.widgets.cells import plural

if TYPE_CHECKING:
    from textual.app import ComposeResult


class ExportConnections(Base[None]):
    """Shows what an export holds; writes it where one says."""

    heading = "Export"
    CSS_PATH: ClassVar = sheets("forms", "export_connections")
    BINDINGS: ClassVar = [
        Binding("ctrl+s", "write", "Write the file", id="export.write", tooltip="Write the text into the file"),
        Binding("ctrl+y", "copy", "Copy", id="export.copy", tooltip="Send the text to the terminal's clipboard"),
        Binding("escape", "app.pop_screen", "Back", id="export.back", tooltip="Go back to the live panel"),
    ]

    def body(self) -> ComposeResult:
        """Yield the path and the text."""
        with Horizontal(id="where"):
            yield Static("Write to", classes="label", markup=False)
            yield Input("~/connections.toml", compact=True, id="path")
        yield TextArea("", read_only=True, id="text", compact=True)

    def on_mount(self) -> None:
        """Read the registry."""
        self.run_worker(self._read(), description="read the registry")

    async def _read(self) -> None:
        try:
            connections = await asyncio.to_thread(self.services.registry.load)
            regions = await asyncio.to_thread(self.services.registry.regions)
            hooks = await asyncio.to_thread(self.services.registry.hooks)
        except RegistryError as error:
            self.tell(str(error), severity="error")
            return
        self._text = await asyncio.to_thread(dumps, connections, regions, hooks)
        self.query_one(TextArea).load_text(safe_lines(self._text))
        self.about(f"{plural(len(connections), 'Connection')}, no password in it")

    _text = ""

    def action_copy(self) -> None:
        """Send the text to the terminal's clipboard; the terminal gives no answer."""
        self.app.copy_to_clipboard(self._text)
        self.tell("Sent to the terminal's clipboard; terminals do not tell whether they took it")

    @on(Input.Submitted)
    def action_write(self) -> None:
        """Write the file, after a question where one is there already."""
        self.run_worker(self._write(), exclusive=True, description="write the export")

    async def _write(self) -> None:
        path = await asyncio.to_thread(named_file, self.query_one(Input).value)
        if path is None:
            self.tell("Type the path of a file to write", severity="warning")
            return
        if await asyncio.to_thread(path.exists):
            words = "What the file holds now is lost."
            if not await self.app.push_screen_wait(Confirm(f"Replace {path}?", words, do="Replace")):
                return
        try:
            await asyncio.to_thread(files.write_private, path, self._text.encode())
        except OSError as error:
            self.tell(f"{path} cannot be written: {files.reason(error)}", title="Not written", severity="error")
            return
        self.tell(f"Written to {path}, readable by you alone")


def named_file(text: str) -> Path | None:
    """Return the file that a person typed; None where the text names none."""
    try:
        path = Path(text.strip()).expanduser()
        return None if not text.strip() or path.is_dir() else path
    except (OSError, RuntimeError, ValueError):
        return None
