"""Reads Connections out of what people have: pg_service.conf, .pgpass, URIs one a line, another registry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tui.connections import files, parameters, pg_service, pgpass, registry_text
from tui.connections.parameters import NAME_LONGEST, Problem
from tui.connections.uri import from_options, looks_like, read_pasted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tui.connections.secret import Secret

_LARGEST = 4 * 1024 * 1024
_REGISTRY = re.compile(r"^\s*(\[\[\s*connections\s*\]\]|version\s*=)", re.MULTILINE)
_ANY = "*"


class Imported(NamedTuple):
    """A draft of a Connection, the password that stood beside it, and sentences about what was left out.

    `origin` says where it stood, such as "line 3" or "[prod]".
    """

    draft: dict[str, str]
    password: Secret | None
    notes: tuple[str, ...]
    origin: str


def read_import(path: Path, parse: Callable[[str], dict[str, str]]) -> tuple[Imported, ...]:
    """Return the drafts that a file holds; raise Problem. `parse` is libpq's parser of connection strings."""
    try:
        text = files.read_regular(path, _LARGEST).decode("utf-8-sig")
    except OSError as error:
        raise Problem(f"{path} cannot be read: {files.reason(error)}") from None
    except UnicodeDecodeError:
        raise Problem(f"{path} is not UTF-8 text") from None
    own_pgpass = files.followed(path) == files.followed(pgpass.place())
    return from_text(text, parse, pg_service.find, own_pgpass=own_pgpass)


def from_text(
    text: str,
    parse: Callable[[str], dict[str, str]],
    service: Callable[[str], dict[str, str]],
    *,
    own_pgpass: bool = False,
) -> tuple[Imported, ...]:
    """Return the drafts that a text holds, whichever of the known formats it has; raise Problem.

    Passwords of libpq's `own_pgpass` stay there: their Connections say so.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise Problem("There is nothing to import: the text is empty")
    first = lines[0][1]
    if _REGISTRY.search(text):
        found = _from_registry(text)
    elif first.startswith("["):
        found = _from_services(text)
    elif looks_like(first):
        found = _from_strings(lines, parse, service)
    elif pgpass.entries(first):
        found = _from_pgpass(text, own=own_pgpass)
    else:
        raise Problem(
            "This is no pg_service.conf ([name] sections), no .pgpass (host:port:database:username:password), "
            "no list of URIs (postgresql://...), and no registry ([[connections]])"
        )
    return tuple(_named(found))


def _from_registry(text: str) -> Iterator[Imported]:
    try:
        connections = registry_text.parse(text)
    except registry_text.TextError as error:
        raise Problem(f"This registry cannot be read: {error}") from None
    for connection in connections:
        source = connection.parameters.password_from
        notes = (f"Its password comes from running a program: {source}",) if source.startswith("command:") else ()
        yield Imported(parameters.write(connection.parameters), None, notes, connection.name)


def _from_services(text: str) -> Iterator[Imported]:
    for name, values in pg_service.services(text).items():
        options = dict(values)
        notes: tuple[str, ...] = ()
        if options.pop("service", None):
            notes = ("service= inside a service is not followed, as in libpq",)
        pasted = from_options(options)
        yield Imported({**pasted.draft, "name": name}, pasted.password, (*notes, *pasted.notes), f"[{name}]")


def _from_strings(
    lines: list[tuple[int, str]], parse: Callable[[str], dict[str, str]], service: Callable[[str], dict[str, str]]
) -> Iterator[Imported]:
    for number, line in lines:
        try:
            pasted = read_pasted(line, parse, service)
        except Problem as problem:
            raise Problem(f"Line {number}: {problem}") from None
        yield Imported(pasted.draft, pasted.password, pasted.notes, f"line {number}")


def _from_pgpass(text: str, *, own: bool) -> Iterator[Imported]:
    for entry in pgpass.entries(text):
        given = {"host": entry.host, "port": entry.port, "dbname": entry.database, "user": entry.username}
        options = {option: value for option, value in given.items() if value != _ANY}
        left = [option for option, value in given.items() if value == _ANY and option != "port"]
        pasted = from_options(options)
        notes = (f"* stands for any {', '.join(left)}: type which",) if left else ()
        draft = {**pasted.draft, **({"password_from": "pgpass"} if own else {})}
        yield Imported(draft, entry.password, notes, f"{entry.host}:{entry.port}:{entry.database}:{entry.username}")


def _named(found: Iterator[Imported]) -> Iterator[Imported]:
    """Give each draft without a name one of its own: database@server."""
    taken: set[str] = set()
    for imported in found:
        name = imported.draft.get("name", "")
        if not name:
            name = f"{imported.draft.get('database', '')}@{imported.draft.get('server', '')}".strip("@") or "imported"
        name = name[:NAME_LONGEST]
        unique, number = name, 2
        while unique in taken:
            suffix = f" {number}"
            unique, number = name[: NAME_LONGEST - len(suffix)] + suffix, number + 1
        taken.add(unique)
        yield imported._replace(draft={**imported.draft, "name": unique})
