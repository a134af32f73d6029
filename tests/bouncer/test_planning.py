"""What is advised: yes, no, or merge first; and pools that fit, whatever the numbers are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bouncer.given import recorded
from tui.bouncer.limits import ServerLimits, read
from tui.bouncer.model import Plan
from tui.bouncer.planning import plan
from tui.bouncer.worth import Ceiling, Member, Question

if TYPE_CHECKING:
    from tui.bouncer.evidence import Evidence

TWO_PLACES = (Member("prod", "gis", "carto"), Member("tiles", "gis", "maps"))
ONE_PLACE = (Member("prod", "gis", "carto"), Member("staging", "gis", "carto"))
LIMITS = ServerLimits(100, {"superuser_reserved_connections": 3}, held={("app", "web"): 10})


def asked(evidence: Evidence | None, *members: Member, limits: ServerLimits = LIMITS, **more: Any) -> Plan:
    """The plan for some Connections: of two roles, if not said."""
    return plan(Question("db:5432", members or TWO_PLACES, **more), limits, evidence)


def line(found: Plan, what: str) -> int | None:
    """A number of the arithmetic."""
    return next(one.sockets for one in found.arithmetic if one.what == what)


QUIET = recorded(("gis", "carto", [6] * 60, [2] * 60), ("gis", "maps", [4] * 60, [1] * 60))
BUSY = recorded(("gis", "carto", [50] * 60, [9] * 60), ("gis", "maps", [30] * 60, [4] * 60))


def test_a_quiet_server_needs_no_proxy() -> None:
    found = asked(QUIET)
    assert not found.worth_it
    assert found.reasons[0] == "CARTO held at most 10 sockets in 7 days of recording; there is room for 82"
    assert "would not fit" in found.reasons[2]  # 10 x 2 x 5 = 100, which nobody said
    assert line(found, "= room for CARTO") == 100 - 3 - 10 - 5


def test_a_ceiling_that_somebody_knows_decides() -> None:
    within, beyond = asked(QUIET, ceiling=Ceiling(10, 4)), asked(QUIET, ceiling=Ceiling(20, 5))
    assert (within.worth_it, beyond.worth_it) == (False, True)
    assert "room for all 80 sockets" in within.reasons[1]
    assert beyond.reasons[1] == "CARTO may open 200 sockets (pool of 20 x 2 Connections x 5 nodes)"
    assert beyond.max_client_conn >= 200
    assert beyond.pool_mode == "session"  # all that was ever held fits


def test_too_many_held_and_few_busy_ask_for_transactions() -> None:
    found = asked(BUSY)
    assert found.worth_it
    assert found.pool_mode == "transaction"
    assert [(one.username, one.pool_size) for one in found.pools] == [("carto", 9), ("maps", 4)]
    assert found.max_prepared_statements
    assert any("Temporary tables" in one for one in found.cautions)
    assert found.prediction is not None
    assert (found.prediction.observed_peak, found.prediction.peak_server_sockets) == (80, 13)
    assert found.prediction.waited == 0


def test_merging_comes_first_where_it_is_enough() -> None:
    one_role = recorded(("gis", "carto", [70] * 60, [9] * 60))
    enough = asked(one_role, *ONE_PLACE)
    assert enough.merge == (("prod", "staging"),)
    assert not enough.worth_it
    assert "Merging in CARTO is enough: prod with staging. It would have saved up to 35" in enough.reasons[1]
    assert not asked(None, *ONE_PLACE, ceiling=Ceiling(10, 8)).worth_it
    never = asked(one_role, *ONE_PLACE, ceiling=Ceiling(20, 9))
    assert never.worth_it
    assert any("comes first, and is not enough" in one for one in never.reasons)
    assert line(never, "ceiling once merged") == 180


def test_without_a_recording_it_is_a_guess_and_says_so() -> None:
    found = asked(None)
    assert (found.evidence, found.prediction, found.what_if) == ("ceiling", None, ())
    assert "a guess" in found.reasons[0]
    assert found.worth_it  # 100 of 82
    assert not asked(None, TWO_PLACES[0]).worth_it
    assert "Record first" in found.cautions[0]


def test_a_guess_gives_each_pool_what_its_own_connections_may_open() -> None:
    found = asked(None, *ONE_PLACE, TWO_PLACES[1], ceiling=Ceiling(10, 2))
    assert [(one.username, one.pool_size) for one in found.pools] == [("carto", 40), ("maps", 20)]
    assert any(f"LimitNOFILE well above {found.max_client_conn + 72}" in one for one in found.cautions)


def test_what_is_behind_a_pgbouncer_already_is_said_first() -> None:
    found = asked(QUIET, behind=("prod", "tiles"))
    assert found.reasons[0].startswith("prod, tiles lead through a PgBouncer already")


def test_a_full_server_wants_a_proxy_however_few_got_in() -> None:
    found = asked(replace(QUIET, full=True))
    assert found.worth_it
    assert found.pool_mode == "transaction"  # how many would have come is not known


def test_limits_of_roles_and_databases_bind_their_pools_but_not_superusers() -> None:
    narrow = replace(LIMITS, roles={"maps": 12, "carto": 40}, databases={"gis": 30}, superusers=frozenset({"carto"}))
    found = asked(BUSY, limits=narrow, mode="session")
    sizes = {one.username: one.pool_size + one.reserve for one in found.pools}
    assert sizes["maps"] <= 12
    assert sum(sizes.values()) <= 30
    assert any("In role maps they held 30 of the 12" in one for one in found.reasons)
    assert line(found, "of it for role maps") == 12


def test_a_ceiling_above_a_narrower_limit_is_said_where_it_is_known() -> None:
    narrow = replace(LIMITS, roles={"maps": 12}, databases={"gis": 90})
    (said,) = [one for one in asked(None, limits=narrow, ceiling=Ceiling(10, 2)).reasons if "limit of" in one]
    assert said.startswith("In role maps CARTO may open 20, and its limit of 12 leaves 12")
    assert not any("limit of" in one for one in asked(QUIET, limits=narrow).reasons), "nobody said the ceiling"


def test_a_server_that_cannot_be_asked_is_said_to_be_not_known() -> None:
    found = asked(QUIET, limits=ServerLimits(97, asked=False))
    assert line(found, "limits of roles and databases") is None
    assert line(found, "the server's limit") == 97


def test_a_short_recording_and_a_server_without_room_are_said() -> None:
    assert "little to go by" in asked(replace(QUIET, end=7200.0)).reasons[1]
    full = asked(QUIET, limits=replace(LIMITS, max_connections=12))
    assert line(full, "= room for CARTO") == 0
    assert full.worth_it
    assert [pool.pool_size for pool in full.pools] == [1, 1]


def test_the_settings_of_a_server_are_told_apart() -> None:
    rows = [
        {"kind": "maximum", "name": "", "value": 100},
        {"kind": "reserved", "name": "superuser_reserved_connections", "value": 3},
        {"kind": "reserved", "name": "reserved_connections", "value": 5},
        {"kind": "role", "name": "maps", "value": 12},
        {"kind": "superuser", "name": "postgres", "value": 0},
    ]
    found = read(rows, [{"database": "gis", "username": "maps", "sockets": 2}])
    assert found.open_to_all == 92
    assert found.roles == {"maps": 12}
    assert found.superusers == {"postgres"}
    assert found.held == {("gis", "maps"): 2}


COUNT = st.integers(0, 120)


@pytest.mark.filterwarnings("error")
@given(
    st.lists(st.tuples(COUNT, COUNT, COUNT, COUNT), min_size=1, max_size=20),
    st.integers(0, 300), st.integers(0, 60), st.none() | st.integers(0, 60), st.none() | st.integers(0, 60),
    st.sampled_from([None, "session", "transaction"]), st.integers(1, 50), st.integers(1, 9), st.booleans(),
)  # fmt: skip
def test_pools_fit_and_every_plan_is_json(
    rows: list[tuple[int, int, int, int]], most: int, others: int, role: int | None, database: int | None,
    mode: Any, size: int, nodes: int, known: bool,
) -> None:  # fmt: skip
    one, two = [(a + b, a) for a, b, _, _ in rows], [(a + b, a) for _, _, a, b in rows]
    evidence = recorded(
        ("gis", "carto", [n for n, _ in one], [n for _, n in one]),
        ("gis", "maps", [n for n, _ in two], [n for _, n in two]),
        others=others,
    )
    limits = ServerLimits(
        most,
        {"superuser_reserved_connections": 3},
        {} if role is None else {"maps": role},
        {} if database is None else {"gis": database},
    )
    found = asked(evidence if known else None, limits=limits, ceiling=Ceiling(size, nodes), mode=mode)
    together = sum(pool.pool_size + pool.reserve for pool in found.pools)
    room = line(found, "= room for CARTO") or 0
    assert all(pool.pool_size >= 1 and pool.reserve >= 0 for pool in found.pools)
    assert together <= max(room, 2)
    assert found.max_db_connections == together == sum(one.max_db_connections for one in found.databases)
    assert together <= max(database or 10**6, 2) or database is None
    assert Plan.from_json(found.to_json()).pools == found.pools
    assert found.max_client_conn >= size * 2 * nodes
    if found.prediction is not None:
        assert found.prediction.peak_server_sockets <= together + 1
