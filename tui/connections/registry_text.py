"""The text of a registry: reads it into Connections, and edits it so that comments and unknown keys stay. Pure."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.connections.model import Connection, Parameters
from tui.connections.parameters import BY_NAME, FIELDS, Problem
from tui.connections.parameters import read as read_draft

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION = 1
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

# Written even where they hold the default: a reviewer sees at a glance what a Connection is.
_ALWAYS = ("id", "name", "connector", "server", "port", "database", "username", "sslmode", "password_from")
_KNOWN = frozenset({"id", *BY_NAME})
# Texts, not compiled: to read a file that is right needs none of them, and `list` starts that much faster.
_CREDENTIAL_KEY = r"(?i)(\w*[_-])?(pg)?(pass|password|passwd|passphrase|pwd|secret|token)"
_POSITION = r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$"
_ENTRY = r"\[\[\s*[\"']?connections[\"']?\s*\]\]"
_PART = r"\[\[?\s*[\"']?connections[\"']?\s*\."
_LEXEME = (
    r'(?s)"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]|\n|[^"\'#\[\]{}\n]+'
)


class TextError(ValueError):
    """What is wrong with a registry's text, and where; lines and columns count from 1."""

    def __init__(self, message: str, line: int = 0, column: int = 0, *, damaged: bool = False) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.damaged = damaged

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.args[0]}" if self.line else str(self.args[0])


def decode(content: bytes) -> str:
    """Return the text of a registry's bytes: UTF-8, with or without a byte order mark."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise TextError("this byte is not UTF-8", line, column, damaged=True) from None


def parse(text: str) -> tuple[Connection, ...]:
    """Return the Connections that a registry's text holds; raise TextError, which names the place and what is right."""
    tables = _checked(text, _load(text))
    connections = tuple(_connection(table, text, number) for number, table in enumerate(tables))
    for kind in ("id", "name"):
        seen: dict[str, int] = {}
        for number, connection in enumerate(connections):
            value = getattr(connection, kind)
            if value in seen:
                first, second = _line(text, seen[value], kind), _line(text, number, kind)
                raise TextError(
                    f"the {kind} {value!r} is there twice, first in line {first}: give each its own", second
                )
            seen[value] = number
    return connections


def settings(text: str, name: str) -> dict[str, Any]:
    """Return a table of settings that stands beside the Connections; empty where there is none. Raises TextError.

    One text in the table's place, as in history = "prometheus:https://...", is its `source`.
    """
    table = _load(text).get(name, {})
    if isinstance(table, str):
        return {"source": table}
    if not isinstance(table, dict):
        raise TextError(f"{name} is a table: start it with a line [{name}]", _line_of_key(text, name))
    return table


def dumps(connections: Iterable[Connection]) -> str:
    """Return the text of a registry that holds these Connections: what `export` prints."""
    return _HEADER + "".join(_block(connection) for connection in connections)


_HEADER = f"""\
# Connections of pgconns. No password belongs here: password_from says where each one lives.
version = {VERSION}
"""


def with_added(text: str, connection: Connection) -> str:
    """Return the text with one more Connection at its end."""
    if not text.strip():
        return dumps([connection])
    ending = "\r\n" if "\r\n" in text else "\n"
    block = ending + _block(connection).replace("\n", ending)
    return _verified(text.rstrip() + block, (*parse(text), connection))


def with_replaced(text: str, connection: Connection) -> str:
    """Return the text with the Connection of that id changed; only the keys that differ are touched."""
    import tomlkit  # noqa: PLC0415 - only needed to write

    connections = parse(text)
    number = _number(connections, connection.id)
    lines, entry = _lines(text), _entries(text, len(connections))[number]
    fragment = tomlkit.parse("".join(lines[entry.header : entry.end]))
    table: Any = fragment["connections"][0]
    old, new = connections[number].parameters, _table(connection)
    table.setdefault("id", connection.id)
    for field in FIELDS:
        if getattr(old, field.name) == getattr(connection.parameters, field.name):
            continue
        if field.name in new:
            table[field.name] = new[field.name]
        else:
            table.pop(field.name, None)
    changed = (*lines[: entry.header], tomlkit.dumps(fragment), *lines[entry.end :])
    wanted = (*connections[:number], connection, *connections[number + 1 :])
    return _verified("".join(changed), wanted)


def without(text: str, connection_id: str) -> str:
    """Return the text without the Connection of that id, and without the comment that stands right above it."""
    connections = parse(text)
    number = _number(connections, connection_id)
    lines, entry = _lines(text), _entries(text, len(connections))[number]
    start = entry.header
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    if not start:  # a comment that opens the file speaks of all of it
        start = entry.header
    end = entry.end
    while end < len(lines) and not lines[end].strip():
        end += 1
    return _verified("".join((*lines[:start], *lines[end:])), connections[:number] + connections[number + 1 :])


def _verified(text: str, wanted: tuple[Connection, ...]) -> str:
    """Return the edited text when it reads as what was wanted: a registry is never replaced by a worse one."""
    try:
        read = parse(text)
    except TextError:
        read = ()
    if read != tuple(connection._replace(read_only=False) for connection in wanted):
        raise TextError("pgconns cannot edit what is written this way: change it with an editor")
    return text


def _number(connections: tuple[Connection, ...], connection_id: str) -> int:
    return next(number for number, connection in enumerate(connections) if connection.id == connection_id)


def _load(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = re.search(_POSITION, message)
        if place and place[1]:
            line, column = int(place[1]), int(place[2])
        else:
            line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        raise TextError(re.sub(_POSITION, "", message), line, column, damaged=True) from None


def _checked(text: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    version = document.get("version", VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise TextError(f"version is a whole number: version = {VERSION}", _line_of_key(text, "version"))
    if version > VERSION:
        raise TextError(
            f"this registry has version {version}, and this pgconns reads version {VERSION}: upgrade pgconns",
            _line_of_key(text, "version"),
        )
    tables = document.get("connections", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise TextError("each Connection starts with a line [[connections]]", _line_of_key(text, "connections"))
    return tables


def _connection(table: dict[str, Any], text: str, number: int) -> Connection:
    for key in table:
        if key not in _KNOWN and re.fullmatch(_CREDENTIAL_KEY, key):
            raise TextError(
                f"{key}: no secret belongs here; take it out, and say with password_from where it lives",
                _line(text, number, key),
            )
    draft: dict[str, str] = {}
    for field in FIELDS:
        if field.name in table:
            try:
                draft[field.name] = field.parse(table[field.name])
            except Problem as problem:
                raise TextError(f"{field.name}: {problem}", _line(text, number, field.name)) from None
    parameters, problems = read_draft(draft)
    if parameters is None:
        name, sentence = next(iter(problems.items()))
        raise TextError(f"{name}: {sentence}", _line(text, number, name))
    return Connection(_id(table, parameters, text, number), parameters)


def _id(table: dict[str, Any], parameters: Parameters, text: str, number: int) -> str:
    if "id" not in table:
        import uuid  # noqa: PLC0415 - only files written by hand lack ids

        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"pgconns:{parameters.name}"))
    if isinstance(table["id"], str) and ID.fullmatch(table["id"]):
        return table["id"]
    raise TextError(
        "id: 1 to 64 letters, digits, hyphens, dots or underscores; without an id, one is made from the name",
        _line(text, number, "id"),
    )


def _table(connection: Connection) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for field in FIELDS:
        value = getattr(connection.parameters, field.name)
        if field.name in _ALWAYS or value != field.default:
            table[field.name] = list(value) if field.many else value
    rest = [key for key in table if key not in _ALWAYS]
    return {"id": connection.id, **{key: table[key] for key in (*_ALWAYS[1:], *rest)}}


def _block(connection: Connection) -> str:
    import tomlkit  # noqa: PLC0415 - only needed to write

    return "\n[[connections]]\n" + tomlkit.dumps(_table(connection))


class _Entry(NamedTuple):
    """Where one [[connections]] stands: lines from 0; `end` is the line after its last key."""

    header: int
    end: int
    keys: dict[str, int]


def _statements(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (first line, line after it, text) of each statement: strings and arrays may run over several lines."""
    first = line = depth = start = 0
    for token in re.finditer(_LEXEME, text):
        part = token.group()
        if part == "\n" and not depth:
            yield first, line + 1, text[start : token.end()]
            first, start = line + 1, token.end()
        line += part.count("\n")
        depth += (part in {"[", "{"}) - (part in {"]", "}"})
    if start < len(text):
        yield first, line + 1, text[start:]


def _found(text: str) -> list[_Entry]:
    entries: list[_Entry] = []
    inside = False
    for first, after, raw in _statements(text):
        statement = raw.strip()
        if re.match(_ENTRY, statement):
            entries.append(_Entry(first, after, {}))
            inside = True
        elif statement.startswith("[") and not (inside and re.match(_PART, statement)):
            inside = False
        elif inside and statement and not statement.startswith("#"):
            key = statement.split("=", 1)[0].strip().strip("\"'")
            entries[-1].keys.setdefault(key, first)
            entries[-1] = entries[-1]._replace(end=after)
    return entries


def _entries(text: str, expected: int) -> list[_Entry]:
    """Return where each Connection stands; TextError where they are not written as [[connections]]."""
    entries = _found(text)
    if len(entries) != expected:
        raise TextError("pgconns edits Connections that start with a line [[connections]]: write them so")
    return entries


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; str.splitlines would also split at characters that TOML allows in a line."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _line(text: str, number: int, key: str) -> int:
    """Return the line, from 1, of a Connection's key, or of its header where the key is not there."""
    entries = _found(text)
    if number >= len(entries):
        return _line_of_key(text, "connections")
    return entries[number].keys.get(key, entries[number].header) + 1


def _line_of_key(text: str, key: str) -> int:
    pattern = re.compile(rf"\[*\s*[\"']?{key}\b")
    return next((first + 1 for first, _, raw in _statements(text) if pattern.match(raw.strip())), 1)
