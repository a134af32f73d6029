"""The plan of a PgBouncer, by keys: what it says, planned anew as options are typed, and what cannot be planned."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.widgets import Input

from tests.bouncer.given import recorded
from tests.screens.conftest import Look, answers, on_stage, seen, top, until
from tests.screens.watching import FakeWatch
from tests.widgets.given import connection
from tui.bouncer.facts import Facts
from tui.bouncer.limits import ServerLimits
from tui.history.errors import HistoryError
from tui.postgres.errors import CannotConnect
from tui.postgres.finding import Finding
from tui.screens.bouncer_plan import BouncerPlan
from tui.screens.connection_detail import ConnectionDetail
from tui.screens.live_panel import LivePanel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.bouncer.evidence import Evidence
    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.connections.secret import Secret
    from tui.screens.at_server import Lend
    from tui.screens.services import Services

LIMITS = ServerLimits(100, {"superuser_reserved_connections": 3}, roles={"maps": 40}, held={("app", "web"): 10})
BUSY = recorded(("gis", "carto", [50] * 60, [9] * 60), ("gis", "maps", [30] * 60, [4] * 60))
PROD = connection("prod", password_from="pgpass")
TILES = connection("tiles", username="maps", password_from="pgpass")


class FakeFacts:
    """Knows what it is told, once the gate is open; or fails."""

    def __init__(self, evidence: Evidence | None = BUSY, trouble: str = "") -> None:
        self.evidence, self.trouble = evidence, trouble
        self.error: Exception | None = None
        self.asked: list[tuple[str, ...]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(
        self, connections: Sequence[Connection], registry: Registry, password: Secret | None, lend: Lend
    ) -> Facts:
        """Answer, or raise what there is to raise."""
        self.asked.append(tuple(one.name for one in connections))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Facts(tuple(connections), LIMITS, self.evidence, self.trouble)


def registered(services: Services) -> Services:
    """Services with both Connections, and one of another server."""
    for one in (TILES, PROD, connection("elsewhere", "other.example.com", password_from="pgpass")):
        services.registry.add(one)
    return services


async def test_a_plan_for_all_connections_of_the_server(services: Services, size: tuple[int, int], look: Look) -> None:
    facts = FakeFacts()
    async with on_stage(registered(services), BouncerPlan(services, PROD, collect=facts), size) as pilot:
        await until(pilot, lambda: "A PgBouncer is worth it" in seen(pilot))
        assert facts.asked == [("prod", "tiles")]
        await look(pilot, "plan")
        await pilot.press("end")
        await until(pilot, lambda: "To know" in seen(pilot))
        await look(pilot, "plan's end")
        await pilot.press("q")
        await until(pilot, lambda: answers(pilot) == [None])


async def test_it_is_planned_anew_as_options_are_typed(services: Services) -> None:
    quiet = recorded(("gis", "carto", [6] * 60, [2] * 60), ("gis", "maps", [4] * 60, [1] * 60))
    async with on_stage(registered(services), BouncerPlan(services, PROD, collect=FakeFacts(quiet))) as pilot:
        await until(pilot, lambda: "No PgBouncer is needed" in seen(pilot))
        await pilot.press("o", "2", "0")
        await pilot.press("tab", "9")
        await until(pilot, lambda: "CARTO may open 360 sockets" in seen(pilot))
        await pilot.press("backspace")
        await until(pilot, lambda: "No PgBouncer is needed" in seen(pilot))
        await pilot.press("escape", "m")
        await until(pilot, lambda: "session pooling: as asked for" in seen(pilot))
        await pilot.press("m")
        await until(pilot, lambda: "transaction pooling: as asked for" in seen(pilot))
        await pilot.press("y")
        await until(pilot, lambda: "Sent to the terminal's clipboard" in seen(pilot))
        assert '"pool_mode": "transaction"' in pilot.app.clipboard
        assert not isinstance(pilot.app.focused, Input)


async def test_without_a_recording_it_is_a_guess(services: Services) -> None:
    facts = FakeFacts(None, "connection refused")
    async with on_stage(registered(services), BouncerPlan(services, PROD, collect=facts)) as pilot:
        await until(pilot, lambda: "Nothing was recorded of them" in seen(pilot))
        assert "not asked: connection refused" in seen(pilot)
        assert "What if" not in seen(pilot)


async def test_what_cannot_be_planned_says_why_and_is_tried_again(services: Services) -> None:
    facts = FakeFacts()
    facts.error = CannotConnect(Finding("tcp", "failed", "nothing listens on port 5432", fix="Start the server"))
    async with on_stage(registered(services), BouncerPlan(services, PROD, collect=facts)) as pilot:
        await until(pilot, lambda: "Not planned: nothing listens on port 5432" in seen(pilot))
        assert "Start the server" in seen(pilot)
        facts.error = HistoryError("The history is damaged")
        await pilot.press("r")
        await until(pilot, lambda: "Not planned: The history is damaged" in seen(pilot))
        facts.error = None
        await pilot.press("r")
        await until(pilot, lambda: "A PgBouncer is worth it" in seen(pilot))


async def test_it_is_left_while_it_is_being_planned(services: Services) -> None:
    facts = FakeFacts()
    facts.gate.clear()
    async with on_stage(registered(services), BouncerPlan(services, PROD, collect=facts)) as pilot:
        await until(pilot, lambda: facts.asked)
        await pilot.press("o", "5")
        await pilot.press("escape")
        await pilot.press("escape")
        await until(pilot, lambda: answers(pilot) == [None])
        facts.gate.set()
        await pilot.pause()


async def test_the_panel_and_a_connection_lead_to_it(services: Services, refused_port: int) -> None:
    alone = connection("alone", "127.0.0.1", port=refused_port, password_from="pgpass")
    services.registry.add(alone)
    panel = LivePanel(services, FakeWatch)
    async with on_stage(services, panel) as pilot:
        await until(pilot, lambda: "alone" in seen(pilot))
        await pilot.press("B")
        await until(pilot, lambda: "Not planned" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: top(pilot) is panel)
        pilot.app.push_screen(ConnectionDetail(services, alone))
        await until(pilot, lambda: isinstance(top(pilot), ConnectionDetail))
        await pilot.press("b")
        await until(pilot, lambda: isinstance(top(pilot), BouncerPlan))
