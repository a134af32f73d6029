"""Roll-ups: however a span is cut, its whole stays the same; what was not seen is no zero."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import reduce
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.given import counted
from tui.history.rollup import HOUR, MINUTE, Rollup, by_step, merge, of_connection, step_for, with_gaps
from tui.history.rows import from_row, to_row

COUNTS = st.none() | st.integers(0, 500)


def _single(at: float, sockets: int | None) -> Rollup:
    return of_connection(counted("a", sockets, stale=None if sockets is None else sockets // 2), at)


SERIES = st.lists(st.tuples(st.floats(0, 20_000), COUNTS), min_size=1, max_size=30).map(
    lambda pairs: [_single(at, sockets) for at, sockets in sorted(pairs, key=lambda pair: pair[0])]
)


@given(SERIES)
def test_the_whole_is_what_its_counts_were(series: list[Rollup]) -> None:
    whole = reduce(merge, series)
    seen = [one.last for one in series if one.last is not None]
    assert (whole.samples, whole.unseen) == (len(seen), len(series) - len(seen))
    if not seen:
        assert (whole.minimum, whole.mean, whole.maximum, whole.last) == (None, None, None, None)
        return
    assert (whole.minimum, whole.maximum, whole.last) == (min(seen), max(seen), seen[-1])
    assert whole.mean == pytest.approx(fmean(seen))
    assert whole.least_stale == min(sockets // 2 for sockets in seen)


@given(SERIES, st.data())
def test_it_is_the_same_however_it_is_cut(series: list[Rollup], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(series)))
    parts = [part for part in (series[:cut], series[cut:]) if part]
    assert reduce(merge, [reduce(merge, part) for part in parts]) == reduce(merge, series)


@given(SERIES)
def test_hours_of_minutes_are_hours_of_counts(series: list[Rollup]) -> None:
    assert by_step(by_step(series, MINUTE), HOUR) == by_step(series, HOUR)
    assert by_step(series, 100 * HOUR) == [replace(reduce(merge, series), at=0.0, seconds=100 * HOUR)]


@given(SERIES)
def test_a_row_holds_all_of_it(series: list[Rollup]) -> None:
    for one in by_step(series, MINUTE):
        assert from_row(to_row(one), MINUTE) == one


@given(SERIES, st.sampled_from([60, 300, 3600]))
def test_every_step_of_a_span_is_there_once(series: list[Rollup], seconds: int) -> None:
    rolled = by_step(series, seconds)
    start, end = series[0].at, series[-1].at + 1
    steps = with_gaps(rolled, start, end, seconds)
    assert [one for one in steps if one.samples or one.unseen] == rolled
    assert all(later.at - one.at == seconds for one, later in itertools.pairwise(steps))
    assert all(one.last is None and one.mean is None for one in steps if not one.samples)


def test_between_counts_far_apart_stands_a_gap() -> None:
    series = [_single(at, 5) for at in (0.0, 2.0, 4.0, 60.0, 62.0)]
    assert [one.last for one in with_gaps(series, 0, 100, 0)] == [5, 5, 5, None, 5, 5]
    assert with_gaps([], 0, 100, 0) == []


def test_the_clock_that_jumped_back_adds_to_the_minute_that_was_there() -> None:
    series = [_single(70.0, 5), _single(130.0, 7), _single(71.0, 9)]
    assert [(one.at, one.samples, one.last) for one in by_step(series, MINUTE)] == [(60.0, 2, 9), (120.0, 1, 7)]


@given(st.floats(1, 1e9), st.integers(1, 5000))
def test_a_step_leaves_no_more_points_than_wanted(span_s: float, points: int) -> None:
    step = step_for(span_s, points)
    assert step == 0 or span_s / step <= points
    assert step != 0 or span_s <= 900


def test_a_server_that_lost_its_limit_keeps_the_last_known() -> None:
    seen = replace(_single(0.0, 5), limit=97, headroom=40)
    assert merge(seen, Rollup(2.0, unseen=1)).limit == 97
    assert merge(seen, Rollup(2.0, unseen=1)).full_at == 45
