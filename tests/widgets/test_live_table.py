"""The live table: only what changed is sent, the cursor stays with its key, and large tables do not matter."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._compositor import ChopsUpdate
from textual.app import App, ComposeResult
from textual.screen import Screen

from tui.screens.themes import TOKENS
from tui.text import cells
from tui.widgets.changes import changed_columns
from tui.widgets.column_cuts import ColumnCuts
from tui.widgets.live_table import Line, LiveTable, Span, Spans

if TYPE_CHECKING:
    from textual.pilot import Pilot


def draw(value: Any, cursor: bool, width: int) -> Spans:
    name, number = value
    return (Span("> " if cursor else "  "), Span(f"{number:<6}", "warning"), Span(str(name).ljust(max(0, width - 8))))


class Stage(App[None]):
    """A table alone."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return TOKENS

    def compose(self) -> ComposeResult:
        yield LiveTable(draw, lambda width: (Span("  Number Name".ljust(width)),))

    def on_mount(self) -> None:
        self.chosen: list[str] = []
        self.displayed: list[object] = []

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Remember what is sent to the terminal."""
        if renderable is not None and hasattr(self, "displayed"):
            self.displayed.append(renderable)
        super()._display(screen, renderable)

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        self.chosen.append(message.key)

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    async def settled(self, pilot: Pilot[None]) -> None:
        """Wait until nothing is sent any more: the first frames bring styles, and the scrollbar last."""
        quiet, sent = 0, -1
        async with asyncio.timeout(20):
            while quiet < 5 or not self.table.vertical_scrollbar.window_size:
                await pilot.pause(0.02)
                quiet, sent = (quiet + 1 if len(self.displayed) == sent else 0), len(self.displayed)

    def drawn(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def lines(count: int, number: int = 0) -> list[Line]:
    """A group line, then lines with keys."""
    return [Line(None, ("group", "")), *(Line(f"k{i}", (f"name {i}", number)) for i in range(count))]


async def test_nothing_is_sent_when_nothing_changed() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.table.show(lines(50))
        await app.settled(pilot)
        before = app.table.lines_sent
        drawn = len(app.displayed)
        for _ in range(5):
            app.table.show(lines(50))
            await pilot.pause()
        assert app.table.lines_sent == before
        assert len(app.displayed) == drawn


async def test_only_the_lines_that_changed_are_sent() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.table.show(lines(50))
        await app.settled(pilot)
        before = app.table.lines_sent
        changed = lines(50)
        changed[3] = Line("k2", ("name 2", 99))
        changed[45] = Line("k44", ("name 44", 99))  # below what is visible
        app.table.show(changed)
        await pilot.pause()
        assert app.table.lines_sent == before + 1
        assert app.drawn()[4] == "  99    name 2"


async def test_the_cursor_stays_with_its_key_and_passes_over_groups() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.table.focus()
        app.table.show(lines(9))
        await pilot.press("down", "j", "down")
        assert app.table.cursor == "k3"
        app.table.show([Line("new", ("new", 1)), *lines(9)])
        assert app.table.cursor == "k3"
        await pilot.press("home", "up")
        assert app.table.cursor == "new"
        await pilot.press("down")
        assert app.table.cursor == "k0"
        app.table.show([line for line in lines(9) if line.key != "k0"])
        assert app.table.cursor is not None
        app.table.show([])
        assert app.table.cursor is None
        await pilot.press("down", "pagedown", "end")
        app.table.show(lines(2))
        assert app.table.cursor == "k0"


async def test_twenty_thousand_lines_are_walked_through() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.table.focus()
        app.table.show(lines(20_000))
        await pilot.press("end")
        await pilot.pause()
        assert app.table.cursor == "k19999"
        assert app.drawn()[-1].startswith("> 0     name 19999")
        await pilot.press("pageup", "home")
        await pilot.pause()
        assert app.table.cursor == "k0"
        assert app.drawn()[1].split() == ["group"]


async def test_a_click_moves_the_cursor_and_a_second_one_chooses() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.table.show(lines(5))
        await pilot.click(LiveTable, offset=(4, 4))
        assert app.table.cursor == "k2"
        assert app.chosen == []
        await pilot.click(LiveTable, offset=(4, 4))
        assert app.chosen == ["k2"]
        await pilot.click(LiveTable, offset=(4, 1))
        assert app.table.cursor == "k2"


async def test_without_colour_the_cursor_is_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Stage(ansi_color=True)
    async with app.run_test() as pilot:
        app.table.show(lines(3))
        await pilot.pause()
        segments = [segment for segment in app.table.render_line(2) if segment.style]
        assert all(segment.style and segment.style.reverse for segment in segments)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (("ab", "1", "x"), ("ab", "1", "x"), []),
        (("ab", "1", "x"), ("ab", "2", "x"), [(2, 3)]),
        (("ab", "1", "x"), ("cd", "1", "y"), [(0, 2), (3, 4)]),
        (("ab", "12", "x"), ("ab", "123"), [(3, 5)]),
        (("ab",), (), [(0, 2)]),
        (("漢", "1"), ("字", "1"), [(0, 2)]),
        (("漢", "1"), ("漢", "2"), [(2, 3)]),
    ],
)
def test_changed_columns(old: tuple[str, ...], new: tuple[str, ...], expected: list[tuple[int, int]]) -> None:
    assert changed_columns(tuple(map(Span, old)), tuple(map(Span, new)), (0, 2, 3, 5)) == expected


drawn = st.lists(st.builds(Span, st.text("ab 1漢é", max_size=4), st.sampled_from(["plain", "failed"])), max_size=4)


@given(drawn, drawn)
def test_every_changed_cell_is_within_a_column_and_ends_it(old: list[Span], new: list[Span]) -> None:
    def by_cell(spans: list[Span]) -> list[tuple[str, str]]:
        return [(character, span.tone) for span in spans for character in span.text for _ in range(cells(character))]

    edges = (0, 3, 7, 40)
    before, now = by_cell(old), by_cell(new)
    differing = [i for i in range(40) if before[i : i + 1] != now[i : i + 1]]
    wanted = []
    for x, end in itertools.pairwise(edges):
        inside = [i for i in differing if x <= i < end]
        wanted += [(x, inside[-1] + 1)] if inside else []
    assert changed_columns(tuple(old), tuple(new), edges) == wanted


def test_a_tone_is_a_change() -> None:
    assert changed_columns((Span("ab"), Span("1")), (Span("ab"), Span("1", "failed")), (0, 2, 3)) == [(2, 3)]


async def test_inside_of_cuts_only_the_columns_that_changed_are_sent() -> None:
    class Cut(Stage):
        def compose(self) -> ComposeResult:
            yield ColumnCuts(LiveTable(draw, edges=lambda width: (0, 2, 8)))

    app = Cut()
    async with app.run_test(size=(80, 12)) as pilot:
        app.table.show(lines(50))
        await app.settled(pilot)
        app.displayed.clear()
        changed = lines(50)
        changed[3] = Line("k2", ("name 2", 99))
        app.table.show(changed)
        await pilot.pause()
        updates = [update for update in app.displayed if isinstance(update, ChopsUpdate)]
        sent = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", "".join(update.render_segments(app.console) for update in updates))
        assert sent.strip("\n") == "99"
        assert app.drawn()[3] == "  99    name 2"
        await pilot.resize_terminal(60, 12)
        assert app.drawn()[3] == "  99    name 2"
