"""A Connection's own screen: what it tells, and checking again as the person watches."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Input

from tests.screens.conftest import OK, REFUSED, FakeProbe, Look, ProbeBy, answers, on_stage, seen, top, until
from tests.widgets.given import connection, counted, sampled
from tui import paths
from tui.connections import checks
from tui.connections.secret import Secret
from tui.history.reader import History
from tui.history.store import Store
from tui.probe.report import Report, Server
from tui.screens.connection_detail import ConnectionDetail
from tui.screens.connection_facts import how_long_ago, kept_findings
from tui.screens.passphrase import AskPassword
from tui.screens.services import Services
from tui.sockets.alerts import Alert
from tui.sockets.growth import Point, Trend
from tui.sockets.model import ServerCount
from tui.sockets.series import Series
from tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tui.widgets.socket_lines import Row

A = connection("analytics", password_from="ask", sslmode="verify-full", sslrootcert="system", region="europe-west1")


def row(kept: int = 0) -> Row:
    count = counted(
        "analytics", 41, states=(12, 27, 2, 0, 0), oldest_idle_in_transaction_s=754.0, from_region=39,
        shared_with=("maps",),
    )  # fmt: skip
    return Panel((A,), sampled(count), kept={A.id: kept}).row(A)


def registered(services: Services) -> Services:
    services.registry.add(A)
    services.secrets.remember(A.id, Secret("hunter2"))
    return services


LEAK = Trend("leaking", 1.25, 1.0, 1.4, 3400.0, 2800.0, None, samples=300, window_s=600.0)


def growing(sockets: int = 41) -> Row:
    """A row whose sockets rose, with a gap where they were not seen."""
    count = counted("analytics", sockets, headroom=9, trend=LEAK)
    series = Series()
    for number in range(60):
        seen_now = None if 20 <= number < 26 else sockets - (60 - number) // 4
        series = series.add(1000.0 + 4 * number, seen_now)
    return Panel((A,), sampled(count), {A.id: series}, {A.id: 2}).row(A)


async def test_what_it_tells(
    services: Services, size: tuple[int, int], look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    detail = ConnectionDetail(registered(services), A)
    detail.show_row(growing())
    async with on_stage(services, detail, size) as pilot:
        await look(pilot, "lately")
        assert "full at 50" in seen(pilot)
        detail.show_row(row())
        await until(pilot, lambda: "in tx, the oldest for 12 min" in seen(pilot))
        await pilot.press("p")
        await until(pilot, lambda: "Never checked here" in seen(pilot))
        await look(pilot, "never checked")
        assert "hunter2" not in seen(pilot)
        await pilot.press("p")
        detail.show_row(Panel((A,), sampled(counted("analytics", 7))).row(A))
        await until(pilot, lambda: "7 of 97, 50 more can open" in seen(pilot))


async def test_what_is_older_than_the_last_counts_is_plotted_too(services: Services) -> None:
    older = tuple(Point(-20_000.0 + 60 * number, 30) for number in range(300))
    detail = ConnectionDetail(registered(services), A, past={A.id: older}.__getitem__)
    detail.show_row(growing())
    async with on_stage(services, detail) as pilot:
        await until(pilot, lambda: "-8 h" in seen(pilot) or "-6 h" in seen(pilot))


async def test_the_last_check_is_kept(services: Services) -> None:
    checks.save(A.id, Report(REFUSED, Server()).to_json())
    async with on_stage(services, ConnectionDetail(registered(services), A), (80, 40)) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: "Last check, " in seen(pilot) and " s ago: 1 failure" in seen(pilot))
        assert "28P01" in seen(pilot)
        await pilot.press("f")
        await until(pilot, lambda: pilot.app.clipboard == REFUSED[2].fix)


async def test_check_again_streams_and_is_kept(services: Services) -> None:
    probe = services.probe
    assert isinstance(probe, FakeProbe)
    probe.gate.clear()
    async with on_stage(registered(services), ConnectionDetail(services, A, check=True), (80, 40)) as pilot:
        await until(pilot, lambda: "Logged in as carto" in seen(pilot))
        assert "Checking" in seen(pilot)
        probe.gate.set()
        await until(pilot, lambda: "Checked now: 1 warning" in seen(pilot))
    assert probe.asked == [(A.parameters, Secret("hunter2"))]
    kept = checks.load(A.id)
    assert kept is not None
    assert kept_findings(kept) == OK


async def test_leaving_cancels_the_check(services: Services, probe_by: ProbeBy) -> None:
    probe = probe_by(*OK)
    probe.gate.clear()
    handed = replace(registered(services), probe=probe)
    async with on_stage(handed, ConnectionDetail(handed, A, check=True)) as pilot:
        await until(pilot, lambda: "Logged in as carto" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: probe.cancelled)
        assert answers(pilot) == [None]


async def test_a_password_that_is_kept_nowhere_is_asked_for(services: Services) -> None:
    services.registry.add(A)
    async with on_stage(services, ConnectionDetail(services, A)) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: isinstance(top(pilot), AskPassword))
        await pilot.press("escape")
        await until(pilot, lambda: "Not checked" in seen(pilot))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(top(pilot), AskPassword))
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press("x", "enter")
        await until(pilot, lambda: "Checked now" in seen(pilot))


async def test_removed_elsewhere_it_closes(services: Services) -> None:
    async with on_stage(registered(services), ConnectionDetail(services, A)) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: "Remove analytics?" in seen(pilot))
        await pilot.press("y")
        await until(pilot, lambda: answers(pilot) == [None])
    assert services.registry.load() == ()


def test_kept_checks_of_another_shape_do_no_harm() -> None:
    assert kept_findings({}) == ()
    assert kept_findings({"findings": ["x", {}, {"status": "odd"}]}) == ()
    assert how_long_ago("yesterday") == "at an unknown time"


AT = 1_795_168_800.0  # 2026-11-20 10:00 UTC


@pytest.fixture
def looked_back(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Services with a history of twenty hours, in which a server was started again and was full for a while."""
    store = Store(paths.history_file())
    for minute in range(-1200, 0, 5):
        at, full = AT + 60 * minute, -300 <= minute < -120
        started_at = AT - (90_000 if minute < -600 else 36_000)
        server = ServerCount("db.example.com:5432", 97, 3, 47, 50, 1, 46, 0, "full", at, started_at=started_at)
        count = counted("analytics", 40 + minute // 60, headroom=0 if full else 55)
        alerts = [Alert("full", "critical", "db.example.com:5432", "full", at, at)] if full else []
        store.write(sampled(count, at=at, servers=(server,)), alerts)
    store.close()
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        patch.setattr(time, "time", lambda: AT)
        yield registered(services)
    time.tzset()


async def test_longer_spans_are_plotted_by_key(looked_back: Services, size: tuple[int, int], look: Look) -> None:
    detail = ConnectionDetail(looked_back, A)
    detail.show_row(growing())
    async with on_stage(looked_back, detail, size) as pilot:
        await until(pilot, lambda: "[now]" in seen(pilot))
        await pilot.press("s", "s", "s")
        await until(pilot, lambda: "peak 39" in seen(pilot))
        assert "1 alert (! ✗) · 1 restart (↻)" in seen(pilot)
        assert "steps of 10 min" in seen(pilot)
        await look(pilot, "a day")
        await pilot.press("S", "S")
        await until(pilot, lambda: "[1 h]" in seen(pilot) and "peak 39" in seen(pilot) and "alert" not in seen(pilot))
        await pilot.press("S")
        await until(pilot, lambda: "[now]" in seen(pilot) and "full at 50" in seen(pilot))
        assert "peak" not in seen(pilot)
        await pilot.press("S")
        await until(pilot, lambda: "[1 y]" in seen(pilot) and "-30 d" not in seen(pilot) and "peak" in seen(pilot))


async def test_a_span_of_which_nothing_is_known(services: Services) -> None:
    detail = ConnectionDetail(registered(services), A)
    async with on_stage(services, detail) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "There is no history" in seen(pilot))
        Store(paths.history_file()).close()
        await pilot.press("s")
        await until(pilot, lambda: "Nothing was recorded of it in that time" in seen(pilot))


async def test_it_is_left_while_a_span_is_read(looked_back: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, go_on, done = threading.Event(), threading.Event(), threading.Event()
    series = History.series

    def slow(*arguments: Any) -> Any:
        reading.set()
        go_on.wait(30)
        try:
            return series(*arguments)
        finally:
            done.set()

    monkeypatch.setattr(History, "series", slow)
    detail = ConnectionDetail(looked_back, A)
    async with on_stage(looked_back, detail) as pilot:
        await pilot.press("s")
        await until(pilot, reading.is_set)
        detail.show_row(growing())  # the screen goes on meanwhile
        await until(pilot, lambda: "41 of 97" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: answers(pilot) == [None])
        go_on.set()
        await until(pilot, done.is_set)
        await pilot.pause()
