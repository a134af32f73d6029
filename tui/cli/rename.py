"""pgconns rename: another name for a Connection; its password stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output

EXAMPLES = """
pgconns rename prod prod-eu
"""
STATUSES = {
    Exit.DONE: "renamed",
    Exit.USAGE: "no such Connection, or the new name is taken or not right",
    Exit.UNUSABLE_STORE: "the registry cannot be read or written",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connection, and its new name."""
    parser.add_argument("name", metavar="NAME", help="the Connection")
    parser.add_argument("new_name", metavar="NEW-NAME", help="its name from now on")


def run(arguments: Namespace, output: Output) -> int:
    """Rename a Connection; the secret is keyed by its id, so nothing else moves."""
    from tui.cli import fields
    from tui.connections.parameters import write
    from tui.connections.registry import Registry

    registry = Registry()
    connection = registry.get(arguments.name)
    parameters = fields.read({**write(connection.parameters), "name": arguments.new_name})
    registry.replace(connection._replace(parameters=parameters))
    if output.json:
        output.value({"id": connection.id, "name": parameters.name, "renamed_from": connection.name})
    else:
        output.line(f"Renamed {connection.name} to {parameters.name}.")
    return Exit.DONE
