"""A plan as JSON, both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.bouncer.model import Database, Line, Plan, PlanError, Pool, Prediction, TimeOut, WhatIf

COUNTS = st.integers(0, 10_000)
TEXTS = st.text(max_size=8) | st.just("a name of sixty-three letters " * 2)
# JSON keeps milliseconds.
SECONDS = st.integers(0, 10**6).map(lambda number: number / 1000)
PREDICTIONS = st.builds(
    Prediction, COUNTS, COUNTS, SECONDS, COUNTS, SECONDS, SECONDS, COUNTS, COUNTS, COUNTS
)  # fmt: skip
MODES: Any = st.sampled_from(["session", "transaction"])


def tuples(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Few of them."""
    return st.lists(one, max_size=3).map(tuple)


PLANS = st.builds(
    Plan,
    server=TEXTS,
    connections=tuples(TEXTS),
    worth_it=st.booleans(),
    reasons=tuples(TEXTS),
    merge=tuples(tuples(TEXTS)),
    pool_mode=MODES,
    max_client_conn=COUNTS,
    max_db_connections=COUNTS,
    pools=tuples(st.builds(Pool, TEXTS, TEXTS, COUNTS, COUNTS)),
    databases=tuples(st.builds(Database, TEXTS, COUNTS)),
    time_outs=tuples(st.builds(TimeOut, TEXTS, COUNTS, TEXTS)),
    arithmetic=tuples(st.builds(Line, TEXTS, st.none() | COUNTS, TEXTS)),
    evidence=st.sampled_from(["recorded", "ceiling"]),
    mode_reason=TEXTS,
    cautions=tuples(TEXTS),
    max_prepared_statements=COUNTS,
    prediction=st.none() | PREDICTIONS,
    what_if=tuples(st.builds(WhatIf, TEXTS, MODES, PREDICTIONS)),
)


@given(PLANS)
def test_a_plan_comes_back_from_its_json(plan: Plan) -> None:
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


SMALL: dict[str, Any] = {
    "server": "db:5432", "connections": ["prod"], "worth_it": True, "reasons": [], "merge": [],
    "pool_mode": "session", "max_client_conn": 100, "max_db_connections": 20,
    "pools": [{"database": "gis", "username": "carto", "pool_size": 20}], "databases": [], "time_outs": [],
    "arithmetic": [], "evidence": "ceiling",
}  # fmt: skip


def test_what_has_a_default_and_what_is_not_known_may_be_left_out_and_put_in() -> None:
    plan = Plan.from_json(SMALL | {"colour": "red"})
    assert plan.pools == (Pool("gis", "carto", 20, 0),)
    assert plan.prediction is None


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"pool_mode": "statement"}, "pool_mode of the plan is not session or transaction"),
        ({"max_client_conn": -1}, "max_client_conn of the plan is not a count"),
        ({"worth_it": 1}, "worth_it of the plan is not true or false"),
        ({"pools": {}}, "pools is no list"),
        ({"pools": [3]}, "pools is no JSON object"),
        ({"pools": [{"database": "gis", "username": "carto"}]}, "pools has no pool_size"),
        ({"pools": [{"database": 1, "username": "carto", "pool_size": 1}]}, "database of pools is not a text"),
        ({"merge": ["prod"]}, "merge is no list"),
        ({"evidence": "none"}, "evidence of the plan is not recorded or ceiling"),
        ({"prediction": {}}, "prediction has no peak_server_sockets"),
    ],
)
def test_what_is_no_plan_is_named(edit: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        Plan.from_json(SMALL | edit)


def test_a_plan_has_all_its_parts() -> None:
    with pytest.raises(PlanError, match="the plan has no server"):
        Plan.from_json({})
    with pytest.raises(PlanError, match="the plan is no JSON object"):
        Plan.from_json([])
