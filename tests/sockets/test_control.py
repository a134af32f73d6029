"""Cancelling and ending real backends: exactly those of the plan, judged again at the moment of acting."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.servers.host import wait_until
from tests.sockets.given import connection, held, only_server, password_of, role, until, watching
from tui.postgres.door import Session, connect
from tui.postgres.errors import CannotConnect
from tui.postgres.target import Target, target
from tui.sockets import actions_log, control
from tui.sockets.backends import Backend, Filter, backends
from tui.sockets.control import carry_out, plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.fixtures import PgServer, StartBouncer
    from tests.servers.impostors import FaultyProxy
    from tests.servers.postgres import Server

MAJORS = (12, 13, 14, 15, 16, 17, 18)


async def _target(server: Server, username: str, database: str) -> Target:
    one = connection(server, "acting", username, database)
    return target(one.parameters, await password_of(one))


async def opened(server: Server, username: str, database: str = "postgres") -> Session:
    """A session of a role."""
    return await connect(await _target(server, username, database))


async def listed(session: Session, **wanted: Any) -> tuple[Backend, ...]:
    """The backends that fit."""
    return (await backends(session, Filter(**wanted))).backends


def lives(socket: psycopg.Connection[Any]) -> bool:
    """Whether the server still answers through a socket."""
    try:
        socket.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def log() -> list[dict[str, Any]]:
    """The lines of the log of actions."""
    path = actions_log.place()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("major", MAJORS)
async def test_exactly_the_plan_is_ended_by_its_own_role(pg_server: PgServer, major: int) -> None:
    server = pg_server(major)
    carto, gis = role(server), server.database()
    with held(server, 3, carto, gis) as (first, second, third), held(server, 1, carto, gis, "active") as (busy,):
        async with await opened(server, carto, gis) as session:
            idle = await listed(session, username=carto, state="idle")
            assert {one.pid for one in idle} == {socket.info.backend_pid for socket in (first, second, third)}
            chosen = plan("end", [one for one in idle if one.pid != third.info.backend_pid], carto, state="idle")
            told: list[int] = []
            done = await carry_out(session, chosen, lambda result: told.append(result.backend.pid))
            assert [result.outcome for result in done.results] == ["done", "done"]
            assert sorted(told) == sorted(one.pid for one in chosen.targets)
            running = plan("cancel", await listed(session, username=carto), carto)
            assert [one.pid for one in running.targets] == [busy.info.backend_pid]
            cancelled = await carry_out(session, running)
            assert [result.outcome for result in cancelled.results] == ["done"]
        assert [lives(socket) for socket in (first, second, third)] == [False, False, True]
        assert busy.pgconn.get_result().error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"  # type: ignore[union-attr]
    assert [(line["action"], line["outcome"]) for line in log()] == [("end", "done")] * 2 + [("cancel", "done")]
    assert log()[0]["os_user"] and log()[0]["role"] == carto and log()[0]["server"].endswith(str(server.port))


async def test_a_reused_pid_is_another_backend(pg_server: PgServer) -> None:
    server = pg_server(17)
    carto, gis = role(server), server.database()
    with held(server, 2, carto, gis) as (reused, gone):
        async with await opened(server, carto) as session:
            found = {one.pid: one for one in await listed(session, username=carto, database=gis)}
            earlier = found[reused.info.backend_pid]
            assert earlier.started is not None
            earlier = replace(earlier, started=earlier.started - 1)
            late = found[gone.info.backend_pid]
            gone.close()
            await asyncio.to_thread(_wait_until_gone, server, late.pid)
            done = await carry_out(session, plan("end", [earlier, late], carto))
            assert [(result.outcome, result.good) for result in done.results] == [("gone", True)] * 2
        assert lives(reused)


def _wait_until_gone(server: Server, pid: int) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
    wait_until(lambda: server.execute(query, (pid,)) == [(0,)], "it is gone")


@pytest.mark.parametrize("major", MAJORS)
async def test_without_the_grant_the_grant_is_said(pg_server: PgServer, major: int) -> None:
    server = pg_server(major)
    carto, gis = role(server), server.database()
    sees, may = role(server, "pg_read_all_stats"), role(server, "pg_read_all_stats", "pg_signal_backend")
    odd = server.role("of every role here", "LOGIN", name=f'a"b; {sees}', member_of=("pg_read_all_stats",))
    blind = role(server, "pg_signal_backend")
    with held(server, 1, carto, gis) as (socket,), server.connect(gis) as superuser:
        for username, outcome, fix in (
            (sees, "no_right", f'GRANT pg_signal_backend TO "{sees}";'),
            (odd, "no_right", f'GRANT pg_signal_backend TO "a""b; {sees}";'),
            (blind, "unseen", f'GRANT pg_read_all_stats TO "{blind}";'),
        ):
            async with await opened(server, username) as session:
                chosen = plan("end", await listed(session, username=carto), username)
                assert [(result.outcome, result.fix) for result in chosen.spared] == [(outcome, fix)]
                # A plan that hopes for more than the role may: the server judges again.
                (one,) = [result.backend for result in chosen.spared]
                hoped = plan("end", [replace(one, right="yes", started=one.started or 1)], username)
                assert [(r.outcome, r.fix) for r in (await carry_out(session, hoped)).results] == [(outcome, fix)]
        assert lives(socket)
        async with await opened(server, may) as session:
            chosen = plan("end", await listed(session, database=gis), may)
            assert {one.pid for one in chosen.targets} == {socket.info.backend_pid}
            (spared,) = chosen.spared
            assert (spared.backend.pid, spared.outcome) == (superuser.info.backend_pid, "no_right")
            assert "superuser" in spared.message
            hoped = plan("end", [replace(spared.backend, right="yes")], may)
            assert [r.outcome for r in (await carry_out(session, hoped)).results] == ["no_right"]
            assert lives(superuser)
            assert [r.outcome for r in (await carry_out(session, chosen)).results] == ["done"]
        assert not lives(socket)


@pytest.mark.parametrize("major", [15, 16])
async def test_a_grant_that_is_not_inherited_is_said(pg_server: PgServer, major: int) -> None:
    server = pg_server(major)
    carto, gis = role(server), server.database()
    stays = role(server, attributes="LOGIN NOINHERIT")
    server.execute(f"GRANT pg_signal_backend TO {stays}")
    with held(server, 1, carto, gis) as (socket,):
        async with await opened(server, stays) as session:
            (masked,) = await listed(session, username=carto)
            (spared,) = plan("end", [replace(masked, started=1)], stays).spared
            assert spared.outcome == "no_right"
            server.execute(spared.fix)
            (masked,) = await listed(session, username=carto)
            assert masked.right == "yes"
        assert lives(socket)


async def test_pgconns_walsenders_and_workers_are_never_hit(pg_server: PgServer) -> None:
    server = pg_server(17)
    gis = server.database()
    carto = role(server, attributes="LOGIN SUPERUSER")
    query = "SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint, backend_type FROM pg_stat_activity"
    with (
        held(server, 1, carto, gis, application_name="pgconns") as (console,),
        held(server, 1, carto, gis, application_name="pgconns - 10.0.0.1:4711") as (pooled,),
        held(server, 1, carto, gis) as (socket,),
        server.connect(gis, replication="database") as walsender,
    ):
        walsender.pgconn.exec_(b"IDENTIFY_SYSTEM")
        async with await opened(server, carto) as session:
            found = await listed(session, database=gis)
            assert {one.pid for one in found if one.console} == {console.info.backend_pid, pooled.info.backend_pid}
            assert walsender.info.backend_pid not in {one.pid for one in found}
            (model,) = [one for one in found if one.pid == socket.info.backend_pid]
            everything = server.execute(query)
            forged = [
                replace(model, pid=pid, started=started, console=False)
                for pid, started, kind in everything
                if kind != "client backend" or pid in {console.info.backend_pid, pooled.info.backend_pid}
            ]
            own = [replace(one, console=False) for one in await listed(session) if one.pid == session.backend_pid]
            assert len(own) == 1 and len(forged) >= 5
            done = await carry_out(session, plan("end", [*own, *forged], carto))
            assert {result.outcome for result in done.results} == {"spared"}
            chosen = plan("end", found, carto, console_pids={socket.info.backend_pid})
            assert chosen.targets == () and {result.outcome for result in chosen.spared} == {"spared"}
        assert all(lives(one) for one in (console, pooled, socket))
        assert walsender.pgconn.exec_(b"IDENTIFY_SYSTEM").status == psycopg.pq.ExecStatus.TUPLES_OK


async def test_what_changed_after_the_list_is_left_alone(pg_server: PgServer) -> None:
    server = pg_server(17)
    carto, gis = role(server), server.database()
    with held(server, 2, carto, gis) as (used, busy), held(server, 1, carto, gis, "active") as (runs,):
        async with await opened(server, carto) as session:
            found = await listed(session, username=carto, database=gis)
            idle = [replace(one, state_s=3600.0) for one in found if one.state == "idle"]
            long_idle = plan("end", idle, carto, state="idle", least_s=600)
            merely_idle = plan("end", idle, carto, state="idle")
            cancelling = plan("cancel", [one for one in found if one.state == "active"], carto)
            assert (len(long_idle.targets), len(cancelling.targets)) == (2, 1)
            used.execute("SELECT 1")
            busy.execute("BEGIN")
            runs.cancel_safe()
            while runs.pgconn.get_result() is not None:
                pass
            runs.pgconn.send_query(b"SELECT pg_sleep(61)")
            query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(61)' AND state = 'active'"
            await asyncio.to_thread(wait_until, lambda: server.execute(query) == [(1,)], "another query runs")
            for chosen in (long_idle, cancelling):
                done = await carry_out(session, chosen)
                assert {result.outcome for result in done.results} == {"changed"}
            done = await carry_out(session, merely_idle)
            assert {r.backend.pid: r.outcome for r in done.results} == {
                used.info.backend_pid: "done",
                busy.info.backend_pid: "changed",
            }
        assert not lives(used) and lives(busy)
        assert runs.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE


async def test_a_backend_that_does_not_obey_is_still_there(
    pg_server: PgServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "SETTLES_WITHIN_S", 0.2)
    server = pg_server(17)
    carto, gis = role(server), server.database()
    products = " + ".join(["x * x"] * 8)  # within one expression nobody looks for signals
    statement = f"SELECT {products} FROM (SELECT repeat('9', 60000)::numeric AS x OFFSET 0) AS long"
    with held(server, 1, carto, gis) as (socket,):
        socket.pgconn.send_query(statement.encode())
        async with await opened(server, carto) as session:
            async with asyncio.timeout(10):
                while not (busy := await listed(session, username=carto, state="active", database=gis)):
                    pass
            done = await carry_out(session, plan("end", busy, carto))
        (result,) = done.results
        assert (result.outcome, result.good) == ("still_there", False)
        assert [line["outcome"] for line in log()] == ["done", "still_there"]


async def test_a_session_that_is_lost_leaves_the_rest_untried(pg_server: PgServer) -> None:
    server = pg_server(17)
    carto, gis = role(server), server.database()
    with held(server, 3, carto, gis) as sockets:
        async with await opened(server, carto) as session:
            chosen = plan("end", await listed(session, username=carto, database=gis), carto)
            server.execute("SELECT pg_terminate_backend(%s)", (session.backend_pid,))
            done = await carry_out(session, chosen)
        assert [result.outcome for result in done.results] == ["failed", "not_tried", "not_tried"]
        assert "not known" in done.results[0].message
        assert all(lives(socket) for socket in sockets)
    assert [line["outcome"] for line in log()] == ["failed", "not_tried", "not_tried"]


async def test_a_log_that_cannot_be_written_stops_nobody(pg_server: PgServer, home: Path) -> None:
    server = pg_server(17)
    carto, gis = role(server), server.database()
    elsewhere = home / "elsewhere"
    actions_log.place().parent.mkdir(parents=True)
    actions_log.place().symlink_to(elsewhere)
    with held(server, 1, carto, gis):
        async with await opened(server, carto) as session:
            done = await carry_out(session, plan("end", await listed(session, database=gis, username=carto), carto))
    assert [result.outcome for result in done.results] == ["done"]
    assert str(actions_log.place()) in done.log_trouble and "not logged" in done.log_trouble
    assert not elsewhere.exists()


async def test_behind_a_transaction_pooler_its_own_socket_is_spared(
    pg_server: PgServer, pgbouncer: StartBouncer
) -> None:
    server = pg_server(15)
    carto, gis = role(server), server.database()
    bouncer = pgbouncer(server, pool_mode="transaction")
    through = replace(await _target(server, carto, gis), port=bouncer.port)
    with held(server, 1, carto, gis) as (socket,):
        async with await connect(through) as session:
            found = await listed(session, username=carto, database=gis)
            chosen = plan("end", found, carto)
            assert [one.pid for one in chosen.targets] == [socket.info.backend_pid]
            assert [result.outcome for result in (await carry_out(session, chosen)).results] == ["done"]
        assert not lives(socket)


async def test_a_full_server_is_acted_on_through_the_socket_that_watches_it(pg_server: PgServer) -> None:
    server = pg_server(17, own="full, acting", settings={"max_connections": "8", "superuser_reserved_connections": "2"})
    carto = role(server)
    gis = server.database()
    own = connection(server, "own", carto, gis)
    async with watching(own) as watch:
        await until(watch, lambda sample: only_server(sample).used is not None)
        with held(server, 5, carto, gis) as sockets:
            with pytest.raises(CannotConnect) as full:
                await opened(server, carto, gis)
            assert full.value.finding.code == "53300"
            lent = watch.lend(own.id)
            assert lent is not None and watch.lend("nobody") is None
            listing = await backends(lent, Filter(username=carto))
            chosen = plan("end", listing.backends, listing.username, state="idle")
            assert {one.pid for one in chosen.targets} == {socket.info.backend_pid for socket in sockets}
            # Who is cancelled does not take the one socket with them.
            leaving = asyncio.create_task(backends(lent))
            await asyncio.sleep(0)
            leaving.cancel()
            done = await carry_out(lent, chosen)
            assert [result.outcome for result in done.results] == ["done"] * 5
            assert not any(lives(socket) for socket in sockets)
        before = watch.sample.at
        sample = await until(watch, lambda sample: sample.at > before and only_server(sample).used == 1)
        assert only_server(sample).console == 1
    assert lent.closed
    done = await carry_out(lent, chosen)
    assert {result.outcome for result in done.results} == {"not_tried"}


async def test_an_interruption_in_the_middle_is_logged(
    pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]
) -> None:
    server = pg_server(17)
    carto, gis = role(server), server.database()
    proxy = faulty_proxy(server.host, server.port)
    with held(server, 2, carto, gis) as sockets:
        async with await connect(replace(await _target(server, carto, gis), port=proxy.port)) as session:
            chosen = plan("end", await listed(session, username=carto, database=gis), carto)
            proxy.deaf()
            acting = asyncio.create_task(carry_out(session, chosen))
            await asyncio.sleep(0)  # the first statement is on its way
            acting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await acting
        assert all(lives(socket) for socket in sockets)
    (line,) = log()
    assert (line["outcome"], line["pid"]) == ("failed", chosen.targets[0].pid) and "not known" in line["message"]
