"""pgconns import: registers Connections from pg_service.conf, .pgpass, a list of URIs, or another registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping, Sequence

    from tui.cli.output import Output
    from tui.cli.settling import Outcome
    from tui.connections.importing import Imported
    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.connections.secrets import Secrets

EXAMPLES = """
pgconns import ~/.pg_service.conf --dry-run
pgconns import ~/.pgpass
pgconns import - --password-from ask < uris.txt
"""
STATUSES = {
    Exit.DONE: "all are registered, or were already; or --dry-run found nothing wrong",
    Exit.BAD_NEWS: "a check failed; those that were OK are registered",
    Exit.USAGE: "the file, or an entry of it, is not right; those that were OK are registered",
    Exit.CANNOT_CONNECT: "a server could not be connected to; those that were OK are registered",
    Exit.UNSUPPORTED: "PostgreSQL is older than 12, or PostGIS than 2.4; those that were OK are registered",
    Exit.UNUSABLE_STORE: "the registry cannot be used, or a password cannot be had",
}


class _Entry(NamedTuple):
    """One entry of the file: the Connection it makes, or what is wrong with it."""

    source: Imported
    connection: Connection | None
    problems: Mapping[str, str]
    registered: bool = False  # already, with the same parameters


def add_arguments(parser: ArgumentParser) -> None:
    """Name the file."""
    parser.add_argument("file", metavar="FILE", help="pg_service.conf, .pgpass, URIs, or a registry; - reads stdin")
    parser.add_argument(
        "--password-from", metavar="SOURCE", help="where the passwords are to live: keyring, vault, ask, pgpass ..."
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be registered, and do nothing")


def run(arguments: Namespace, output: Output) -> int:
    """Probe what the file names, register those that did not fail, and report the others with the reason."""
    from tui.cli import probing, prompts
    from tui.cli.settling import newcomer, settle
    from tui.connections.registration import register
    from tui.connections.registry import Registry

    found = _read(arguments.file)
    registry, secrets = Registry(), prompts.open_secrets()
    entries = _entries(found, registry.load(), arguments.password_from, secrets)
    if not output.json:
        _show(entries, output, dry_run=arguments.dry_run)
    outcomes: list[Outcome] = []
    if not arguments.dry_run:
        candidates = [
            newcomer(entry.connection, _typed(entry, secrets), secrets)
            for entry in entries
            if entry.connection and not entry.registered
        ]
        outcomes = settle(
            candidates,
            output,
            lambda chosen, report: register(
                registry, secrets, chosen.connection, probing.to_keep(chosen, secrets), report.to_json()
            ),
            "registered",
        )
    if output.json:
        output.value({"dry_run": arguments.dry_run, "connections": _answers(entries, outcomes)})
    wrong = Exit.USAGE if any(entry.problems for entry in entries) else Exit.DONE
    return max([wrong, *(outcome.status for outcome in outcomes)])


def _read(name: str) -> Sequence[Imported]:
    from pathlib import Path

    from tui.cli.output import Refused
    from tui.cli.prompts import content_of
    from tui.connections import pg_service
    from tui.connections.importing import from_text, read_import
    from tui.postgres.conninfo import parse

    if name != "-":
        return read_import(Path(name), parse)
    try:
        return from_text(content_of(name).decode("utf-8-sig"), parse, pg_service.find)
    except UnicodeDecodeError:
        raise Refused("What stands on stdin is not UTF-8 text") from None


def _entries(
    found: Sequence[Imported], registered: Sequence[Connection], password_from: str | None, secrets: Secrets
) -> list[_Entry]:
    from tui.connections import parameters
    from tui.connections.model import Connection
    from tui.connections.registry import new_id

    names = {connection.name: connection for connection in registered if not connection.read_only}
    entries = []
    for source in found:
        place = password_from or source.draft.get("password_from") or secrets.default_source()
        read, problems = parameters.read({**source.draft, "password_from": place})
        same = names.get(read.name) if read else None
        if read is None:
            entries.append(_Entry(source, None, problems))
        elif same is None:
            entries.append(_Entry(source, Connection(new_id(), read), {}))
        elif same.parameters == read._replace(password_from=same.parameters.password_from):
            entries.append(_Entry(source, same, {}, registered=True))
        else:
            taken = f"A Connection called {read.name} is registered already, with other parameters: rename it first"
            entries.append(_Entry(source, None, {"name": taken}))
    return entries


def _typed(entry: _Entry, secrets: Secrets) -> Secret | None:
    """Return the password of the file where pgconns is to keep it; other sources have their own."""
    connection = entry.connection
    return entry.source.password if connection and secrets.writable(connection.parameters.password_from) else None


def _show(entries: Sequence[_Entry], output: Output, *, dry_run: bool) -> None:
    from tui.connections.parameters import BY_NAME

    for entry in entries:
        for note in entry.source.notes:
            output.note(f"{entry.source.origin}: {note}")
        if entry.problems:
            wrong = (f"{BY_NAME[name].label}: {sentence}" for name, sentence in entry.problems.items())
            output.line(f"{entry.source.origin}: not registered. {'. '.join(wrong)}")
        elif entry.connection and entry.registered:
            output.line(f"{entry.connection.name}: registered already")
        elif entry.connection and dry_run:
            p = entry.connection.parameters
            password = "with" if entry.source.password else "without"
            output.line(
                f"{p.name}: would register {p.connector} {p.server}:{p.port}, database {p.database}, username "
                f"{p.username}, {password} a password from the file, kept in {p.password_from}"
            )


def _answers(entries: Sequence[_Entry], outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    from tui.cli.probing import answer

    made = {outcome.candidate.connection.id: outcome for outcome in outcomes}
    answers = []
    for entry in entries:
        told: dict[str, Any] = {"origin": entry.source.origin, "notes": list(entry.source.notes)}
        outcome = made.get(entry.connection.id) if entry.connection else None
        if outcome:
            told |= answer(outcome.candidate.connection, outcome.report, registered=outcome.stored)
        elif entry.connection:
            told |= {**entry.connection.to_json(), "registered": entry.registered}
            told["id"] = entry.connection.id if entry.registered else None
        else:
            told |= {"name": entry.source.draft.get("name", ""), "id": None, "registered": False}
        if entry.problems:
            told["problems"] = dict(entry.problems)
        answers.append(told)
    return answers
