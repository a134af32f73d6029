"""A plot of a span of the past: each step from its lowest to its highest count, limit, alerts, restarts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.text import cells
from tui.widgets.live_table import Span
from tui.widgets.plot import LINE, axis, dot_row_of, labels_of, row_of, row_spans, scale, set_dot, worded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.widgets.live_table import Spans, Tone

RESTART, WARNING, CRITICAL = "↻", "!", "✗"
_TONES: dict[str, Tone] = {RESTART: "accent", WARNING: "warning", CRITICAL: "failed"}


class Step(NamedTuple):
    """What was counted in a step, None where nothing was seen; `full` is how many would have filled the limit."""

    at: float
    low: int | None = None
    high: int | None = None
    full: int | None = None


class Mark(NamedTuple):
    """Something that began, and lasted until it ended: one of RESTART, WARNING and CRITICAL."""

    sign: str
    since: float
    until: float


class PlottedSpan(NamedTuple):
    """What is plotted: steps of `step_s` seconds (0: single counts) from `start` to `end`, from old to new."""

    start: float
    end: float
    step_s: float = 0.0
    steps: tuple[Step, ...] = ()
    marks: tuple[Mark, ...] = ()

    def draw(self, width: int, height: int) -> list[Spans]:
        """Draw it: the counts, a line of marks, and the axis of time."""
        rows = height - 2
        full = next((step.full for step in reversed(self.steps) if step.full is not None), None)
        top = scale(max((step.high for step in self.steps if step.high is not None), default=0), full)
        labels = labels_of(top, max(rows, 0))
        left = max(map(cells, labels.values()), default=1) + 1
        columns = width - left
        if rows < 2 or columns < 10:
            return [()] * max(0, height)
        dots, limit = _dots(self, columns, rows, top), _limit(self, columns)
        fits = full is not None and full <= top
        lines: list[Spans] = []
        for row in range(rows):
            here = [count is not None and count <= top and row_of(count, top, rows) == row for count in limit]
            ground, tone = "".join(LINE if one else " " for one in here), "failed" if any(here) else "muted"
            if full is not None and row == (row_of(full, top, rows) if fits else 0):
                ground = worded(dots[row], ground, f" full at {full} " if fits else f" full at {full} ↑ ")
            label = Span(labels.get(row, "").rjust(left - 1) + " ", "muted")
            lines.append((label, *row_spans(dots[row], ground, tone)))
        blank = Span(" " * left, "muted")
        told = Span(axis(round(self.end - self.start), columns), "muted")
        return [*lines, (blank, *_marks(self, columns)), (blank, told)]


def _place(plotted: PlottedSpan, at: float, places: int) -> int:
    """Return which of so many places from the start to the end a moment stands at; it may be outside."""
    return round((at - plotted.start) / max(plotted.end - plotted.start, 1.0) * (places - 1))


def _dots(plotted: PlottedSpan, columns: int, rows: int, top: int) -> list[list[int]]:
    """Return the dots of each cell: every step from its lowest to its highest count, as long as it lasts."""
    dots = [[0] * columns for _ in range(rows)]
    last = columns * 2 - 1
    before: tuple[int, int, int] | None = None  # the place after the step, and the rows of its dots
    for number, step in enumerate(plotted.steps):
        if step.low is None or step.high is None:
            before = None
            continue
        following = plotted.steps[number + 1].at if number + 1 < len(plotted.steps) else plotted.end
        lasts = plotted.step_s or following - step.at
        first, end = _place(plotted, step.at, last + 1), _place(plotted, min(step.at + lasts, plotted.end), last + 1)
        y, bottom = dot_row_of(step.high, top, rows), dot_row_of(step.low, top, rows)
        joined = range(y, bottom + 1)
        if before is not None and before[0] >= first - 1:  # what lies between two steps was passed through
            joined = range(min(y, before[2]), max(bottom, before[1]) + 1)
        for x in range(max(0, first), min(last, max(first, end - 1)) + 1):
            for row in joined if x == max(0, first) else range(y, bottom + 1):
                set_dot(dots, x, row)
        before = max(first, end - 1), y, bottom
    return dots


def _limit(plotted: PlottedSpan, columns: int) -> list[int | None]:
    """Return how many would have filled the limit, by column."""
    limit: list[int | None] = [None] * columns
    for step in plotted.steps:
        if step.full is not None:
            first, end = (_place(plotted, at, columns) for at in (step.at, step.at + plotted.step_s))
            for column in range(max(0, first), min(columns - 1, end) + 1):
                limit[column] = step.full
    return limit


def _marks(plotted: PlottedSpan, columns: int) -> Sequence[Span]:
    """Draw when alerts were raised, and for how long they stood, and when servers were started."""
    line = [(" ", "muted")] * columns
    rank = (WARNING, CRITICAL, RESTART)
    for mark in sorted(plotted.marks, key=lambda mark: rank.index(mark.sign)):
        first, end = (_place(plotted, at, columns) for at in (mark.since, mark.until))
        for column in range(max(0, first), min(columns - 1, end) + 1):
            line[column] = ("━", _TONES[mark.sign])
    for mark in sorted(plotted.marks, key=lambda mark: rank.index(mark.sign)):
        column = max(0, _place(plotted, mark.since, columns))
        if column < columns:
            line[column] = (mark.sign, _TONES[mark.sign])
    return [Span(sign, tone) for sign, tone in line]
