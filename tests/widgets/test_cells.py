"""Bars, sparklines and words: always as wide as they should be, and never a zero that nobody counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.text import cells
from tui.widgets.cells import FREE, OTHERS, count, level_bar, sparkline, wrap

numbers = st.integers(0, 10_000)


@given(numbers, numbers, st.integers(1, 5000), st.integers(1, 60))
def test_a_bar_is_as_wide_as_asked(own: int, others: int, limit: int, width: int) -> None:
    bar = level_bar(own, others, limit, width)
    assert cells("".join(bar)) == width


@given(numbers, numbers, st.integers(1, 5000), st.integers(3, 60))
def test_a_bar_is_full_only_when_nothing_is_free(own: int, others: int, limit: int, width: int) -> None:
    bar = level_bar(own, others, limit, width)
    assert (FREE in bar.free) == (own + others < limit)


@given(st.integers(1, 9), st.integers(0, 9), st.integers(100, 5000), st.integers(3, 60))
def test_what_exists_is_visible(own: int, others: int, limit: int, width: int) -> None:
    bar = level_bar(own, others, limit, width)
    assert bar.own
    assert (OTHERS in bar.others) == (others > 0)


@given(st.lists(st.one_of(st.none(), numbers)), st.integers(0, 80))
def test_a_sparkline_is_as_wide_as_asked(values: list[int | None], width: int) -> None:
    assert len(sparkline(values, width)) == width


def test_a_quiet_series_lies_low_and_noise_is_no_mountain() -> None:
    assert sparkline([40] * 5, 5) == "▁▁▁▁▁"
    assert "█" not in sparkline([40, 41, 40, 41], 4)
    assert sparkline([0, 40], 2) == "▁█"


def test_what_was_not_seen_is_a_gap() -> None:
    assert sparkline([10, None, 20], 3) == "▁ █"
    assert count(None) == "—"
    assert count(0) == "0"


@given(st.text(), st.integers(2, 60))
def test_wrapped_lines_fit_and_lose_no_word(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace("\n", "").replace(" ", "")
