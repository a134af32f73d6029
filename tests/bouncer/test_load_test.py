"""The load test proves the cap of a real PgBouncer, and sees when there is none."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from tests.bouncer.consoles import database, pool, state
from tests.postgres.given import to
from tests.servers.fixtures import PgServer, StartBouncer
from tui.bouncer import load_test
from tui.bouncer.admin import console, console_target


async def loaded(bouncer: Any, role: str, clients: int, seconds: float = 60.0) -> load_test.Outcome:
    """Load it as the role."""
    admin = console_target(to(bouncer, username=bouncer.admin, password=bouncer.admin_password))
    door = to(bouncer, username=role, password="pw", database="postgres")
    async with console(admin) as opened:
        shown = await opened.state()
        entry = load_test.entry_of(shown, "postgres") or database(pool_size=4, max_connections=4, host=bouncer.host)
        await load_test.refuse_others(door, entry)
        clients, cap = load_test.size(shown, entry, clients)
        return await load_test.run(door, opened, clients, cap, seconds)


@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
async def test_many_in_few_out(pg_server: PgServer, pgbouncer: StartBouncer, pool_mode: str) -> None:
    server = pg_server(17)
    role = server.role("pw")
    bouncer = pgbouncer(server, pool_mode=pool_mode, settings={"default_pool_size": "4", "max_db_connections": "4"})
    with ExitStack() as direct:  # sockets of the role that do not come through it are not its own
        for _ in range(3):
            direct.enter_context(server.connect(user=role, password="pw"))
        outcome = await loaded(bouncer, role, 24)
    assert (outcome.served, outcome.refusals, outcome.ended) == (24, [], False)
    assert outcome.most == 4, "it was filled, and never passed"
    assert outcome.finding().status == "ok"


async def test_who_waits_too_long_is_refused(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    role = server.role("pw")
    bouncer = pgbouncer(server, pool_mode="session", settings={"default_pool_size": "1", "query_wait_timeout": "1"})
    with server.connect(user=role, password="pw"), ExitStack() as held:
        holder = held.enter_context(psycopg.connect(bouncer.dsn(user=role, password="pw"), autocommit=True))
        holder.execute("SELECT 1")
        outcome = load_test.Outcome(2, 1)
        admin = console_target(to(bouncer, username=bouncer.admin, password=bouncer.admin_password))
        async with console(admin) as opened:
            door = to(bouncer, username=role, password="pw", database="postgres")
            await load_test._client(door, outcome, 0, 30)
            assert await opened.pools()
    assert outcome.served == 0
    assert outcome.finding().status == "failed"
    assert "query_wait_timeout" in outcome.finding().message


def test_what_was_seen_decides() -> None:
    assert load_test.Outcome(9, 3, most=4, served=9).finding().status == "failed"
    assert load_test.Outcome(9, 3, most=3, served=8, ended=True).finding().status == "failed"
    assert load_test.Outcome(9, 3, most=3, served=9).finding().status == "ok"


def test_how_many_come() -> None:
    assert load_test.size(state(), database(), None) == (60, 20)
    assert load_test.size(state(pools=(pool(cl_active=50),)), database(pool_size=10), None) == (30, 10)
    for asked, words in ((501, "at most"), (95, "rightly be refused"), (20, "more of them")):
        with pytest.raises(load_test.NotHere, match=words):
            load_test.size(state(), database(), asked)


@pytest.mark.parametrize("host", ["192.0.2.9", "127.0.0.1,192.0.2.9", "no-such-host.invalid"])
async def test_only_this_machine(host: str) -> None:
    with pytest.raises(load_test.NotHere, match="not this machine"):
        await load_test.refuse_others(to(_Here()), database(host=host))
    await load_test.refuse_others(to(_Here()), database(host="/run/postgresql"))
    assert load_test.is_own("127.0.0.1")
    assert not load_test.is_own("0.0.0.0")


class _Here:
    host, port = "127.0.0.1", 6432
