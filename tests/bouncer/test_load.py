"""Counts taken for arrivals: the work is kept, and the waits are near those of the load that was counted."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bouncer.given import arrivals, counted
from tui.bouncer.load import UNSEEN, Load, Series, replay, sessions, transactions
from tui.bouncer.model import Pool, PoolMode
from tui.bouncer.simulation import Proxy, simulate

COUNTS = st.lists(st.tuples(st.integers(UNSEEN, 9), st.integers(0, 4), st.floats(-1, 100)), min_size=2, max_size=40)


def made(rows: list[tuple[int, int, float]]) -> Load:
    """Counts every two seconds: busy ones, idle ones beside them, and how many were opened a minute."""
    busy = [row[0] for row in rows]
    held = [UNSEEN if row[0] == UNSEEN else row[0] + row[1] for row in rows]
    return Load([2.0 * n for n in range(len(rows))], (Series("gis", "carto", held, busy, [r[2] for r in rows]),), held)


@given(COUNTS)
def test_transactions_are_the_work_that_was_counted(rows: list[tuple[int, int, float]]) -> None:
    load = made(rows)
    work = sum(one.holding_s for one in transactions(load))
    assert work == pytest.approx(2 * sum(max(0, busy) for busy, _, _ in rows[:-1]))


@given(COUNTS)
def test_sessions_are_as_many_as_were_held(rows: list[tuple[int, int, float]]) -> None:
    load = made(rows)
    found = sessions(load)
    last, expected = 0, []
    for held in load.series[0].held[:-1]:
        last = last if held == UNSEEN else held
        expected.append(last)
    for number, held in enumerate(expected):
        moment = 2.0 * number + 1.999999
        assert sum(one.at <= moment < one.at + one.holding_s + 1e-9 for one in found) == held or number == len(rows) - 2


@given(COUNTS, st.integers(1, 9), st.integers(0, 9))
def test_what_is_left_out_of_a_replay_changes_no_wait(rows: list[tuple[int, int, float]], size: int, cap: int) -> None:
    load, proxy = made(rows), Proxy((Pool("gis", "carto", size),), {"gis": cap})
    found, whole = replay(load, proxy, "transaction"), simulate(transactions(load), proxy).prediction(0)
    assert (found.wait_max_s, found.wait_p95_s, found.refused) == pytest.approx(
        (whole.wait_max_s, whole.wait_p95_s, whole.refused), abs=1e-6
    )


@pytest.mark.parametrize(("mode", "holding_s", "pool"), [("transaction", 2.0, 12), ("session", 60.0, 12)])
def test_the_waits_are_near_the_true_ones(mode: PoolMode, holding_s: float, pool: int) -> None:
    true = arrivals(random.Random(4), 8, holding_s, 7200, wave=0.5)
    proxy = Proxy((Pool("gis", "carto", pool),), {}, query_wait_timeout_s=0)
    wanted, found = (
        simulate(true, proxy).prediction(0),
        replay(counted(true, 7200, idle=100 * (mode == "transaction")), proxy, mode),
    )
    assert found.peak_server_sockets == pytest.approx(wanted.peak_server_sockets, abs=1)
    assert found.wait_p95_s == pytest.approx(wanted.wait_p95_s, rel=0.4, abs=2)
    assert found.peak_waiting == pytest.approx(wanted.peak_waiting, rel=0.6, abs=3)
