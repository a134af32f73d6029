"""A table for live data, drawn line by line: only what is visible is drawn, only what changed is sent again.

Textual's DataTable stalls the event loop for hundreds of milliseconds with some hundred changing rows; the line API
does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.changes import changed_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events

Tone = str
TONES: tuple[Tone, ...] = ("plain", "strong", "muted", "accent", "ok", "warning", "failed", "line")


class Span(NamedTuple):
    """A piece of a line: safe text, and the tone that it is shown in, one of TONES."""

    text: str
    tone: Tone = "plain"


class Line(NamedTuple):
    """One line of the table. A line without a key, such as that of a group, is passed over by the cursor."""

    key: str | None
    value: Any


Spans = tuple[Span, ...]


class LiveTable(ScrollView, can_focus=True):
    """Lines under a heading. `draw` turns a line, whether it has the cursor, and the width into spans.

    `edges` says where columns begin at a width. Inside of ColumnCuts, only the columns that changed are sent.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"live-table--{tone}" for tone in (*TONES, "heading", "cursor")}
    DEFAULT_CSS = """
    LiveTable {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        & .live-table--heading { color: $muted; text-style: bold; }
        & .live-table--cursor { background: $chosen; }
        & .live-table--strong { text-style: bold; }
        & .live-table--muted { color: $muted; }
        & .live-table--accent { color: $accent; }
        & .live-table--ok { color: $ok; }
        & .live-table--warning { color: $warning; }
        & .live-table--failed { color: $failed; }
        & .live-table--line { color: $line; }
        &:nocolor .live-table--cursor { text-style: reverse; }
        &:nocolor .live-table--warning { text-style: bold; }
        &:nocolor .live-table--failed { text-style: bold; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "Up", show=False, id="table.up"),
        Binding("down,j", "step(1)", "Down", show=False, id="table.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="table.pageup"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="table.pagedown"),
        Binding("home", "edge(-1)", "First", show=False, id="table.first"),
        Binding("end", "edge(1)", "Last", show=False, id="table.last"),
    ]

    @dataclass
    class Moved(Message):
        """The cursor stands on another line."""

        key: str | None

    @dataclass
    class Chosen(Message):
        """A line was chosen: by a click on the line that has the cursor."""

        key: str

    def __init__(
        self,
        draw: Callable[[Any, bool, int], Spans],
        heading: Callable[[int], Spans] | None = None,
        *,
        edges: Callable[[int], Sequence[int]] = lambda width: (0,),
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._heading = heading
        self.edges = edges
        self._rows: Sequence[Line] = ()
        self._cursor: str | None = None
        self._index = -1
        self._shown: dict[int, tuple[Spans, bool]] = {}  # what the terminal has, by line: spans, and the cursor
        self._styles_of: dict[Tone, Style] = {}
        self.lines_sent = 0  # how many lines were ever sent again because they differed

    @property
    def cursor(self) -> str | None:
        """The key of the line that has the cursor."""
        return self._cursor

    @property
    def _above(self) -> int:
        return 1 if self._heading else 0

    def show(self, rows: Sequence[Line]) -> None:
        """Replace the lines. The cursor stays with its key; where that is gone, it stays where it stood."""
        moved = len(rows) != len(self._rows)
        self._rows = rows
        self._follow_cursor()
        if moved:
            self.virtual_size = Size(0, len(rows) + self._above)
        self._send_changes()

    def redraw(self) -> None:
        """Send again what `draw` now draws differently."""
        self._send_changes()

    def move_cursor(self, key: str | None) -> None:
        """Put the cursor on the line of `key`, if there is one, and show that line."""
        for index, line in enumerate(self._rows):
            if line.key is not None and line.key == key:
                self._put(index)
                return

    def _follow_cursor(self) -> None:
        rows, key = self._rows, self._cursor
        if 0 <= self._index < len(rows) and key is not None and rows[self._index].key == key:
            return
        for index, line in enumerate(rows):
            if key is not None and line.key == key:
                self._put(index)
                return
        self._put(self._nearest(max(0, self._index), 1))

    def _nearest(self, index: int, direction: int) -> int:
        """Return the line with a key at `index`, or the next one that way, or the next the other way; -1: none."""
        rows = self._rows
        start = min(max(index, 0), len(rows) - 1)
        ahead = range(start, len(rows)) if direction > 0 else range(start, -1, -1)
        behind = range(start, -1, -1) if direction > 0 else range(start, len(rows))
        return next((i for way in (ahead, behind) for i in way if i >= 0 and rows[i].key is not None), -1)

    def _put(self, index: int) -> None:
        key = self._rows[index].key if index >= 0 else None
        self._index = index
        if key != self._cursor:
            self._cursor = key
            self.post_message(self.Moved(key))
        self._send_changes()
        self._reveal()

    def _reveal(self) -> None:
        room = self.size.height - self._above
        if self._index < 0 or room <= 0:
            return
        top = self.scroll_offset.y
        # The line of the group above the first member is shown with it.
        first = self._index - 1 if self._index > 0 and self._rows[self._index - 1].key is None else self._index
        if first < top:
            self.scroll_to(y=first, animate=False, force=True)  # also before the scrollbar is there
        elif self._index >= top + room:
            self.scroll_to(y=self._index - room + 1, animate=False, force=True)

    def _spans(self, y: int) -> Spans:
        """Draw line `y` of the screen; the heading is line 0."""
        width = self.scrollable_content_region.width
        if self._heading and y == 0:
            return self._heading(width)
        index = self.scroll_offset.y + y - self._above
        if not 0 <= index < len(self._rows):
            return ()
        return self._draw(self._rows[index].value, index == self._index, width)

    def _send_changes(self) -> None:
        """Have the terminal told about each visible column of a line that is drawn differently now."""
        width, height = self.scrollable_content_region.size
        edges = (*self.edges(width), width)
        for y, (old, had_cursor) in list(self._shown.items()):  # a line never drawn is sent whole anyway
            if y >= height:
                continue
            now, has_cursor = self._spans(y), y == self._cursor_y
            columns = [(0, width)] if has_cursor != had_cursor else changed_columns(old, now, edges)
            if columns:
                self.lines_sent += 1
                self._shown[y] = now, has_cursor
                self.refresh(*(Region(x, y, end - x, 1) for x, end in columns))

    @property
    def _cursor_y(self) -> int:
        return self._index - self.scroll_offset.y + self._above if self._index >= 0 else -1

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.scrollable_content_region.width
        known = self._shown.get(y)  # all that changes goes through `show`, which draws what is visible
        spans, has_cursor = self._shown[y] = known or (self._spans(y), y == self._cursor_y)
        style = self.rich_style
        if self._heading and y == 0:
            style += self._style("heading")
        elif has_cursor:
            style += self._style("cursor")
        segments = [Segment(span.text, style + self._style(span.tone)) for span in spans]
        # Every segment has a style: one without crashes the filter that NO_COLOR puts in.
        return Strip(segments).simplify().adjust_cell_length(width, style)

    def _style(self, tone: Tone) -> Style:
        known = self._styles_of.get(tone)
        if known is None:
            known = self._styles_of[tone] = self.get_component_rich_style(f"live-table--{tone}", partial=True)
        return known

    def notify_style_update(self) -> None:
        """Forget the styles of an earlier theme; draw all lines, for only what was drawn is looked at for changes."""
        self._styles_of.clear()
        self._shown.clear()
        super().notify_style_update()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw all lines again: other ones are visible."""
        self._shown.clear()
        super().watch_scroll_y(old_value, new_value)

    def on_resize(self) -> None:
        """Draw all lines again, and keep the cursor in sight."""
        self._shown.clear()
        self.refresh()
        self._reveal()

    def action_step(self, lines: int) -> None:
        """Move the cursor to the next line that way."""
        self._go(self._index + lines, lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is visible."""
        self._go(self._index + pages * max(1, self.size.height - self._above - 1), pages)

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first or last line."""
        self._go(0 if direction < 0 else len(self._rows) - 1, direction)

    def _go(self, index: int, direction: int) -> None:
        if self._rows:
            self._put(self._nearest(index, direction))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where was clicked; a click on the cursor chooses its line."""
        index = self.scroll_offset.y + event.y - self._above
        if event.y < self._above or not 0 <= index < len(self._rows) or self._rows[index].key is None:
            return
        if index == self._index:
            self.post_message(self.Chosen(self._rows[index].key or ""))
        else:
            self._put(index)
