"""Which limit binds a Connection first: the server's, its role's or its database's. Pure.

Source: InitPostgres and CheckMyDatabase in PostgreSQL's src/backend/utils/init/postinit.c. Role and database limits
bind no superuser. Sockets of pgconns itself and of clients nobody registered use up the same limits.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.sockets.model import Group, Limits


class Usage(NamedTuple):
    """How many sockets count against each limit."""

    server: int
    roles: Counter[str]
    databases: Counter[str]


class Bound(NamedTuple):
    """A limit and how many sockets may still open under it; never below zero, though superusers pass limits."""

    limit: int
    headroom: int
    by: Literal["server", "role", "database"]


def usage(groups: Iterable[Group]) -> Usage:
    """Return what the sockets of `groups` use up of each limit."""
    roles: Counter[str] = Counter()
    databases: Counter[str] = Counter()
    for group in groups:
        roles[group.username] += group.sockets
        databases[group.database] += group.sockets
    return Usage(sum(roles.values()), roles, databases)


def of_server(limits: Limits, used: Usage) -> Bound:
    """Return the server's own limit: what is left for roles without a privilege to the reserved sockets."""
    limit = max(0, limits.max_connections - limits.reserved)
    return Bound(limit, max(0, limit - used.server), "server")


def nearest(limits: Limits, used: Usage, username: str, database: str) -> Bound:
    """Return the limit that a role in a database meets first; of equally near ones the narrowest."""
    bounds = [of_server(limits, used)]
    if username not in limits.superusers:
        if (limit := limits.databases.get(database)) is not None:
            bounds.append(Bound(limit, max(0, limit - used.databases[database]), "database"))
        if (limit := limits.roles.get(username)) is not None:
            bounds.append(Bound(limit, max(0, limit - used.roles[username]), "role"))
    return min(reversed(bounds), key=lambda bound: bound.headroom)
