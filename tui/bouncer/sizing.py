"""How many server sockets each pool needs, and gets. Pure.

A pool of transactions needs what is busy at the busiest time and some more, since load comes in bursts: the offered
load R and twice its square root. Source: the square-root staffing rule; Halfin and Whitt, Heavy-traffic limits for
queues with many exponential servers, Operations Research 29 (1981): with R + 2 sqrt(R) servers about one client of
twenty waits. A pool of sessions needs as many as there are sessions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tui.bouncer.model import Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tui.bouncer.load import Series
    from tui.bouncer.model import PoolMode

_BUSIEST_S = 60.0
# How many sockets a pool has that was never seen busy; CARTO runs some queries at once for a single map.
LEAST = 2
_RESERVE_SHARE = 5  # one more for so many


class Need(NamedTuple):
    """What a pool needs, in server sockets."""

    database: str
    username: str
    size: int
    reserve: int


class Room(NamedTuple):
    """How many sockets pools may hold together: all of them, those of a role, those of a database; None is no limit."""

    total: int | None
    roles: Mapping[str, int]
    databases: Mapping[str, int]


def need(series: Series, mode: PoolMode, interval_s: float) -> Need:
    """Return what one pool of the recorded load needs; a count was taken every so many seconds."""
    seen = [max(0, count) for count in (series.held if mode == "session" else series.busy)]
    most = max(seen, default=0)
    if mode == "session":
        size = max(LEAST, most)
    else:
        size = max(LEAST, min(staffing(busiest(seen, round(_BUSIEST_S / max(interval_s, 1.0)))), max(most, LEAST)))
    return Need(series.database, series.username, size, max(1, min(most - size, size), -(-size // _RESERVE_SHARE)))


def staffing(load: float) -> int:
    """Return how many servers an offered load needs.

    >>> staffing(9.0), staffing(0.0)
    (15, 0)
    """
    return math.ceil(load + 2 * math.sqrt(load))


def busiest(counts: Sequence[int], window: int) -> float:
    """Return the highest mean of so many counts in a row.

    >>> busiest([0, 1, 3, 1, 0], 2)
    2.0
    """
    if not counts:
        return 0.0
    window = max(1, min(window, len(counts)))
    total = most = sum(counts[:window])
    for index in range(window, len(counts)):
        total += counts[index] - counts[index - window]
        most = max(most, total)
    return most / window


def fitted(needs: Sequence[Need], room: Room) -> tuple[Pool, ...]:
    """Return the pools, made smaller where there is no room for what they need; reserves get what is left.

    Each has one socket at least, even where there is no room for it: a pool of none serves nobody.
    """
    sizes = [one.size for one in needs]
    for members, limit in _groups(needs, room):
        within = _shared([sizes[n] for n in members], limit)
        for n, size in zip(members, within, strict=True):
            sizes[n] = size
    reserves = [one.reserve for one in needs]
    for members, limit in _groups(needs, room):
        left = max(0, limit - sum(sizes[n] for n in members))
        for n, reserve in zip(members, _shared([reserves[n] for n in members], left, least=0), strict=True):
            reserves[n] = reserve
    return tuple(
        Pool(one.database, one.username, size, reserve)
        for one, size, reserve in zip(needs, sizes, reserves, strict=True)
    )


def _groups(needs: Sequence[Need], room: Room) -> Iterable[tuple[list[int], int]]:
    """Yield which needs share a limit, and the limit."""
    for role, limit in room.roles.items():
        yield [n for n, one in enumerate(needs) if one.username == role], limit
    for database, limit in room.databases.items():
        yield [n for n, one in enumerate(needs) if one.database == database], limit
    if room.total is not None:
        yield list(range(len(needs))), room.total


def _shared(wanted: Sequence[int], limit: int, least: int = 1) -> list[int]:
    """Return what each gets of a limit: as much as it wants, or its share; by largest remainder.

    >>> _shared([10, 30, 1], 20)
    [5, 14, 1]
    """
    total = sum(wanted)
    if total <= limit:
        return list(wanted)
    exact = [one * limit / total for one in wanted]
    found = [max(min(least, one), math.floor(share)) for one, share in zip(wanted, exact, strict=True)]
    for n in sorted(range(len(wanted)), key=lambda n: found[n] - exact[n]):
        if sum(found) < limit and found[n] < wanted[n]:
            found[n] += 1
    while sum(found) > limit and max(found, default=0) > least:
        found[found.index(max(found))] -= 1
    return found
