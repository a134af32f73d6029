"""pgconns allow: the rules that let a region's addresses in, for the firewall that stands before a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.regions.model import Region
    from tui.regions.rules import Wanted

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
    from tui.regions.rules import Inexpressible, write

    connection = Registry().get(arguments.connection) if arguments.connection is not None else None
    region = _region(arguments.region, connection)
    try:
        wanted = _wanted(region, connection, arguments.target)
        written = write(arguments.firewall, wanted, connection.parameters.connector if connection else "")
    except Inexpressible as error:
        raise Refused(str(error)) from None
    notes = [*_of_the_list(region), *written.notes]
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
                "fetched_at": _at(region.fetched_at),
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


def _wanted(region: Region, connection: Connection | None, target: str) -> Wanted:
    from tui.regions.rules import Wanted, networks

    addresses = networks(region.addresses)
    if connection is None:
        return Wanted(region.region, _origin(region), addresses, target=target)
    known = connection.parameters
    return Wanted(
        region.region,
        _origin(region),
        addresses,
        connection=known.name,
        database=known.database,
        role=known.username,
        port=known.port,
        sslmode=known.sslmode,
        server=known.server,
        target=target,
    )


def _origin(region: Region) -> str:
    """Return where the addresses come from, and how old they are."""
    said = {
        "live": "from the endpoint of the region",
        "page": "from the documentation of CARTO",
        "built-in": "built into pgconns",
        "own": "from your own list",
    }[region.source]
    at = _at(region.fetched_at)
    return f"{said}, read {at[:10]}" if at else said


def _of_the_list(region: Region) -> list[str]:
    """Return a note on what the list lost: rules made for it earlier still let those in."""
    if region.changed is None or not region.changed.removed:
        return []
    return [
        f"No longer on the list: {', '.join(region.changed.removed)}. Rules made for them before stay until removed."
    ]


def _at(moment: float | None) -> str | None:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds") if moment is not None else None
