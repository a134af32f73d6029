"""A Connection behind a PgBouncer: clients and server sockets apart, who waits, and what is not seen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.screens.conftest import Look, on_stage, seen, until
from tests.screens.watching import FakeWatch, watching
from tests.widgets.given import HOSTILE, connection, counted, sampled
from tui.screens.connection_detail import ConnectionDetail
from tui.screens.live_panel import LivePanel
from tui.screens.services import Services
from tui.sockets.model import ConnectionCount, Pooled
from tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moments are told by the machine's clock: here it is UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


DOOR = "db.example.com:5432"
CALM = Pooled(DOOR, 12, 0, 0.0, 4, 10, "transaction")
WAITING = Pooled(DOOR, 31, 7, 4.2, 10, 10, "transaction")
STARVING = Pooled(DOOR, 31, 21, 12.0, 10, 10, "transaction")
REFUSED = "carto may not look into the console of db.example.com:5432. stats_users = carto in pgbouncer.ini, and RELOAD"
NAMES = ("calm", "waiting", "starving", "unseen", "server busy")


def five() -> tuple[ConnectionCount, ...]:
    """A calm pool, one that waits, one that starves, one that is not seen, and one whose server is not."""
    return (
        counted("calm", 4, pooled=CALM),
        counted("waiting", 10, pooled=WAITING),
        counted("starving", 10, pooled=STARVING),
        counted("unseen", 4, pooled=Pooled(DOOR, error=REFUSED)),
        counted("server busy", None, pooled=WAITING),
    )


async def test_the_panel_tells_them_apart(services: Services, size: tuple[int, int], look: Look) -> None:
    for name in NAMES:
        services.registry.add(connection(name, connector="pgbouncer"))
    async with on_stage(services, LivePanel(services, FakeWatch), size) as pilot:
        watch = await watching(pilot)
        watch.count(sampled(*five()))
        await until(pilot, lambda: "12 clients in, 4 of 10 server sockets out" in seen(pilot))
        await look(pilot, "pools")
        await pilot.press("down", "down")
        await until(pilot, lambda: "the first for 12 s" in seen(pilot))
        await look(pilot, "cursor on who starves")
        shown = seen(pilot)
        assert "21 clients in PgBouncer wait for a server socket" in shown


async def test_a_connections_screen_tells_of_its_pool(services: Services, size: tuple[int, int], look: Look) -> None:
    one = connection("waiting", connector="pgbouncer")
    services.registry.add(one)
    detail = ConnectionDetail(services, one)
    detail.show_row(Panel((one,), sampled(counted("waiting", 10, pooled=WAITING))).row(one))
    async with on_stage(services, detail, size) as pilot:
        await until(pilot, lambda: "10 of 10 server sockets out (transaction)" in seen(pilot))
        await look(pilot, "waiting")
        assert "31 clients in, 7 of them waiting, 4.2 s at most" in seen(pilot)
        detail.show_row(Panel((one,), sampled(counted("waiting", 4, pooled=Pooled(DOOR, error=REFUSED)))).row(one))
        await until(pilot, lambda: "queue are not seen" in seen(pilot))
        detail.show_row(Panel((one,), sampled(counted("waiting", None, pooled=CALM))).row(one))
        await until(pilot, lambda: "12 clients in" in seen(pilot))


async def test_what_a_console_says_is_only_text(services: Services) -> None:
    one = connection("waiting", connector="pgbouncer")
    services.registry.add(one)
    detail = ConnectionDetail(services, one)
    hostile = Pooled(DOOR, 3, 1, 2.0, 1, 1, HOSTILE)
    detail.show_row(Panel((one,), sampled(counted("waiting", 4, pooled=hostile))).row(one))
    async with on_stage(services, detail, (120, 40)) as pilot:
        await until(pilot, lambda: "3 clients in" in seen(pilot))
        assert "\x1b" not in seen(pilot)
        assert "\u202e" not in seen(pilot)
