"""Where the tables of an array, such as [[connections]], stand in a TOML text: an edit touches no other line. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LEXEME = (
    r'(?s)"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]|\n|[^"\'#\[\]{}\n]+'
)


class Entry(NamedTuple):
    """Where one table stands: lines from 0; `end` is the line after its last key."""

    header: int
    end: int
    keys: dict[str, int]


def entries(text: str, array: str) -> list[Entry]:
    """Return where each table of an array stands, as far as they start with a line such as [[connections]]."""
    entry = re.compile(rf"\[\[\s*[\"']?{array}[\"']?\s*\]\]")
    part = re.compile(rf"\[\[?\s*[\"']?{array}[\"']?\s*\.")
    found: list[Entry] = []
    inside = False
    for first, after, raw in _statements(text):
        statement = raw.strip()
        if entry.match(statement):
            found.append(Entry(first, after, {}))
            inside = True
        elif statement.startswith("[") and not (inside and part.match(statement)):
            inside = False
        elif inside and statement and not statement.startswith("#"):
            key = statement.split("=", 1)[0].strip().strip("\"'")
            found[-1].keys.setdefault(key, first)
            found[-1] = found[-1]._replace(end=after)
    return found


def line(text: str, array: str, number: int, key: str) -> int:
    """Return the line, from 1, of a key of the array's table `number`, or of its header where the key is not there."""
    found = entries(text, array)
    if number >= len(found):
        return line_of_key(text, array)
    return found[number].keys.get(key, found[number].header) + 1


def line_of_key(text: str, key: str) -> int:
    """Return the line, from 1, of the first key or header of that name."""
    pattern = re.compile(rf"\[*\s*[\"']?{key}\b")
    return next((first + 1 for first, _, raw in _statements(text) if pattern.match(raw.strip())), 1)


def fragment(text: str, entry: Entry) -> str:
    """Return the text of one table, from its header to its last key."""
    return "".join(_lines(text)[entry.header : entry.end])


def replaced(text: str, entry: Entry, new: str) -> str:
    """Return the text with another fragment in the place of one table."""
    lines = _lines(text)
    return "".join((*lines[: entry.header], new, *lines[entry.end :]))


def without(text: str, entry: Entry) -> str:
    """Return the text without one table, and without the comment that stands right above it."""
    lines = _lines(text)
    start = entry.header
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    if not start:  # a comment that opens the file speaks of all of it
        start = entry.header
    end = entry.end
    while end < len(lines) and not lines[end].strip():
        end += 1
    return "".join((*lines[:start], *lines[end:]))


def with_named(text: str, array: str, number: int, table: Mapping[str, object], known: Iterable[str]) -> str:
    """Return the text with an array's table `number` holding what `table` does; `known` keys it lacks are taken out.

    Only keys that differ are touched. Raises LookupError where the tables are not written as [[array]].
    """
    import tomlkit  # noqa: PLC0415 - only needed to write

    entry = entries(text, array)[number]
    document = tomlkit.parse(fragment(text, entry))
    kept: Any = document[array][0]
    for key in known:
        if key not in table:
            kept.pop(key, None)
        elif kept.get(key) != table[key]:
            kept[key] = table[key]
    return replaced(text, entry, tomlkit.dumps(document))


def with_block(text: str, block: str) -> str:
    """Return the text with a block at its end, whose lines end as the others do."""
    ending = "\r\n" if "\r\n" in text else "\n"
    return text.rstrip() + ending + block.replace("\n", ending)


def _statements(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (first line, line after it, text) of each statement: strings and arrays may run over several lines."""
    first = number = depth = start = 0
    for token in re.finditer(_LEXEME, text):
        part = token.group()
        if part == "\n" and not depth:
            yield first, number + 1, text[start : token.end()]
            first, start = number + 1, token.end()
        number += part.count("\n")
        depth += (part in {"[", "{"}) - (part in {"]", "}"})
    if start < len(text):
        yield first, number + 1, text[start:]


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; str.splitlines would also split at characters that TOML allows in a line."""
    return [each for each in re.split(r"(?<=\n)", text) if each]
