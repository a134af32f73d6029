"""pgconns allow: the rules that let a region's addresses in, for the firewall that stands before a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.regions.model import Region

EXAMPLES = """
pgconns allow us-east1 --for pg_hba
pgconns allow --connection prod --for aws --target sg-0123456789abcdef0
pgconns allow pinea --for azure --target my-group/my-server > allow.sh
pgconns allow us-east1 --for nftables --undo
pgconns allow us-east1 --for plain
"""
STATUSES = {
    Exit.DONE: "the rules are on stdout; what to know about them on stderr",
    Exit.USAGE: "no such region or Connection, or this firewall cannot express it",
    Exit.UNUSABLE_STORE: "the registry cannot be read",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the region, the firewall and what the rules are put into."""
    from tui.regions.rules import FIREWALLS, TARGETS

    parser.add_argument(
        "region", nargs="?", metavar="REGION", help="a region or its code word; the Connection's where left out"
    )
    parser.add_argument(
        "--for",
        dest="firewall",
        required=True,
        choices=FIREWALLS,
        metavar="FIREWALL",
        help=", ".join(FIREWALLS),
    )
    parser.add_argument(
        "--connection", metavar="NAME", help="for this Connection: its database, role, port and TLS mode"
    )
    targets = "; ".join(f"{firewall}: {meaning}" for firewall, meaning in TARGETS.items())
    parser.add_argument("--target", default="", metavar="T", help=f"what the rules are put into; {targets}")
    parser.add_argument("--undo", action="store_true", help="write what takes the same rules out again")


def run(arguments: Namespace, output: Output) -> int:
    """Write the rules to stdout and what to know about them to stderr."""
    from tui.cli.output import Refused
    from tui.connections.registry import Registry
    from tui.regions import telling
    from tui.regions.rules import Inexpressible, write

    connection = Registry().get(arguments.connection) if arguments.connection is not None else None
    region = _region(arguments.region, connection)
    try:
        wanted = telling.wanted(region, connection, arguments.target)
        written = write(arguments.firewall, wanted, connection.parameters.connector if connection else "")
    except Inexpressible as error:
        raise Refused(str(error)) from None
    notes = [*telling.lost(region), *written.notes]
    if output.json:
        from tui.regions.networks import name_of

        output.value(
            {
                "region": region.region,
                "for": arguments.firewall,
                "connection": connection.name if connection else None,
                "rules": written.rules,
                "undo": written.undo,
                "notes": notes,
                "addresses": [name_of(network) for network in wanted.addresses],
                "source": region.source,
                "fetched_at": telling.moment(region.fetched_at),
            }
        )
        return Exit.DONE
    output.block(written.undo if arguments.undo else written.rules)
    for note in notes:
        output.note(note)
    return Exit.DONE


def _region(name: str | None, connection: Connection | None) -> Region:
    """Return the region named by its name or code word, else the Connection's own. Raises Refused."""
    from tui.cli.output import Refused
    from tui.connections.parameters import Problem
    from tui.regions.directory import known
    from tui.regions.naming import find

    regions = known()
    said = name or (connection.parameters.region if connection else "")
    if not said:
        lacking = f"{connection.name} has no region" if connection else "No region is named"
        raise Refused(f"{lacking}: name one of {', '.join(region.region for region in regions)}")
    try:
        return find(regions, said)
    except Problem as problem:
        raise Refused(str(problem)) from None
