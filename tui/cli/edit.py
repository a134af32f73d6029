"""pgconns edit: changes parameters of a Connection, or its password; what is not given stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.cli import fields
from tui.connections.parameters import BY_NAME
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from tui.cli.output import Output
    from tui.connections.model import Connection

EXAMPLES = """
pgconns edit prod --port 6432 --connector pgbouncer
pgconns edit prod --password
pgconns edit prod --region europe-west1 --match-client 10.0.0.0/8 --match-client 192.0.2.7
pgconns edit prod --region ''
"""
STATUSES = {
    Exit.DONE: "changed, perhaps with warnings",
    Exit.BAD_NEWS: "not changed: a check failed",
    Exit.USAGE: "not changed: a value is not right, or no such Connection",
    Exit.CANNOT_CONNECT: "not changed: the server could not be connected to",
    Exit.UNSUPPORTED: "not changed: PostgreSQL is older than 12, or PostGIS than 2.4",
    Exit.UNUSABLE_STORE: "not changed: the registry or the secret store cannot be used",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connection; the rest are the parameters' own flags."""
    parser.add_argument("name", metavar="NAME", help="the Connection; pgconns rename gives it another name")
    fields.add_flags(parser)
    fields.add_source_flags(parser)
    parser.add_argument("--password", action="store_true", help="ask for a new password; left empty, it stays")


def run(arguments: Namespace, output: Output) -> int:
    """Change what was given, after probing again where that matters to the server or its checks."""
    from tui.cli import drafts, prompts
    from tui.cli.output import Refused
    from tui.connections.applying import Change
    from tui.connections.parameters import write
    from tui.connections.registration import update
    from tui.connections.registry import ReadOnlyConnection, Registry

    if arguments.password and not prompts.can_ask():
        raise Refused("--password asks on a terminal, and there is none: use --password-stdin")
    registry, secrets = Registry(), prompts.open_secrets()
    before = registry.get(arguments.name)
    if before.read_only:
        raise ReadOnlyConnection(before.name)
    draft, secret = drafts.read(arguments, write(before.parameters), output)
    after = before._replace(parameters=fields.read(draft))
    if arguments.password:
        secret = prompts.password(f"New password of {after.parameters.username} (empty keeps the old one): ")
    changed = Change(before, after).fields
    if not changed and secret is None:
        output.note("Nothing changed: give a flag with another value, such as --port 6432")
        if output.json:
            output.value(_unprobed(after, changed))
        return Exit.DONE
    if secret is None and not fields.concern_server(changed):
        update(registry, secrets, before, after, None)
        if output.json:
            output.value(_unprobed(after, changed))
        else:
            output.line(f"Changed {_words(changed)} of {after.name}.")
        return Exit.DONE
    from tui.cli import probing

    chosen = probing.edited(before, after, secret, secrets)
    report = probing.shown(chosen, output)
    saved = report.verdict != "failed"
    if saved:
        new = probing.to_keep(chosen, secrets) if secret is not None else None
        left = update(registry, secrets, before, after, new, report.to_json())
        if left:
            output.note(left)
    if output.json:
        output.value({**probing.answer(after, report, registered=True), "saved": saved, "changed": list(changed)})
    elif saved:
        output.line(f"Changed {_words(changed) or 'the password'} of {after.name}{probing.with_warnings(report)}.")
    else:
        output.error(f"{before.name} stays as it was: mend what failed, and run this again")
    return probing.status_of(chosen, report)


def _words(changed: Sequence[str]) -> str:
    return ", ".join(BY_NAME[name].label for name in changed)


def _unprobed(connection: Connection, changed: Sequence[str]) -> dict[str, Any]:
    answer = {"name": connection.name, "id": connection.id, "registered": True, "verdict": None}
    return {**answer, "findings": [], "server": None, "saved": bool(changed), "changed": list(changed)}
