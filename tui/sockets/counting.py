"""From what a poll saw to what is shown: sockets per Connection, per server, and of nobody registered. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tui.sockets.limits import Usage, nearest, of_server, usage
from tui.sockets.matching import client_matches
from tui.sockets.model import STATES, ConnectionCount, ServerCount, Unregistered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.connections.model import Connection
    from tui.sockets.attribution import Attribution, Claim
    from tui.sockets.model import Group, Snapshot


class Counted(NamedTuple):
    """One server, counted; Connections in the order of registration."""

    server: ServerCount
    connections: tuple[ConnectionCount, ...]
    unregistered: tuple[Unregistered, ...]


class _Tally:
    """The sockets of one claim."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.clients: Counter[str] = Counter()
        self.oldest: float | None = None
        self.groups: list[Group] = []

    def add(self, group: Group, sockets: int) -> None:
        self.states[group.state] += sockets
        self.groups.append(group)
        if group.client is not None:
            self.clients[group.client] += sockets
        if group.oldest_idle_in_transaction_s is not None:
            self.oldest = max(self.oldest or 0.0, group.oldest_idle_in_transaction_s)

    @property
    def stale(self) -> int | None:
        """How many have been idle for more than a minute; None where none of them could be seen."""
        if 0 < self.states.total() == self.states["unknown"]:
            return None
        return sum(group.stale or 0 for group in self.groups)

    def from_region(self, addresses: tuple[str, ...]) -> int | None:
        """Return how many sockets come from a region; None where its addresses, or all the clients', are unknown."""
        if not addresses or 0 < self.states.total() == self.states["unknown"]:
            return None
        return sum(sockets for client, sockets in self.clients.items() if client_matches(addresses, client))


def count(
    label: str,
    snapshot: Snapshot,
    attribution: Attribution,
    errors: Mapping[str, str],
    region_addresses: Mapping[str, tuple[str, ...]],
) -> Counted:
    """Return what a snapshot means for a server's Connections; `errors` are sentences by Connection id."""
    tallies: dict[Claim, _Tally] = {}
    strangers: Counter[tuple[str, str]] = Counter()
    console = 0
    attribution.learn(snapshot.groups)
    for group in snapshot.groups:
        console += group.console
        sockets = group.sockets - group.console
        if not sockets:
            continue
        owner = attribution.owner(group)
        if owner is None:
            strangers[group.database, group.username] += sockets
        else:
            tallies.setdefault(owner, _Tally()).add(group, sockets)

    used = usage(snapshot.groups)
    limit = of_server(snapshot.limits, used)
    stale = [group.stale for group in snapshot.groups]
    server = ServerCount(
        server=label,
        limit=limit.limit,
        reserved=snapshot.limits.reserved,
        used=used.server,
        headroom=limit.headroom,
        console=console,
        attributed=used.server - console - strangers.total(),
        unregistered=strangers.total(),
        visibility="full" if snapshot.sees_all else "own",
        seen_at=snapshot.at,
        opened_per_minute=sum(opened.values()) if (opened := snapshot.opened_per_minute) else None,
        stale=None if None in stale else sum(filter(None, stale)),
    )
    return Counted(
        server,
        tuple(
            _connection(label, connection, attribution, tallies, snapshot, used, region_addresses, errors)
            for connection in attribution.connections
        ),
        tuple(
            Unregistered(label, database, username, sockets)
            for (database, username), sockets in sorted(strangers.items(), key=lambda item: (-item[1], item[0]))
        ),
    )


def _connection(
    label: str,
    connection: Connection,
    attribution: Attribution,
    tallies: Mapping[Claim, _Tally],
    snapshot: Snapshot,
    used: Usage,
    region_addresses: Mapping[str, tuple[str, ...]],
    errors: Mapping[str, str],
) -> ConnectionCount:
    own = attribution.claim_of(connection)
    tally = tallies.get(own) or _Tally()
    bound = nearest(snapshot.limits, used, own.username, own.database)
    active, idle, idle_in_transaction, other, unknown = (tally.states[state] for state in STATES)
    return ConnectionCount(
        name=connection.name,
        id=connection.id,
        server=label,
        sockets=tally.states.total(),
        states=(active, idle, idle_in_transaction, other, unknown),
        from_region=tally.from_region(region_addresses.get(connection.parameters.region, ())),
        oldest_idle_in_transaction_s=tally.oldest,
        headroom=bound.headroom,
        limit=bound.limit,
        bounded_by=bound.by,
        shared_with=tuple(other.name for other in attribution.claims[own] if other.id != connection.id),
        error=errors.get(connection.id, ""),
        stale=tally.stale,
        opened_per_minute=snapshot.opened_per_minute.get(own.database),
        groups=tuple(sorted(tally.groups, key=lambda group: -group.sockets)),
    )


def unseen(
    label: str,
    connections: Sequence[Connection],
    error: str,
    errors: Mapping[str, str],
    seen_at: float | None,
    *,
    full: bool = False,
) -> Counted:
    """Return a server that cannot be seen, or, without an error, has not been seen yet: no counts, never zero.

    `full` says that too many sockets are open for one more.
    """
    return Counted(
        ServerCount(label, seen_at=seen_at, error=error, full=full),
        tuple(ConnectionCount(one.name, one.id, label, error=errors.get(one.id, error)) for one in connections),
        (),
    )
