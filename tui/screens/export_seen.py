"""Writes what the live panel shows into a file: CSV or JSON, as the file's name ends."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.widgets import Input, Static

from tui.connections import files
from tui.screens.base import Dialog
from tui.screens.confirm import Confirm
from tui.screens.export_connections import named_file
from tui.sockets.exporting import as_csv, as_json
from tui.text import safe

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.sockets.model import Sample

_WRITERS = {".csv": as_csv, ".json": as_json}


class ExportSeen(Dialog[str]):
    """Asks for a file; dismisses with the path that was written, or None."""

    def __init__(self, sample: Sample) -> None:
        """Write `sample`, as it is."""
        super().__init__("Export what is seen")
        self._sample = sample

    def body(self) -> ComposeResult:
        """Yield the field, and what is wrong with it."""
        words = "What the panel shows now, with the fields of pgconns sockets --json. A name that ends in .csv or .json"
        yield Static(f"{words} says how, Enter writes it. No secret is in it.", markup=False)
        yield Input(time.strftime("~/sockets-%Y%m%d-%H%M%S.csv", time.localtime(self._sample.at)), compact=True)
        yield Static("", classes="problem", markup=False)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._complain("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.run_worker(self._write(event.value), exclusive=True, description="write what is seen")

    async def _write(self, text: str) -> None:
        path = await asyncio.to_thread(named_file, text)
        write = _WRITERS.get(path.suffix.lower()) if path is not None else None
        if path is None or write is None:
            self._complain("Type the path of a file that ends in .csv or .json")
            return
        if await asyncio.to_thread(path.exists):
            words = "What the file holds now is lost."
            if not await self.app.push_screen_wait(Confirm(f"Replace {path}?", words, do="Replace")):
                return
        try:
            await asyncio.to_thread(files.write_private, path, write(self._sample).encode("utf-8", "replace"))
        except OSError as error:
            self._complain(f"{path} cannot be written: {files.reason(error)}")
            return
        self.dismiss(str(path))

    def _complain(self, problem: str) -> None:
        self.query_one(".problem", Static).update(Content(safe(f"✗ {problem}" if problem else "")))
