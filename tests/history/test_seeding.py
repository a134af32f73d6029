"""The past that was recorded comes before what is counted: a slow leak is known right after the start."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from tests.widgets.given import counted, sampled
from tui.history.reader import History
from tui.history.seeding import before
from tui.history.store import Store
from tui.sockets.alerts import Alert
from tui.sockets.past import Trends

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1.8e9


def _leak(hours_ago: float) -> int:
    """Idle sockets of a leak of two and a half an hour."""
    return 10 + int((12 - hours_ago) * 2.5)


def test_a_slow_leak_is_found_over_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    store = Store(path)
    for minute in range(12 * 60, 0, -2):
        sockets = _leak(minute / 60)
        count = counted("a", sockets, stale=sockets - 8, headroom=90 - sockets)
        store.write(sampled(count, counted("b", None, error="gone"), at=NOW - 60 * minute))
    known = before(History(path), ["a", "b", "unknown"], ["db.example.com:5432"], NOW)
    trends = Trends()
    trends.add("a", NOW + 1, 40, 32, 90)
    trends.add("b", NOW + 1, 5, 0, 90)
    trends.precede(known.pasts)
    trends.add("a", NOW + 3, 40, 32, 90)
    points = trends.points("a")
    assert (points[0].sockets, points[-1].sockets) == (10, 40)
    assert all(later.at > one.at for one, later in itertools.pairwise(points))
    assert len(trends.points("b")) == 1
    trends.judge(NOW + 3, lambda: False)
    found = trends.of("a")
    assert found is not None
    assert found.verdict == "leaking"
    assert 2 < found.per_minute * 60 < 3
    assert trends.points("db.example.com:5432")
    store.close()


def test_the_last_counts_and_the_alerts_come_back(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    alert = Alert("leak", "warning", "a", "a leaks", NOW - 900, NOW - 61)
    store = Store(path)
    for ago in (300, 63, 61):
        store.write(sampled(counted("a", ago), at=NOW - ago), [alert])
    known = before(History(path), ["a"], [], NOW)
    assert known.series["a"].sockets == (63, 61)
    assert known.standing == (alert,)
    assert before(History(path), ["a"], [], NOW + 86_400).standing == ()
    store.close()


def test_where_nothing_was_recorded_nothing_is_known(tmp_path: Path) -> None:
    assert before(History(tmp_path / "none.db"), ["a"], [], NOW).pasts == {}
