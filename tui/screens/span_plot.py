"""The plot of a Connection, over what is live now or over a span of what was recorded, which is read in a thread."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.connections.registry import RegistryError
from tui.history.errors import HistoryError
from tui.screens.look_back import LookedBack
from tui.text import safe
from tui.widgets.plot import Plot, Plotted
from tui.widgets.plot_span import PlottedSpan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

_HOUR_S, _DAY_S = 3600.0, 86_400.0
# The spans that one can choose, in seconds, and what they are called; 0 is what is live now.
SPANS = {
    0.0: "now",
    _HOUR_S: "1 h",
    6 * _HOUR_S: "6 h",
    _DAY_S: "1 d",
    7 * _DAY_S: "7 d",
    30 * _DAY_S: "30 d",
    365 * _DAY_S: "1 y",
}
# A span is read again after such a part of it: by then it looks otherwise.
_AGAIN_PART = 1 / 300


class SpanPlot(Vertical):
    """Shows the counts that are handed to it, or the span that one turned to, read by `look_back`.

    `look_back` takes the span's seconds and how many steps there may be at most, blocks, and raises HistoryError.
    """

    def __init__(self, look_back: Callable[[float, int], LookedBack]) -> None:
        super().__init__()
        self._read_span = look_back
        self._span_s = 0.0
        self._read_at = 0.0
        self._live = Plotted()

    def compose(self) -> ComposeResult:
        """Yield what spans there are, the plot, and what is said of it."""
        yield Static(_tabs(self._span_s), id="spans")
        yield Plot(id="plot")
        yield Static("", id="said", markup=False)

    def on_mount(self) -> None:
        """Show what was handed in before."""
        self._say("")
        self._show()

    def show(self, plotted: Plotted) -> None:
        """Plot these counts, which are live; a longer span is read again where there is more of it."""
        self._live = plotted
        if self.is_mounted:
            self._show()

    def turn(self, step: int) -> None:
        """Plot a longer span, or a shorter one."""
        spans = list(SPANS)
        self._span_s = spans[(spans.index(self._span_s) + step) % len(spans)]
        self._read_at = 0.0
        self.query_one("#spans", Static).update(_tabs(self._span_s))
        self._say("reading…" if self._span_s else "")
        self.workers.cancel_group(self, "span")
        self._show()

    def _show(self) -> None:
        if not self._span_s:
            self.query_one(Plot).show(self._live)
        elif not self._read_at or time.monotonic() - self._read_at > _AGAIN_PART * self._span_s:
            self._read_at = time.monotonic()
            read: Callable[[], Awaitable[None]] = self._read  # cancelled before it starts, it was never made
            self.run_worker(read, group="span", exclusive=True, description="read a span")

    async def _read(self) -> None:
        span_s, points = self._span_s, max(60, 2 * self.size.width)
        try:
            found = await asyncio.to_thread(self._read_span, span_s, points)
        except (RegistryError, HistoryError) as error:
            now = time.time()
            found = LookedBack(PlottedSpan(now - span_s, now), f"✗ {error}")
        if span_s == self._span_s and self.is_attached and self.app.is_running:
            self.query_one(Plot).show(found.plotted)
            self._say(found.said)

    def _say(self, words: str) -> None:
        said = self.query_one("#said", Static)
        said.display = bool(words)
        said.update(Content.styled(safe(words), "$muted"))


def _tabs(span_s: float) -> Content:
    """Return what spans there are, with the one that is shown marked."""
    parts = [Content.styled("over  ", "$muted")]
    for seconds, words in SPANS.items():
        chosen = seconds == span_s
        parts.append(Content.styled(f"[{words}]", "bold $accent") if chosen else Content.styled(f" {words} ", ""))
    return Content("").join(parts)
