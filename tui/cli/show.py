"""pgconns show: everything about one Connection but its password, and what its last check said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output

EXAMPLES = """
pgconns show prod
pgconns show prod --json
"""
STATUSES = {
    Exit.DONE: "shown",
    Exit.USAGE: "no such Connection",
    Exit.UNUSABLE_STORE: "the registry cannot be read",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connection."""
    parser.add_argument("name", metavar="NAME", help="the Connection")


def run(arguments: Namespace, output: Output) -> int:
    """Show a Connection with the warnings kept from its last check."""
    from tui.connections import checks
    from tui.connections.parameters import FIELDS
    from tui.connections.registry import Registry
    from tui.postgres.finding import Finding

    connection = Registry().get(arguments.name)
    check = checks.load(connection.id)
    if output.json:
        output.value({"connections": [{**connection.to_json(), "last_check": check}]})
        return Exit.DONE
    rows = [(field.label, field.show(getattr(connection.parameters, field.name))) for field in FIELDS]
    rows += [("Id", connection.id)]
    if connection.read_only:
        rows += [("Comes from", "a system-wide registry; its administrator changes it there")]
    rows += [("Last check", f"{check['verdict']}, {check['at']}" if check else "never")]
    widest = max(len(label) for label, _ in rows)
    for label, text in rows:
        output.line(f"{label:<{widest}}  {text or '–'}")
    for finding in map(Finding.from_json, check["findings"] if check else ()):
        if finding.status in {"warning", "failed"}:
            output.finding(finding, data=True)
    return Exit.DONE
