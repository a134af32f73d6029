"""The demo's clients: how many sockets they hold, and the one that leaks."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.host import wait_until
from tui.connections.secret import Secret
from tui.demo import scenario, traffic
from tui.demo.scenario import ACTORS
from tui.postgres.target import Target

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer

RESERVED = 3
FOR_THE_VISITOR = 3


@given(st.sampled_from(ACTORS), st.floats(0, 1e6))
def test_the_wave_keeps_its_bounds(actor: scenario.Actor, at_s: float) -> None:
    assert actor.least <= traffic.wanted(actor, at_s) <= actor.most


def test_all_at_their_most_leave_room_for_the_visitor() -> None:
    most = sum(actor.most + actor.leaks_up_to for actor in ACTORS)
    assert most <= scenario.MAX_CONNECTIONS - RESERVED - FOR_THE_VISITOR


def test_actors_use_roles_and_databases_that_exist() -> None:
    roles = {role.name for role in scenario.ROLES}
    for user in (*ACTORS, *scenario.CONNECTIONS):
        assert user.username in roles
        assert user.database in scenario.DATABASES
    registered = [(c.database, c.username) for c in scenario.CONNECTIONS]
    assert len(registered) - len(set(registered)) == 1  # two are told to share their sockets


async def test_a_leak_stops_short(pg_server: PgServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "LEAK_EVERY_S", 0.01)
    server = pg_server(17)
    role = server.role("pw")
    target = Target(server.host, server.port, "postgres", role, Secret("pw"), application_name="leaky")
    actor = ACTORS[0]._replace(leaks_up_to=4, statements=("SELECT 1",))
    leaking = asyncio.create_task(traffic.Program(actor, target, random.Random(1)).leak())

    def held() -> int:
        rows = server.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaky' AND state = 'idle'"
        )
        return int(rows[0][0])

    await asyncio.to_thread(wait_until, lambda: held() >= 4, "four sockets have leaked")
    assert await asyncio.to_thread(held) == 4
    leaking.cancel()
    with suppress(asyncio.CancelledError):
        await leaking


def test_sql_is_marked_as_documented() -> None:
    import uuid

    marked = traffic.comment("builder", uuid.UUID("5bc8fbbc-bde5-4099-8164-d8399f767c45"))
    assert marked.startswith("/* CARTO/3.0 (GPN:demo; ACCID:")
    assert "CM:builder; connectionId:5bc8fbbc-bde5-4099-8164-d8399f767c45; mapId:" in marked
    assert marked.endswith(") */ ")
