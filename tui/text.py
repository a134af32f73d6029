"""Makes text that others control safe to show, and cuts text to the cells there are.

Names of roles, databases and applications, queries and error texts come from people who may not be friends: an
escape sequence would reach the terminal, a bidirectional mark would reorder the line it stands in.
"""

import unicodedata

ELLIPSIS = "…"

# Cc: control characters, ESC among them. Cf: bidirectional marks and joiners. Cs: surrogates, from undecodable bytes.
# Co, Cn: private and unassigned code points, whose width terminals disagree about. Zl, Zp: line breaks.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LONGEST = 100_000


def _visible(character: str) -> str:
    code = ord(character)
    if character in "\t\n\r\u2028\u2029":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode picture of that control character
    if code == 0x7F:
        return "\u2421"
    return "\ufffd"


def safe(text: str, *, longest: int = _LONGEST) -> str:
    """Return `text` as one line that a terminal shows and never obeys; at most `longest` characters of it.

    >>> safe("a\\x1b[31mb\\nc")
    'a␛[31mb c'
    """
    if len(text) > longest:
        text = text[: longest - 1] + ELLIPSIS
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(c) if unicodedata.category(c) in _UNSAFE else c for c in text)


def safe_lines(text: str, *, longest: int = _LONGEST) -> str:
    """Return `text` like `safe`, with its line breaks kept: for queries and error texts shown in a block."""
    return "\n".join(safe(line) for line in text[:longest].replace("\r\n", "\n").split("\n"))


def cells(text: str) -> int:
    """Return how many terminal cells `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - costs 8 ms, and most names are ASCII

    return cell_len(text)


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, with an ellipsis where it was cut.

    >>> shorten("analytics-production", 10)
    'analytics…'
    """
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    kept = text[: width - 1]
    while cells(kept) > width - 1:
        kept = kept[:-1]
    return kept + ELLIPSIS


def pad(text: str, width: int) -> str:
    """Return `text` in exactly `width` cells: cut, or filled with spaces on the right."""
    if text.isascii() and len(text) <= width:
        return text.ljust(width)
    cut = shorten(text, width)
    return cut + " " * (width - cells(cut))
