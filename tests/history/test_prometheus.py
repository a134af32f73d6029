"""What a Prometheus has stored is read as the recorder's own file is, and what it lacks is said."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest
from prometheus_client.core import GaugeMetricFamily

from tests.history.given import Traffic
from tests.metrics.given import stored
from tui.history.errors import HistoryError
from tui.history.prometheus import PrometheusHistory
from tui.history.reader import History
from tui.history.seeding import before
from tui.history.settings import Prometheus as Place
from tui.history.store import Store
from tui.screens.look_back import look_back
from tui.sockets.past import Trends

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.prometheus import Prometheus
    from tui.history.reader import Kind
    from tui.sockets.model import Sample

EVERY_S = 15.0
ID, OTHER = Traffic.id(0), Traffic.id(1)
SERVER = "db-0.example.com:5432"


class Both(NamedTuple):
    """The same samples, in a file and in a Prometheus."""

    file: History
    prometheus: PrometheusHistory
    start: float
    end: float


def _samples() -> list[Sample]:
    """Four hours until now, of which a quarter of an hour was not seen, and a quarter was not recorded."""
    traffic = Traffic(3, 2, EVERY_S)
    traffic.at = time.time() // 60 * 60 - 4 * 3600 + 7  # no sample stands within a millisecond of a step
    found = []
    for number in range(int(4 * 3600 / EVERY_S)):
        sample = traffic.sample()
        sample = replace(sample, at=round(sample.at, 3))
        if 100 <= number < 160:
            sample = _unseen(sample)
        if not 300 <= number < 360:
            found.append(sample)
    return found


def _unseen(sample: Sample) -> Sample:
    return replace(
        sample,
        servers=tuple(type(one)(one.server, seen_at=one.seen_at, error="gone") for one in sample.servers),
        connections=tuple(type(one)(one.name, one.id, one.server, error="gone") for one in sample.connections),
        unregistered=(),
    )


@pytest.fixture(scope="module")
def both(prometheus: Callable[..., Prometheus], tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Both, and alerts that fired for a while and until now."""
    samples = _samples()
    path = tmp_path_factory.mktemp("history") / "history.db"
    store = Store(path)
    for sample in samples:
        store.write(sample)
    store.close()
    start, end = samples[0].at, samples[-1].at + 1
    alerts = GaugeMetricFamily("ALERTS", "As Prometheus stores what fires.", labels=[
        "alertname", "alertstate", "severity", "kind", "server", "connection", "id",
    ])  # fmt: skip
    leak = ("PgconnsConnectionLeaks", "firing", "warning", "leak", SERVER, "Connection 00", ID)
    down = ("PgconnsServerUnreachable", "firing", "critical", "unreachable", SERVER, "", "")
    pending = ("PgconnsServerUnreachable", "pending", "critical", "unreachable", SERVER, "", "")
    strange = ("PgconnsOwnRule", "firing", "page", "of the team", SERVER, "", "")
    for labels, first, last in (
        (leak, end - 600, end), (down, start + 1500, start + 2400), (pending, start + 1440, start + 1500),
        (strange, end - 600, end),
    ):  # fmt: skip
        for number in range(int((last - first) / EVERY_S)):
            alerts.add_metric(labels, 1, first + number * EVERY_S)
    alerts.samples.sort(key=lambda one: (sorted(one.labels.items()), one.timestamp))
    return Both(History(path), PrometheusHistory(Place(prometheus(past=[*stored(samples), alerts]).url)), start, end)


@pytest.mark.parametrize("seconds", [0, 60, 300, 3600])
@pytest.mark.parametrize(("kind", "key"), [("connection", ID), ("connection", OTHER), ("server", SERVER)])
def test_each_series_is_as_the_file_has_it(both: Both, seconds: int, kind: Kind, key: str) -> None:
    read, kept = (one.series_by(seconds, key, both.start, both.end, kind) for one in (both.prometheus, both.file))
    assert read == kept
    assert sum(one.samples for one in read.rollups) == 840
    assert sum(one.unseen for one in read.rollups) == 60


def test_as_many_steps_as_are_wanted(both: Both) -> None:
    whole = both.prometheus.series(ID, both.start, both.end, 100)
    assert (whole.seconds, whole) == (300, both.file.series(ID, both.start, both.end, 100))
    lately = both.prometheus.series(ID, both.end - 600, both.end)
    assert lately == both.file.series(ID, both.end - 600, both.end)
    assert (lately.seconds, len(lately.rollups)) == (0, 40)
    coarse = both.prometheus.series(ID, both.end - 600, both.end, 20)
    assert coarse.seconds >= 30
    assert len(coarse.rollups) <= 21
    assert sum(one.samples for one in coarse.rollups) == 40


def test_the_plot_of_a_span_is_as_the_file_has_it(both: Both) -> None:
    read, kept = (look_back(one, ID, both.end - both.start, 100, both.end) for one in (both.prometheus, both.file))
    assert read.plotted.steps == kept.plotted.steps
    assert (read.plotted.start, read.plotted.end) == (kept.plotted.start, kept.plotted.end)
    assert "peak" in read.said
    assert len(read.plotted.marks) > len(kept.plotted.marks)  # the alerts, which the file has none of


def test_days_names_and_spans(both: Both) -> None:
    assert both.prometheus.all_steps(ID, both.start, both.end) == both.file.all_steps(ID, both.start, both.end)
    for kind in ("connection", "server"):
        assert both.prometheus.names(kind) == both.file.names(kind)
    read, kept = both.prometheus.span(), both.file.span()
    assert read is not None
    assert kept is not None
    assert (read.start, read.end) == pytest.approx((kept.start, kept.end), abs=0.002)
    assert both.prometheus.servers_of(ID, both.start, both.end) == both.file.servers_of(ID, both.start, both.end)
    (one, other) = both.prometheus.restarts(both.start - 1, both.end)
    assert {one.server, other.server} == {SERVER, "db-1.example.com:5432"}
    assert one.started == 1.79e9
    assert both.prometheus.restarts(both.start + 3600, both.end) == ()


def test_alerts_are_those_that_prometheus_fired(both: Both) -> None:
    down, leak = both.prometheus.alerts(both.start, both.end)
    assert (down.alert.kind, down.alert.level, down.alert.subject) == ("unreachable", "critical", SERVER)
    assert down.alert.since == pytest.approx(both.start + 1500, abs=30)
    assert down.ended == pytest.approx(both.start + 2400, abs=30)
    assert (leak.alert.kind, leak.alert.subject, leak.ended) == ("leak", ID, None)
    assert leak.alert.sentence == "Connection 00 leaks, by a rule of Prometheus"
    assert [alert.key for alert in both.prometheus.standing(both.end)] == [("leak", ID)]
    assert both.prometheus.alerts(both.start, both.start + 600) == ()


def test_what_was_recorded_comes_before_what_is_counted(both: Both) -> None:
    read, kept = (before(one, [ID, OTHER, "unknown"], [SERVER], both.end) for one in (both.prometheus, both.file))
    assert read.series[ID] == kept.series[ID]
    assert read.series["unknown"].at == ()
    assert [alert.kind for alert in read.standing] == ["leak"]
    trends = Trends()
    trends.precede(read.pasts)
    points = trends.points(ID)
    assert points[0].at < both.start + 600
    assert all(later.at > one.at for one, later in itertools.pairwise(points))
    old = {round(point.at / 300): point.sockets for point in kept.pasts[ID].points()}
    near = [abs(point.sockets - old[round(point.at / 300)]) for point in points if round(point.at / 300) in old]
    assert len(near) > 100
    assert sum(near) / len(near) < 2
    assert trends.points(SERVER)


def test_many_points_are_asked_for_in_parts(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.history.prometheus_web.MOST_POINTS", 7)
    assert both.prometheus.series_by(300, ID, both.start, both.end) == both.file.series_by(
        300, ID, both.start, both.end
    )


def test_more_steps_than_anybody_reads_are_not_asked_for(both: Both) -> None:
    with pytest.raises(HistoryError, match="ask for longer ones"):
        both.prometheus.series_by(60, ID, 0, both.end)


def test_a_name_of_any_kind_is_asked_for_as_it_is(both: Both) -> None:
    hostile = 'a"b\\c\n{}|.*'
    assert both.prometheus.series_by(60, hostile, both.end - 600, both.end).rollups[0].samples == 0
    assert both.prometheus.lately([hostile, ".*"], both.end - 60, both.end)[".*"].at == ()
