"""pgconns reach: says which of a region's addresses a server's pg_hba rules let in, and what lets in the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.regions.admission import Admission, Reach

EXAMPLES = """
pgconns reach prod
pgconns reach prod --region us-east1
pgconns reach prod --address 203.0.113.7 --address 10.8.0.0/24
pgconns reach prod --json | jq -r '.lines[]'
"""
STATUSES = {
    Exit.DONE: "the rules let every address in, and a password is enough",
    Exit.BAD_NEWS: "some are not let in, or it cannot be known",
    Exit.USAGE: "no such Connection or region, or no region was named",
    Exit.CANNOT_CONNECT: "its server cannot be connected to",
    Exit.UNUSABLE_STORE: "the registry cannot be read, or its password cannot be had",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connection, and the addresses to ask about."""
    parser.add_argument("name", metavar="NAME", help="the Connection")
    parser.add_argument("--region", metavar="R", help="the region, where not the Connection's own: us-east1, or clausa")
    parser.add_argument(
        "--address", action="append", metavar="CIDR", help="an address or network instead; any number of times"
    )


def run(arguments: Namespace, output: Output) -> int:
    """Ask the server, and say what it lets in."""
    import asyncio

    from tui.cli import one_server
    from tui.connections.registry import Registry

    region, addresses = _asked(Registry().get(arguments.name), arguments)
    connection, password, _ = one_server.chosen(arguments.name)
    answer = asyncio.run(_reach(connection, password, region, addresses))
    if output.json:
        output.value({"name": connection.name} | answer.to_json())
    else:
        _show(connection, answer, output)
    return Exit.DONE if answer.all_in else Exit.BAD_NEWS


def _asked(connection: Connection, arguments: Namespace) -> tuple[str, tuple[str, ...]]:
    """Return the region's name, empty where addresses are given, and the addresses."""
    from tui.connections.parameters import Problem
    from tui.regions.directory import known
    from tui.regions.naming import find
    from tui.regions.networks import read_network

    if arguments.address:
        if arguments.region:
            raise Refused("--region and --address do not go together: the region has addresses of its own")
        try:
            return "", tuple(str(read_network(address)) for address in arguments.address)
        except ValueError:
            raise Refused("--address is an address or a network, such as 203.0.113.7 or 10.8.0.0/24") from None
    name = arguments.region if arguments.region is not None else connection.parameters.region
    if not name:
        raise Refused(f"{connection.name} has no region: name one with --region, such as --region europe-west1")
    try:
        region = find(known(), name)
    except Problem as problem:
        raise Refused(f"{problem}; --address asks about others") from None
    return region.region, region.addresses


async def _reach(connection: Connection, password: Secret | None, region: str, addresses: tuple[str, ...]) -> Reach:
    from tui.cli import one_server
    from tui.postgres.errors import QueryFailed
    from tui.regions.reach import reach

    async with await one_server.session(connection, password) as session:
        try:
            return await reach(session, region, addresses)
        except QueryFailed as error:
            raise Refused(error.finding.message, Exit.CANNOT_CONNECT) from None


def _show(connection: Connection, answer: Reach, output: Output) -> None:
    parameters = connection.parameters
    entering = sum(one.enters for one in answer.addresses)
    whose = f" of {answer.region}" if answer.region else ""
    who = f"{parameters.username} to {parameters.database}"
    if answer.decided:
        output.line(f"{entering} of {len(answer.addresses)} addresses{whose} get in as {who}.")
        rows = [
            (one.address, _word(one), one.tls or "–", (one.admitted and one.method) or "–", one.why)
            for one in answer.addresses
        ]
        output.table(("ADDRESS", "LET IN", "TLS", "METHOD", "WHY"), rows)
        for line in _lines(answer.addresses):
            output.line(line)
    else:
        output.line(f"Which addresses{whose} get in as {who} is not known:")
        for reason in {one.reason: None for one in answer.addresses}:
            output.line(f"{reason}.")
    if answer.fix:
        output.line()
        output.block(f"Fix: {answer.fix}")
    for warning in answer.warnings:
        output.note(f"Warning: {warning}.")
    for note in answer.notes:
        output.note(f"{note}.")
    if answer.visibility == "full":
        output.note("Firewalls on the way to the server are not seen from here.")


def _word(one: Admission) -> str:
    """Whether CARTO, which has a password, gets in from there."""
    return "not known" if one.admitted is None else "yes" if one.enters else "no"


def _lines(addresses: tuple[Admission, ...]) -> list[str]:
    """Return each line that decides about some of them, once; a doubtful one with why."""
    told: dict[str, None] = {}
    for one in addresses:
        if one.rule:
            told[one.reason if one.admitted is None else f"line {one.rule.line}: {one.rule.text}"] = None
    return list(told)
