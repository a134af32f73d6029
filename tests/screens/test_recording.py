"""The console records what it counts, says unobtrusively when it does not, and knows what was recorded before."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.hooks.given import told
from tests.screens.conftest import on_stage, prose, seen, until
from tests.screens.watching import FakeWatch, watching
from tests.widgets.given import connection, counted, sampled
from tui import paths
from tui.connections.model import Hook
from tui.history import database, notices
from tui.history import recorder as recorders
from tui.history.reader import History
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.hooks.keeping import Outcome
from tui.screens.live_panel import LivePanel
from tui.sockets.alerts import Alert
from tui.sockets.model import ServerCount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tui.screens.services import Services

A = connection("analytics")


@pytest.fixture
def recording(services: Services) -> Iterator[Services]:
    """Services that record."""
    recorder = Recorder()
    services.registry.add(A)
    yield replace(services, recorder=recorder)
    assert recorder.close()


def _state(services: Services) -> str:
    assert services.recorder is not None
    return services.recorder.recording.state


async def test_what_is_counted_is_recorded(recording: Services) -> None:
    async with on_stage(recording, LivePanel(recording, FakeWatch)) as pilot:
        watch = await watching(pilot)
        for number in range(3):
            count = counted("analytics", 95 + number, headroom=2 - number, bounded_by="role")
            watch.count(sampled(count, at=1000.0 + number))
        await until(pilot, lambda: recording.recorder and recording.recorder.recording.seq == 3)
        assert "recorded" not in seen(pilot)
    assert [sample.connections[0].sockets for sample in History().samples(0, 2000)] == [95, 96, 97]
    assert {kept.alert.kind for kept in History().alerts(0, 2000)} == {"full", "level"}


async def test_another_records_and_the_panel_says_so(recording: Services) -> None:
    store = Store(paths.history_file())
    async with on_stage(recording, LivePanel(recording, FakeWatch), (120, 40)) as pilot:
        watch = await watching(pilot)
        await until(pilot, lambda: _state(recording) == "reading")
        watch.count(sampled(counted("analytics", 5)))
        await until(pilot, lambda: "recorded elsewhere" in seen(pilot))
    store.close()
    assert History().span() is None


async def test_a_disk_that_takes_nothing_is_told_of_once(recording: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    monkeypatch.setattr(recorders, "RETRY_S", 0.05)
    async with on_stage(recording, LivePanel(recording, FakeWatch), (120, 40)) as pilot:
        watch = await watching(pilot)
        await until(pilot, lambda: _state(recording) == "recording")
        with closing(sqlite3.connect(paths.history_file(), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            watch.count(sampled(counted("analytics", 5)))
            await until(pilot, lambda: _state(recording) == "paused")
            watch.count(sampled(counted("analytics", 6), at=1002.0))
            await until(pilot, lambda: "not recorded" in seen(pilot))
            assert "6" in seen(pilot)
            other.execute("ROLLBACK")
        await until(pilot, lambda: _state(recording) == "recording")
        watch.count(sampled(counted("analytics", 7), at=1004.0))
        await until(pilot, lambda: "· not recorded" not in seen(pilot))
    assert recording.recorder is not None
    assert recording.recorder.close()
    assert [sample.connections[0].sockets for sample in History().samples(0, 2000)] == [5, 6, 7]


async def test_what_was_recorded_before_comes_before(recording: Services) -> None:
    now = time.time()
    store = Store(paths.history_file())
    alert = Alert("level", "warning", "db.example.com:5432", "db: 82 % are open", now - 7200, now - 64)
    for ago in (*range(7200, 240, -60), 64, 62):
        store.write(sampled(counted("analytics", 3 + ago // 3600), at=now - ago), [alert])
    store.close()
    panel = LivePanel(recording, FakeWatch)
    async with on_stage(recording, panel) as pilot:
        watch = await watching(pilot)
        await until(pilot, lambda: panel.latest.alerts.standing == (alert,))
        nearly_full = ServerCount("db.example.com:5432", 97, 3, 80, 17, 1, 79, 0, "full", now)
        watch.count(sampled(counted("analytics", 9), at=now + 1, servers=(nearly_full,)))
        past = panel.past("analytics")
        assert past[0].at < now - 7000
        assert (past[0].sockets, past[-2].sockets, past[-1].sockets) == (5, 3, 9)
        assert watch.series["analytics"].sockets == (3, 3, None, None, 9)
        (standing,) = panel.latest.alerts.standing
        assert (standing.key, standing.since) == (alert.key, alert.since)
    assert recording.recorder is not None
    assert recording.recorder.close()
    (kept,) = History().alerts(0, now + 10)
    assert (kept.alert.since, kept.ended) == (alert.since, None)


async def test_a_history_elsewhere_that_does_not_answer_is_told_of(recording: Services, refused_port: int) -> None:
    registry = recording.registry.path
    place = f"http://127.0.0.1:{refused_port}"
    registry.write_text(f'history = "prometheus:{place}"\n{registry.read_text()}')
    async with on_stage(recording, LivePanel(recording, FakeWatch), (120, 40)) as pilot:
        watch = await watching(pilot)
        await until(pilot, lambda: "What was before is not known" in seen(pilot))
        assert "cannot be reached: connection refused" in seen(pilot)
        watch.count(sampled(counted("analytics", 5)))
        await until(pilot, lambda: recording.recorder and recording.recorder.recording.seq == 1)
        pilot.app.clear_notifications()
        await pilot.press("enter", "s")
        await until(pilot, lambda: "[1 h]" in seen(pilot) and "cannot be reached: connection refused" in prose(pilot))


async def test_a_console_without_a_recorder_records_nothing(services: Services) -> None:
    services.registry.add(A)
    async with on_stage(services, LivePanel(services, FakeWatch)) as pilot:
        watch = await watching(pilot)
        watch.count(sampled(counted("analytics", 5)))
        await until(pilot, lambda: "5/" in seen(pilot))
    assert not paths.history_file().exists()


async def test_alerts_are_acknowledged_by_key_and_hooks_that_fail_are_told_of(
    recording: Services, size: tuple[int, int]
) -> None:
    recording.registry.set_hook(Hook("pager", command=("page",)))
    full = counted("analytics", 97, headroom=0, bounded_by="role")
    async with on_stage(recording, LivePanel(recording, FakeWatch), size) as pilot:
        watch = await watching(pilot)
        watch.count(sampled(full, at=time.time()))
        await until(pilot, lambda: recording.recorder is not None and recording.recorder.recording.seq == 1)
        failed = Outcome(told(by="pager"), time.time(), delivered=False, error="page is \x1b not there")
        notices.keep(paths.history_file(), {}, (), (failed,))
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "Hook pager: last delivery failed at" in seen(pilot))
        assert "page is ␛ not there" in seen(pilot)
        await pilot.press("a")
        await until(pilot, lambda: seen(pilot).count(" sees to it · ") == 2)
        (one,) = notices.standing(paths.history_file(), time.time(), 600)
        assert one.acknowledged is not None
        await pilot.press("a")
        await until(pilot, lambda: " sees to it · " not in seen(pilot))
        assert notices.acknowledged(paths.history_file()) == {}
