"""Watching real servers: one socket each, on time, through restarts, wrong passwords and silence."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING

from tests.servers.host import wait_until
from tests.sockets.given import (
    by_name,
    connection,
    consoles,
    first,
    held,
    only_server,
    password_of,
    role,
    until,
    watching,
)
from tui.connections.secret import PasswordNeeded, Secret
from tui.sockets.sampler import Watch, take_sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.fixtures import PgServer
    from tests.servers.impostors import FaultyProxy, Listener
    from tui.connections.model import Connection
    from tui.sockets.model import Sample


def _all_seen(sample: Sample) -> bool:
    return all(server.used is not None for server in sample.servers)


async def test_one_socket_however_many_names_a_server_has(
    pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]
) -> None:
    server = pg_server(17, own="names")
    carto, monitor, gis = role(server), role(server, "pg_monitor"), server.database()
    proxy = faulty_proxy(server.host, server.port)
    watched = [
        connection(server, "address", carto, gis),
        connection(server, "name", carto, gis, server="localhost"),
        connection(server, "proxy", monitor, "postgres", server=proxy.host, port=proxy.port),
        connection(server, "again", carto, "postgres"),
        connection(server, "proxy by name", role(server), gis, server="localhost", port=proxy.port),
    ]
    with held(server, 2, carto, gis):
        async with watching(*watched) as watch:
            sample = await until(watch, lambda sample: len(sample.servers) == 1 and _all_seen(sample))
            sample = await until(watch, lambda sample: only_server(sample).visibility == "full")
            await asyncio.to_thread(wait_until, lambda: consoles(server) == 1, "one socket is left")
            assert only_server(sample).server == f"127.0.0.1:{server.port}"
            assert {count.server for count in sample.connections} == {f"127.0.0.1:{server.port}"}
            assert by_name(sample)["name"].shared_with == ("address",)
            most = [consoles(server) async for _ in first(watch, 10)]
            assert max(most) == 1
    await asyncio.to_thread(wait_until, lambda: consoles(server) == 0, "no socket is left")


async def test_the_role_that_sees_most_polls_from_the_first_sample(pg_server: PgServer) -> None:
    server = pg_server(16)
    carto, monitor = role(server), role(server, "pg_monitor")
    watched = [connection(server, "carto", carto, "postgres"), connection(server, "monitor", monitor, "postgres")]
    assert only_server(await take_sample(watched, password_of)).visibility == "full"


async def test_a_wrong_password_is_that_connections_error_and_another_polls(pg_server: PgServer) -> None:
    server = pg_server(16)
    carto, etl, gis = role(server), role(server), server.database()
    wrong = connection(server, "wrong", carto, gis, password_from="env:WRONG")
    right = connection(server, "right", etl, gis)
    with held(server, 2, carto, gis):
        sample = await take_sample([wrong, right], password_of)
    counts = by_name(sample)
    assert counts["wrong"].error and counts["wrong"].sockets == 2
    assert (counts["right"].error, only_server(sample).error) == ("", "")


async def test_passwords_that_cannot_be_had_are_errors(pg_server: PgServer) -> None:
    server = pg_server(16)
    one = connection(server, "one", role(server), "postgres")
    mended = asyncio.Event()

    async def asked(connection: Connection) -> Secret | None:
        if not mended.is_set():
            raise PasswordNeeded("Nobody typed it")
        return await password_of(connection)

    watch = Watch([one], asked, 0.1)
    running = asyncio.create_task(watch.run())
    sample = await until(watch, lambda sample: only_server(sample).error)
    assert (only_server(sample).error, by_name(sample)["one"].error) == ("Nobody typed it", "Nobody typed it")
    assert by_name(sample)["one"].sockets is None
    mended.set()
    watch.retry(one.id)
    sample = await until(watch, _all_seen)
    assert by_name(sample)["one"].error == ""
    await watch.close()
    assert running.cancelled()


async def test_a_dead_and_a_silent_server_delay_nobody(
    pg_server: PgServer, refused_port: int, impostor: Callable[[str], Listener]
) -> None:
    server = pg_server(16)
    silent = impostor("silence")
    watched = [
        connection(server, "silent", "x", "x", server=silent.host, port=silent.port),
        connection(server, "dead", "x", "x", port=refused_port),
        connection(server, "alive", role(server), "postgres"),
    ]
    async with watching(*watched, interval_s=0.2) as watch:
        await until(watch, lambda sample: by_name(sample)["alive"].sockets is not None)
        seen = [(time.monotonic(), sample) async for sample in first(watch, 11)]
    ages = [later[0] - earlier[0] for earlier, later in itertools.pairwise(seen)]
    assert 0.17 < sorted(ages)[len(ages) // 2] < 0.23
    for _, sample in seen:
        counts = by_name(sample)
        fresh = next(server.seen_at for server in sample.servers if server.server == counts["alive"].server)
        assert fresh is not None and sample.at - fresh < 0.5
        assert counts["dead"].error and counts["dead"].sockets is None
        assert counts["silent"].sockets is None
    assert watch.series["id of dead"].sockets[-1] is None
    assert watch.series["id of alive"].sockets[-1] == 0


async def test_a_restart_is_survived_with_one_socket(pg_server: PgServer) -> None:
    server = pg_server(17, own="restart")
    carto = role(server, "pg_monitor")
    watched = [
        connection(server, "a", carto, "postgres"),
        connection(server, "b", carto, "postgres", server="localhost"),
    ]
    async with watching(*watched) as watch:
        await until(watch, lambda sample: len(sample.servers) == 1 and _all_seen(sample))
        await asyncio.to_thread(server.stop)
        down = await until(watch, lambda sample: all(server.error for server in sample.servers))
        assert all(count.sockets is None and count.error for count in down.connections)
        assert only_server(down).seen_at is not None
        await asyncio.to_thread(server.start)
        up = await until(watch, lambda sample: len(sample.servers) == 1 and _all_seen(sample))
        assert not any(count.error for count in up.connections)
        await asyncio.to_thread(wait_until, lambda: consoles(server) == 1, "one socket is left")


async def test_an_ended_backend_is_replaced_at_once(pg_server: PgServer) -> None:
    server = pg_server(17, own="ended")
    async with watching(connection(server, "a", role(server), "postgres"), interval_s=2.0) as watch:
        await until(watch, _all_seen)
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgconns'")
        # By the beat that finds it ended: to wait for the next one, or to back off, would show in the second sample.
        assert _all_seen([sample async for sample in first(watch, 2)][-1])
        assert consoles(server) == 1


async def test_a_server_that_goes_deaf_is_told_and_comes_back(
    pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]
) -> None:
    server = pg_server(17)
    proxy = faulty_proxy(server.host, server.port)
    async with watching(
        connection(server, "a", role(server), "postgres", server=proxy.host, port=proxy.port), interval_s=0.2
    ) as watch:
        await until(watch, _all_seen)
        proxy.deaf()
        sample = await until(watch, lambda sample: sample.at - (only_server(sample).seen_at or 0) > 1)
        assert only_server(sample).used is not None  # slow is not gone: the last count and its time
        sample = await until(watch, lambda sample: only_server(sample).error, 30)
        assert only_server(sample).used is None
        proxy.heal()
        await until(watch, _all_seen, 30)


async def test_a_full_server_is_still_seen_by_who_is_in(pg_server: PgServer) -> None:
    server = pg_server(17, settings={"max_connections": "8", "superuser_reserved_connections": "2"}, own="full")
    carto = role(server)
    watched = connection(server, "a", carto, "postgres")
    async with watching(watched) as watch:
        await until(watch, _all_seen)
        with held(server, 5, carto, "postgres"):
            full = await until(watch, lambda sample: by_name(sample)["a"].sockets == 5)
            assert (by_name(full)["a"].headroom, only_server(full).used) == (0, 6)
            late = await take_sample([watched], password_of)
            assert only_server(late).error and only_server(late).used is None


async def test_other_connections_are_taken_while_it_runs(pg_server: PgServer) -> None:
    server = pg_server(16)
    carto, etl, gis = role(server), role(server), server.database()
    one, two = connection(server, "first", carto, gis), connection(server, "second", etl, gis)
    with held(server, 1, carto, gis), held(server, 2, etl, gis):
        async with watching(one) as watch:
            await until(watch, _all_seen)
            watch.set_connections([one._replace(parameters=one.parameters._replace(name="renamed")), two])
            sample = await until(watch, lambda sample: "second" in by_name(sample))
            assert {name: count.sockets for name, count in by_name(sample).items()} == {"renamed": 1, "second": 2}
            watch.set_connections([two])
            by_its_own = (0, 2, 0, 0, 0)  # credentials: the first sample may still be what others saw
            await until(watch, lambda s: len(s.connections) == 1 and by_name(s)["second"].states == by_its_own)
            watch.set_connections([])
            sample = await until(watch, lambda sample: not sample.servers)
            assert sample.connections == ()


async def test_other_addresses_of_a_region_are_taken_while_it_runs(pg_server: PgServer) -> None:
    server = pg_server(16)
    carto, gis = role(server), server.database()
    watched = connection(server, "first", carto, gis, region="my-dc")
    with held(server, 2, carto, gis):
        async with watching(watched) as watch:
            watch.set_regions({"my-dc": ("10.0.0.0/8",)})
            await until(watch, lambda sample: by_name(sample)["first"].from_region == 0)
            watch.set_regions({"my-dc": ("10.0.0.0/8", "127.0.0.1")})
            await until(watch, lambda sample: by_name(sample)["first"].from_region == 2)


async def test_closing_is_prompt_at_any_moment(pg_server: PgServer, impostor: Callable[[str], Listener]) -> None:
    server = pg_server(16, own="closing")
    silent = impostor("silence")
    watched = [
        connection(server, "a", role(server), "postgres"),
        connection(server, "b", "x", "x", server=silent.host, port=silent.port),
    ]
    for step in range(15):
        watch = Watch(watched, password_of, 0.05)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(step * 0.01)
        async with asyncio.timeout(3):
            await watch.close()
        assert running.cancelled()
    await asyncio.to_thread(wait_until, lambda: consoles(server) == 0, "no socket is left")


async def test_two_clusters_of_one_system_identifier_stay_apart(pg_server: PgServer) -> None:
    one, two = pg_server(17, own="copy one"), pg_server(17, own="copy two")
    watched = [connection(one, "one", role(one), "postgres"), connection(two, "two", role(two), "postgres")]
    sample = await take_sample(watched, password_of)
    assert len(sample.servers) == 2 and _all_seen(sample)
