"""Who is in one pool of a PgBouncer: its clients, which socket serves each, and what passes through. Pure.

Source: PgBouncer's usage.md, SHOW CLIENTS, SHOW SERVERS and SHOW STATS. A client that is neither waiting nor tied to a
socket is idle; statistics are those of its database's entry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tui.bouncer.shown import DatabaseState, Leg, Traffic

Doing = Literal["waiting", "served", "idle"]
_RANK: dict[Doing, int] = {"waiting": 0, "served": 1, "idle": 2}


@dataclass(frozen=True, slots=True)
class Client:
    """One client: what it does, for how long it has waited if it waits, and the process that serves it if one does."""

    leg: Leg
    doing: Doing
    pid: int | None

    @property
    def key(self) -> str:
        """What tells it from every other."""
        return self.leg.pointer or f"{self.leg.address}:{self.leg.port}"


@dataclass(frozen=True, slots=True)
class Inside:
    """A pool at one moment: its clients, those that wait longest first, and its sockets to the server by state."""

    at: float
    clients: tuple[Client, ...] = ()
    servers: tuple[tuple[str, int], ...] = ()
    traffic: Traffic | None = None

    def count(self, doing: Doing) -> int:
        """Return how many clients do so."""
        return sum(client.doing == doing for client in self.clients)


@dataclass(frozen=True, slots=True)
class Pace:
    """What passed between two looks; times in seconds, None where none passed: old ones count what only began."""

    transactions_per_s: float
    transaction_s: float | None
    wait_s: float | None


def inside(
    at: float,
    place: tuple[str, str],
    entries: Iterable[DatabaseState],
    clients: Iterable[Leg],
    servers: Iterable[Leg],
    traffic: Iterable[Traffic],
) -> Inside:
    """Return the pool of a database's entry and a client's role, of all that the console showed."""
    name, username = place
    forced = next((one.force_user for one in entries if one.name == name), None)
    out = [leg for leg in servers if (leg.database, leg.username) == (name, forced or username)]
    by_client = {leg.link: leg.pid for leg in out if leg.link}
    # Where the entry forces a role, clients of whatever role share its pool.
    there = (leg for leg in clients if leg.database == name and (forced or leg.username == username))
    members = [Client(leg, _doing(leg), by_client.get(leg.pointer)) for leg in there]
    states = Counter(leg.state for leg in out)
    return Inside(
        at,
        tuple(sorted(members, key=lambda one: (_RANK[one.doing], -one.leg.wait_s, one.leg.address, one.leg.port or 0))),
        tuple(states.most_common()),
        next((one for one in traffic if one.database == name), None),
    )


def _doing(leg: Leg) -> Doing:
    if leg.state.startswith("waiting"):
        return "waiting"
    return "served" if leg.link else "idle"


def pace(before: Inside | None, now: Inside) -> Pace | None:
    """Return what passed between two looks; None where that is not known, or PgBouncer began to count anew."""
    if before is None or before.traffic is None or now.traffic is None or now.at <= before.at:
        return None
    old, new = before.traffic, now.traffic
    if old.transactions is None or new.transactions is None or new.transactions < old.transactions:
        return None
    done = new.transactions - old.transactions
    return Pace(
        done / (now.at - before.at),
        _each(old.transaction_s, new.transaction_s, done),
        _each(old.wait_s, new.wait_s, done),
    )


def _each(old: float | None, new: float | None, done: int) -> float | None:
    return None if old is None or new is None or not done or new <= old else (new - old) / done
