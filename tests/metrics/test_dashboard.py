"""The dashboard is one that Grafana can import, and each of its queries finds something in a real Prometheus."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily

from tests.history.given import Traffic
from tests.metrics.given import exported, stored
from tests.widgets.given import connection
from tui.history import prometheus_queries
from tui.history.prometheus import PrometheusHistory
from tui.history.settings import Prometheus as Place
from tui.metrics.dashboard import dashboard
from tui.metrics.families import Seen
from tui.metrics.rules import all_rules, expression
from tui.sockets.growth import Trend
from tui.sockets.model import Polls, Pooled

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.core import Metric

    from tests.servers.prometheus import Prometheus
    from tui.sockets.model import Sample

# What Grafana puts in for its variables.
_FILLED = {"$server": ".*", "$connection": ".*", "$__rate_interval": "1m", "$__interval": "1m"}
_SERVER = "db-0.example.com:5432"
_POOLED = Pooled("db-0.example.com:6432", 20, 5, 2.5, 10, 10, "transaction")


def _panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(dashboard())["panels"] if panel["type"] != "row"]


def _queries() -> list[str]:
    whole = json.loads(dashboard())
    asked = [target["expr"] for panel in _panels() for target in panel["targets"]]
    return [*asked, *(one["expr"] for one in whole["annotations"]["list"])]


def _filled(query: str) -> str:
    for variable, value in _FILLED.items():
        query = query.replace(variable, value)
    assert "$" not in query
    return query


def _growing(sample: Sample) -> Sample:
    leaking = Trend("leaking", 1.0, exhausted_at=sample.at + 900)
    return replace(
        sample,
        servers=tuple(replace(one, trend=leaking, started_at=round(sample.at), stale=2) for one in sample.servers),
        connections=tuple(
            replace(one, trend=leaking, opened_per_minute=3.0, pooled=_POOLED) for one in sample.connections
        ),
    )


def _others(first: float) -> list[Metric]:
    """What the process tells of itself, and what Prometheus adds."""
    alerts = GaugeMetricFamily("ALERTS", "Firing.", labels=["alertname", "alertstate", "server"])
    process = [
        GaugeMetricFamily(name, "Of the process.", labels=["instance", "job"])
        for name in ("process_cpu_seconds", "process_resident_memory_bytes")
    ]
    for number in range(40):
        at = first + 15 * number
        alerts.add_metric(("PgconnsServerFull", "firing", _SERVER), 1, at)
        for family in process:
            family.add_metric(("one", "pgconns"), number, at)
    process[0].samples = [one._replace(name="process_cpu_seconds_total") for one in process[0].samples]
    process[0].type = "counter"
    return [alerts, *process]


def test_every_query_finds_something(prometheus: Callable[..., Prometheus]) -> None:
    traffic = Traffic(2, 1, 15.0)
    traffic.at = first = time.time() - 700
    samples = [_growing(replace(traffic.sample(), at=first + 15 * number)) for number in range(40)]
    polls = [{_SERVER: Polls(number, number // 2, number / 10)} for number in range(40)]
    last = samples[-1].at
    server = prometheus(past=[*stored(samples, (), polls), *_others(first)])
    for query in _queries():
        assert server.query(_filled(query), last), query
    for rule in all_rules():
        server.query(expression(rule), last)
    variables = [one["definition"] for one in json.loads(dashboard())["templating"]["list"] if one["type"] == "query"]
    for asked in variables:
        selector = re.fullmatch(r"label_values\((.*), \w+\)", asked)
        assert selector is not None
        assert server.query(_filled(selector[1]), last)
    server.stop()


def test_what_two_recorders_count_is_told_once(prometheus: Callable[..., Prometheus]) -> None:
    traffic = Traffic(2, 1, 15.0)
    traffic.at = time.time() // 60 * 60 - 600 + 7
    samples = [replace(sample, at=round(sample.at, 3)) for sample in (_growing(traffic.sample()) for _ in range(30))]
    last = samples[-1]
    server = prometheus(past=stored(samples, targets=("one", "two")))
    stats = {panel["title"]: panel["targets"][0]["expr"] for panel in _panels() if panel["type"] == "stat"}
    assert [float(one["value"][1]) for one in server.query(_filled(stats["Sockets"]), last.at)] == [
        last.servers[0].used
    ]
    assert [float(one["value"][1]) for one in server.query(_filled(stats["Servers up"]), last.at)] == [1]
    for rule in all_rules():
        if rule.kind == "leak":
            assert len(server.query(expression(rule), last.at)) == 2  # one for each Connection
    id, start = last.connections[0].id, samples[0].at
    (read,) = PrometheusHistory(Place(server.url)).series_by(3600, id, start // 3600 * 3600, last.at + 1).rollups[-1:]
    within = [sample.connections[0].sockets or 0 for sample in samples if sample.at >= read.at]
    assert (read.minimum, read.maximum, read.last) == (min(within), max(within), within[-1])
    assert (read.samples, read.mean) == (2 * len(within), sum(within) / len(within))
    server.stop()


def test_grafana_can_lay_it_out() -> None:
    whole = json.loads(dashboard())
    taken: set[tuple[int, int]] = set()
    for panel in whole["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert all(0 <= x < 24 for x, _ in cells)
        taken |= cells
    ids = [panel["id"] for panel in whole["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in _panels():
        assert panel["datasource"]["uid"] == "${datasource}"
        assert [target["refId"] for target in panel["targets"]] == list("ABCD"[: len(panel["targets"])])
    assert [one["name"] for one in whole["templating"]["list"]] == ["datasource", "server", "connection"]


def test_whatever_is_asked_for_is_exported() -> None:
    sample = _growing(Traffic(2, 1).sample())
    sample = replace(
        sample, connections=tuple(replace(one, oldest_idle_in_transaction_s=1.0) for one in sample.connections)
    )
    seen = Seen(sample, {_SERVER: Polls(1)}, (connection("x")._replace(id=sample.connections[0].id),))
    told = {name for name, _, _ in exported(seen)}
    asked = {"dashboard": dashboard(), "rules": "".join(rule.query for rule in all_rules())}
    for kind in ("connection", "server"):
        asked[f"reading a {kind}"] = prometheus_queries.stepped(kind, "x", 60) + prometheus_queries.many(
            kind, ["x"], 60
        )
    for whose, text in asked.items():
        names = set(re.findall(r"\bpgconns_[a-z_]+", text))
        assert names <= told, f"{whose} asks for {names - told}"
        assert names
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert set(re.findall(r"\bpgconns_[a-z_]+\b", readme)) <= told
