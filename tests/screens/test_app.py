"""The console itself: themes, palette, and a crash that tells no secret."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console as RichConsole
from textual.widgets import Static

from tests.screens.conftest import Backdrop, Look, Stage, on_stage, seen, until
from tui import paths
from tui.screens.base import Base
from tui.screens.confirm import Confirm
from tui.screens.connector_picker import ConnectorPicker
from tui.screens.themes import DARK, LIGHT
from tui.widgets.live_table import Line, LiveTable, Span

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.screens.services import Services


class Faulty(Base[None]):
    """A screen with a fault, and a password among its local variables and in its message."""

    def body(self) -> ComposeResult:
        """Yield something."""
        yield Static("")

    def key_x(self) -> None:
        """Fail."""
        password = "planted-" + "secret"
        raise RuntimeError(f"a fault with {password}")


async def test_a_crash_shows_where_and_no_secret(services: Services) -> None:
    stage = Stage(services, Faulty(services))
    written = io.StringIO()
    stage.error_console = RichConsole(file=written, width=100)
    with pytest.raises(RuntimeError):
        async with stage.run_test() as pilot:
            await pilot.press("x")
    stage._print_error_renderables()
    assert "RuntimeError" in written.getvalue()
    assert "in key_x" in written.getvalue()
    assert "Nothing registered was changed" in " ".join(written.getvalue().split())
    assert "planted-secret" not in written.getvalue()
    assert stage.return_code == 1


async def test_the_palette_offers_each_action_with_its_help(services: Services) -> None:
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        commands = {command.title: command.help for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert {"Set up", "Paste a URI", "Amazon RDS", "Back", "Help", "Theme", "Quit"} <= commands.keys()
        assert all(commands.values())
        await pilot.press("ctrl+p")
        await pilot.press(*"aurora")
        await until(pilot, lambda: "Aurora with PostgreSQL compatibility" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "mydb.cluster-" in seen(pilot))


async def test_the_theme_is_remembered(services: Services) -> None:
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        assert pilot.app.theme == DARK.name
        await pilot.press("f2")
        assert pilot.app.theme == LIGHT.name
    assert Stage(services, Backdrop(services)).theme == LIGHT.name
    (paths.state_folder() / "theme").write_bytes(b"\xff nonsense")
    assert Stage(services, Backdrop(services)).theme == DARK.name


async def test_without_colour_what_is_chosen_is_still_seen(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        styles = [
            segment.style
            for strip in pilot.app.screen._compositor.render_strips()
            for segment in strip
            if "PostgreSQL  " in segment.text and segment.style
        ]
        assert any(style.underline for style in styles)
        assert all(style.color is None or style.color.is_default for style in styles)


async def test_the_safe_answer_is_the_default(services: Services, size: tuple[int, int], look: Look) -> None:
    for keys, answer in ((("enter",), False), (("escape",), False), (("right", "enter"), True), (("y",), True)):
        question = Confirm(
            "Remove [b]Prod\x1b?",
            "The Connection and its password are removed. CARTO keeps its own.",
            do="Remove",
        )
        async with on_stage(services, question, size) as pilot:
            if keys == ("enter",):
                await look(pilot, "question")
            await pilot.press(*keys)
            assert isinstance(pilot.app, Stage)
            assert pilot.app.answers == [answer]


class Table(Base[None]):
    """A screen with a table of lines."""

    def body(self) -> ComposeResult:
        """Yield the table."""
        yield LiveTable(lambda value, cursor, width: (Span(str(value), "plain"),))


async def test_a_table_that_was_covered_goes_on_being_drawn(services: Services) -> None:
    screen = Table(services)
    async with on_stage(services, screen) as pilot:
        table = screen.query_one(LiveTable)
        table.show([Line("a", "before")])
        await until(pilot, lambda: "before" in seen(pilot))
        await pilot.app.push_screen(ConnectorPicker(services))  # with a style sheet of its own
        await until(pilot, lambda: "Amazon RDS" in seen(pilot))
        pilot.app.pop_screen()
        await until(pilot, lambda: "before" in seen(pilot))
        table.show([Line("a", "after")])
        await until(pilot, lambda: "after" in seen(pilot), 5)


class Restless(Base[None]):
    """A screen whose work in the background looks at its parts at every chance."""

    def body(self) -> ComposeResult:
        """Yield a part."""
        yield Static("here", id="part")

    def on_mount(self) -> None:
        """Begin to look."""
        self.run_worker(self._look())

    async def _look(self) -> None:
        while True:
            self.query_one("#part", Static)
            await asyncio.sleep(0)


@pytest.mark.parametrize("left", ["by the person", "with the console"])
async def test_work_in_the_background_never_meets_a_screen_that_is_taken_apart(services: Services, left: str) -> None:
    screen = Restless(services)
    async with on_stage(services, screen) as pilot:
        assert pilot.app.screen is screen
        if left == "by the person":
            screen.dismiss(None)
            await until(pilot, lambda: not screen.is_attached)
    assert pilot.app.return_code in {None, 0}
