"""PgBouncers watched beside their servers: one socket to each console, and what is seen of each pool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.bouncer.consoles import database, pool
from tests.postgres.given import eventually
from tests.widgets.given import connection as given
from tui.bouncer.watching import Seen, Watch, leads_to_a_console
from tui.connections.secret import Secret
from tui.sockets.model import Pooled, Sample

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer, StartBouncer
    from tests.servers.pgbouncer import Bouncer
    from tui.connections.model import Connection

_PASSWORD = "pw"


def through(bouncer: Bouncer, name: str, role: str, **values: Any) -> Connection:
    """Return a Connection that leads through a PgBouncer."""
    one = given(name, bouncer.host, port=bouncer.port, username=role, connector="pgbouncer", **values)
    return one._replace(parameters=one.parameters._replace(database="postgres"))


async def password_of(_: Connection) -> Secret | None:
    """Return the password of every role here."""
    return Secret(_PASSWORD)


async def watched(connections: list[Connection], until: Callable[[Sample], bool]) -> tuple[Sample, Watch]:
    """Watch until a sample is as awaited; return it, and the watch, which is closed."""
    watch = Watch(connections, password_of, 0.2)
    running = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(60):
            async for sample in watch.samples():
                if until(sample):
                    return sample, watch
    finally:
        await watch.close()
        await asyncio.wait({running})
    raise AssertionError("the samples ended")


def pooled_of(sample: Sample, name: str) -> Pooled | None:
    """Return what is known of the pool of the Connection of that name."""
    return next(count.pooled for count in sample.connections if count.name == name)


async def test_clients_and_sockets_are_told_apart(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17, own="watched through PgBouncer")
    role, other = server.role(_PASSWORD), server.role(_PASSWORD)
    sizes = {"default_pool_size": "3", "max_db_connections": "5", "stats_users": role}
    bouncer = pgbouncer(server, settings=sizes)
    connections = [through(bouncer, "maps", role), through(bouncer, "tiles", other)]
    with ExitStack() as held:
        for _ in range(7):
            client = held.enter_context(psycopg.connect(bouncer.dsn(user=role, password=_PASSWORD), autocommit=True))
            client.execute("SELECT 1")

        def clients_seen(sample: Sample) -> bool:
            maps = pooled_of(sample, "maps")
            return maps is not None and maps.clients is not None and maps.clients >= 7 and consoles() == 1

        def consoles() -> int:
            return (
                sum(bool(row["database"] == "pgbouncer") for row in bouncer.console("SHOW CLIENTS")) - 1
            )  # this one itself

        sample, _ = await watched(connections, clients_seen)
    maps, tiles = pooled_of(sample, "maps"), pooled_of(sample, "tiles")
    assert maps is not None
    assert tiles is not None
    assert (maps.error, maps.most, maps.pool_mode) == ("", 3, "transaction")
    assert maps.clients in {7, 8}, "the console's own poll comes in as a client as well"
    assert 1 <= (maps.server_sockets or 0) <= 3
    assert (tiles.error, tiles.waiting) == ("", 0)
    assert "pooled" in sample.to_json()["connections"][0]
    gone = lambda: not [row for row in bouncer.console("SHOW CLIENTS") if row["user"] == role]  # noqa: E731
    await eventually(gone, "the console and the poll are closed", 30)


async def test_who_waits_is_seen_while_the_server_is_not(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    """The pool's only socket is held: the server cannot be asked through it, and the console says who waits."""
    server = pg_server(17)
    role = server.role(_PASSWORD)
    bouncer = pgbouncer(server, settings={"default_pool_size": "1", "stats_users": role})
    with psycopg.connect(bouncer.dsn(user=role, password=_PASSWORD)) as holder:
        holder.execute("SELECT 1")
        sample, _ = await watched(
            [through(bouncer, "maps", role)], lambda s: bool((p := pooled_of(s, "maps")) and p.waiting)
        )
    maps = pooled_of(sample, "maps")
    assert maps is not None
    assert (maps.server_sockets, maps.most) == (1, 1)
    assert sample.connections[0].sockets is None


async def test_a_role_that_may_not_look_is_told_the_setting(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    role = server.role(_PASSWORD)
    bouncer = pgbouncer(server)
    seen = lambda s: pooled_of(s, "maps") is not None and s.connections[0].sockets is not None  # noqa: E731
    sample, _ = await watched([through(bouncer, "maps", role)], seen)
    maps = pooled_of(sample, "maps")
    assert maps is not None
    assert (maps.clients, f"stats_users = {role}" in maps.error) == (None, True)
    assert sample.connections[0].error == "", "the server is seen all the same"


async def test_of_two_roles_the_one_that_may_looks(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    blind, sighted = server.role(_PASSWORD), server.role(_PASSWORD)
    bouncer = pgbouncer(server, settings={"stats_users": sighted})
    connections = [through(bouncer, "blind", blind), through(bouncer, "sighted", sighted)]
    sample, watch = await watched(connections, lambda s: pooled_of(s, "blind") is not None)
    assert [count.pooled.error for count in sample.connections if count.pooled] == ["", ""]
    watch.set_connections([])  # after it was closed, as a screen that is left may do
    assert watch.sample.connections


@pytest.mark.parametrize(
    ("values", "expected"),
    [({"connector": "pgbouncer"}, True), ({"connector": "azure", "port": 6432}, True), ({"connector": "azure"}, False),
     ({}, False)],
)  # fmt: skip
def test_which_doors_have_a_console(values: dict[str, Any], expected: bool) -> None:
    assert leads_to_a_console(given("a", **values)) is expected


def test_what_is_a_connections_part() -> None:
    one = given("a", "pooler", port=6432)
    seen = Seen((pool(cl_waiting=2, maxwait=3),), (database(pool_size=8, reserve_pool=2, max_connections=9),))
    assert seen.of(one) == Pooled("pooler:6432", 12, 2, 3.0, 10, 9, None)
    forced = Seen((pool(user="other", cl_active=1, sv_active=1),), (database(force_user="other", max_connections=0),))
    assert (forced.of(one).clients, forced.of(one).most) == (1, 20)
    assert Seen().of(one) == Pooled("pooler:6432", 0, 0, 0.0, 0)
    assert Seen(error="why").of(one) == Pooled("pooler:6432", error="why")
