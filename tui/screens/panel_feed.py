"""What feeds the live panel: the registry, as anybody changes it, and the counts of its Connections' servers."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from tui.connections.registry import RegistryError
from tui.history.recorder import Recording
from tui.screens.panel_view import PanelView
from tui.screens.passwords import Passwords
from tui.screens.watching import OpenWatch, Watching, open_watch
from tui.sockets.series import Series, joined
from tui.widgets.alert_log import moment
from tui.widgets.panel import server_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from tui.connections.model import Connection
    from tui.history.recorder import Recorder
    from tui.history.seeding import Before
    from tui.screens.services import Services
    from tui.screens.watching import PasswordOf
    from tui.sockets.alerts import Alert
    from tui.sockets.growth import Point
    from tui.sockets.lending import Lent
    from tui.sockets.model import Sample
    from tui.widgets.panel import Panel
    from tui.workflows.rounds import Rounds

_LOOK_AT_REGISTRY_S = 1.0
INTERVALS_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
# While the panel is held still, so many counts wait to be stepped through; then the oldest are left out.
_WAITING = 60
_NOT_RECORDED = {"paused": " · not recorded", "reading": " · recorded elsewhere"}


class PanelFeed(PanelView):
    """Keeps `panel`, the value that is shown, up to date; while `paused`, its counts are held still.

    `latest` is what is known, `damaged` why the registry cannot be read.
    """

    def __init__(self, services: Services, open_watch: OpenWatch = open_watch) -> None:
        """Show the Connections of `services`, counted by what `open_watch` makes."""
        super().__init__(services)
        self.damaged = ""
        self.paused = False
        self.interval_s = services.interval_s
        self.passwords = Passwords(self, services.secrets)
        self.watching: Watching | None = None
        self.registry_read = False
        self._regions: dict[str, tuple[str, ...]] = {}
        self._open_watch = open_watch
        self._stamp: tuple[object, object] = None, None
        self._bell = False
        self._recording = Recording()
        self._waiting: deque[tuple[Sample, dict[str, Series]]] = deque(maxlen=_WAITING)

    def on_mount(self) -> None:
        """Show the frame first; read the registry and connect after it."""
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        self.action_reload()
        self.set_interval(_LOOK_AT_REGISTRY_S, self._look_at_registry)

    def _look_at_registry(self) -> None:
        """Notice what another console, a command or an editor did to the registry or the lists of regions."""
        stamps = self._stamps()
        if stamps != self._stamp:
            self._stamp = stamps
            self.action_reload()

    def _stamps(self) -> tuple[object, object]:
        from tui.regions.cache import stamp  # noqa: PLC0415 - not before the first frame

        return self.services.registry.stamp(), stamp()

    def on_screen_resume(self) -> None:
        """Show what was done on the screen that was on top."""
        if self.registry_read:
            self.action_reload()

    def action_reload(self) -> None:
        """Read the registry again."""
        self.run_worker(self._load(), group="registry", exclusive=True, description="read the registry")

    async def _load(self) -> None:
        self._stamp = self.services.registry.stamp(), self._stamp[1]
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
        if self.watching is not None:
            await self._tell_regions(self.watching)

    async def _tell_regions(self, watching: Watching) -> None:
        """Let sockets be counted by the regions' addresses as they are known now."""

        def read() -> dict[str, tuple[str, ...]]:
            self._stamp = self._stamp[0], self._stamps()[1]
            return {region.region: region.addresses for region in self.services.regions()}

        regions = await asyncio.to_thread(read)
        if regions != self._regions:
            self._regions = regions
            watching.set_regions(regions)

    def _count_these(self, connections: tuple[Connection, ...]) -> None:
        if not connections:
            self.workers.cancel_group(self, "count")
            self.workers.cancel_group(self, "rounds")
            self.watching = None
            self.latest = replace(self.latest, sample=None, series={})
        elif self.watching is not None:
            self.watching.set_connections(connections)
        else:
            self.run_worker(self._count(), group="count", exclusive=True, description="count sockets")

    async def _count(self) -> None:
        await asyncio.to_thread(import_module, "tui.bouncer.watching")  # 290 ms, which the screen is not to wait for
        watching = self._open_watch(self.latest.connections, self.passwords.of, self.interval_s, self._on_sample)
        self.watching, self._regions = watching, {}
        if self.services.recorder is not None:
            self.services.recorder.start()
            self.run_worker(self._remember(watching), group="remember", exclusive=True, description="read the past")
            rounds = rounds_of(watching, self.services.recorder, self.passwords.of, lambda: self.latest.connections)
            self.run_worker(rounds.run(), group="rounds", exclusive=True, description="look at temporary tables")
        try:
            await self._tell_regions(watching)
            await watching.run()
        finally:
            if self.watching is watching:
                self.watching = None
            await watching.close()

    async def _remember(self, watching: Watching) -> None:
        """Put what was recorded before this console was opened before what it counts."""
        ids = [connection.id for connection in self.latest.connections]
        servers = {server_name(connection) for connection in self.latest.connections}
        before = await asyncio.to_thread(recorded_before, self.services, ids, servers)
        if self.watching is not watching:
            return
        if before.trouble:
            self.tell(f"What was before is not known: {before.trouble}", severity="warning")
        watching.trends.precede(before.pasts)
        uncounted = Series().add(time.time(), None)
        for connection_id, older in before.series.items():
            if older.at:
                watching.series[connection_id] = joined(older, watching.series.get(connection_id, uncounted))
        self.latest = replace(self.latest, alerts=self.latest.alerts.resumed(before.standing))

    def past(self, connection_id: str) -> tuple[Point, ...]:
        """Return what is kept of a Connection's counts, from old to new; at most a day."""
        return self.watching.trends.points(connection_id) if self.watching is not None else ()

    def lend(self, connection_id: str) -> Lent | None:
        """Return the socket through which a Connection's server is watched; None where none is open."""
        return self.watching.lend(connection_id) if self.watching is not None else None

    def _on_sample(self, sample: Sample) -> None:
        series = dict(self.watching.series) if self.watching is not None else {}
        latest = self.latest.taken(sample, series)
        if latest.alerts.raised and self._bell:
            self.app.bell()
        self._record(sample, latest.alerts.standing)
        if self.paused:
            self._waiting.append((sample, series))
        self.know(latest)

    def _record(self, sample: Sample, standing: Sequence[Alert]) -> None:
        """Keep a sample; say once why that cannot be done."""
        recorder = self.services.recorder
        if recorder is None:
            return
        recorder.take(sample, standing)
        before, now = self._recording, recorder.recording
        self._recording = now
        if now.state == "paused" and now.sentence != before.sentence:
            self.tell(f"{now.sentence}. What is counted is not recorded until then", severity="warning")
        if now.aside != before.aside:
            self.tell(now.aside, severity="warning")

    def know(self, latest: Panel) -> None:
        """Take in what is known now, and show it, but for newer counts while the panel is held still."""
        self.latest = latest
        if not self.app.is_running:
            return  # the console is being left: its screens lose their parts one by one
        held = self.panel
        self.panel = replace(latest, sample=held.sample, series=held.series) if self.paused else latest

    def pace(self) -> str:
        """Say how often is counted, or what moment is held still."""
        bell = " · bell" if self._bell else ""
        bell += _NOT_RECORDED.get(self._recording.state, "")
        if not self.paused:
            return f"every {self.interval_s:g} s{bell}"
        newer = f", {len(self._waiting)} newer" if self._waiting else ""
        held = f" at {moment(self.panel.at)}" if self.panel.at else ""
        return f"PAUSED{held}{newer}{bell}"

    def action_pause(self) -> None:
        """Hold the panel still, or go on with what is known now."""
        self.paused = not self.paused
        self._waiting.clear()
        self.know(self.latest)

    def action_step(self) -> None:
        """Hold the panel still, and show the next count, if there is one."""
        if not self.paused:
            self.action_pause()
        elif self._waiting:
            sample, series = self._waiting.popleft()
            self.panel = replace(self.panel, sample=sample, series=series)

    def action_interval(self, step: int) -> None:
        """Count less or more often."""
        nearest = min(INTERVALS_S, key=lambda interval: abs(interval - self.interval_s))
        index = min(max(INTERVALS_S.index(nearest) + step, 0), len(INTERVALS_S) - 1)
        if INTERVALS_S[index] != self.interval_s:
            self.interval_s = INTERVALS_S[index]
            self.know(self.latest)
            if self.watching is not None:
                self.watching.interval_s = self.interval_s

    def action_bell(self) -> None:
        """Ring the terminal's bell at each new alert, or no longer."""
        self._bell = not self._bell
        self.tell("The bell rings at each new alert" if self._bell else "The bell is off")
        self.know(self.latest)


def recorded_before(services: Services, ids: Sequence[str], servers: Collection[str]) -> Before:
    """Return what was recorded of Connections and servers until now; nothing where that cannot be read."""
    from tui.history.errors import HistoryError  # noqa: PLC0415 - not before the first frame, like the next
    from tui.history.seeding import Before, before  # noqa: PLC0415

    try:
        return before(services.past(), ids, servers, time.time())
    except (RegistryError, HistoryError) as error:
        return Before(trouble=str(error))


def rounds_of(
    watching: Watching, recorder: Recorder, password_of: PasswordOf, connections: Callable[[], Sequence[Connection]]
) -> Rounds:
    """Return who looks at the locations for temporary tables, while the recorder records."""
    from tui.history.ledger import LedgerKeeper  # noqa: PLC0415 - sqlite3: not before the first frame
    from tui.workflows.rounds import Rounds  # noqa: PLC0415

    is_due = lambda: recorder.recording.state == "recording"  # noqa: E731
    return Rounds(watching, LedgerKeeper(recorder.path), password_of, connections, is_due)


def kept_warnings(connections: tuple[Connection, ...]) -> dict[str, int]:
    """Return how many warnings the last check of each Connection left, by id; reads files."""
    from tui.connections import checks  # noqa: PLC0415 - reads JSON: not before the first frame

    found = {}
    for connection in connections:
        report = checks.load(connection.id) or {}
        found[connection.id] = sum(finding.get("status") == "warning" for finding in report.get("findings", ()))
    return {connection_id: number for connection_id, number in found.items() if number}
