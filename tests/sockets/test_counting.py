"""Counts of sockets opened in known numbers, on real servers of every major."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.sockets.given import (
    PASSWORD,
    by_name,
    connection,
    held,
    only_server,
    password_of,
    role,
    until,
    watching,
)
from tui.postgres.door import connect
from tui.postgres.target import target
from tui.sockets import churn, queries
from tui.sockets.lookout import Lookout
from tui.sockets.matching import like
from tui.sockets.sampler import take_sample

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer, StartBouncer
    from tui.sockets.model import Group

MAJORS = (12, 13, 14, 15, 16, 17, 18)


@pytest.mark.parametrize("major", MAJORS)
async def test_counts_are_exact_for_a_role_that_sees_all(pg_server: PgServer, major: int) -> None:
    server = pg_server(major)
    carto, etl, monitor = role(server), role(server), role(server, "pg_monitor")
    gis, dwh = server.database(), server.database()
    watched = [
        connection(server, "gis", carto, gis, region="here"),
        connection(server, "maps", carto, gis, match_application=("maps*",)),
        connection(server, "dwh", etl, dwh),
        connection(server, "monitor", monitor, "postgres"),
    ]
    with (
        held(server, 3, carto, gis, application_name="maps-api"),
        held(server, 2, carto, gis, "idle_in_transaction", application_name="builder"),
        held(server, 1, carto, gis, "active", application_name="builder"),
        held(server, 4, etl, dwh),
        held(server, 2, etl, gis),
    ):
        sample = await take_sample(watched, password_of, {"here": ("127.0.0.1",)})
    counts, one = by_name(sample), only_server(sample)
    assert (counts["maps"].sockets, counts["maps"].states) == (3, (0, 3, 0, 0, 0))
    assert (counts["gis"].sockets, counts["gis"].states) == (3, (1, 0, 2, 0, 0))
    assert (counts["dwh"].sockets, counts["dwh"].states) == (4, (0, 4, 0, 0, 0))
    assert (counts["monitor"].sockets, counts["gis"].from_region, counts["dwh"].from_region) == (0, 3, None)
    assert counts["gis"].oldest_idle_in_transaction_s is not None
    assert 0 <= counts["gis"].oldest_idle_in_transaction_s < 60
    assert [s.sockets for s in sample.unregistered if (s.database, s.username) == (gis, etl)] == [2]
    assert one.visibility == "full"
    assert (one.attributed, one.console) == (10, 1)
    assert one.used == 11 + (one.unregistered or 0)
    reserved = 3  # of superuser_reserved_connections; reserved_connections, from 16 on, is 0 by default
    assert (one.reserved, one.limit, counts["dwh"].bounded_by) == (reserved, 100 - reserved, "server")


@pytest.mark.parametrize("major", MAJORS)
async def test_counts_are_exact_for_a_role_that_sees_its_own(pg_server: PgServer, major: int) -> None:
    server = pg_server(major)
    carto, etl = role(server), role(server)
    gis = server.database()
    watched = [connection(server, "gis", carto, gis, region="here")]
    with held(server, 2, carto, gis), held(server, 3, etl, gis), held(server, 1, etl, "postgres"):
        sample = await take_sample(watched, password_of, {"here": ("127.0.0.1",)})
        both = [*watched, connection(server, "etl", etl, gis, password_from="env:WRONG", region="here")]
        second = await take_sample(both, password_of, {"here": ("127.0.0.1",)})
    own = by_name(sample)["gis"]
    assert (own.sockets, own.states, own.from_region) == (2, (0, 2, 0, 0, 0), 2)
    assert sorted(s.sockets for s in sample.unregistered if s.username == etl) == [1, 3]
    assert only_server(sample).visibility == "own"
    unseen = by_name(second)["etl"]
    assert (unseen.sockets, unseen.states, unseen.from_region) == (3, (0, 0, 0, 0, 3), None)


@pytest.mark.parametrize("major", MAJORS)
async def test_limits_are_the_servers_own(pg_server: PgServer, major: int) -> None:
    settings = {"max_connections": "40", "superuser_reserved_connections": "4"}
    if major >= 16:
        settings["reserved_connections"] = "5"
    server = pg_server(major, settings=settings)
    narrow, superuser = role(server, attributes="LOGIN CONNECTION LIMIT 6"), role(server, attributes="LOGIN SUPERUSER")
    gis = server.database(options="CONNECTION LIMIT 9")
    server.execute(f"ALTER ROLE {superuser} CONNECTION LIMIT 2")
    watched = [
        connection(server, "narrow", narrow, gis),
        connection(server, "wide", role(server), gis),
        connection(server, "super", superuser, gis),
    ]
    with held(server, 2, narrow, gis):
        counts = by_name(await take_sample(watched, password_of))
    reserved = 9 if major >= 16 else 4
    # The console itself is the superuser's third socket in that database.
    assert (counts["narrow"].bounded_by, counts["narrow"].limit, counts["narrow"].headroom) == ("role", 6, 4)
    assert (counts["wide"].bounded_by, counts["wide"].limit, counts["wide"].headroom) == ("database", 9, 6)
    assert (counts["super"].bounded_by, counts["super"].limit) == ("server", 40 - reserved)


async def test_reservations_of_a_provider_count(pg_server: PgServer) -> None:
    server = pg_server(17, settings={"rds.rds_superuser_reserved_connections": "7"})
    one = only_server(await take_sample([connection(server, "a", role(server), "postgres")], password_of))
    assert (one.reserved, one.limit) == (10, 90)


async def test_walsenders_and_workers_are_no_sockets(pg_server: PgServer) -> None:
    server = pg_server(16)
    carto, monitor = role(server, attributes="LOGIN REPLICATION"), role(server, "pg_monitor")
    gis = server.database()
    watched = [connection(server, "gis", carto, gis), connection(server, "monitor", monitor, gis)]
    with held(server, 1, carto, gis), server.connect(gis, replication="database") as walsender:
        walsender.pgconn.exec_(b"IDENTIFY_SYSTEM")
        sample = await take_sample(watched, password_of)
    assert by_name(sample)["gis"].sockets == 1
    assert not [stranger for stranger in sample.unregistered if stranger.database == gis]


async def _groups(server_target: object, cap: int, patterns: list[str], networks: list[str]) -> tuple[Group, ...]:
    session = await connect(server_target)  # type: ignore[arg-type]
    async with session:
        return queries.read_groups(
            await session.rows(queries.POLL_FOLDED, (queries.STALE_AFTER_S, cap, patterns, networks))
        )


async def test_folding_the_smallest_groups_keeps_sums_and_evidence(pg_server: PgServer) -> None:
    server = pg_server(17, own="folding")
    carto, monitor, gis = role(server), role(server, "pg_monitor"), server.database()
    watched = connection(server, "monitor", monitor, "postgres")
    to = target(watched.parameters, await password_of(watched))
    with (
        held(server, 5, carto, gis, application_name="large"),
        held(server, 2, carto, gis, application_name="maps-1"),
        held(server, 1, carto, gis, application_name="maps-2"),
        held(server, 1, carto, gis, application_name="psql"),
        held(server, 1, carto, gis, application_name="other"),
    ):
        whole = await _groups(to, 400, [], [])
        folded = await _groups(to, 1, [like("maps*")], ["127.0.0.0/8"])
    own = [group for group in folded if group.username == carto]
    assert sorted((group.sockets, group.kinds) for group in own) == [(2, 2), (3, 2), (5, 1)]
    (maps,) = [group for group in own if group.sockets == 3]
    assert maps.application.startswith("maps-") and maps.client == "127.0.0.1"
    assert sum(group.sockets for group in folded) == sum(group.sockets for group in whole)
    assert sum(group.console for group in folded) == 1


async def test_groups_are_folded_while_there_are_too_many(pg_server: PgServer) -> None:
    server = pg_server(17, own="folding where it is needed")
    carto, monitor, gis = role(server), role(server, "pg_monitor"), server.database()
    watched = connection(server, "monitor", monitor, "postgres")
    lookout = Lookout(watched, await password_of(watched))

    async def kinds() -> list[int]:
        snapshot = await lookout.poll((queries.STALE_AFTER_S, 4, ["maps%"], []), [carto], [gis])
        return sorted(group.kinds for group in snapshot.groups if group.username == carto)

    with held(server, 2, carto, gis, application_name="steady"):
        assert await kinds() == [1]
        with ExitStack() as more:
            for number in range(6):
                more.enter_context(held(server, 1, carto, gis, application_name=f"maps-{number}"))
            for _ in range(2):
                seen = await kinds()
                assert sum(seen) == 7 and seen[-1] >= 3
        async with asyncio.timeout(10):
            while sum(await kinds()) > 1:
                pass
        assert await kinds() == [1]
    await lookout.close()


async def test_names_of_any_kind_are_counted(pg_server: PgServer) -> None:
    server = pg_server(17)
    name = 'a"b; drop \N{HEAVY BLACK HEART}\u202e%s'
    odd_role = server.role("of every role here", "LOGIN", name=name)
    odd = server.database(name)
    watched = [connection(server, "odd", odd_role, odd, match_application=("100%_\\*",))]
    with held(server, 2, odd_role, odd, application_name="100%_\\x [/] "):
        sample = await take_sample(watched, password_of)
    assert by_name(sample)["odd"].sockets == 2


async def test_a_sql_ascii_database_with_bytes_that_are_no_text(pg_server: PgServer) -> None:
    server = pg_server(15, own="ascii")
    database = server.database(options="ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'")
    carto = role(server, "pg_monitor")
    with held(server, 1, carto, database, client_encoding="SQL_ASCII") as (socket,):
        # set_config takes what the protocol hands over; application_name keeps printable ASCII only from the server.
        socket.execute("SELECT set_config('application_name', convert_from('\\xff41'::bytea, 'SQL_ASCII'), false)")
        sample = await take_sample([connection(server, "a", carto, database)], password_of)
    assert by_name(sample)["a"].sockets == 1


async def test_behind_a_transaction_pooler_nothing_is_left_prepared(
    pg_server: PgServer, pgbouncer: StartBouncer
) -> None:
    server = pg_server(15)
    carto, gis = role(server, "pg_monitor"), server.database()
    bouncer = pgbouncer(server, pool_mode="transaction")
    info = psycopg.conninfo.conninfo_to_dict(bouncer.dsn(dbname=gis, user=carto, password="of every role here"))
    through = connection(server, "through", carto, gis, connector="pgbouncer", port=int(str(info["port"])))
    direct = connection(server, "direct", carto, gis)
    with held(server, 2, carto, gis):
        alone = await take_sample([through], password_of)
        merged = await take_sample([through, direct], password_of)
    assert (by_name(alone)["through"].sockets, only_server(alone).visibility) == (2, "full")
    assert only_server(alone).console == 1
    assert only_server(merged).console in {1, 2}  # directly seen, PgBouncer's idle socket is named as the poll was
    assert by_name(merged)["direct"].shared_with == ("through",)
    with psycopg.connect(
        bouncer.dsn(dbname=gis, user=carto, password="of every role here"), autocommit=True, prepare_threshold=None
    ) as client:
        assert client.execute("SELECT count(*) FROM pg_prepared_statements").fetchall() == [(0,)]


@pytest.mark.parametrize("major", MAJORS)
async def test_comments_stale_sockets_and_churn_are_read(
    pg_server: PgServer, monkeypatch: pytest.MonkeyPatch, major: int
) -> None:
    monkeypatch.setattr(queries, "STALE_AFTER_S", 0.3)
    monkeypatch.setattr(churn, "READ_EVERY_S", 0.3)
    monkeypatch.setattr(churn, "SHORTEST_S", 0.5)
    server = pg_server(major, own="comments")
    carto, monitor, gis = role(server), role(server, "pg_monitor"), server.database()
    watched = [
        connection(server, "maps", carto, gis, match_application=("maps*",)),
        connection(server, "monitor", monitor, "postgres"),
    ]
    said = "/* CARTO/3.0 (GPN:p; ACCID:ac; USERID:auth0|{}; CM:{}; connectionId:{}; mapId:{}) */ SELECT {}"
    with (
        held(server, 3, carto, gis, application_name="maps-api") as maps,
        held(server, 1, carto, gis, application_name="worker") as worker,
        held(server, 1, carto, gis, application_name="other") as others,
    ):
        for number, socket in enumerate(maps):
            socket.execute(said.format("eve", "builder", "c-1", number, number))  # one group, whatever the map
        worker[0].execute(said.format("eve", "workflows", "c-1", 9, 9))
        others[0].execute(said.format("eve", "builder", "c-2", 9, 9) + " -- \u202e */")
        async with watching(*watched) as watch:
            sample = await until(watch, lambda sample: (by_name(sample)["maps"].stale or 0) == 4)
            await until(watch, lambda sample: only_server(sample).stale == 5)
            if major >= 14:
                for _ in range(20):
                    await asyncio.to_thread(lambda: server.connect(gis, user=carto, password=PASSWORD).close())
                churned = await until(watch, lambda sample: (by_name(sample)["maps"].opened_per_minute or 0) > 0)
                assert (only_server(churned).opened_per_minute or 0) >= (
                    by_name(churned)["maps"].opened_per_minute or 0
                )
            else:
                assert by_name(sample)["maps"].opened_per_minute is None
    # The worker's socket fits no matcher, but the id in its comment is known to be of maps; the other's is not.
    found = by_name(sample)["maps"]
    assert (found.sockets, only_server(sample).unregistered, [group.sockets for group in found.groups]) == (
        4,
        1,
        [3, 1],
    )
    assert [(g.feature, g.carto_user, g.connection_id) for g in found.groups] == [
        ("builder", "auth0|eve", "c-1"),
        ("workflows", "auth0|eve", "c-1"),
    ]


async def test_a_role_that_may_not_see_them_sees_no_comments(pg_server: PgServer) -> None:
    server = pg_server(17)
    carto, gis = role(server), server.database()
    watched = [connection(server, "maps", carto, gis, password_from="env:WRONG")]
    with held(server, 3, carto, gis) as sockets:
        sockets[0].execute("/* CARTO/3.0 (CM:builder; connectionId:c) */ SELECT 1")
        sample = await take_sample([*watched, connection(server, "blind", role(server), gis)], password_of)
    blind = by_name(sample)["maps"]
    assert (blind.sockets, blind.stale, only_server(sample).stale) == (3, None, None)
    assert {(g.feature, g.carto_user, g.connection_id, g.stale) for g in blind.groups} == {(None, None, None, None)}


@pytest.mark.parametrize("encoding", ["UTF8", "SQL_ASCII", "EUC_JP", "LATIN1"])
async def test_any_bytes_in_a_query_are_survived(pg_server: PgServer, encoding: str) -> None:
    server = pg_server(17)
    monitor = role(server, "pg_monitor")
    gis = server.database(options=f"ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    raw = server.database(options="ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    carto = role(server)
    with held(server, 2, carto, raw) as sockets:
        for socket, comment in zip(sockets, (b"CM:\xe9\xff\x8e", b"CM:" + b"x" * 5000), strict=True):
            socket.pgconn.exec_(b"/* CARTO/3.0 (" + comment + b"; connectionId:c) */ SELECT 1")
        sample = await take_sample(
            [connection(server, "raw", carto, raw, password_from="env:WRONG"), connection(server, "gis", monitor, gis)],
            password_of,
        )
    assert (only_server(sample).error, by_name(sample)["raw"].sockets) == ("", 2)
