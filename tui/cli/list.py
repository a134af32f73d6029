"""pgconns list: the registered Connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cli.output import NONE_YET
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output

EXAMPLES = """
pgconns list
pgconns list --json
"""
PLAIN = True
STATUSES = {Exit.DONE: "listed", Exit.UNUSABLE_STORE: "the registry cannot be read"}


def add_arguments(parser: ArgumentParser) -> None:
    """Take nothing but --json."""


def run(arguments: Namespace | None, output: Output) -> int:
    """List what is registered; never a secret."""
    from tui.connections.registry import Registry

    connections = Registry().load()
    if output.json:
        output.value({"connections": [connection.to_json() for connection in connections]})
    elif connections:
        rows = [
            (p.name, f"{p.server}:{p.port}", p.database, p.username, p.connector, p.sslmode)
            for p in (connection.parameters for connection in connections)
        ]
        output.table(("NAME", "SERVER", "DATABASE", "USERNAME", "CONNECTOR", "TLS MODE"), rows)
    else:
        output.note(NONE_YET)
    return Exit.DONE
