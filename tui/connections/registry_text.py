"""The text of a registry: reads it into Connections, and edits it so that comments and unknown keys stay. Pure.

Own regions and hooks, which stand in the same file, are read and edited by `region_text` and `hook_text`.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.connections.model import Connection, Parameters
from tui.connections.parameters import BY_NAME, FIELDS, Problem
from tui.connections.parameters import read as read_draft

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.connections.model import Hook, OwnRegion
    from tui.connections.toml_tables import Entry

VERSION = 1

UNEDITABLE = "pgconns cannot edit what is written this way: change it with an editor"

# Written even where they hold the default: a reviewer sees at a glance what a Connection is.
_ALWAYS = ("id", "name", "connector", "server", "port", "database", "username", "sslmode", "password_from")
_KNOWN = frozenset({"id", *BY_NAME})
# Texts, not compiled: to read a file that is right needs none of them, and `list` starts that much faster.
_CREDENTIAL_KEY = r"(?i)(\w*[_-])?(pg)?(pass|password|passwd|passphrase|pwd|secret|token)"
_POSITION = r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$"


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


class Content(NamedTuple):
    """What a registry's text holds."""

    connections: tuple[Connection, ...] = ()
    regions: tuple[OwnRegion, ...] = ()
    hooks: tuple[Hook, ...] = ()


def parse(text: str) -> tuple[Connection, ...]:
    """Return the Connections that a registry's text holds; raise TextError, as `read` does."""
    return read(text).connections


def read(text: str) -> Content:
    """Return what a registry's text holds; raise TextError, which names the place and what is right."""
    document = _load(text)
    content = Content(_connections(text, document))
    if "regions" in document:
        from tui.connections import region_text  # noqa: PLC0415 - few registries hold regions, or hooks

        content = content._replace(regions=region_text.regions(text, document["regions"]))
    if "hooks" in document:
        from tui.connections import hook_text  # noqa: PLC0415

        content = content._replace(hooks=hook_text.hooks(text, document["hooks"]))
    return content


def _connections(text: str, document: dict[str, Any]) -> tuple[Connection, ...]:
    tables = _checked(text, document)
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


def dumps(connections: Iterable[Connection], regions: Iterable[OwnRegion] = (), hooks: Iterable[Hook] = ()) -> str:
    """Return the text of a registry that holds these Connections, regions and hooks: what `export` prints."""
    from tui.connections import hook_text, region_text  # noqa: PLC0415 - only needed to write

    blocks = (*map(_block, connections), *map(region_text.block, regions), *map(hook_text.block, hooks))
    return HEADER + "".join(blocks)


HEADER = f"""\
# Connections of pgconns. No password belongs here: password_from says where each one lives.
version = {VERSION}
"""


def with_added(text: str, connection: Connection) -> str:
    """Return the text with one more Connection at its end."""
    from tui.connections import toml_tables  # noqa: PLC0415 - only needed to write

    if not text.strip():
        return dumps([connection])
    return _verified(text, toml_tables.with_block(text, _block(connection)), (*parse(text), connection))


def with_replaced(text: str, connection: Connection) -> str:
    """Return the text with the Connection of that id changed; only the keys that differ are touched."""
    import tomlkit  # noqa: PLC0415 - only needed to write

    from tui.connections import toml_tables  # noqa: PLC0415

    connections = parse(text)
    number = _number(connections, connection.id)
    entry = _entries(text, len(connections))[number]
    fragment = tomlkit.parse(toml_tables.fragment(text, entry))
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
    changed = toml_tables.replaced(text, entry, tomlkit.dumps(fragment))
    return _verified(text, changed, (*connections[:number], connection, *connections[number + 1 :]))


def without(text: str, connection_id: str) -> str:
    """Return the text without the Connection of that id, and without the comment that stands right above it."""
    from tui.connections import toml_tables  # noqa: PLC0415 - only needed to write

    connections = parse(text)
    number = _number(connections, connection_id)
    entry = _entries(text, len(connections))[number]
    rest = connections[:number] + connections[number + 1 :]
    return _verified(text, toml_tables.without(text, entry), rest)


def _verified(before: str, text: str, wanted: tuple[Connection, ...]) -> str:
    """Return the edited text when it reads as what was wanted: a registry is never replaced by a worse one."""
    wanted = tuple(connection._replace(read_only=False) for connection in wanted)
    if not reads_as(text, read(before)._replace(connections=wanted)):
        raise TextError(UNEDITABLE)
    return text


def reads_as(text: str, wanted: Content) -> bool:
    """Tell whether a text holds exactly that."""
    try:
        return read(text) == wanted
    except TextError:
        return False


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
        if key not in _KNOWN and is_credential(key):
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


def is_credential(key: str) -> bool:
    """Tell whether a key that is not known seems to hold a secret."""
    return re.fullmatch(_CREDENTIAL_KEY, key) is not None


def _id(table: dict[str, Any], parameters: Parameters, text: str, number: int) -> str:
    if "id" not in table:
        import uuid  # noqa: PLC0415 - only files written by hand lack ids

        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"pgconns:{parameters.name}"))
    id = table["id"]
    if isinstance(id, str) and len(id) <= 64 and id.isascii() and id[:1].isalnum():
        rest = id.replace("-", "").replace(".", "").replace("_", "")
        if rest.isalnum():
            return id
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


def _entries(text: str, expected: int) -> list[Entry]:
    """Return where each Connection stands; TextError where they are not written as [[connections]]."""
    from tui.connections import toml_tables  # noqa: PLC0415 - only needed to write

    entries = toml_tables.entries(text, "connections")
    if len(entries) != expected:
        raise TextError("pgconns edits Connections that start with a line [[connections]]: write them so")
    return entries


def _line(text: str, number: int, key: str) -> int:
    from tui.connections import toml_tables  # noqa: PLC0415 - only needed for a mistake

    return toml_tables.line(text, "connections", number, key)


def _line_of_key(text: str, key: str) -> int:
    from tui.connections import toml_tables  # noqa: PLC0415 - only needed for a mistake

    return toml_tables.line_of_key(text, key)
