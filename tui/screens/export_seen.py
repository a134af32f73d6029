"""Writes what a screen shows into a file: CSV or JSON, as the file's name ends."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from textual import on
from textual.content import Content
from textual.widgets import Input, Static

from tui.connections import files
from tui.screens.base import Base, Dialog
from tui.screens.confirm import Confirm
from tui.screens.export_connections import named_file
from tui.sockets.backends import iso
from tui.sockets.exporting import csv_text, json_text, sample_rows
from tui.text import safe
from tui.widgets.cells import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from tui.sockets.backends import Backend
    from tui.sockets.model import Sample


class Seen(NamedTuple):
    """What a screen shows: in words, as the file is called, at a moment (seconds since the epoch), and both shapes."""

    words: str
    name: str
    at: float
    value: Any
    rows: list[dict[str, Any]]


def seen_sample(sample: Sample, what: str) -> Seen:
    """Return what a panel shows; `what` says which."""
    words = f"{what}, with the fields of pgconns sockets --json"
    return Seen(words, "sockets", sample.at, sample.to_json(), sample_rows(sample))


def seen_sockets(name: str, at: float, backends: Sequence[Backend]) -> Seen:
    """Return single sockets of a Connection, as they were listed at a moment."""
    rows = [one.to_json() for one in backends]
    words = f"{plural(len(rows), 'socket')}, with the fields of pgconns backends --json"
    return Seen(words, "backends", at, {"name": name, "at": iso(int(at * 1_000_000)), "backends": rows}, rows)


class ExportSeen(Dialog[str]):
    """Asks for a file; dismisses with the path that was written, or None."""

    def __init__(self, seen: Seen) -> None:
        """Write `seen`, as it is."""
        super().__init__("Export what is seen")
        self._seen = seen

    def body(self) -> ComposeResult:
        """Yield the field, and what is wrong with it."""
        seen = self._seen
        how = "A name that ends in .csv or .json says how, Enter writes it. No secret is in it."
        yield Static(f"{seen.words}. {how}", markup=False)
        yield Input(time.strftime(f"~/{seen.name}-%Y%m%d-%H%M%S.csv", time.localtime(seen.at)), compact=True)
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
        kind = path.suffix.lower() if path is not None else ""
        if path is None or kind not in {".csv", ".json"}:
            self._complain("Type the path of a file that ends in .csv or .json")
            return
        if await asyncio.to_thread(path.exists):
            words = "What the file holds now is lost."
            if not await self.app.push_screen_wait(Confirm(f"Replace {path}?", words, do="Replace")):
                return
        written = csv_text(self._seen.rows) if kind == ".csv" else json_text(self._seen.value)
        try:
            await asyncio.to_thread(files.write_private, path, written.encode("utf-8", "replace"))
        except OSError as error:
            self._complain(f"{path} cannot be written: {files.reason(error)}")
            return
        self.dismiss(str(path))

    def _complain(self, problem: str) -> None:
        self.query_one(".problem", Static).update(Content(safe(f"✗ {problem}" if problem else "")))


def export(screen: Base[Any], seen: Seen) -> None:
    """Ask for a file, write it, and say on `screen` where it is."""

    def written(path: str | None) -> None:
        if path is not None:
            screen.tell(f"Written to {path}, readable by you alone")

    screen.app.push_screen(ExportSeen(seen), written)
