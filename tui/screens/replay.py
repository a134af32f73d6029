"""The replay: the live panel over recorded time, marked as the past, with nothing in it that acts."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual import on
from textual.content import Content
from textual.widgets import Static

from tui.connections.registry import RegistryError
from tui.history.errors import HistoryError
from tui.screens.film import Film
from tui.screens.panel_view import PanelView
from tui.screens.past_alerts import PastAlerts
from tui.screens.past_connection import PastConnection
from tui.screens.replay_keys import KEYS
from tui.styling import sheets
from tui.text import safe
from tui.widgets.alert_log import past_moment
from tui.widgets.cells import duration
from tui.widgets.live_table import LiveTable
from tui.widgets.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult
    from textual.screen import Screen

    from tui.history.reader import History, Span
    from tui.screens.alerts import Alerts
    from tui.screens.film import Shown
    from tui.screens.services import Services

    Wanted = Callable[[Film], Shown | None]

SPEEDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0)
# Where more samples pass than can be shown, the last of each quarter of a second is; reading may take half of it.
_TICK_S, _READING_S = 0.25, 0.12


class Start(NamedTuple):
    """Where a replay begins: at a moment (None: at the end), and how fast it plays; 0 holds it still."""

    at: float | None = None
    speed: float = 0.0


_HELD = Start()


class Replay(PanelView):
    """The live panel as it was: plays what was recorded, and steps through it; nothing acts on a server from here."""

    heading = "Replay"
    shows = "What the panel showed then"
    CSS_PATH: ClassVar = sheets("forms", "live_panel", "replay")
    BINDINGS: ClassVar = [*KEYS]

    def __init__(self, services: Services, history: History, start: Start = _HELD) -> None:
        """Play `history` from `start`."""
        super().__init__(services)
        self.playing = start.speed > 0
        self.speed = start.speed or SPEEDS[0]
        self._start = start
        self._history = history
        self._film: Film | None = None
        self._shown: Shown | None = None
        self._span: Span | None = None
        self._recorded: list[tuple[float, float]] = []
        self._raised: list[float] = []
        self._problem = ""
        self._wanted: asyncio.Queue[tuple[Wanted | None, str]] = asyncio.Queue()
        self._clock = 0.0, 0.0  # a moment of the film, and when it was shown by the monotonic clock

    def body(self) -> ComposeResult:
        """Yield the moment that is shown above the panel, and where it is in the recording."""
        yield Static("", id="past")
        yield Static("", id="timeline")
        yield from super().body()

    def on_mount(self) -> None:
        """Begin to read."""
        self._tell_moment()
        play: Callable[[], Awaitable[None]] = self._play  # cancelled before it starts, it was never made
        self.run_worker(play, group="play", exclusive=True, description="play a recording")

    # What plays is one worker, so that one thread at a time reads

    async def _play(self) -> None:
        film = await self._opened()
        if film is None:
            return
        at = self._start.at
        await self._show_what(partial(film.seek, math.inf if at is None else at))
        self._rewind()
        while True:
            try:
                async with asyncio.timeout(self._wait_s()):
                    wanted, otherwise = await self._wanted.get()
            except TimeoutError:
                await self._go_on(film)
                continue
            if wanted is not None:
                await self._show_what(partial(wanted, film), otherwise)
            self._rewind()

    async def _opened(self) -> Film | None:
        """Read what there is to show, and what the Connections are; None where there is nothing."""

        def read() -> tuple[Film, Span | None, list[tuple[float, float]], list[float]]:
            try:
                registered = {connection.id: connection for connection in self.services.registry.load()}
            except RegistryError:
                registered = {}
            film = Film(self._history, registered)
            return film, film.span(), film.recorded(), film.alerts()

        try:
            film, self._span, self._recorded, self._raised = await asyncio.to_thread(read)
        except HistoryError as error:
            self._complain(str(error))
            return None
        if self._span is None:
            self._complain(f"Nothing was recorded in {self._history.path} yet")
            return None
        return film

    async def _show_what(self, wanted: Callable[[], Shown | None], otherwise: str = "") -> None:
        """Read in a thread, and show what was read; where there is nothing, hold still and say `otherwise`."""
        try:
            shown = await asyncio.to_thread(wanted)
        except HistoryError as error:
            self._complain(str(error))
            return
        if shown is None:
            self.playing = False
            if otherwise:
                self.tell(otherwise)
        else:
            self._problem = ""
            self._shown = shown
            self.know(replace(shown.panel, order=self.latest.order, wanted=self.latest.wanted))
        self._tell_moment()

    def _wait_s(self) -> float | None:
        """Return the seconds until there is something to show; None while it is held still."""
        shown = self._shown
        if not self.playing or shown is None:
            return None
        if shown.next_at is None or shown.gap_ahead:
            return _TICK_S
        return max(_TICK_S, (shown.next_at - self._now()) / self.speed)

    async def _go_on(self, film: Film) -> None:
        """Show the last sample that is due, or as far as one gets in a while; what nobody recorded takes no time."""
        before = self._shown
        if before is None or before.next_at is None or before.gap_ahead:
            await self._show_what(film.forward)
            self._rewind()
            return
        target, until = self._now(), time.perf_counter() + _READING_S
        await self._show_what(partial(film.until, target, lambda: time.perf_counter() > until))
        if self._shown is not None and self._shown.next_at is not None and self._shown.next_at <= target:
            self._rewind()  # it cannot be read as fast as it is to be played

    def _now(self) -> float:
        """Return the moment of the film that the clock has come to."""
        moment, since = self._clock
        return moment + (time.monotonic() - since) * self.speed

    def _rewind(self) -> None:
        """Let the clock go on from what is shown."""
        self._clock = self.panel.at, time.monotonic()

    # What is shown

    def pace(self) -> str:
        """Say of which moment the sums are."""
        return f"then, {past_moment(self.panel.at)}" if self.panel.at else ""

    def feed(self, screen: Screen[Any]) -> None:
        """Hand a screen that was opened from here what is shown."""
        super().feed(screen)
        if isinstance(screen, PastConnection):
            connection = self.panel.by_id.get(screen.connection_id)
            screen.show(self.panel.row(connection) if connection is not None else None, self._banner())

    def alerts_screen(self) -> Alerts:
        """Return the screen that lists the alerts of the moment."""
        return PastAlerts(self.services)

    def _complain(self, problem: str) -> None:
        self._problem, self.playing = problem, False
        self._tell_moment()

    def _tell_moment(self) -> None:
        if not self.is_attached or not self.app.is_running:
            return  # what was read meanwhile has no screen any more
        self.set_class(bool(self._problem), "-broken")
        self._tell("#past", self._banner(), layout=bool(self._problem))
        if self._shown is not None:
            self._tell("#timeline", timeline(self._recorded, self.panel.at, self._raised, self.size.width - 2))
        for screen in self.screens_above():
            self.feed(screen)

    def _banner(self) -> Content:
        """Say what is shown: that it is the past, of when, and how it goes on."""
        if self._problem:
            return Content(f"✗ {safe(self._problem)}")
        shown = self._shown
        if shown is None:
            return Content("THE PAST · reading…")
        parts = [f"THE PAST · {time.strftime('%a %d %b %Y %H:%M:%S', time.localtime(shown.panel.at))}"]
        parts.append(f"playing {self.speed:g}x" if self.playing else f"held still, {self.speed:g}x")
        if shown.skipped_s:
            parts.append(f"after a gap of {duration(shown.skipped_s)}")
        if shown.next_at is None:
            parts.append("the end")
        elif shown.after_s is None:
            parts.append("the beginning")
        return Content(" · ".join(parts))

    # What one can do

    def _want(self, wanted: Wanted | None, otherwise: str = "") -> None:
        self._wanted.put_nowait((wanted, otherwise))

    def action_play(self) -> None:
        """Play, or hold still; at the end, look whether more was recorded."""
        self.playing = not self.playing
        self._want(None)
        self._tell_moment()

    def action_sample(self, step: int) -> None:
        """Hold still, and go to the next sample or the one before."""
        self.playing = False
        self._want(Film.forward if step > 0 else Film.back)

    def action_faster(self, step: int) -> None:
        """Play at the next speed."""
        nearest = min(SPEEDS, key=lambda speed: abs(speed - self.speed))
        self.speed = SPEEDS[min(max(SPEEDS.index(nearest) + step, 0), len(SPEEDS) - 1)]
        self._want(None)
        self._tell_moment()

    def action_skip(self, seconds: float) -> None:
        """Go on or back by so long."""
        self._go_to_moment(self.panel.at + seconds)

    def _go_to_moment(self, at: float | None) -> None:
        if at is not None:
            self._want(lambda film: film.seek(at))

    def action_alert(self, step: int) -> None:
        """Hold still, and go to where the next alert was raised, or the one before."""
        self.playing = False
        otherwise = f"No alert was raised {'after' if step > 0 else 'before'} this"
        self._want(lambda film: film.to_alert(step), otherwise)

    def action_jump(self) -> None:
        """Ask for a moment, and go there."""
        if self._span is not None:
            from tui.screens.jump import Jump  # noqa: PLC0415 - when it is first used

            self.playing = False
            self._want(None)
            self.app.push_screen(Jump(self.panel.at, self._span), self._go_to_moment)

    def action_open(self) -> None:
        """Show the Connection under the cursor as it was."""
        connection = self._connection()
        if connection is not None:
            opened = PastConnection(self, connection.id)
            self.app.push_screen(opened)
            self.feed(opened)

    @on(LiveTable.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def action_back(self) -> None:
        """Show all Connections again, or leave."""
        if self.panel.wanted or self.has_class("-filtering"):
            self.action_clear_filter()
        elif self.app.screen_stack[0] is self:
            self.app.exit(0)
        else:
            self.dismiss()
