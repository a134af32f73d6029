"""pgconns remove: forgets a Connection, its password and what its last check said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output

EXAMPLES = """
pgconns remove staging
pgconns remove staging --yes
"""
STATUSES = {
    Exit.DONE: "removed",
    Exit.BAD_NEWS: "not removed: the answer was no",
    Exit.USAGE: "no such Connection, or --yes is missing where nobody can be asked",
    Exit.UNUSABLE_STORE: "the registry or the secret store cannot be written",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connection."""
    parser.add_argument("name", metavar="NAME", help="the Connection")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--keep-password", action="store_true", help="leave it in a store that does not open any more")


def run(arguments: Namespace, output: Output) -> int:
    """Remove a Connection after asking."""
    from tui.cli import prompts
    from tui.cli.output import Refused
    from tui.connections.registration import unregister
    from tui.connections.registry import Registry

    registry = Registry()
    connection = registry.get(arguments.name)
    if not arguments.yes:
        if not prompts.can_ask():
            raise Refused("Removing asks first, and nobody can be asked here: add --yes")
        if not prompts.confirmed(f"Remove {connection.name} and its password from pgconns?"):
            output.note("Nothing was removed.")
            return Exit.BAD_NEWS
    unregister(registry, prompts.open_secrets(), connection, keep_secret=arguments.keep_password)
    if output.json:
        output.value({"id": connection.id, "name": connection.name, "removed": True})
    else:
        output.line(f"Removed {connection.name}.")
    return Exit.DONE
