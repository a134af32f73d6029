"""Whether merging Connections is enough, and whether a proxy is worth it. Pure.

CARTO's ceiling = the size of its pools x Connections x nodes, as it documents for its self-hosted installations; it
reuses sockets only within one Connection. Where the recorded peak stays well below the room that the server has, a
proxy is one more hop and one more thing to fail.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.bouncer.evidence import Evidence
    from tui.bouncer.model import PoolMode

# From this share of the room on, a recorded peak is too near to it.
NEAR = 0.8
# node-postgres's own pool size, and CARTO's typical replicas: two of the maps API, two of the workspace API, one SQL
# worker. CARTO publishes the default of neither for its cloud.
ASSUMED_POOL_SIZE, ASSUMED_NODES = 10, 5
_ENOUGH_S = 2 * 86_400.0


class Ceiling(NamedTuple):
    """CARTO's own pools: their size and on how many nodes there are some; None where nobody said."""

    pool_size: int | None = None
    nodes: int | None = None

    @property
    def assumed(self) -> bool:
        """Whether some of it is not known."""
        return self.pool_size is None or self.nodes is None

    def sockets(self, connections: int) -> int:
        """Return how many sockets CARTO may open through so many Connections."""
        return (self.pool_size or ASSUMED_POOL_SIZE) * connections * (self.nodes or ASSUMED_NODES)

    def words(self, connections: int) -> str:
        """Return the product that `sockets` is of.

        >>> Ceiling(20, 2).words(3)
        'pool of 20 x 3 Connections x 2 nodes'
        """
        size, nodes = self.pool_size or ASSUMED_POOL_SIZE, self.nodes or ASSUMED_NODES
        said = f"pool of {size} x {count(connections, 'Connection')} x {count(nodes, 'node')}"
        return f"assumed: {said}" if self.assumed else said


class Member(NamedTuple):
    """A Connection that is to go through the proxy."""

    name: str
    database: str
    username: str


class Question(NamedTuple):
    """What a plan is to be made for; `mode` where somebody knows which it has to be.

    `behind` are the names of those that lead through a PgBouncer already.
    """

    server: str
    members: tuple[Member, ...]
    ceiling: Ceiling = Ceiling()
    mode: PoolMode | None = None
    behind: tuple[str, ...] = ()


class Sums(NamedTuple):
    """The numbers that decide."""

    room: int
    ceiling: int
    merged: int
    peak: int | None
    merged_peak: int | None


def mergeable(members: Sequence[Member]) -> tuple[tuple[str, ...], ...]:
    """Return the Connections that CARTO could use as one: of one database and role."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in members:
        groups.setdefault((one.database, one.username), []).append(one.name)
    return tuple(tuple(names) for names in groups.values() if len(names) > 1)


def saved(members: Sequence[Member], evidence: Evidence) -> int:
    """Return how many sockets merging may have saved at the peak: idle ones, and at most all but an even share.

    What `tui.sockets.merging` says of one moment, said of the busiest of the replayed day.
    """
    numbers = Counter((one.database, one.username) for one in members)
    found = 0
    for one in evidence.load.series:
        number = numbers[one.database, one.username]
        if number > 1 and len(one.held):
            at = max(range(len(one.held)), key=one.held.__getitem__)
            held = max(0, one.held[at])
            found += max(0, min(held - max(0, one.busy[at]), held - -(-held // number)))
    return min(found, evidence.peak)


def judged(
    question: Question, sums: Sums, merge: Sequence[Sequence[str]], evidence: Evidence | None
) -> tuple[bool, tuple[str, ...]]:
    """Return whether a proxy is worth it, and why, the most telling reason first."""
    reasons: list[str] = []
    near = NEAR * sums.room
    product = question.ceiling.words(len(question.members))
    named = "; ".join(" with ".join(group) for group in merge)
    if question.behind:
        lead = "leads" if len(question.behind) == 1 else "lead"
        reasons.append(
            f"{', '.join(question.behind)} {lead} through a PgBouncer already: what was counted are its sockets to the"
            " server, not CARTO's to it, so this plan is for what comes on top. pgconns bouncer check judges that one"
        )
    if evidence is None:
        reasons.append("Nothing was recorded of them: this is a guess from CARTO's ceiling, without evidence")
        pressed = by_ceiling = sums.ceiling > sums.room
    else:
        days = f"in {length(evidence.end - evidence.start)} of recording"
        pressed = evidence.full or evidence.peak >= near
        by_ceiling = sums.ceiling > sums.room and not question.ceiling.assumed
        if evidence.full:
            reasons.append(f"Every socket of the server was in use at some moment {days}: some may have been refused")
        reasons.append(f"CARTO held at most {evidence.peak} sockets {days}; there is room for {sums.room}")
        if evidence.end - evidence.start < _ENOUGH_S:
            reasons.append("That is little to go by: plan again after a busy week")
    if by_ceiling:
        reasons.append(f"CARTO may open {sums.ceiling} sockets ({product})")
    if not pressed and not by_ceiling:
        if evidence is None or not question.ceiling.assumed:
            reasons.append(
                f"The server has room for all {sums.ceiling} sockets that CARTO may open:"
                " a proxy would hold down nothing"
            )
        else:
            reasons.append("A proxy would be one more hop and one more thing to fail, and hold down nothing")
            if sums.ceiling > sums.room:
                reasons.append(
                    f"That CARTO never opens more is not certain: {sums.ceiling} ({product}) would not fit;"
                    " its pool size and nodes are for you to say"
                )
        return False, tuple(reasons)
    merged_fits = (not by_ceiling or sums.merged <= sums.room) and (
        sums.merged_peak is None or (sums.merged_peak < near and not (evidence and evidence.full))
    )
    if merge and merged_fits:
        saves = (sums.peak or 0) - (sums.merged_peak or 0)
        after = f"Then it may open {sums.merged}" if by_ceiling else f"It would have saved up to {saves}"
        reasons.append(f"Merging in CARTO is enough: {named}. {after}, at no cost; plan again afterwards")
        return False, tuple(reasons)
    if merge:
        reasons.append(
            f"Merging in CARTO comes first, and is not enough: {named}. It may still open {sums.merged} then"
        )
    reasons.append("A proxy lets clients wait where the server would refuse them")
    return True, tuple(reasons)


def count(number: int, what: str) -> str:
    """Return a number with what it counts."""
    return f"{number} {what}" + "s" * (number != 1)


def length(seconds: float) -> str:
    """Return how long something was recorded.

    >>> length(90), length(7200), length(6.6 * 86400)
    ('2 minutes', '2 hours', '7 days')
    """
    for length, what in ((86_400, "day"), (3600, "hour")):
        if seconds >= 1.5 * length:
            return count(round(seconds / length), what)
    return count(max(1, math.ceil(seconds / 60)), "minute")
