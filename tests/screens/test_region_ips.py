"""The regions, by keys: found by a tenant's URL, rules for a firewall, copied; asked for anew, with what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.widgets import Input

from tests.screens.conftest import Look, answers, on_stage, prose, seen, top, type_text, until
from tests.screens.watching import FakeWatch
from tests.widgets.given import connection
from tui.connections.parameters import Problem
from tui.connections.registry import RegistryError
from tui.regions.directory import THE_PAGE, Directory, Refreshed, Trouble
from tui.regions.model import BUILT_IN, BUILT_IN_AT, Change, Region
from tui.regions.rules import FIREWALLS
from tui.screens.connection_detail import ConnectionDetail
from tui.screens.live_panel import LivePanel
from tui.screens.region_ips import RegionIps
from tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.regions.directory import OnProgress
    from tui.screens.services import Services

NOW = BUILT_IN_AT + 4 * 86_400
OWN = Region("my-datacenter", "", ("203.0.113.7", "10.20.0.0/16"), "own", None)
PINEA = replace(
    BUILT_IN[1],
    addresses=(*BUILT_IN[1].addresses[1:], "34.1.2.3"),
    source="live",
    fetched_at=NOW,
    changed=Change(("34.1.2.3",), (BUILT_IN[1].addresses[0],)),
    changed_at=NOW - 60,
)
CHANGED = Refreshed(
    (BUILT_IN[0], PINEA, *BUILT_IN[2:], OWN),
    (Trouble("us-east1", "It cannot be reached: timed out"), Trouble(THE_PAGE, "It cannot be reached: timed out")),
    ("europe-west1",),
    reached=True,
)


class FakeLists:
    """Knows these regions, and answers what it is told once the gate is open."""

    def __init__(self, *regions: Region, notes: tuple[str, ...] = ()) -> None:
        self.known = Directory(regions or (*BUILT_IN, OWN), notes)
        self.answer: Refreshed | Problem = CHANGED
        self.gate = asyncio.Event()
        self.asked = 0
        self.cancelled = False

    def look(self, registry: Registry) -> Directory:
        """Return what is known."""
        return self.known

    async def refresh(self, on_progress: OnProgress, registry: Registry) -> Refreshed:
        """Answer half of the questions, wait at the gate, then answer the rest."""
        self.asked += 1
        on_progress(0, 6)
        on_progress(3, 6)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if isinstance(self.answer, Problem):
            raise self.answer
        return self.answer


def regions(services: Services, lists: FakeLists, shown: Connection | None = None, now: float = NOW) -> RegionIps:
    return RegionIps(services, shown, lists=lists, now=lambda: now)


def cursor(pilot: Pilot[int]) -> str | None:
    return pilot.app.screen.query_one(LiveTable).cursor


async def test_regions_with_the_rules_for_the_one_under_the_cursor(
    services: Services, size: tuple[int, int], look: Look
) -> None:
    async with on_stage(services, regions(services, FakeLists()), size) as pilot:
        await until(pilot, lambda: "hostssl DATABASE ROLE 35.185.63.239/32" in seen(pilot))
        await look(pilot, "regions")
        await pilot.press("end")
        await until(pilot, lambda: "hostssl" not in seen(pilot) or "203.0.113.7/32" in seen(pilot))
        assert " 203.0.113.7, 10.20.0.0/16" in seen(pilot)
        await pilot.press("q")
        await until(pilot, lambda: answers(pilot) == [None])


async def test_every_firewall_has_its_turn(services: Services) -> None:
    async with on_stage(services, regions(services, FakeLists())) as pilot:
        await until(pilot, lambda: "[pg_hba]" in seen(pilot))
        shown = []
        for _ in FIREWALLS:
            await pilot.press("f")
            shown.append(next(name for name in FIREWALLS if f"[{name}]" in seen(pilot)))
        assert shown == [*FIREWALLS[1:], FIREWALLS[0]]
        await pilot.press("F")
        await until(pilot, lambda: "[plain]" in seen(pilot))
        assert "hostssl" not in seen(pilot)
        assert "\n 104.196.59.4\n" in seen(pilot)


async def test_rules_and_their_undo_and_addresses_are_copied(services: Services) -> None:
    async with on_stage(services, regions(services, FakeLists())) as pilot:
        await until(pilot, lambda: "hostssl" in seen(pilot))
        await pilot.press("f", "f", "y")
        await until(pilot, lambda: "Sent to the terminal's clipboard" in seen(pilot))
        assert "ufw allow " in pilot.app.clipboard
        assert "delete" not in pilot.app.clipboard
        await pilot.press("u", "y")
        await until(pilot, lambda: "undo for " in seen(pilot))
        assert "delete allow" in pilot.app.clipboard
        await pilot.press("a")
        assert pilot.app.clipboard == "\n".join(BUILT_IN[0].addresses) + "\n"


async def test_long_rules_are_scrolled_without_leaving_the_list(services: Services) -> None:
    async with on_stage(services, regions(services, FakeLists())) as pilot:
        await until(pilot, lambda: "# pgconns begin" in seen(pilot))
        assert "# pgconns end" not in seen(pilot)
        await pilot.press(*"J" * 9)
        await until(pilot, lambda: "# pgconns end" in seen(pilot))
        await pilot.press(*"K" * 9)
        await until(pilot, lambda: "# pgconns begin" in seen(pilot))
        assert cursor(pilot) == "us-east1"


async def test_a_pasted_tenant_picks_its_region_and_part_of_an_address_finds_some(services: Services) -> None:
    async with on_stage(services, regions(services, FakeLists())) as pilot:
        await until(pilot, lambda: "clausa" in seen(pilot))
        pilot.app.screen.post_message(events.Paste("https://radiata.app.carto.com/workspace\n"))
        await until(pilot, lambda: cursor(pilot) == "australia-southeast1" and "clausa" not in seen(pilot))
        assert "hostssl DATABASE ROLE 34.151.87.148/32" in seen(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "clausa" in seen(pilot))
        assert answers(pilot) == []
        await pilot.press("slash")
        await type_text(pilot, "203.0")
        await until(pilot, lambda: cursor(pilot) == "my-datacenter" and "clausa" not in seen(pilot))
        await pilot.press("enter", "f")
        await until(pilot, lambda: "[nftables]" in seen(pilot))
        pilot.app.screen.query_one(Input).value = "https://pinae.app.carto.com"
        await until(pilot, lambda: "No region is called pinae: did you mean pinea?" in seen(pilot))
        await pilot.press("y", "a")
        assert pilot.app.clipboard == ""
        await pilot.press("escape", "escape")
        await until(pilot, lambda: answers(pilot) == [None])


async def test_asking_shows_progress_then_what_changed_and_what_failed(
    services: Services, size: tuple[int, int], look: Look
) -> None:
    lists = FakeLists()
    async with on_stage(services, regions(services, lists), size) as pilot:
        await until(pilot, lambda: "hostssl" in seen(pilot))
        await pilot.press("r", "r", "down")
        await until(pilot, lambda: "Asking CARTO: 3 of 6 answered" in seen(pilot))
        await look(pilot, "asking")
        assert lists.asked == 1
        lists.gate.set()
        await until(pilot, lambda: "! CARTO answered: 1 list changed: europe-west1" in seen(pilot))
        assert "! us-east1, the documentation's page: It cannot be reached: timed out" in prose(pilot)
        assert "! +1 −1" in seen(pilot)
        assert "! changed 1 min ago: added 34.1.2.3; removed 34.79.53.57" in prose(pilot)
        assert cursor(pilot) == "europe-west1"
        await look(pilot, "changed")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Refreshed((*BUILT_IN, OWN), reached=True), "✓ CARTO answered: no list changed"),
        (
            Refreshed((*BUILT_IN, OWN), (Trouble("us-east1", "no route"),)),
            "✗ Nothing usable was answered: the lists are those known before. ! us-east1: no route",
        ),
        (Problem("PGCONNS_META_URL is an https address"), "✗ Not asked: PGCONNS_META_URL is an https address"),
    ],
)
async def test_what_is_known_stays_whatever_is_answered(
    services: Services, answer: Refreshed | Problem, said: str
) -> None:
    lists = FakeLists()
    lists.answer = answer
    lists.gate.set()
    async with on_stage(services, regions(services, lists)) as pilot:
        await until(pilot, lambda: "hostssl" in seen(pilot))
        await pilot.press("r")
        await until(pilot, lambda: said in prose(pilot))
        assert all(region.region in seen(pilot) for region in (*BUILT_IN, OWN))
        await pilot.press("q")
        await until(pilot, lambda: answers(pilot) == [None])


async def test_leaving_stops_asking(services: Services) -> None:
    lists = FakeLists()
    async with on_stage(services, regions(services, lists)) as pilot:
        await until(pilot, lambda: "hostssl" in seen(pilot))
        await pilot.press("r")
        await until(pilot, lambda: "3 of 6" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: lists.cancelled and "Stopped: the lists are those known before" in seen(pilot))
        lists.cancelled = False
        await pilot.press("r")
        await until(pilot, lambda: "3 of 6" in seen(pilot))
        pilot.app.pop_screen()
        await until(pilot, lambda: lists.cancelled)


async def test_old_lists_and_a_damaged_cache_are_told(services: Services) -> None:
    lists = FakeLists(notes=("The list kept here cannot be read",))
    async with on_stage(services, regions(services, lists, now=NOW + 30 * 86_400)) as pilot:
        await until(pilot, lambda: "! The list kept here cannot be read" in seen(pilot))
        assert "! These lists are up to 34 days old: r asks CARTO for new ones." in seen(pilot)


async def test_a_damaged_registry_leaves_the_built_in_lists(services: Services) -> None:
    class Damaged(FakeLists):
        def look(self, registry: Registry) -> Directory:
            raise RegistryError("The registry is damaged in line 3")

    async with on_stage(services, regions(services, Damaged())) as pilot:
        await until(pilot, lambda: "! The registry is damaged in line 3" in seen(pilot))
        assert "35.185.63.239" in seen(pilot)


async def test_for_a_connection_its_region_and_firewall_come_first(
    services: Services, size: tuple[int, int], look: Look
) -> None:
    prod = connection("prod", connector="rds", region="europe-west1", port=6432)
    async with on_stage(services, regions(services, FakeLists(), prod), size) as pilot:
        await until(pilot, lambda: cursor(pilot) == "europe-west1" and "[aws]" in seen(pilot))
        await pilot.press("y")
        assert "6432" in pilot.app.clipboard
        assert "34.79.53.57" in pilot.app.clipboard
        await pilot.press("F", "F", "F", "y")
        assert 'hostssl "gis" "carto" 34.79.53.57/32' in pilot.app.clipboard
        pilot.app.clear_notifications()
        await look(pilot, "of a Connection")


async def test_a_region_that_nobody_knows_and_a_name_that_no_rule_can_hold(services: Services) -> None:
    odd = connection("prod", region="mars", username="a\nb")
    async with on_stage(services, regions(services, FakeLists(), odd)) as pilot:
        await until(pilot, lambda: "! No region is called mars" in seen(pilot))
        assert "✗ The role's name holds characters that cannot be shown" in seen(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard == ""


async def test_the_panel_and_a_connection_lead_here(services: Services) -> None:
    a = connection("a", region="radiata")
    services.registry.add(a)
    async with on_stage(services, ConnectionDetail(services, a)) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(top(pilot), RegionIps) and "rules for a" in seen(pilot))
        await until(pilot, lambda: cursor(pilot) == "australia-southeast1")
        await pilot.press("y")
        assert 'hostssl "gis" "carto" 34.151.87.148/32' in pilot.app.clipboard
    async with on_stage(services, LivePanel(services, FakeWatch)) as pilot:
        await until(pilot, lambda: "connecting…" in seen(pilot))
        await pilot.press("I")
        await until(pilot, lambda: isinstance(top(pilot), RegionIps) and "hostssl DATABASE ROLE" in seen(pilot))
