"""What `backends` and `end` share: a session of one Connection, and the single sockets that are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.postgres.door import Session
    from tui.sockets.backends import Backend, Listing

# A server with more sockets has its limits elsewhere; what is left out is said.
_MOST = 10_000
_STATE_WORDS = {"idle_in_transaction": "idle in tx"}


class Own(NamedTuple):
    """The sockets of a Connection, and the names of others whose sockets cannot be told from its own."""

    listing: Listing
    shared_with: tuple[str, ...]


def chosen(name: str) -> tuple[Connection, Secret | None, tuple[Connection, ...]]:
    """Return a Connection, its password, and all Connections of its server. Raises Refused."""
    from tui.cli import probing, prompts
    from tui.connections.registry import Registry
    from tui.sockets.credentials import place

    registry = Registry()
    connection = registry.get(name)
    candidate = probing.candidate(connection, prompts.open_secrets())
    if candidate.problem:
        raise Refused(candidate.problem, Exit.UNUSABLE_STORE)
    neighbours = tuple(one for one in registry.load() if place(one) == place(connection))
    return connection, candidate.secret, neighbours


async def session(connection: Connection, password: Secret | None) -> Session:
    """Open a session with the Connection's own credentials. Raises Refused."""
    from tui.postgres.door import connect
    from tui.postgres.errors import CannotConnect
    from tui.postgres.target import target

    try:
        return await connect(target(connection.parameters, password))
    except CannotConnect as error:
        finding = error.finding
        fix = f"\nFix: {finding.fix}" if finding.fix else ""
        raise Refused(f"{finding.message}{fix}", Exit.CANNOT_CONNECT) from None


async def own(opened: Session, connection: Connection, neighbours: Sequence[Connection]) -> Own:
    """Return the sockets of a Connection, by the evidence that `sockets` counts them by. Raises Refused."""
    from tui.postgres.errors import QueryFailed
    from tui.sockets.attribution import Attribution
    from tui.sockets.backends import backends, belonging

    try:
        listing = await backends(opened, most=_MOST)
    except QueryFailed as error:
        raise Refused(error.finding.message, Exit.CANNOT_CONNECT) from None
    attribution = Attribution(neighbours)
    claimants = attribution.claims[attribution.claim_of(connection)]
    shared = tuple(other.name for other in claimants if other.id != connection.id)
    return Own(belonging(listing, attribution, connection), shared)


def table(found: Sequence[Backend], connection: Connection, output: Output) -> None:
    """Write backends for people; role and database only where they are not the Connection's."""
    from tui.cli.durations import words

    parameters = connection.parameters
    odd = any((one.username, one.database) != (parameters.username, parameters.database) for one in found)
    told = any(one.carto is not None for one in found)
    columns: dict[str, Callable[[Backend], str]] = {
        "PID": lambda one: str(one.pid),
        "STATE": lambda one: _STATE_WORDS.get(one.state, one.state),
        "SINCE": lambda one: words(one.state_s),
        "OPEN": lambda one: words(one.age_s),
        **({"ROLE": lambda one: one.username, "DATABASE": lambda one: one.database} if odd else {}),
        "APPLICATION": lambda one: one.application,
        "CLIENT": lambda one: one.client or "–",
        **({"FEATURE": lambda one: one.carto.feature if one.carto else ""} if told else {}),
        "QUERY": lambda one: one.statement,
    }
    rows = [[value(one) for value in columns.values()] for one in found]
    output.table(tuple(columns), rows, right=frozenset({0, 2, 3}))


def notes(own: Own, output: Output) -> None:
    """Say what a list of sockets does not show by itself."""
    if own.shared_with:
        output.note(f"They cannot be told from those of {', '.join(own.shared_with)}: same server, database and role.")
    if own.listing.left_out:
        output.note(f"{own.listing.left_out} more sockets of the server were not looked at.")


def to_json(connection: Connection, own: Own) -> dict[str, Any]:
    """Return what the JSON shapes of both commands begin with."""
    from tui.sockets.backends import iso
    from tui.sockets.credentials import label

    return {
        "name": connection.name,
        "id": connection.id,
        "server": label(connection),
        "at": iso(int(own.listing.at * 1_000_000)),
        "shared_with": list(own.shared_with),
        "left_out": own.listing.left_out,
    }
