"""A plot of counts over time: steps of braille dots, the limit's line, and gaps where nothing was seen."""

from __future__ import annotations

from operator import sub
from statistics import median
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.text import cells
from tui.widgets.live_table import Span, Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

# The dots of a braille cell, by row and column.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800
LINE = "╌"
# The time that a plot spans, in seconds, and the labels of its axis; the first that holds all is taken.
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
SPANS_S = (
    _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY,
)  # fmt: skip
_STEPS_S = (
    15, 30, 60, 120, 300, 600, 1_800, _HOUR, 2 * _HOUR, 4 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY,
    30 * _DAY, 90 * _DAY,
)  # fmt: skip
_TICK = 14  # the cells that a label of the axis takes, with room to stand apart
# A pause of so many usual distances between two counts is a gap: nobody counted then.
_GAP = 4
# Older counts are kept by the minute only.
_FRESH_S, _OLDER_GAP_S = 600.0, 150.0


class Plotted(NamedTuple):
    """What is plotted: counts from old to new, None where nothing was seen, and the count at which it is full."""

    at: tuple[float, ...] = ()
    counts: tuple[int | None, ...] = ()
    full: int | None = None

    def draw(self, width: int, height: int) -> list[Spans]:
        """Draw it."""
        return plot(self, width, height)


class Drawable(Protocol):
    """What a Plot shows."""

    def draw(self, width: int, height: int) -> list[Spans]:
        """Draw it in `height` lines of `width` cells."""


def plot(plotted: Plotted, width: int, height: int) -> list[Spans]:
    """Draw it in `height` lines of `width` cells; the last one is the axis of time."""
    seen = [count for count in plotted.counts if count is not None]
    rows = height - 1
    top = scale(max(seen, default=0), plotted.full)
    labels = labels_of(top, rows)
    left = max(map(cells, labels.values()), default=1) + 1
    columns = width - left
    if rows < 2 or columns < 10:
        return [()] * max(0, height)
    span = _span(plotted)
    dots = _dots(plotted, columns, rows, top, span)
    limit_row = row_of(plotted.full, top, rows) if plotted.full is not None and plotted.full <= top else None
    lines: list[Spans] = []
    for row in range(rows):
        label = Span(labels.get(row, "").rjust(left - 1) + " ", "muted")
        lines.append((label, *_line(dots[row], plotted.full if row == limit_row else None)))
    if plotted.full is not None and limit_row is None:
        words = worded(dots[0], " " * columns, f" full at {plotted.full} ↑ ")
        lines[0] = (lines[0][0], *row_spans(dots[0], words, "muted"))
    return [*lines, (Span(" " * left + axis(span, columns), "muted"),)]


def scale(highest: int, full: int | None) -> int:
    """Return the count at the upper edge: where it is full, unless that is too far away to show what changes.

    >>> scale(41, 91), scale(5, 91), scale(3, None)
    (91, 8, 5)
    """
    if full is not None and highest * 3 >= full:
        return max(1, highest, full)
    wanted = max(4.0, highest * 1.4)
    size: float = 1
    while True:
        for factor in (1, 1.5, 2, 3, 4, 5, 6, 8):
            if factor * size >= wanted and factor * size == int(factor * size):
                return int(factor * size)
        size *= 10


def row_of(count: int, top: int, rows: int) -> int:
    return dot_row_of(count, top, rows) // 4


def dot_row_of(count: int, top: int, rows: int) -> int:
    return round((1 - count / top) * (rows * 4 - 1))


def labels_of(top: int, rows: int) -> dict[int, str]:
    """Return the labels of the counts by row: the edges, and round counts between them, two rows apart."""
    labels = {row_of(top, top, rows): str(top), row_of(0, top, rows): "0"}
    if rows < 6:
        return labels
    steps = (factor * 10**power for power in range(9) for factor in (1, 2, 5))
    step = next(step for step in steps if step * rows >= top * (3 if rows >= 16 else 2))
    for count in range(step, top, step):
        row = row_of(count, top, rows)
        if all(abs(row - other) > 1 for other in labels):
            labels[row] = str(count)
    return labels


def _span(plotted: Plotted) -> int:
    past = plotted.at[-1] - plotted.at[0] if plotted.at else 0.0
    return next((span for span in SPANS_S if past <= span), SPANS_S[-1])


def _dots(plotted: Plotted, columns: int, rows: int, top: int, span: int) -> list[list[int]]:
    """Return the dots of each cell: every count holds until the next one, in steps."""
    dots = [[0] * columns for _ in range(rows)]
    if not plotted.at:
        return dots
    end = plotted.at[-1]
    last = columns * 2 - 1
    fresh = [at for at in plotted.at if end - at <= _FRESH_S]
    usual = _GAP * max(median(map(sub, fresh[1:], fresh)), 1.0) if len(fresh) > 1 else 0.0
    before: tuple[float, int, int] | None = None
    for at, count in zip(plotted.at, plotted.counts, strict=True):
        x = last - round((end - at) / span * last)
        if count is None or x < 0:
            before = None
            continue
        y = dot_row_of(count, top, rows)
        longest = usual if before is not None and end - before[0] <= _FRESH_S else max(usual, _OLDER_GAP_S)
        held = before if before is not None and 0 <= at - before[0] <= longest else None
        for column in range(held[1] if held else x, x):
            set_dot(dots, column, held[2] if held else y)
        for dot_row in range(min(y, held[2]) if held else y, (max(y, held[2]) if held else y) + 1):
            set_dot(dots, x, dot_row)
        before = at, x, y
    return dots


def set_dot(dots: list[list[int]], x: int, y: int) -> None:
    dots[y >> 2][x >> 1] |= _DOTS[y & 3][x & 1]


def _line(dots: Sequence[int], full: int | None) -> list[Span]:
    """Draw one row; the limit's line stands where no dots are, and says what it is where there is room."""
    if full is None:
        return row_spans(dots, " " * len(dots), "muted")
    return row_spans(dots, worded(dots, LINE * len(dots), f" full at {full} "), "failed")


def worded(dots: Sequence[int], ground: str, words: str) -> str:
    """Put words on the ground of a row, near its right or left end, where no dots are."""
    for start in (len(dots) - len(words) - 2, 2):
        if 0 <= start <= len(dots) - len(words) and not any(dots[start : start + len(words)]):
            return ground[:start] + words + ground[start + len(words) :]
    return ground


def row_spans(dots: Sequence[int], ground: str, ground_tone: str) -> list[Span]:
    spans: list[Span] = []
    for cell, under in zip(dots, ground, strict=True):
        tone = "accent" if cell else ground_tone
        character = chr(_BLANK + cell) if cell else under
        if spans and spans[-1].tone == tone:
            spans[-1] = Span(spans[-1].text + character, tone)
        else:
            spans.append(Span(character, tone))
    return spans


def axis(span: int, columns: int) -> str:
    """Return the line under the plot: how long ago, in round steps from the right, as far as they fit."""
    room = max(1, columns // _TICK)
    step = next((step for step in _STEPS_S if span / step <= room), span)
    line = [" "] * columns
    line[-3:] = "now"
    for ago in range(step, span + 1, step):
        words = _ago(ago)
        start = max(0, round((1 - ago / span) * (columns - 1)))
        line[start : start + len(words)] = words
    return "".join(line[:columns])


def _ago(seconds: int) -> str:
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds % length == 0:
            return f"-{seconds // length} {unit}"
    return f"-{seconds} s"


class Plot(Widget):
    """Shows what `show` was given last; only lines that changed are sent to the terminal."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"plot--accent", "plot--muted", "plot--warning", "plot--failed"}
    DEFAULT_CSS = """
    Plot {
        height: 1fr;
        & .plot--accent { color: $accent; }
        & .plot--muted { color: $muted; }
        & .plot--warning { color: $warning; }
        & .plot--failed { color: $failed; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plotted: Drawable = Plotted()
        self._lines: list[Spans] = []

    def show(self, plotted: Drawable) -> None:
        """Plot these counts."""
        if plotted == self._plotted:
            return
        self._plotted = plotted
        before, self._lines = self._lines, self._drawn()
        if len(before) != len(self._lines):
            self.refresh()
            return
        width = self.content_size.width
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y, width, 1))

    def _drawn(self) -> list[Spans]:
        return self._plotted.draw(*self.content_size)

    def on_resize(self) -> None:
        """Draw it again in another size."""
        self._lines = self._drawn()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width = self.content_size.width
        style = self.rich_style
        spans = self._lines[y] if y < len(self._lines) else ()
        segments = [Segment(span.text, style + self._tone(span.tone)) for span in spans]
        return Strip(segments).adjust_cell_length(width, style)

    def _tone(self, tone: str) -> Style:
        return self.get_component_rich_style(f"plot--{tone}", partial=True)
