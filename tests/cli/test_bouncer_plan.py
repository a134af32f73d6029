"""pgconns bouncer plan: from a real server's limits and a recorded load to a plan."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.bouncer.given import record
from tui import paths
from tui.bouncer.model import Plan
from tui.connections.model import Connection
from tui.connections.registry import Registry, new_id

if TYPE_CHECKING:
    from tests.cli.conftest import Door, Program


@pytest.fixture
def registered(pgconns: Program, door: Door, password_file: str) -> Door:
    """The Connection `prod`, and `staging` of the same database and role."""
    for name in ("prod", "staging"):
        done = pgconns("add", name, *door.flags, "--password-from", password_file)
        assert done.status == 0, done.err
    return door


def test_a_plan_rests_on_what_was_recorded_and_on_the_server(pgconns: Program, registered: Door) -> None:
    server = registered.server
    server.execute(f'ALTER ROLE "{registered.username}" CONNECTION LIMIT 60')
    record(paths.history_file(), Registry().load(), f"{server.host}:{server.port}", [(3, 9), (5, 8)] * 60, time.time())
    found = pgconns("bouncer", "plan", "prod", "staging", "--pool-size", "10", "--nodes", "2", "--json")
    assert found.status == 0, found.err
    plan = Plan.from_json(found.json)
    assert (plan.evidence, plan.worth_it) == ("recorded", False)
    assert plan.merge == (("prod", "staging"),)
    assert plan.prediction is not None
    assert plan.prediction.observed_peak == 13  # they share their sockets
    numbers = {one.what: one.sockets for one in plan.arithmetic}
    assert numbers["max_connections"] == int(server.execute("SHOW max_connections")[0][0])
    assert numbers[f"of it for role {registered.username}"] == 60
    assert numbers["CARTO's ceiling"] == 40
    told = pgconns("bouncer", "plan", "prod", "--pool-mode", "transaction")
    assert told.status == 0
    assert "cannot be told from those of staging" in told.err
    assert told.out.startswith("Not worth it: a PgBouncer before")
    assert "transaction pooling; as asked for" in told.out
    assert "Temporary tables" in told.out
    server.stop()
    alone = pgconns("bouncer", "plan", "prod", "--json")
    assert alone.status == 0
    assert "could not be asked" in alone.err
    assert alone.json["evidence"] == "recorded"


def test_without_history_it_is_a_guess_and_without_a_server_it_is_none(pgconns: Program, registered: Door) -> None:
    guess = pgconns("bouncer", "plan", "prod")
    assert guess.status == 0
    assert "a guess from CARTO's ceiling, without evidence" in guess.out
    registered.server.stop()
    assert pgconns("bouncer", "plan", "prod").status == 3


def test_what_cannot_be_planned_is_refused(pgconns: Program, registered: Door) -> None:
    prod = Registry().get("prod")
    elsewhere = prod.parameters._replace(name="elsewhere", server="db.example.com")
    Registry().add(Connection(new_id(), elsewhere))
    mixed = pgconns("bouncer", "plan", "prod", "elsewhere")
    assert mixed.status == 2
    assert "a plan is for one server" in mixed.err
    assert pgconns("bouncer").status == 2
    unknown = pgconns("bouncer", "plot")
    assert unknown.status == 2
    assert "plan" in unknown.err
    assert pgconns("bouncer", "plan", "nobody").status == 2
    assert "whole number" in pgconns("bouncer", "plan", "prod", "--nodes", "0").err
    assert "pgconns bouncer plan prod staging" in pgconns("bouncer", "plan", "--help").out
    assert "plan" in pgconns("bouncer", "--help").out
