"""The simulator keeps PgBouncer's rules, and what queueing theory knows."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bouncer.given import arrivals
from tui.bouncer.model import Pool
from tui.bouncer.simulation import Arrival, Outcome, Proxy, simulate


def asked(*moments: tuple[float, float], username: str = "carto") -> list[Arrival]:
    """Arrivals at moments, each holding for so long."""
    return [Arrival(at, holding, "gis", username) for at, holding in moments]


def through(load: list[Arrival], size: int, reserve: int = 0, **more: Any) -> Outcome:
    """What one pool makes of them; two roles have a pool each."""
    pools = tuple(Pool("gis", name, size, reserve) for name in dict.fromkeys(one.username for one in load))
    return simulate(load, Proxy(pools, more.pop("databases", {}), **more))


def test_who_waits_longest_is_served_first() -> None:
    found = through(asked((0, 5), (1, 5), (2, 1), (3, 1)), 2)
    assert found.waits == (0, 0, 3, 3)  # sockets are free at 5 and 6; the third leaves at 6 as well
    assert (found.peak_server_sockets, found.peak_waiting, found.refused) == (2, 2, 0)


def test_the_reserve_opens_once_somebody_waited_for_its_time() -> None:
    found = through(asked((0, 60), (1, 60), (2, 60)), 1, reserve=1, reserve_pool_timeout_s=5, query_wait_timeout_s=0)
    assert found.waits == (0, 5, 58)
    assert found.peak_server_sockets == 2


def test_who_waits_too_long_is_sent_away() -> None:
    found = through(asked((0, 500), (1, 1)), 1, query_wait_timeout_s=120)
    assert (found.waits, found.refused) == ((0, 120), 1)


def test_a_full_database_closes_the_socket_that_is_idle_longest_in_another_pool() -> None:
    load = [*asked((0, 1), (0, 2), username="carto"), *asked((3, 1), (3, 9), (3, 1), username="maps")]
    found = through(load, 5, databases={"gis": 2})
    assert found.waits == (0, 0, 0, 0, 1)
    assert found.peak_server_sockets == 2


def test_a_pool_opens_one_socket_at_a_time() -> None:
    found = through(asked((0, 1), (0, 1), (0, 1)), 3, connecting_s=0.25)
    assert found.waits == (0.25, 0.5, 0.75)


def test_sockets_that_are_idle_for_long_are_closed() -> None:
    load = [*asked((0, 1), (0, 1), username="carto"), *asked((100, 1), username="maps")]
    assert through(load, 5, server_idle_timeout_s=60).peak_server_sockets == 2
    assert through(load, 5, server_idle_timeout_s=600).peak_server_sockets == 3


def test_no_arrivals_are_no_trouble() -> None:
    found = simulate([], Proxy((), {})).prediction(7)
    assert (found.observed_peak, found.peak_server_sockets, found.wait_max_s) == (7, 0, 0)


@pytest.mark.parametrize(("servers", "waiting", "mean"), [(10, 0.409, 0.2046), (12, 0.139, 0.0348)])
def test_it_agrees_with_erlang(servers: int, waiting: float, mean: float) -> None:
    """Erlang's C formula, for 8 busy of so many: the share that waits, and the mean wait in holding times."""
    load = arrivals(random.Random(1), 8, 1.0, 10_000)
    found = through(load, servers, query_wait_timeout_s=0)
    assert sum(wait > 0 for wait in found.waits) / len(load) == pytest.approx(waiting, rel=0.1)
    assert sum(found.waits) / len(load) == pytest.approx(mean, rel=0.2)


TIMES = st.integers(0, 400).map(lambda tenths: tenths / 10)
LOADS = st.lists(
    st.builds(Arrival, TIMES, TIMES, st.sampled_from(["gis", "tiles"]), st.sampled_from(["carto", "maps"])), max_size=60
)


@given(LOADS, st.integers(1, 4), st.integers(0, 2), st.integers(0, 5), st.sampled_from([0.0, 7.0]), st.booleans())
def test_no_cap_is_ever_passed_and_nobody_is_forgotten(
    load: list[Arrival], size: int, reserve: int, most: int, patience: float, slow: bool
) -> None:
    pools = tuple(Pool(db, role, size, reserve) for db in ("gis", "tiles") for role in ("carto", "maps"))
    caps = {"gis": most, "tiles": most}
    found = simulate(load, Proxy(pools, caps, 5, patience, 10, 0.1 if slow else 0.0))
    per_database = 2 * (size + reserve)
    assert found.peak_server_sockets <= 2 * (min(per_database, most) if most else per_database)
    assert len(found.waits) == len(load)
    assert all(0 <= wait <= (patience or 1e9) + 1e-6 for wait in found.waits)
    # Who is served in the very moment in which its patience ends is not refused.
    assert found.refused <= sum(wait >= patience - 1e-6 for wait in found.waits if patience)
    if not patience and not slow:
        # A larger pool without a shared cap lets nobody wait longer.
        wider = simulate(load, Proxy(tuple(Pool(p.database, p.username, 60) for p in pools), {}, 5, 0))
        assert set(wider.waits) <= {0.0}
