"""The screen of a Connection tells what workflows left behind."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.screens.conftest import on_stage, seen, until
from tests.screens.watching import FakeWatch
from tests.widgets.given import connection, counted, sampled
from tui import paths
from tui.history import ledger
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.screens.live_panel import LivePanel
from tui.workflows.tables import Look, Table, spot

if TYPE_CHECKING:
    from tui.screens.services import Services

A = connection("analytics")


async def test_temporary_tables_stand_with_their_connection(services: Services) -> None:
    services.registry.add(A)
    path, now = paths.history_file(), time.time()
    Store(path).close()
    tables = (Table(7, "old", "r", 3 * 1024 * 1024, False), Table(8, "new", "r", 8192, True))
    ledger.keep(path, spot(A), Look("gis", "wt", True, tables[:1], 1), now - 3 * 86_400)
    ledger.keep(path, spot(A), Look("gis", "wt", True, tables, 2), now)
    recorder = Recorder()
    recording = replace(services, recorder=recorder)
    panel = LivePanel(recording, FakeWatch)
    async with on_stage(recording, panel) as pilot:
        await until(pilot, lambda: panel.watching is not None)
        assert isinstance(panel.watching, FakeWatch)
        await pilot.pause()
        panel.watching.count(sampled(counted("analytics", 4)))
        await until(pilot, lambda: "4/97" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "2 tables, about 3.0 MB, the oldest for 3 d at least in wt" in seen(pilot))
    assert recorder.close()
