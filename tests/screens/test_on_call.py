"""The live panel on call, by keys: alerts and the bell, step, jumps, and a file of what is seen."""

from __future__ import annotations

import csv
import json
import stat
import time
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from tests.screens.conftest import Look, on_stage, prose, quiet, recorded, seen, top, type_text, until
from tests.screens.test_live_panel import EU, EU_DOWN, A, B, C, cursor, panel, register, three
from tests.screens.watching import watching
from tests.widgets.given import HOSTILE, connection, counted, sampled
from tui.screens.alerts import Alerts
from tui.screens.confirm import Confirm
from tui.screens.live_panel import LivePanel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from tui.screens.services import Services

QUIET = (counted("analytics", 4), counted("builder maps", 5), counted("workflows", 3, EU))


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moments are told by the machine's clock: here it is UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


async def test_alerts_are_told_once_listed_and_lead_to_their_connection(
    services: Services, size: tuple[int, int], look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(services, A, B, C)
    async with on_stage(services, panel(services), size) as pilot:
        rung: list[int] = []
        watch = await watching(pilot)
        monkeypatch.setattr(pilot.app, "bell", lambda: rung.append(len(watch.series["analytics"].at)))
        watch.count(sampled(*QUIET, at=900.0))
        await until(pilot, lambda: "4/97" in seen(pilot))
        assert "alert" not in seen(pilot)
        await pilot.press("b")
        await until(pilot, lambda: "every 2 s · bell" in seen(pilot))
        for at in (1000.0, 1002.0, 1004.0):
            watch.count(sampled(*three(), at=at, servers=(EU_DOWN,)))
        await until(pilot, lambda: "5 alerts (press !) · 00:16:40" in seen(pilot))
        assert rung == [2]  # at the second of four counts
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "builder maps leaks 1.0 sockets a minute" in seen(pilot))
        watch.count(sampled(*QUIET, at=1060.0))  # those of the trend are held for longer
        await until(pilot, lambda: "3 ended within the hour" in seen(pilot) and "· 00:16:40" in seen(pilot))
        pilot.app.clear_notifications()
        await look(pilot, "alerts")
        await pilot.press("home", "down", "enter")
        await until(pilot, lambda: isinstance(top(pilot), LivePanel))
        assert cursor(pilot) == B.id


async def test_an_empty_list_of_alerts(services: Services) -> None:
    register(services, A)
    async with on_stage(services, panel(services)) as pilot:
        (await watching(pilot)).count(sampled(QUIET[0]))
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "✓ Nothing is wrong" in seen(pilot))
        await pilot.press("enter", "y")
        assert isinstance(top(pilot), Alerts)


async def test_step_shows_one_count_after_the_other(services: Services) -> None:
    register(services, A)
    async with on_stage(services, panel(services)) as pilot:
        watch = await watching(pilot)
        watch.count(sampled(counted("analytics", 1)))
        await pilot.press("full_stop")
        for number in (2, 3):
            watch.count(sampled(counted("analytics", number), at=1000.0 + number))
        await until(pilot, lambda: "PAUSED at 00:16:40, 2 newer" in seen(pilot) and " 1/97" in seen(pilot))
        await pilot.press("full_stop")
        await until(pilot, lambda: "PAUSED at 00:16:42, 1 newer" in seen(pilot) and " 2/97" in seen(pilot))
        await pilot.press("full_stop", "full_stop")
        await until(pilot, lambda: "PAUSED at 00:16:43" in seen(pilot) and " 3/97" in seen(pilot))
        assert "newer" not in seen(pilot)
        await pilot.press("p")
        await until(pilot, lambda: "every 2 s" in seen(pilot))


async def test_jumps(services: Services) -> None:
    register(services, A, B, C)
    async with on_stage(services, panel(services)) as pilot:
        (await watching(pilot)).count(sampled(*three(), servers=(EU_DOWN,)))
        for key, there in (("G", C), ("g", A), ("2", C), ("1", A), ("9", A), ("n", B), ("n", C), ("n", A), ("N", C)):
            await pilot.press(key)
            assert cursor(pilot) == there.id, key


async def type_path(pilot: Pilot[int], path: Path) -> None:
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    await pilot.press("ctrl+u")
    await type_text(pilot, str(path))
    await pilot.press("enter")


async def test_what_is_seen_is_written_to_a_private_file(services: Services, tmp_path: Path, look: Look) -> None:
    register(services, A, B, C)
    async with on_stage(services, panel(services)) as pilot:
        watch = await watching(pilot)
        await pilot.press("X")
        await until(pilot, lambda: "Nothing was counted yet" in seen(pilot))
        watch.count(sampled(*three()[:2], counted("workflows", None, EU, error="=" + HOSTILE), servers=(EU_DOWN,)))
        await pilot.press("s", "X")
        await until(pilot, lambda: "Export what is seen" in seen(pilot))
        pilot.app.clear_notifications()
        await look(pilot, "export")
        await type_path(pilot, tmp_path / "seen.txt")
        await until(pilot, lambda: "ends in .csv or .json" in prose(pilot) and "✗" in seen(pilot))
        await type_path(pilot, tmp_path / "none" / "seen.csv")
        await until(pilot, lambda: "cannot be written" in prose(pilot))
        await type_path(pilot, tmp_path / "seen.csv")
        await until(pilot, lambda: isinstance(top(pilot), LivePanel))
        rows = list(csv.DictReader((tmp_path / "seen.csv").open()))
        assert [row["name"] for row in rows if row["kind"] == "connection"] == [
            "analytics",
            "builder maps",
            "workflows",
        ]
        assert rows[2]["error"].startswith("'=␛")
        assert stat.S_IMODE((tmp_path / "seen.csv").stat().st_mode) == 0o600
        (tmp_path / "seen.json").write_text("before")
        await pilot.press("slash")
        await type_text(pilot, "maps")
        await pilot.press("enter", "X")
        await type_path(pilot, tmp_path / "seen.json")
        await until(pilot, lambda: isinstance(top(pilot), Confirm))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(top(pilot), LivePanel))
        written = json.loads((tmp_path / "seen.json").read_text())
        assert [count["name"] for count in written["connections"]] == ["builder maps"]
        assert written["connections"][0]["trend"]["verdict"] == "leaking"


async def test_merging_is_advised_under_the_cursor(services: Services) -> None:
    twin = B._replace(parameters=B.parameters._replace(username=A.parameters.username))
    register(services, A, twin)
    async with on_stage(services, panel(services)) as pilot:
        one = counted("analytics", 8, shared_with=("builder maps",))
        other = counted("builder maps", 8, shared_with=("analytics",))
        (await watching(pilot)).count(sampled(one, other))
        await until(pilot, lambda: "Merging analytics and builder maps in CARTO would save up to 4" in seen(pilot))
        assert "shared by 2" in seen(pilot)


async def test_a_refresh_of_every_line_stays_small(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 160x50, by changed columns: pg_activity sends 13 KB, whatever changed."""
    names = [f"connection {number}" for number in range(45)]
    for name in names:
        services.registry.add(connection(name))
    monkeypatch.setenv("COLORTERM", "truecolor")
    async with on_stage(services, panel(services), (160, 50)) as pilot:
        watch = await watching(pilot)
        for number in range(101):  # each column of the sparklines is as high as the last one
            now = sampled(*(counted(name, 41 - number % 2, headroom=57) for name in names), at=1000.0 + number)
            watch.count(now)
        sent = recorded(pilot, monkeypatch)
        await quiet(pilot, sent)
        watch.count(sampled(*(counted(name, 40, headroom=38) for name in names), at=1101.0))
        await until(pilot, lambda: "40/97" in seen(pilot) and sent)
        octets = "".join(what.render_segments(pilot.app.console) for what in sent).encode()
        assert 45 * 20 < len(octets) < 13_000
