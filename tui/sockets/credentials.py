"""Which of a server's Connections polls it: the one whose role sees most. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.sockets.queries import Sight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.connections.model import Connection
    from tui.postgres.finding import Finding

Place = tuple[str, int]
_NOTHING = Sight()
_OF_THE_PLACE = frozenset({"name_resolution", "tcp"})
# Too many sockets, shutting down or starting up, the network: classes of SQLSTATE that say nothing of credentials.
_PASSING = ("53", "57", "08")


class Refusal(NamedTuple):
    """Why a Connection opened no session, and when that was seen, by a clock of any kind.

    `passing` refusals say nothing of its credentials; they are believed for a while only.
    """

    sentence: str
    at: float
    passing: bool = False


def is_of_the_place(finding: Finding) -> bool:
    """Return whether a finding means that other credentials would fare no better at the same address."""
    return finding.check in _OF_THE_PLACE


def is_passing(finding: Finding) -> bool:
    """Return whether a finding says nothing of the credentials: its code is an errno, or of a passing class."""
    return is_of_the_place(finding) or finding.code.startswith((*_PASSING, "E"))


def is_full(finding: Finding) -> bool:
    """Return whether a finding means that too many sockets are open already."""
    return finding.code == "53300"


def place(connection: Connection) -> Place:
    """Return the address under which a Connection knows its server."""
    p = connection.parameters
    return p.server.lower(), p.port


def label(connection: Connection) -> str:
    """Return host:port as people know it."""
    p = connection.parameters
    return f"[{p.server}]:{p.port}" if ":" in p.server else f"{p.server}:{p.port}"


def same_access(one: Connection, other: Connection) -> bool:
    """Return whether two states of a Connection open a session in the same way; names and matchers may differ."""
    a, b = one.parameters, other.parameters
    return (place(one), a.username, a.database, a.sslmode, a.sslrootcert, a.password_from) == (
        place(other), b.username, b.database, b.sslmode, b.sslrootcert, b.password_from
    )  # fmt: skip


def order(
    connections: Sequence[Connection], sight: Mapping[str, Sight], refusals: Mapping[str, Refusal]
) -> list[Connection]:
    """Return the Connections in the order in which to try them.

    Refused ones come last, the longest untried of them first. Then the one that sees most, as far as it is known;
    rather through the server's own door than through a pooler's; rather the one registered first.
    """

    def rank(connection: Connection) -> tuple[bool, float, bool, int, bool]:
        refusal = refusals.get(connection.id)
        seen = sight.get(connection.parameters.username, _NOTHING)
        pooled = connection.parameters.connector == "pgbouncer"
        return refusal is not None, refusal.at if refusal else 0.0, not seen.sees_all, -seen.sees, pooled

    return sorted(connections, key=rank)


def better(
    connections: Sequence[Connection], sight: Mapping[str, Sight], refusals: Mapping[str, Refusal], current: Sight
) -> Connection | None:
    """Return the Connection to try first if its role sees more than the polling role does."""
    if current.sees_all:
        return None
    first = order(connections, sight, refusals)[0]
    seen = sight.get(first.parameters.username, _NOTHING)
    return first if first.id not in refusals and seen > current else None
