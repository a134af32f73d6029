"""The same arrivals into a real PgBouncer: each a client that sleeps on the server for as long as it holds.

What is measured is fed back: the moments at which clients really asked, and for how long the server really worked for
them. So a machine that is busy with other things makes both the measurement and the prediction later.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from tui.bouncer.simulation import Arrival, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.servers.pgbouncer import Bouncer
    from tests.servers.postgres import Server
    from tui.bouncer.model import PoolMode

_NOW = "extract(epoch FROM clock_timestamp())::float8"
_HELD = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = ANY (%s)"


class Measured(NamedTuple):
    """The arrivals as they really were, by time, and what came of them."""

    arrivals: tuple[Arrival, ...]
    outcome: Outcome


class _Served(NamedTuple):
    arrival: Arrival
    wait_s: float
    refused: bool


async def send(
    load: Sequence[Arrival], bouncer: Bouncer, server: Server, passwords: Mapping[str, str], mode: PoolMode
) -> Measured:
    """Send a load, whose moments are seconds from its beginning, through PgBouncer; count its sockets meanwhile."""
    doors = [await _open(one, bouncer, passwords) for one in load]
    began = time.time() + 0.2
    done = asyncio.Event()
    counting = asyncio.create_task(_count(server, tuple(passwords), done))
    try:
        served = await asyncio.gather(*(_ask(one, door, began, mode) for one, door in zip(load, doors, strict=True)))
    finally:
        done.set()
        await asyncio.gather(*(door.close() for door in doors))
    served.sort()
    waits = tuple(one.wait_s for one in served)
    changes = [(one.arrival.at, 1) for one in served if one.wait_s > 0]
    changes += [(one.arrival.at + one.wait_s, -1) for one in served if one.wait_s > 0]
    waiting = most = 0
    for _, change in sorted(changes):
        waiting += change
        most = max(most, waiting)
    refused = sum(one.refused for one in served)
    return Measured(tuple(one.arrival for one in served), Outcome(waits, await counting, most, refused))


async def _open(one: Arrival, bouncer: Bouncer, passwords: Mapping[str, str]) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(
        bouncer.dsn(one.database, one.username, passwords[one.username]),
        autocommit=True, prepare_threshold=None, cursor_factory=psycopg.AsyncClientCursor,
    )  # fmt: skip


async def _ask(one: Arrival, door: psycopg.AsyncConnection, began: float, mode: PoolMode) -> _Served:
    await asyncio.sleep(max(0.0, began + one.at - time.time()))
    asked = time.time()
    at = asked - began
    try:
        row = await (await door.execute(f"SELECT {_NOW}, pg_sleep({one.holding_s}), {_NOW}".encode())).fetchone()
    except psycopg.OperationalError:
        return _Served(one._replace(at=at), time.time() - asked, refused=True)
    if mode == "session":
        await door.close()
    assert row is not None
    start, _, end = row
    return _Served(one._replace(at=at, holding_s=end - start), max(0.0, start - asked), refused=False)


async def _count(server: Server, roles: Sequence[str], done: asyncio.Event) -> int:
    """Return the most sockets that the roles held on the server itself."""
    most = 0
    async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as door:
        while True:
            last = done.is_set()
            row = await (await door.execute(_HELD, (list(roles),))).fetchone()
            most = max(most, row[0] if row else 0)
            if last:
                return most
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), 0.05)
