"""Which cells of a line must be sent again to turn what the terminal shows into what is drawn now. Pure."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from tui.text import cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tui.widgets.live_table import Spans

    _Cell = tuple[str, str]  # its character and its tone


def changed_columns(old: Spans, new: Spans, edges: Sequence[int]) -> list[tuple[int, int]]:
    """Return from which cell to which columns change, each up to its last changed cell; `edges` says where they are.

    >>> from tui.widgets.live_table import Span
    >>> changed_columns((Span("ab"), Span(" 1 "), Span("xy")), (Span("ab"), Span(" 2 "), Span("xy")), (0, 2, 5, 7))
    [(2, 4)]
    """
    if old == new:
        return []
    changed = _changed_cells(old, new)
    found: list[tuple[int, int]] = []
    for x, end in itertools.pairwise(edges):
        last = max((i for i in changed if x <= i < end), default=None)
        if last is not None:
            found.append((x, last + 1))
    return found


def _changed_cells(old: Spans, new: Spans) -> list[int]:
    """Return which cells differ; looks into those spans alone that do, as long as the others stand where they stood."""
    found: list[int] = []
    x = 0
    for before, now in itertools.zip_longest(old, new, fillvalue=("", "")):
        width = cells(now[0])
        if before != now:
            if cells(before[0]) != width:  # all that follows has moved
                return [i for i, (a, b) in enumerate(_pairs(_by_cell(old), _by_cell(new))) if a != b]
            found += [x + i for i, (a, b) in enumerate(_pairs(_by_cell([before]), _by_cell([now]))) if a != b]
        x += width
    return found


def _pairs(old: list[_Cell], new: list[_Cell]) -> Iterator[tuple[_Cell | None, _Cell | None]]:
    return itertools.zip_longest(old, new)


def _by_cell(spans: Iterable[tuple[str, str]]) -> list[_Cell]:
    """Return the character and tone of each cell; a wide character is that of both of its cells."""
    drawn: list[_Cell] = []
    for text, tone in spans:
        if text.isascii():
            drawn += [(character, tone) for character in text]
        else:
            drawn += [(character, tone) for character in text for _ in range(cells(character))]
    return drawn
