"""What feeds the live panel: the registry, as anybody changes it, and the counts of its Connections' servers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from textual.reactive import var

from tui.connections.registry import RegistryError
from tui.screens.base import Base
from tui.screens.passwords import Passwords
from tui.screens.watching import OpenWatch, Watching, open_watch
from tui.widgets.panel import Panel

if TYPE_CHECKING:
    from tui.connections.model import Connection
    from tui.screens.services import Services
    from tui.sockets.model import Sample

_LOOK_AT_REGISTRY_S = 1.0


class PanelFeed(Base[None]):
    """Keeps `panel`, the value that is shown, up to date; while `paused`, its counts are held still.

    `latest` is what is known, `damaged` why the registry cannot be read.
    """

    panel: var[Panel] = var(Panel, init=False, always_update=True)

    def __init__(self, services: Services, open_watch: OpenWatch = open_watch) -> None:
        """Show the Connections of `services`, counted by what `open_watch` makes."""
        super().__init__(services)
        self.latest = Panel()
        self.damaged = ""
        self.paused = False
        self.interval_s = services.interval_s
        self.passwords = Passwords(self, services.secrets)
        self.watching: Watching | None = None
        self.registry_read = False
        self._open_watch = open_watch
        self._stamp: object = None

    def on_mount(self) -> None:
        """Show the frame first; read the registry and connect after it."""
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        self.action_reload()
        self.set_interval(_LOOK_AT_REGISTRY_S, self._look_at_registry)

    def _look_at_registry(self) -> None:
        """Notice what another console, a command or an editor did to the registry."""
        if self.services.registry.stamp() != self._stamp:
            self.action_reload()

    def on_screen_resume(self) -> None:
        """Show what was done on the screen that was on top."""
        if self.registry_read:
            self.action_reload()

    def action_reload(self) -> None:
        """Read the registry again."""
        self.run_worker(self._load(), group="registry", exclusive=True, description="read the registry")

    async def _load(self) -> None:
        self._stamp = self.services.registry.stamp()
        try:
            connections = await asyncio.to_thread(self.services.registry.load)
        except RegistryError as error:
            self.damaged, self.registry_read = str(error), True
            self.know(self.latest)
            return
        kept = await asyncio.to_thread(kept_warnings, connections)
        before = self.latest.connections
        self.damaged, self.registry_read = "", True
        self.know(replace(self.latest, connections=connections, kept=kept))
        if bool(connections) != bool(before):
            self.refresh_bindings()
        if connections != before:
            self.call_after_refresh(self._count_these, connections)

    def _count_these(self, connections: tuple[Connection, ...]) -> None:
        if not connections:
            self.workers.cancel_group(self, "count")
            self.watching = None
            self.latest = replace(self.latest, sample=None, series={})
        elif self.watching is not None:
            self.watching.set_connections(connections)
        else:
            self.run_worker(self._count(), group="count", exclusive=True, description="count sockets")

    async def _count(self) -> None:
        await asyncio.to_thread(import_module, "tui.sockets.sampler")  # 290 ms, which the screen is not to wait for
        watching = self._open_watch(self.latest.connections, self.passwords.of, self.interval_s, self._on_sample)
        self.watching = watching
        try:
            await watching.run()
        finally:
            if self.watching is watching:
                self.watching = None
            await watching.close()

    def _on_sample(self, sample: Sample) -> None:
        series = dict(self.watching.series) if self.watching is not None else {}
        self.know(replace(self.latest, sample=sample, series=series))

    def know(self, latest: Panel) -> None:
        """Take in what is known now, and show it, but for newer counts while the panel is held still."""
        self.latest = latest
        held = self.panel
        self.panel = replace(latest, sample=held.sample, series=held.series) if self.paused else latest


def kept_warnings(connections: tuple[Connection, ...]) -> dict[str, int]:
    """Return how many warnings the last check of each Connection left, by id; reads files."""
    from tui.connections import checks  # noqa: PLC0415 - reads JSON: not before the first frame

    found = {}
    for connection in connections:
        report = checks.load(connection.id) or {}
        found[connection.id] = sum(finding.get("status") == "warning" for finding in report.get("findings", ()))
    return {connection_id: number for connection_id, number in found.items() if number}
