"""The clients in a PgBouncer, on their screen: who waits first, and what to do where nobody may look."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.bouncer.test_inside import leg, traffic
from tests.screens.conftest import Look, on_stage, prose, seen, top, until
from tests.widgets.given import HOSTILE, connection, counted, sampled
from tui.bouncer.inside import Inside, inside
from tui.postgres.errors import CannotConnect
from tui.postgres.finding import Finding
from tui.screens.connection_detail import ConnectionDetail
from tui.screens.pool_clients import PoolClients
from tui.sockets.model import Pooled
from tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.screens.services import Services

A = connection("analytics", connector="pgbouncer", password_from="env:PGCONNS_TEST_UNSET")
MAPS = "carto-maps-api"


def _inside(at: float, done: int) -> Inside:
    clients = [
        leg("c1", state="waiting", wait=12, port=40001, application_name=MAPS),
        leg("c2", state="waiting", wait_us=400_000, port=40002, application_name=HOSTILE),
        leg("c3", link="s1", port=40003, application_name=MAPS, tls="TLSv1.3/TLS_AES_256_GCM_SHA384"),
        leg("c4", port=40004, addr="2001:db8::1"),
    ]
    servers = [leg("s1", link="c3", remote_pid=4711), leg("s2", state="idle")]
    return inside(at, ("gis", "carto"), (), clients, servers, (traffic(done, done / 20, done / 2),))


class Gate:
    """Looks that the test lets through."""

    def __init__(self) -> None:
        self.asked = 0
        self.ended = 0
        self.refuses = False
        self.more = asyncio.Event()

    async def __call__(self, one: Connection, password: Secret | None, interval_s: float) -> AsyncGenerator[Inside]:
        """Look twice, then wait."""
        self.asked += 1
        if self.refuses:
            raise CannotConnect(
                Finding("console", "failed", "carto may not look", "stats_users = carto in pgbouncer.ini")
            )
        try:
            yield _inside(1000.0, 100)
            yield _inside(1002.0, 130)
            await self.more.wait()
        finally:
            self.ended += 1


async def test_who_waits_stands_first(services: Services, size: tuple[int, int], look: Look) -> None:
    gate = Gate()
    async with on_stage(services, PoolClients(services, A._replace(parameters=OPEN), gate), size) as pilot:
        await until(pilot, lambda: "15.0 transactions a second" in prose(pilot))
        assert "4 clients in: 2 waiting, 1 served, 1 idle · 2 server sockets out: 1 active, 1 idle" in prose(pilot)
        assert "each takes 50 ms after waiting 500 ms" in prose(pilot)
        assert "carto from 10.0.0.1:40001 (carto-maps-api) has waited 12.0 s for a server socket" in prose(pilot)
        await look(pilot, "who waits")
        await pilot.press("down", "down")
        await until(pilot, lambda: "is served by backend 4711 · TLSv1.3" in prose(pilot))
        await pilot.press("y")
        await until(pilot, lambda: "4711" in pilot.app.clipboard)
        await pilot.press("escape")
        await until(pilot, lambda: gate.ended == 1)


async def test_where_nobody_may_look_the_setting_is_named_and_one_can_look_again(services: Services) -> None:
    gate = Gate()
    gate.refuses = True
    async with on_stage(services, PoolClients(services, A._replace(parameters=OPEN), gate)) as pilot:
        await until(pilot, lambda: "stats_users = carto in pgbouncer.ini" in prose(pilot))
        await until(pilot, lambda: "Look again" in seen(pilot))
        gate.refuses = False
        await pilot.press("r")
        await until(pilot, lambda: "4 clients in" in seen(pilot))
        assert gate.asked == 2


async def test_a_password_that_is_not_there_is_said(services: Services) -> None:
    async with on_stage(services, PoolClients(services, A, Gate())) as pilot:
        await until(pilot, lambda: "PGCONNS_TEST_UNSET" in prose(pilot))


async def test_a_pooled_connection_leads_there(services: Services) -> None:
    services.registry.add(A)
    detail = ConnectionDetail(services, A)
    async with on_stage(services, detail) as pilot:
        await pilot.press("w")
        await pilot.pause()
        assert top(pilot) is detail
        pooled = counted("analytics", 4, pooled=Pooled("db.example.com:5432", 12, 0, 0.0, 4, 10, "transaction"))
        detail.show_row(Panel((A,), sampled(pooled)).row(A))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(top(pilot), PoolClients))


OPEN = A.parameters._replace(password_from="pgpass")
