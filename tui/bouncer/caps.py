"""How many server sockets the settings of a running PgBouncer allow, and what the server behind it takes. Pure."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tui.bouncer.shown import CONSOLE, DatabaseState, State


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a Connection needs of the PgBouncer: an entry for its database, reached as its role."""

    connection: str
    database: str
    username: str


@dataclass(frozen=True, slots=True)
class Room:
    """What the server behind it takes: `usable` sockets for ordinary roles, `used` of them now; both of all clients.

    `roles` and `databases` have those with a limit of their own.
    """

    usable: int
    used: int
    roles: Mapping[str, int] = field(default_factory=dict)
    databases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cap:
    """How many server sockets its settings allow, and whether a hard cap says so or only the pools seen so far."""

    sockets: int
    hard: bool


def cap(state: State, wanted: Sequence[Wanted] = ()) -> Cap:
    """Return how many server sockets the settings allow for the roles that are seen, or wanted."""
    total, hard = 0, True
    for entry in entries(state):
        if entry.disabled:
            continue
        pools = pools_of(entry, state, wanted)
        total += min(sum(pools.values()) or _size(entry, state), entry.maximum or sys.maxsize)
        hard = hard and bool(entry.maximum or entry.force_user)
    return Cap(total, hard)


def _size(entry: DatabaseState, state: State) -> int:
    """Return how many sockets a pool of an entry may hold, with its reserve."""
    size = entry.pool_size if entry.pool_size is not None else state.setting("default_pool_size") or 0
    return size + (entry.reserve or 0)


def pools_of(entry: DatabaseState, state: State, wanted: Sequence[Wanted]) -> dict[str, int]:
    """Return how many sockets the pool of each role that is seen, or wanted, may hold in an entry."""
    own = {user.name: user.pool_size for user in state.users if user.pool_size}
    roles = {pool.username for pool in state.pools if pool.database == entry.name}
    roles |= {one.username for one in wanted if one.database == entry.name}
    if entry.force_user:
        roles = {entry.force_user}
    return {role: own[role] + (entry.reserve or 0) if role in own else _size(entry, state) for role in roles}


def entries(state: State) -> tuple[DatabaseState, ...]:
    """Return the entries that lead to databases: all but the console's own."""
    return tuple(one for one in state.databases if one.name != CONSOLE)
