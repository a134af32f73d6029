"""Small pictures and words that fit into a table's cells. Pure."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from tui.text import cells

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
OTHERS = "▒"
FREE = "·"
NOT_SEEN = "—"
GAP = " "


class Bar(NamedTuple):
    """The three parts of a level bar, left to right."""

    own: str
    others: str
    free: str


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Return the last `width` values as blocks of eight heights; a value not seen is a gap.

    The heights show change, so that a quiet series is a low line: they span the values' own range, but at least a
    quarter of the highest and never less than 4, so that noise of one socket does not look like a mountain.

    >>> sparkline([10, 10, 11, None, 14, 20], 8)
    '  ▁▁▂ ▄█'
    """
    shown = list(values[-width:]) if width > 0 else []
    seen = [value for value in shown if value is not None]
    low, high = min(seen, default=0.0), max(seen, default=0.0)
    span = max(high - low, high / 4, 4.0)
    top = len(LEVELS) - 1
    drawn = "".join(GAP if value is None else LEVELS[round((value - low) / span * top)] for value in shown)
    return drawn.rjust(width)


def level_bar(own: int, others: int, limit: int, width: int) -> Bar:
    """Return a bar of `width` cells: sockets of its own, of others, and free, of a limit.

    What exists is always visible: one socket draws something, and the bar is full only when nothing is free.

    >>> level_bar(25, 25, 100, 8)
    Bar(own='██', others='▒▒', free='····')
    >>> level_bar(1, 98, 100, 4)
    Bar(own='▏', others='▒▒', free='·')
    """
    if width <= 0 or limit <= 0:
        return Bar("", "", FREE * max(0, width))
    room = width if own + others >= limit else width - 1
    eighths = min(room * 8, max(1 if own else 0, round(own / limit * width * 8)))
    whole, part = divmod(eighths, 8)
    mine = _EIGHTHS[-1] * whole + (_EIGHTHS[part] if part else "")
    used = min(room, max(round((own + others) / limit * width), ceil(eighths / 8) + (1 if others else 0)))
    if own + others >= limit:
        used = width
    theirs = max(0, used - len(mine))
    return Bar(mine, OTHERS * theirs, FREE * (width - len(mine) - theirs))


def count(value: int | None) -> str:
    """Return a number, or the sign of what was not seen: never a zero that nobody counted."""
    return NOT_SEEN if value is None else str(value)


def duration(seconds: float) -> str:
    """Return a length of time in one unit, as coarse as a glance needs.

    >>> duration(42), duration(750), duration(9000), duration(200_000)
    ('42 s', '12 min', '2 h', '2 d')
    """
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def fitting(columns: Sequence[tuple[str, int]], room: int) -> list[tuple[str, int]]:
    """Return as many columns, each a title and a width, as there is room for; the first always.

    >>> fitting((("Sockets", 8), ("Idle", 7)), 14)
    [('Sockets', 8)]
    """
    shown: list[tuple[str, int]] = []
    for title, size in columns:
        if shown and sum(each for _, each in shown) + size > room:
            break
        shown.append((title, size))
    return shown


def plural(number: int, word: str) -> str:
    """Return a number with its word.

    >>> plural(1, "socket"), plural(2, "socket")
    ('1 socket', '2 sockets')
    """
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def wrap(text: str, width: int) -> list[str]:
    """Return `text` in lines of at most `width` cells, broken between words where that can be.

    >>> wrap("open a port in the firewall", 10)
    ['open a', 'port in', 'the', 'firewall']
    """
    width = max(1, width)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            if cells(line) + cells(word) + bool(line) <= width:
                line = f"{line} {word}" if line else word
                continue
            if line:
                lines.append(line)
            *full, line = _pieces(word, width)
            lines.extend(full)
        lines.append(line)
    return lines


def _pieces(word: str, width: int) -> list[str]:
    pieces, piece, used = [], "", 0
    for character in word:
        size = cells(character)
        if used + size > width and piece:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + character, used + size
    return [*pieces, piece]
