"""A day of counts in little memory, and a leak on a real server found from what the sampler sees."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from typing import TYPE_CHECKING

import pytest

from tests.sockets.given import PASSWORD, by_name, connection, held, role, until, watching
from tui.connections.secret import Secret
from tui.demo import traffic
from tui.demo.scenario import ACTORS
from tui.postgres.target import Target
from tui.sockets import queries
from tui.sockets.growth import Trend, Verdict
from tui.sockets.past import Past, Trends

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer
    from tui.sockets.model import Sample

DAY = 86_400


def size(past: Past) -> int:
    """The bytes that a past holds."""
    return sum(
        sys.getsizeof(column)
        for points in (past._raw, past._minutes)
        for column in (points.at, points.sockets, points.stale)
    )


def test_a_week_takes_no_more_memory_than_a_day() -> None:
    past, rng, sizes = Past(), random.Random(1), []
    for second in range(0, 7 * DAY, 2):
        past.add(1e9 + second, 20 + rng.randrange(5), None)
        if second % DAY == DAY - 2:
            sizes.append(size(past))
            points = past.points()
            assert points[-1].at - points[0].at == pytest.approx(DAY, rel=0.06)
            assert all(a.at < b.at for a, b in itertools.pairwise(points))
    assert max(sizes[1:]) <= 1.1 * sizes[0] < 45_000


def test_a_clock_set_back_begins_anew_and_a_gap_stays_one() -> None:
    past = Past()
    for second in (100.0, 102.0, 700.0, 702.0):
        past.add(second, 5, 1)
    assert [point.at for point in past.points()] == [100, 102, 700, 702]
    past.add(50.0, 6, None)
    assert [(point.at, point.sockets, point.stale) for point in past.points()] == [(50, 6, None)]


def test_a_slow_leak_is_found_in_a_day_by_the_minute() -> None:
    past, rng = Past(), random.Random(2)
    for second in range(0, DAY, 10):  # 2.5 an hour, for a day
        past.add(1e9 + second, 20 + int(2.5 * second / 3600) + rng.randrange(4), None)
    assert past.trend(200).verdict in {"growing", "leaking"}
    assert past.trend(200).per_minute == pytest.approx(2.5 / 60, rel=0.2)


def test_trends_are_judged_in_turn_and_no_more_than_there_is_time_for() -> None:
    trends = Trends()
    for name in "abc":
        for second in range(0, 400, 2):
            trends.add(name, 1e9 + second, 7, 0, 100)
    trends.judge(1e9, lambda: True)
    trends.judge(1e9 + 1, lambda: True)
    assert [trends.of(name) is not None for name in "abc"] == [True, True, False]
    trends.judge(1e9 + 2, lambda: False)
    assert {name: trend.verdict for name in "abc" if (trend := trends.of(name))} == dict.fromkeys("abc", "steady")
    trends.keep({"a"})
    assert (trends.of("b"), trends.points("b")) == (None, ())


def test_a_series_rises_once_two_looks_in_a_row_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Verdict] = [
        "steady",
        "surging",
        "steady",
        "growing",
        "leaking",
        "steady",
        "leaking",
        "steady",
        "shrinking",
    ]
    told = ["steady", "steady", "steady", "steady", "leaking", "leaking", "leaking", "leaking", "shrinking"]
    seen = iter(looks)
    monkeypatch.setattr(Past, "trend", lambda *_: Trend(next(seen), samples=300))
    trends, verdicts = Trends(), []
    for look in range(len(looks)):
        trends.add("a", 1e9 + 10 * look, 7, 0, 100)
        trends.judge(1e9 + 10 * look, lambda: True)
        verdicts.append(trend.verdict if (trend := trends.of("a")) else None)
    assert verdicts == told


async def test_the_leaking_client_of_the_demo_is_found_as_leaking(
    pg_server: PgServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo's own client, on a real server; the clock of both runs 60 times as fast."""
    pace = 60.0
    monkeypatch.setattr(traffic, "LEAK_EVERY_S", traffic.LEAK_EVERY_S / pace)
    monkeypatch.setattr(queries, "STALE_AFTER_S", queries.STALE_AFTER_S / pace)
    server = pg_server(17, own="leak")
    apps, builder, gis = role(server), role(server, "pg_monitor"), server.database()
    actor = next(actor for actor in ACTORS if actor.leaks_up_to)._replace(
        database=gis, username=apps, statements=("SELECT 1",)
    )
    target = Target(server.host, server.port, gis, apps, Secret(PASSWORD), application_name=actor.application)
    program = traffic.Program(actor, target, random.Random(1))
    watched = [
        connection(server, "apps", apps, gis, match_application=(actor.application,)),
        connection(server, "builder", builder, gis),
    ]
    with held(server, 3, builder, gis):
        tasks = [asyncio.create_task(program.run()), asyncio.create_task(program.leak())]
        try:
            async with watching(*watched, interval_s=0.04, trends=Trends(pace)) as watch:
                sample = await until(watch, lambda sample: _verdict(sample, "apps") == "leaking", 30)
                found = by_name(sample)["apps"].trend
                assert found is not None and found.exhausted_at is not None
                assert found.per_minute == pytest.approx(4 * pace, rel=0.5)
                assert _verdict(sample, "builder") in {None, "unknown", "steady"}
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _verdict(sample: Sample, name: str) -> str | None:
    found = by_name(sample)[name].trend
    return found.verdict if found is not None else None
