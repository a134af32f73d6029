"""Trouble is data: what goes wrong on servers, networks and clocks is told, delays nobody, and passes by itself."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from typing import TYPE_CHECKING

from tests.servers.host import LOOPBACK, wait_until
from tests.sockets.given import by_name, connection, consoles, first, held, only_server, role, until, watching
from tui.sockets import lookout

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.servers.fixtures import PgServer
    from tests.servers.impostors import FaultyProxy, Listener
    from tui.sockets.model import Sample

DOWN = 10


def _seen(sample: Sample) -> bool:
    return all(server.used is not None for server in sample.servers)


async def test_a_crash_in_the_middle_of_a_poll_is_told_and_survived(
    pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]
) -> None:
    server = pg_server(17, own="crash")
    proxy = faulty_proxy(server.host, server.port)
    async with watching(
        connection(server, "a", role(server), "postgres", server=proxy.host, port=proxy.port), interval_s=0.2
    ) as watch:
        await until(watch, _seen)
        proxy.delay(0.3)  # longer than the interval: from now on a poll is always under way
        await until(watch, lambda sample: sample.at - (only_server(sample).seen_at or 0) > 0.3)
        await asyncio.to_thread(server.stop, signal.SIGQUIT)
        down = await until(watch, lambda sample: only_server(sample).error)
        assert (only_server(down).used, by_name(down)["a"].sockets) == (None, None)
        assert only_server(down).seen_at is not None  # so that the panel can say how old the last count is
        proxy.heal()
        await asyncio.to_thread(server.start)
        up = await until(watch, _seen)
        assert not by_name(up)["a"].error
        await asyncio.to_thread(wait_until, lambda: consoles(server) == 1, "one socket is left")


async def test_shut_out_by_a_full_server_it_comes_back_when_there_is_room(pg_server: PgServer) -> None:
    server = pg_server(17, settings={"max_connections": "8", "superuser_reserved_connections": "2"}, own="shut out")
    carto = role(server)
    async with watching(connection(server, "a", carto, "postgres")) as watch:
        await until(watch, _seen)
        with held(server, 5, carto, "postgres"):
            await until(watch, lambda sample: only_server(sample).headroom == 0)
            server.execute(
                f"ALTER ROLE {carto} CONNECTION LIMIT 5;"
                " SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgconns'"
            )
            out = await until(watch, lambda sample: only_server(sample).error)
            assert only_server(out).used is None
        again = await until(watch, _seen)
        assert (only_server(again).error, by_name(again)["a"].error) == ("", "")


async def test_clocks_that_jump_neither_stop_the_beat_nor_make_ages_wrong(
    pg_server: PgServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = pg_server(17)
    true_time, jump = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: true_time() + jump)
    async with watching(connection(server, "a", role(server), "postgres"), interval_s=0.1) as watch:
        await until(watch, _seen)
        for jump in (7200.0, -7200.0, 0.0):  # noqa: B007 - what time.time says above
            began = time.monotonic()
            samples = [sample async for sample in first(watch, 6)]
            assert time.monotonic() - began < 3
            for sample in samples[2:]:
                server_seen = only_server(sample)
                assert server_seen.used is not None and not server_seen.error
                assert server_seen.seen_at is not None and -1 < sample.at - server_seen.seen_at < 2


async def test_a_role_that_loses_its_grant_sees_less_and_says_so(
    pg_server: PgServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "LEARN_EVERY_S", 0.2)
    server = pg_server(17)
    monitor, other, gis = role(server, "pg_monitor"), role(server), server.database()
    watched = connection(server, "monitor", monitor, gis)
    with held(server, 2, other, gis), held(server, 3, monitor, gis):
        async with watching(watched) as watch:
            await until(watch, lambda sample: only_server(sample).visibility == "full")
            server.execute(f"REVOKE pg_monitor FROM {monitor}")
            less = await until(watch, lambda sample: only_server(sample).visibility == "own")
            assert (by_name(less)["monitor"].states, by_name(less)["monitor"].error) == ((0, 3, 0, 0, 0), "")
            assert sum(stranger.sockets for stranger in less.unregistered if stranger.database == gis) == 2
            server.execute(f"GRANT pg_monitor TO {monitor}")
            await until(watch, lambda sample: only_server(sample).visibility == "full")


async def test_a_cut_network_is_mended_without_a_word(
    pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]
) -> None:
    server = pg_server(17)
    proxy = faulty_proxy(server.host, server.port)
    async with watching(connection(server, "a", role(server), "postgres", server=proxy.host, port=proxy.port)) as watch:
        await until(watch, _seen)
        for _ in range(3):
            proxy.drop()
            assert all([_seen(sample) async for sample in first(watch, 4)][2:])
        assert proxy.open <= 1


async def test_many_dead_servers_leave_the_others_on_time_and_are_not_stormed(
    pg_server: PgServer, refused_port: int, impostor: Callable[[str], Listener]
) -> None:
    alive = [pg_server(major) for major in (15, 16, 17, 18)]
    attempts = dict.fromkeys(range(DOWN // 2), 0)

    def closing(number: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            attempts[number] += 1
            writer.close()

        return serve

    closed = [await asyncio.start_server(closing(number), LOOPBACK, 0) for number in attempts]
    silent = [impostor("silence") for _ in range(DOWN // 2 - 1)]
    ports = [one.sockets[0].getsockname()[1] for one in closed] + [one.port for one in silent] + [refused_port]
    watched = [connection(server, f"up {server.port}", role(server), "postgres") for server in alive]
    watched += [connection(alive[0], f"down {port}", "x", "x", port=port) for port in ports]
    async with watching(*watched, interval_s=0.2) as watch:
        up = {f"up {server.port}" for server in alive}
        await until(watch, lambda sample: all(by_name(sample)[name].sockets is not None for name in up))
        before = dict(attempts)
        beats = [(time.monotonic(), sample) async for sample in first(watch, 16)]
    for one in closed:
        one.close()
    gaps = sorted(later[0] - earlier[0] for earlier, later in itertools.pairwise(beats))
    assert 0.15 < gaps[len(gaps) // 2] < 0.3
    for _, sample in beats:
        assert {count.name for count in sample.connections if count.sockets is not None} == up
        for server in sample.servers:
            assert server.used is None or (server.seen_at is not None and sample.at - server.seen_at < 1)
        assert all(one.open <= 1 for one in silent)
    # Fifteen beats: whoever tried at each of them would come fifteen times.
    assert max(attempts[number] - before[number] for number in attempts) <= 5
