"""What PgBouncer would do with some load: a discrete-event simulation of its pools. Pure.

Rules, from PgBouncer 1.18's src/objects.c and src/janitor.c:

- a client takes the server socket that was used last and is idle; else it joins the end of its pool's queue, and who
  waits longest is served first (`find_server`, `release_server`, `statlist_append` on `waiting_client_list`);
- a pool opens one server socket at a time, while somebody waits: up to pool_size, and up to `reserve` more while the
  first in the queue has waited for reserve_pool_timeout (`launch_new_connection`);
- where a database has max_db_connections open, the one that is idle longest is closed for it, whichever pool of the
  database it is in (`evict_connection`); where none is idle, all wait;
- who waits longer than query_wait_timeout is sent away (`pool_client_maint`), and a socket that is idle for
  server_idle_timeout is closed.

Not simulated: server_lifetime, resets between sessions (microseconds to milliseconds each), the third of a second
between two looks at time-outs, and max_client_conn. Clients are an open loop: who waits sends no less afterwards.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from tui.bouncer.model import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tui.bouncer.model import Pool


class Arrival(NamedTuple):
    """A client that asks for a server socket at a moment and holds it for so long, both in seconds.

    With session pooling that is a session, from its first query to its end; with transaction pooling a transaction.
    """

    at: float
    holding_s: float
    database: str
    username: str


@dataclass(frozen=True, slots=True)
class Proxy:
    """The settings that decide; lengths in seconds, 0 is none. `databases` holds each one's max_db_connections.

    `connecting_s` is how long a new server socket takes to open.
    """

    pools: tuple[Pool, ...]
    databases: Mapping[str, int]
    reserve_pool_timeout_s: float = 5.0
    query_wait_timeout_s: float = 120.0
    server_idle_timeout_s: float = 600.0
    connecting_s: float = 0.0


class Outcome(NamedTuple):
    """What came of it. `waits` are in seconds, in the order of the arrivals by time, of those sent away as well."""

    waits: tuple[float, ...]
    peak_server_sockets: int
    peak_waiting: int
    refused: int

    def prediction(self, observed_peak: int) -> Prediction:
        """Return it beside what happened without a proxy."""
        ordered = sorted(self.waits)
        return Prediction(
            self.peak_server_sockets,
            self.peak_waiting,
            _share(ordered, 0.95),
            observed_peak,
            _share(ordered, 0.5),
            ordered[-1] if ordered else 0.0,
            len(ordered),
            sum(wait > 0 for wait in ordered),
            self.refused,
        )


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def simulate(arrivals: Iterable[Arrival], proxy: Proxy) -> Outcome:
    """Return what would come of `arrivals`, in any order. Raises KeyError where one is of no pool."""
    return _Simulation(sorted(arrivals), proxy).run()


class _Pool:
    __slots__ = ("busy", "database", "idle", "opening", "reserve", "size", "waiting")

    def __init__(self, pool: Pool, database: _Database) -> None:
        self.size, self.reserve, self.database = pool.pool_size, pool.reserve, database
        self.busy = self.opening = 0
        self.idle: list[float] = []  # since when, the one used last at the end
        self.waiting: deque[int] = deque()  # numbers of arrivals
        database.pools.append(self)

    @property
    def open(self) -> int:
        return self.busy + self.opening + len(self.idle)


class _Database:
    __slots__ = ("most", "pools")

    def __init__(self, most: int) -> None:
        self.most = most or math.inf
        self.pools: list[_Pool] = []

    @property
    def open(self) -> int:
        return sum(pool.open for pool in self.pools)


_RELEASED, _OPENED, _DUE = range(3)
_ROUNDING_S = 1e-6  # a moment is reached by adding, and may be missed by its last bit


class _Simulation:
    def __init__(self, arrivals: Sequence[Arrival], proxy: Proxy) -> None:
        self._arrivals, self._proxy = arrivals, proxy
        databases = {pool.database: _Database(proxy.databases.get(pool.database, 0)) for pool in proxy.pools}
        self._pools = {(one.database, one.username): _Pool(one, databases[one.database]) for one in proxy.pools}
        self._databases = tuple(databases.values())
        self._waits = [0.0] * len(arrivals)
        self._events: list[tuple[float, int, int, _Pool]] = []
        self._number = 0
        self._waiting = self._peak_waiting = self._peak = self._refused = 0
        self._idle_s = proxy.server_idle_timeout_s or math.inf
        self._patience_s = proxy.query_wait_timeout_s or math.inf

    def run(self) -> Outcome:
        events = self._events
        for number, arrival in enumerate(self._arrivals):
            at = arrival.at
            while events and events[0][0] <= at + _ROUNDING_S:
                self._happen()
            self._arrive(number, at, self._pools[arrival.database, arrival.username])
        while events:
            self._happen()
        return Outcome(tuple(self._waits), self._peak, self._peak_waiting, self._refused)

    def _arrive(self, number: int, now: float, pool: _Pool) -> None:
        idle = pool.idle
        if idle and not pool.waiting and now - idle[-1] < self._idle_s:
            idle.pop()
            self._serve(number, now, pool)
            return
        pool.waiting.append(number)
        self._waiting += 1
        self._launch(pool, now)
        if pool.waiting:
            self._peak_waiting = max(self._peak_waiting, self._waiting)
            if pool.reserve:
                self._at(now + self._proxy.reserve_pool_timeout_s, _DUE, pool)
            if self._patience_s < math.inf:
                self._at(now + self._patience_s, _DUE, pool)

    def _happen(self) -> None:
        now, _, kind, pool = heappop(self._events)
        if kind == _DUE:
            while pool.waiting and now - self._arrivals[pool.waiting[0]].at >= self._patience_s - _ROUNDING_S:
                self._waits[pool.waiting.popleft()] = self._patience_s
                self._waiting -= 1
                self._refused += 1
            self._launch(pool, now)
            return
        if kind == _RELEASED:
            pool.busy -= 1
        else:
            pool.opening = 0
        self._free(pool, now)
        for other in pool.database.pools:
            if other.waiting:
                self._launch(other, now)

    def _free(self, pool: _Pool, now: float) -> None:
        if pool.waiting:
            self._waiting -= 1
            self._serve(pool.waiting.popleft(), now, pool)
        else:
            pool.idle.append(now)

    def _serve(self, number: int, now: float, pool: _Pool) -> None:
        arrival = self._arrivals[number]
        self._waits[number] = now - arrival.at
        pool.busy += 1
        self._at(now + arrival.holding_s, _RELEASED, pool)

    def _launch(self, pool: _Pool, now: float) -> None:
        """Open server sockets for who waits, as far as the pool and its database may."""
        while pool.waiting and not pool.opening and self._may_open(pool, now):
            pool.opening = 1
            self._peak = max(self._peak, sum(database.open for database in self._databases))
            if self._proxy.connecting_s:
                self._at(now + self._proxy.connecting_s, _OPENED, pool)
                return
            pool.opening = 0
            self._free(pool, now)

    def _may_open(self, pool: _Pool, now: float) -> bool:
        for one in self._pools.values():
            one.idle = [since for since in one.idle if now - since < self._idle_s] if one.idle else one.idle
        waited = now - self._arrivals[pool.waiting[0]].at
        more = pool.reserve if waited >= self._proxy.reserve_pool_timeout_s - _ROUNDING_S else 0
        if pool.open >= pool.size + more:
            return False
        database = pool.database
        while database.open >= database.most:
            oldest = min((one for one in database.pools if one.idle), key=lambda one: one.idle[0], default=None)
            if oldest is None:
                return False
            oldest.idle.pop(0)
        return True

    def _at(self, moment: float, kind: int, pool: _Pool) -> None:
        self._number += 1
        heappush(self._events, (moment, self._number, kind, pool))
