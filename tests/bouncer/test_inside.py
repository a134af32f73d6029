"""Who is in a pool: as rows of the console tell it, and in a real PgBouncer."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.bouncer.consoles import database
from tests.bouncer.test_watching import through
from tui.bouncer import shown
from tui.bouncer.inside import Inside, Pace, inside, pace
from tui.bouncer.looking import looks
from tui.bouncer.shown import Leg, Traffic
from tui.connections.secret import Secret
from tui.postgres.errors import CannotConnect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.fixtures import PgServer, StartBouncer


def leg(pointer: str, **changes: Any) -> Leg:
    """One socket; a change names a column of SHOW CLIENTS or SHOW SERVERS."""
    row = {"user": "carto", "database": "gis", "state": "active", "addr": "10.0.0.1", "port": 5, "ptr": pointer}
    return shown.legs([row | changes])[0]


def test_clients_are_told_by_what_they_do_and_who_serves_them() -> None:
    clients = [
        leg("c1"),
        leg("c2", link="s1"),
        leg("c3", state="waiting", wait=2),
        leg("c4", state="waiting_cancel_req", wait=7),
        leg("c5", database="tiles"),
        leg("c6", user="maps"),
    ]
    servers = [leg("s1", link="c2", remote_pid=77), leg("s2", state="idle"), leg("s3", database="tiles")]
    found = inside(1.0, ("gis", "carto"), (), clients, servers, (traffic(3), Traffic("tiles", *[None] * 5)))
    assert [(one.key, one.doing, one.pid) for one in found.clients] == [
        ("c4", "waiting", None),
        ("c3", "waiting", None),
        ("c2", "served", 77),
        ("c1", "idle", None),
    ]
    assert (found.servers, found.traffic) == ((("active", 1), ("idle", 1)), traffic(3))


def test_where_a_role_is_forced_all_clients_of_the_entry_share_its_pool() -> None:
    entry = database(force_user="one")
    clients = [leg("c1"), leg("c2", user="maps")]
    found = inside(1.0, ("gis", "carto"), (entry,), clients, [leg("s1", user="one", state="idle")], ())
    assert ([one.key for one in found.clients], found.servers) == (["c1", "c2"], (("idle", 1),))


def traffic(transactions: int | None, transaction_s: float = 0.0, wait_s: float = 0.0) -> Traffic:
    """What the entry of the tests did."""
    return Traffic("gis", transactions, transactions, transaction_s, wait_s, None)


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (traffic(100, 10.0, 1.0), traffic(140, 12.0, 3.0), Pace(20.0, 0.05, 0.05)),
        (traffic(100), traffic(100), Pace(0.0, None, None)),
        (traffic(100), traffic(104), Pace(2.0, None, None)),  # they only began
        (traffic(100), traffic(7), None),  # it was restarted
        (traffic(None), traffic(7), None),
        (None, traffic(7), None),
    ],
)
def test_what_passed_between_two_looks(before: Traffic | None, now: Traffic, found: Pace | None) -> None:
    assert pace(Inside(1.0, traffic=before), Inside(3.0, traffic=now)) == found


def test_of_a_first_look_nothing_is_known() -> None:
    assert pace(None, Inside(1.0, traffic=traffic(7))) is None
    assert pace(Inside(1.0, traffic=traffic(7)), Inside(1.0, traffic=traffic(9))) is None


async def test_in_a_real_one_the_waiting_the_served_and_the_idle(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    role = server.role("pw")
    bouncer = pgbouncer(server, settings={"default_pool_size": "1", "stats_users": role})
    dsn = bouncer.dsn(user=role, password="pw")

    async def until(wanted: Callable[[Inside], bool]) -> Inside:
        async with asyncio.timeout(60), aclosing(looks(connection, Secret("pw"), 0.05)) as found:
            async for seen in found:
                if wanted(seen):
                    return seen
        raise AssertionError("no look came")

    connection = through(bouncer, "a", role)
    connect = psycopg.AsyncConnection.connect
    async with (
        await connect(dsn, application_name="holds") as holds,
        await connect(dsn, application_name="waits", autocommit=True) as waits,
        await connect(dsn, application_name="rests", autocommit=True),
    ):
        cursor = await holds.execute("SELECT pg_backend_pid()")
        row = await cursor.fetchone()
        waiting = asyncio.create_task(waits.execute("SELECT 1"))
        seen = await until(lambda seen: seen.count("waiting") == 1 and seen.clients[0].leg.wait_s > 0)
        assert [(one.leg.application, one.doing) for one in seen.clients] == [
            ("waits", "waiting"),
            ("holds", "served"),
            ("rests", "idle"),
        ]
        assert row is not None
        assert seen.clients[1].pid == row[0]
        assert seen.servers == (("active", 1),)
        await holds.commit()
        await waiting
        # 1.18 counts a transaction when it begins, and its time when it ends.
        assert seen.traffic is not None
        after = await until(lambda now: now.traffic is not None and bool(now.traffic.transaction_s))
        assert after.count("waiting") == 0


async def test_who_may_not_look_is_told_why(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    role = server.role("pw")
    bouncer = pgbouncer(server)
    with pytest.raises(CannotConnect, match="may not look"):
        await anext(looks(through(bouncer, "a", role), Secret("pw"), 0.05))
