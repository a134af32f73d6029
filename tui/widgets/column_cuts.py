"""Lets single columns of a table be sent to the terminal again, instead of all that stands left of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, ClassVar

from rich.style import NULL_STYLE
from textual.containers import Container
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.geometry import Region

    from tui.widgets.live_table import LiveTable

_MOST = 8  # columns; those to the right of them are sent together


class Cut(Widget):
    """A blank column."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw nothing: it is covered, so that styles would be looked up for nobody."""
        return [Strip.blank(crop.width, NULL_STYLE)] * crop.height


class ColumnCuts(Container):
    """A table, and under it, never seen, one blank widget for each of its columns.

    Textual cuts lines where widgets begin, covered ones too, and sends a change again from the cut before it.
    """

    DEFAULT_CSS = """
    ColumnCuts {
        layout: horizontal;
        layers: cuts table;
        overflow: hidden hidden;
        & > Cut { layer: cuts; width: 0; height: 1fr; }
        & > LiveTable { layer: table; width: 1fr; }
    }
    """
    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, table: LiveTable, *, id: str | None = None) -> None:
        """Frame `table`, whose `edges` say where its columns begin."""
        super().__init__(id=id)
        self._table = table

    def compose(self) -> ComposeResult:
        """Yield the table."""
        yield self._table

    def on_mount(self) -> None:
        """Show the first frame before what only saves bytes of later ones."""
        self.call_after_refresh(self._cut)

    async def _cut(self) -> None:
        await self.mount_all([Cut() for _ in range(_MOST)], before=0)
        self._place(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Cut where the columns are at this width."""
        self._place(event.size.width)

    def _place(self, width: int) -> None:
        edges = [*self._table.edges(width)[:_MOST], width]
        widths = [after - before for before, after in itertools.pairwise(edges)]
        for cut, cells in zip(self.query(Cut), (*widths, *[0] * _MOST), strict=False):
            cut.styles.width = cells
