"""Alerts: raised once, with their cause, cleared once, and never by what cannot be seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tui.sockets.alerts import Alert, Kind, Thresholds, changes, judge
from tui.sockets.growth import Trend
from tui.sockets.merging import merges
from tui.sockets.model import ConnectionCount, Group, Pooled, Sample, ServerCount

LIMITS = Thresholds()


def count(name: str = "maps", **more: Any) -> ConnectionCount:
    """A Connection with room under its server's limit."""
    values: dict[str, Any] = {
        "sockets": 10,
        "states": (2, 8, 0, 0, 0),
        "headroom": 87,
        "limit": 97,
        "bounded_by": "server",
        **more,
    }
    return ConnectionCount(name, f"id of {name}", "db:5432", **values)


def sample(at: float, used: int = 10, *connections: ConnectionCount, **more: Any) -> Sample:
    """One server with a limit of 97 sockets."""
    values: dict[str, Any] = {"limit": 97, "used": used, "headroom": 97 - used, **more}
    return Sample(at, (ServerCount("db:5432", **values),), connections or (count(),), ())


def unseen(at: float, **more: Any) -> Sample:
    """The same server when it does not answer."""
    lost = ConnectionCount("maps", "id of maps", "db:5432", error="db:5432 does not answer")
    return Sample(at, (ServerCount("db:5432", error="db:5432 does not answer", **more),), (lost,), ())


def rising(at: float, left_s: float, verdict: Any = "growing") -> Trend:
    """A trend that reaches its limit in so many seconds."""
    return Trend(verdict, 1.2, 1.0, 1.4, exhausted_at=at + left_s, samples=300, window_s=600)


def kinds(alerts: tuple[Alert, ...]) -> list[tuple[str, str, str]]:
    """What stands, in short."""
    return [(alert.kind, alert.level, alert.subject) for alert in alerts]


def follow(*samples: Sample) -> list[tuple[list[Kind], list[Kind]]]:
    """What is raised and cleared at each sample."""
    before: tuple[Alert, ...] = ()
    told: list[tuple[list[Kind], list[Kind]]] = []
    for one in samples:
        after = judge(one, before, LIMITS)
        news = changes(before, after)
        told.append(([alert.kind for alert in news.raised], [alert.kind for alert in news.cleared]))
        before = after
    return told


def test_a_level_around_its_threshold_rings_once_and_ends_once() -> None:
    used = [77, 78, 77, 78, 75, 79, 70, 70, 70]
    told = follow(*(sample(10.0 * n, number) for n, number in enumerate(used)))
    assert told == [([], []), (["level"], []), *[([], [])] * 5, ([], ["level"]), ([], [])]


def test_a_level_that_becomes_critical_is_told_again_and_full_takes_its_place() -> None:
    assert follow(sample(0, 80), sample(2, 93), sample(4, 97)) == [
        (["level"], []),
        (["level"], []),
        (["full"], ["level"]),
    ]
    (alert,) = judge(sample(0, 97), (), LIMITS)
    assert (alert.level, alert.sentence) == ("critical", "db:5432 is full: 97 of 97 sockets are open")


def test_a_limit_of_the_role_is_an_alert_of_the_connection() -> None:
    narrow = count(headroom=1, limit=10, bounded_by="role")
    alerts = judge(sample(0, 20, narrow, count("other")), (), LIMITS)
    assert kinds(alerts) == [("level", "warning", "id of maps")]
    assert alerts[0].sentence == "maps (limit of its role): 90 % of 10 sockets are open, 1 more can open"


def test_time_left_is_the_servers_and_names_who_grows() -> None:
    leaky = count(trend=rising(100, 1200, "leaking"))
    alerts = judge(sample(100, 20, leaky, count("other", trend=Trend("steady"))), (), LIMITS)
    assert kinds(alerts) == [("time_left", "warning", "db:5432"), ("leak", "warning", "id of maps")]
    assert "by maps: leaking by 1.2 sockets a minute, full in about 20 minutes" in alerts[0].sentence
    assert kinds(judge(sample(100, 20, trend=rising(100, 500)), (), LIMITS)) == [("time_left", "critical", "db:5432")]
    assert judge(sample(100, 20, trend=rising(100, 1900)), (), LIMITS) == ()
    assert judge(sample(100, 20, trend=rising(100, 500, "steady")), (), LIMITS) == ()


def test_a_trend_that_wavers_rings_once() -> None:
    trends = ["leaking", "growing", "leaking", "steady", "steady", "leaking"]
    told = follow(*(sample(30.0 * n, 20, count(trend=Trend(verdict))) for n, verdict in enumerate(trends)))  # type: ignore[arg-type]
    assert told == [(["leak"], []), *[([], [])] * 5]


def test_what_cannot_be_seen_is_not_healthy() -> None:
    told = follow(sample(0, 90, count(oldest_idle_in_transaction_s=61.0)), unseen(500), unseen(900), sample(902, 5))
    assert told[0] == (["level", "idle_in_transaction"], [])
    assert told[1:3] == [(["unreachable"], []), ([], [])]
    assert set(told[3][1]) == {"level", "idle_in_transaction"}
    (alert,) = judge(unseen(0, full=True), (), LIMITS)
    assert (alert.kind, alert.level) == ("full", "critical")


def test_since_is_when_it_was_raised_and_ages_with_no_clock_set_back() -> None:
    (first,) = judge(sample(100, 90), (), LIMITS)
    (later,) = judge(sample(200, 91), (first,), LIMITS)
    assert (later.since, later.seen) == (100, 200)
    assert judge(sample(50, 91), (later,), LIMITS)[0].since == 50


def test_sockets_that_are_shared_are_told_of_once_and_a_wrong_password_each() -> None:
    one = count("a", shared_with=("b",), oldest_idle_in_transaction_s=99.0)
    two = count("b", shared_with=("a",), oldest_idle_in_transaction_s=99.0, error="the password is wrong")
    alerts = judge(sample(0, 20, one, two), (), LIMITS)
    assert sorted(kinds(alerts)) == [
        ("idle_in_transaction", "warning", "id of a"),
        ("unreachable", "warning", "id of b"),
    ]
    assert any(alert.sentence.startswith("a or b holds a transaction") for alert in alerts)


def test_merging_saves_what_is_idle_at_most() -> None:
    groups = tuple(Group("gis", "carto", "maps", None, "idle", number, connection_id=f"c{number}") for number in (7, 3))
    one, two = count("a", shared_with=("b",)), count("b", shared_with=("a",))
    (even,) = merges(sample(0, 20, one, two, count("c")))
    assert (even.ids, even.sockets, even.saves) == (("id of a", "id of b"), 10, 5)
    (told,) = merges(sample(0, 20, replace(one, groups=groups), replace(two, groups=groups)))
    assert told.saves == 3
    assert told.sentence == (
        "Merging a and b in CARTO would save up to 3 of their 10 sockets, and CARTO could open at most half as many "
        "as now"
    )
    busy = [replace(each, states=(10, 0, 0, 0, 0)) for each in (one, two)]
    assert [each.saves for each in merges(sample(0, 20, *busy))] == [0]
    assert merges(sample(0, 20, count("a"), count("b"))) == merges(unseen(0)) == ()


def test_who_waits_in_a_pgbouncer_is_told_once_and_also_while_the_server_is_not_seen() -> None:
    def waits(waiting: int, seconds: float, **more: Any) -> ConnectionCount:
        return count(pooled=Pooled("pooler:6432", 12, waiting, seconds, 3, 3), **more)

    def judged(one: Sample) -> list[tuple[str, str, str]]:
        return [each for each in kinds(judge(one, (), LIMITS)) if each[0] == "waiting"]

    twice = (waits(2, 4.0), replace(waits(2, 4.0), name="tiles", id="id of tiles"))
    assert judged(sample(0, 10, *twice)) == [("waiting", "warning", "id of maps")]
    assert judged(sample(0, 10, waits(1, 10.0))) == [("waiting", "critical", "id of maps")]
    assert judged(sample(0, 10, waits(1, 0.9))) == judged(sample(0, 10, waits(0, 0.0))) == []
    lost = replace(
        unseen(0), connections=(replace(unseen(0).connections[0], pooled=Pooled("p:6432", 9, 5, 3.0, 3, 3)),)
    )
    assert judged(lost) == [("waiting", "warning", "id of maps")]
    (alert, *_) = judge(lost, (), LIMITS)[-1:]
    assert alert.sentence == "maps: 5 clients wait in its PgBouncer, the first for 3 seconds"
