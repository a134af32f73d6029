"""pgconns export: Connections as a registry file, for review, another machine or `apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output

EXAMPLES = """
pgconns export > connections.toml
pgconns export prod staging --json
"""
STATUSES = {
    Exit.DONE: "written to stdout",
    Exit.USAGE: "no such Connection",
    Exit.UNUSABLE_STORE: "the registry cannot be read",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connections."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="the Connections to write; all where none is named")


def run(arguments: Namespace, output: Output) -> int:
    """Write a registry file to stdout, with its own regions and, where no name is given, hooks; no secret is in it."""
    from tui.cli.names import pick_some
    from tui.connections.registry import Registry
    from tui.connections.registry_text import dumps

    registry = Registry()
    chosen = pick_some(registry, arguments.names)
    named = {connection.parameters.region for connection in chosen}
    regions = [region for region in registry.regions() if not arguments.names or region.name in named]
    hooks = () if arguments.names else registry.hooks()
    if output.json:
        told: dict[str, Any] = {"connections": [connection.to_json() for connection in chosen]}
        told |= {"regions": [region.to_json() for region in regions], "hooks": [hook.to_table() for hook in hooks]}
        output.value(told)
    else:
        output.block(dumps(chosen, regions, hooks))
    return Exit.DONE
