"""pgconns backends: lists the single sockets of a Connection, with what each asked last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.one_server import Own
    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.connections.secret import Secret

EXAMPLES = """
pgconns backends prod
pgconns backends prod --state idle --older-than 10m
pgconns backends prod --json | jq -r '.backends[].carto.feature'
"""
STATUSES = {
    Exit.DONE: "listed",
    Exit.USAGE: "no such Connection",
    Exit.CANNOT_CONNECT: "its server cannot be connected to",
    Exit.UNUSABLE_STORE: "the registry cannot be read, or its password cannot be had",
}
_STATES = ("active", "idle", "idle_in_transaction", "other", "unknown")


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connection, and say which of its sockets."""
    parser.add_argument("name", metavar="NAME", help="the Connection")
    parser.add_argument("--state", choices=_STATES, metavar="STATE", help=f"only those in it: {', '.join(_STATES)}")
    parser.add_argument("--older-than", metavar="AGE", help="only those in their state for so long: 90s, 10m, 2h, 1d")


def run(arguments: Namespace, output: Output) -> int:
    """List sockets, the longest in their state first."""
    import asyncio

    from tui.cli import one_server
    from tui.cli.durations import seconds

    least_s = None if arguments.older_than is None else seconds("--older-than", arguments.older_than)
    connection, password, neighbours = one_server.chosen(arguments.name)
    own = asyncio.run(_own(connection, password, neighbours))
    found = [
        one
        for one in own.listing.backends
        if arguments.state in {None, one.state}
        and (least_s is None or (one.state_s is not None and one.state_s >= least_s))
    ]
    if output.json:
        output.value(one_server.to_json(connection, own) | {"backends": [one.to_json() for one in found]})
        return Exit.DONE
    if found:
        one_server.table(found, connection, output)
    else:
        output.note(f"{connection.name} has no such socket now.")
    one_server.notes(own, output)
    return Exit.DONE


async def _own(connection: Connection, password: Secret | None, neighbours: tuple[Connection, ...]) -> Own:
    from tui.cli import one_server

    async with await one_server.session(connection, password) as session:
        return await one_server.own(session, connection, neighbours)
