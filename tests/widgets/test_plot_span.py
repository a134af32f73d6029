"""The plot of a span: what stands where, the limit, gaps, and what happened."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.test_plot import dots
from tui.text import cells
from tui.widgets.plot_span import CRITICAL, RESTART, WARNING, Mark, PlottedSpan, Step

HOUR = 3600.0


def drawn(plotted: PlottedSpan, width: int = 63, height: int = 12) -> list[str]:
    return ["".join(span.text for span in line) for line in plotted.draw(width, height)]


def hour(*counts: tuple[int, int] | None, full: int | None = 40) -> PlottedSpan:
    """An hour in equal steps, each from a lowest to a highest count."""
    seconds = HOUR / len(counts)
    steps = (
        Step(seconds * number) if one is None else Step(seconds * number, one[0], one[1], full)
        for number, one in enumerate(counts)
    )
    return PlottedSpan(0.0, HOUR, seconds, tuple(steps))


def columns(lines: list[str]) -> list[int]:
    """Return in which columns there are dots."""
    return sorted({x for line in lines for x, sign in enumerate(line) if dots(sign)})


def test_steps_stand_from_their_lowest_to_their_highest_over_their_time() -> None:
    lines = drawn(hour((10, 10), (10, 30), (10, 10)))
    assert lines[0].startswith("40 ╌")
    assert "full at 40" in lines[0]
    rows = [number for number, line in enumerate(lines[:-2]) if dots(line)]
    assert rows == list(range(rows[0], rows[-1] + 1))
    high = columns(lines[rows[0] : rows[0] + 1])
    assert 18 <= len(high) <= 22
    assert 20 <= high[0] <= 25
    assert lines[-1].split() == ["-1", "h", "-30", "min", "now"]


def test_what_was_not_recorded_is_a_gap() -> None:
    found = columns(drawn(hour((5, 5), None, (5, 5))))
    missing = set(range(found[0], found[-1])) - set(found)
    assert 17 <= len(missing) <= 21


def test_the_limit_is_what_it_was_then() -> None:
    steps = (Step(0.0, 14, 14, 20), Step(HOUR / 2, 14, 14, 40))
    lines = drawn(PlottedSpan(0.0, HOUR, HOUR / 2, steps), height=14)
    rows = [number for number, line in enumerate(lines) if "╌" in line]
    assert rows[0] == 0
    assert len(rows) == 2
    assert lines[rows[1]].index("╌") < 5
    assert lines[0].index("╌") > 30


def test_a_limit_far_away_is_told() -> None:
    assert "full at 900 ↑" in drawn(hour((5, 6), full=900))[0]


def test_alerts_and_restarts_are_marked() -> None:
    marks = (Mark(WARNING, 0.0, HOUR / 4), Mark(CRITICAL, HOUR / 2, HOUR), Mark(RESTART, HOUR * 0.75, HOUR * 0.75))
    line = drawn(hour((5, 5))._replace(marks=marks))[-2]
    left = line.index("!")
    assert line[left + 1] == "━"
    assert line.index("✗") - left in range(28, 31)
    assert line.index("↻") - line.index("✗") in range(13, 17)
    assert line[-1] == "━"
    before = drawn(hour((5, 5))._replace(marks=(Mark(WARNING, -HOUR, HOUR / 4), Mark(RESTART, 2 * HOUR, 2 * HOUR))))
    assert before[-2].strip().startswith("!━")
    assert "↻" not in before[-2]


@given(
    st.lists(st.none() | st.tuples(st.integers(0, 5_000), st.integers(0, 500)), max_size=300),
    st.none() | st.integers(0, 100_000),
    st.integers(0, 150),
    st.integers(0, 50),
    st.lists(st.floats(-1e5, 1e5), max_size=5),
    st.booleans(),
)
def test_it_fills_its_place_whatever_was_recorded(
    counts: list[tuple[int, int] | None], full: int | None, width: int, height: int, moments: list[float], single: bool
) -> None:
    steps = tuple(
        Step(10.0 * number) if one is None else Step(10.0 * number, one[0], sum(one), full)
        for number, one in enumerate(counts)
    )
    marks = tuple(Mark(RESTART if at < 0 else WARNING, at, at + 100) for at in moments)
    plotted = PlottedSpan(0.0, 10.0 * len(counts), 0.0 if single else 10.0, steps, marks)
    lines = drawn(plotted, width, height)
    assert len(lines) == height
    assert all(cells(line) <= width for line in lines)
