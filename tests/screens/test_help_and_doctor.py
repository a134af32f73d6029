"""Help comes from the screen's own keys; the doctor shows what this machine lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from tests.screens.conftest import Look, on_stage, seen, top, until
from tests.screens.watching import FakeWatch
from tests.widgets.given import connection
from tui.screens.connection_detail import ConnectionDetail
from tui.screens.doctor import Doctor
from tui.screens.help import Help
from tui.screens.live_panel import LivePanel

if TYPE_CHECKING:
    from tui.screens.services import Services


async def test_help_tells_the_keys_of_the_screen(services: Services, size: tuple[int, int], look: Look) -> None:
    services.registry.add(connection("a"))
    async with on_stage(services, LivePanel(services, FakeWatch), size) as pilot:
        await until(pilot, lambda: "connecting…" in seen(pilot))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(top(pilot), Help))
        await pilot.pause()
        assert "Hold the panel still" in seen(pilot)
        await look(pilot, "help")
        await pilot.press("end")
        await until(pilot, lambda: "the recent past" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(top(pilot), LivePanel))


async def test_help_of_a_detail_tells_other_keys(services: Services) -> None:
    services.registry.add(connection("a"))
    async with on_stage(services, ConnectionDetail(services, connection("a"))) as pilot:
        await pilot.press("p", "f1")
        await until(pilot, lambda: "Copy the fixes" in seen(pilot))
        assert "Hold the panel still" not in seen(pilot)


async def test_every_action_of_the_panel_is_in_the_palette(services: Services) -> None:
    services.registry.add(connection("a"))
    async with on_stage(services, LivePanel(services, FakeWatch)) as pilot:
        await until(pilot, lambda: "connecting…" in seen(pilot))
        offered = {command.help for command in pilot.app.get_system_commands(pilot.app.screen)}
        for binding in LivePanel.BINDINGS:
            if isinstance(binding, Binding) and binding.tooltip:
                assert any(help.startswith(binding.tooltip) for help in offered), binding.id


async def test_the_doctor(services: Services) -> None:
    async with on_stage(services, Doctor(services), (100, 60)) as pilot:
        await until(pilot, lambda: "✓" in seen(pilot) and "looking" not in seen(pilot))
        await pilot.press("c")
        await until(pilot, lambda: "✓" in seen(pilot) and "looking" not in seen(pilot))
        await pilot.press("escape")
