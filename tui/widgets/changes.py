"""Which cells of a line must be sent again to turn what the terminal shows into what is drawn now. Pure."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from tui.text import cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.widgets.live_table import Spans


def changed_columns(old: Spans, new: Spans, edges: Sequence[int]) -> list[tuple[int, int]]:
    """Return from which cell to which columns change, each up to its last changed cell; `edges` says where they are.

    >>> from tui.widgets.live_table import Span
    >>> changed_columns((Span("ab"), Span(" 1 "), Span("xy")), (Span("ab"), Span(" 2 "), Span("xy")), (0, 2, 5, 7))
    [(2, 4)]
    """
    if old == new:
        return []
    before, now = _by_cell(old), _by_cell(new)
    found: list[tuple[int, int]] = []
    for x, end in itertools.pairwise(edges):
        last = next((i for i in range(end - 1, x - 1, -1) if before[i : i + 1] != now[i : i + 1]), None)
        if last is not None:
            found.append((x, last + 1))
    return found


def _by_cell(spans: Spans) -> list[tuple[str, str]]:
    """Return the character and tone of each cell; a wide character is that of both of its cells."""
    drawn: list[tuple[str, str]] = []
    for text, tone in spans:
        if text.isascii():
            drawn += [(character, tone) for character in text]
        else:
            drawn += [(character, tone) for character in text for _ in range(cells(character))]
    return drawn
