"""The plot: what stands where, gaps for what was not seen, the limit's line, and only changed lines are sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from tui.screens.themes import TOKENS
from tui.text import cells
from tui.widgets.plot import Plot, Plotted, plot


def drawn(plotted: Plotted, width: int = 60, height: int = 10) -> list[str]:
    return ["".join(span.text for span in line) for line in plot(plotted, width, height)]


def steady(count: int | None, number: int = 60, full: int | None = None) -> Plotted:
    return Plotted(tuple(1000.0 + 2 * i for i in range(number)), (count,) * number, full)


def dots(line: str) -> int:
    return sum(0x2801 <= ord(character) <= 0x28FF for character in line)


def test_the_limits_line_stands_where_it_is_full_and_says_so() -> None:
    lines = drawn(steady(20, full=40))
    assert lines[0].startswith("40 ╌╌")
    assert "full at 40" in lines[0]
    assert [number for number, line in enumerate(lines) if dots(line)] == [4]
    assert lines[-2].startswith(" 0 ")
    assert lines[-1].split() == ["-2", "min", "-90", "s", "-1", "min", "-30", "s", "now"]


def test_a_limit_far_away_does_not_flatten_what_changes() -> None:
    lines = drawn(steady(5, full=900))
    assert "full at 900 ↑" in lines[0]
    assert lines[0].startswith("8 ")


def test_what_was_not_seen_is_a_gap() -> None:
    counts = (*(4,) * 20, *(None,) * 20, *(4,) * 20)
    plotted = Plotted(tuple(1000.0 + 2 * i for i in range(60)), counts)
    (line,) = (line for line in drawn(plotted) if dots(line))
    first, *_, last = (part for part in line[2:].split() if part)
    assert dots(first) > 5
    assert dots(last) > 5
    assert 15 <= line[2:].strip().count(" ") <= 25


def test_a_pause_of_the_console_is_a_gap() -> None:
    at = (*(1000.0 + 2 * i for i in range(20)), *(1100.0 + 2 * i for i in range(5)))
    (line,) = (line for line in drawn(Plotted(at, (3,) * 25)) if dots(line))
    assert " " * 15 in line[2:].strip()


def test_a_day_by_the_minute_goes_on_in_the_last_counts_without_a_gap() -> None:
    minutes = [1000.0 + 60 * i for i in range(100)]
    at = (*minutes, *(minutes[-1] + 2 * i for i in range(1, 120)))
    lines = drawn(Plotted(at, (7,) * len(at)), 70)
    assert lines[-1].split()[0] == "-2"
    (line,) = (line for line in lines if dots(line))
    assert " " not in line[3:].strip()


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 5_000)), max_size=200),
    st.one_of(st.none(), st.integers(0, 100_000)),
    st.integers(0, 150),
    st.integers(0, 50),
)
def test_it_fills_its_place_whatever_was_counted(
    counts: list[int | None], full: int | None, width: int, height: int
) -> None:
    at = tuple(1000.0 + 3.0 * number for number in range(len(counts)))
    lines = drawn(Plotted(at, tuple(counts), full), width, height)
    assert len(lines) == height
    assert all(cells(line) <= width for line in lines)


class Stage(App[None]):
    """A plot alone."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return TOKENS

    def compose(self) -> ComposeResult:
        yield Plot()


@pytest.mark.parametrize("no_color", [False, True])
async def test_only_lines_that_changed_are_sent(monkeypatch: pytest.MonkeyPatch, no_color: bool) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    app = Stage(ansi_color=no_color or None)
    async with app.run_test(size=(60, 12)) as pilot:
        shown = app.query_one(Plot)
        shown.show(steady(20, full=40))
        await pilot.pause()
        sent: list[object] = []
        monkeypatch.setattr(shown, "refresh", lambda *regions, **_: sent.extend(regions))
        shown.show(steady(20, full=40))
        assert sent == []
        shown.show(steady(21, 61, full=40))
        assert 1 <= len(sent) <= 3
