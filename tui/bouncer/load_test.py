"""A bounded load test that proves a cap: more clients in than sockets out, all served, as the server itself counts.

Every client logs in, runs a few short transactions, and leaves; each of its transactions counts the role's sockets in
pg_stat_activity, so the count is taken while the pool is full, and costs no socket beside it. It runs against servers
of this machine only, and stops by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass, field

from tui.bouncer.admin import Console
from tui.bouncer.shown import DatabaseState, State
from tui.postgres.client import Client
from tui.postgres.errors import ServerError
from tui.postgres.finding import Finding
from tui.postgres.resolve import NotResolved, resolve
from tui.postgres.target import Target

MOST_CLIENTS = 500
LONGEST_S = 120.0
_TRANSACTIONS = 3
_LASTS_S = 0.05
_LOOK_S = 0.1
_WAIT_S = 5.0

_COUNT = """
SELECT count(*) FROM pg_catalog.pg_stat_activity
 WHERE usename = current_user AND datname = current_database() AND backend_type = 'client backend'
"""


class NotHere(Exception):
    """The load test refuses: a sentence that says why."""


@dataclass(slots=True)
class Outcome:
    """What was seen: `most` server sockets of the role at once, by pg_stat_activity; waits in seconds."""

    clients: int
    cap: int
    most: int = 0
    most_waiting: int = 0
    longest_wait_s: float = 0.0
    served: int = 0
    refusals: list[str] = field(default_factory=list)
    seconds: float = 0.0
    ended: bool = False

    def finding(self) -> Finding:
        """Return whether the cap held and all were served."""
        seen = (
            f"{self.served} of {self.clients} clients were served in {self.seconds:.1f} s over at most {self.most}"
            f" server sockets, as pg_stat_activity counts; the cap is {self.cap}"
        )
        detail = f"{self.most_waiting} clients waited at once, the longest for {self.longest_wait_s:.1f} s"
        if self.most > self.cap:
            wrong, fix = "the cap did not hold", "Look for sockets of the role that do not come from PgBouncer"
        elif self.refusals:
            wrong = f"others were refused: {self.refusals[0]}"
            fix = "Look at query_wait_timeout and max_client_conn, and at PgBouncer's log"
        elif self.ended:
            wrong = "the time was over before the rest"
            fix = "Give it longer with --seconds, or look at what holds the pool"
        else:
            return Finding("load_test", "ok", seen, detail=detail)
        return Finding("load_test", "failed", f"{seen}; {wrong}", fix, detail)


def size(state: State, entry: DatabaseState, asked: int | None) -> tuple[int, int]:
    """Return how many clients come, and how many server sockets they may use. Raises NotHere."""
    per_pool = (entry.pool_size or state.setting("default_pool_size") or 0) + (entry.reserve or 0)
    cap = min(per_pool, entry.maximum) if entry.maximum else per_pool
    room = (state.setting("max_client_conn") or 0) - state.clients - 1  # the console's own
    clients = asked if asked is not None else min(3 * cap, room, 200)
    if clients > MOST_CLIENTS:
        raise NotHere(f"The load test takes {MOST_CLIENTS} clients at most")
    if clients > room:
        raise NotHere(f"Only {room} more clients may come in (max_client_conn), so {clients} would rightly be refused")
    if clients <= cap:
        raise NotHere(f"{clients} clients do not test a cap of {cap} server sockets: there must be more of them")
    return clients, cap


async def refuse_others(door: Target, entry: DatabaseState) -> None:
    """Raise NotHere unless both PgBouncer and the server behind it are on this machine."""
    behind = entry.host or ""
    places = [door.host] if not behind or behind.startswith("/") else [door.host, *behind.split(",")]
    for host in places:
        try:
            addresses = await resolve(host, door.port, _WAIT_S)
        except NotResolved:
            addresses = ()
        if not addresses or not all(map(is_own, addresses)):
            raise NotHere(f"{host} is not this machine: the load test runs against servers of this machine only")


def is_own(address: str) -> bool:
    """Whether an address is one of this machine's: only those can be bound. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as bound:
            bound.bind((address, 0))
    except OSError:
        return False
    return address not in {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on


async def run(door: Target, console: Console, clients: int, cap: int, seconds: float) -> Outcome:
    """Let the clients in all at once, and return what was seen; ends after `seconds`, whatever happens."""
    outcome = Outcome(clients, cap)
    started = time.monotonic()
    strangers = await _strangers(door, console)
    watching = asyncio.create_task(_watch(console, door, outcome))
    coming = [asyncio.create_task(_client(door, outcome, strangers, seconds)) for _ in range(clients)]
    try:
        _, late = await asyncio.wait(coming, timeout=seconds)
        outcome.ended = bool(late)
    finally:
        for task in (*coming, watching):
            task.cancel()
        await asyncio.gather(*coming, watching, return_exceptions=True)
    outcome.seconds = time.monotonic() - started
    return outcome


async def _strangers(door: Target, console: Console) -> int:
    """Return how many of the role's sockets at the server are not PgBouncer's: those are not to be counted."""
    client = await Client.open(door)
    async with client:
        ((count,),) = await client.execute(_COUNT)
        own = [one for one in await console.servers() if (one.database, one.username) == (door.database, door.username)]
    return max(0, int(count) - len(own))


async def _client(door: Target, outcome: Outcome, strangers: int, seconds: float) -> None:
    try:
        async with await Client.open(door, timeout_s=seconds) as client:
            for _ in range(_TRANSACTIONS):
                ((count, _),) = await client.execute(_COUNT.replace("count(*)", f"count(*), pg_sleep({_LASTS_S})"))
                outcome.most = max(outcome.most, int(count) - strangers)
    except ServerError as error:
        outcome.refusals.append(error.finding.message)
    else:
        outcome.served += 1


async def _watch(console: Console, door: Target, outcome: Outcome) -> None:
    """Look at the pool until cancelled, for what the server cannot see: who waits, and how long."""
    with contextlib.suppress(ServerError):
        while True:
            for pool in await console.pools():
                if (pool.database, pool.username) == (door.database, door.username):
                    outcome.most_waiting = max(outcome.most_waiting, pool.clients_waiting)
                    outcome.longest_wait_s = max(outcome.longest_wait_s, pool.maxwait_s)
            await asyncio.sleep(_LOOK_S)


def entry_of(state: State, database: str) -> DatabaseState | None:
    """Return the entry that serves a database; None where none is loaded."""
    return next((one for one in state.databases if one.name == database), None)
