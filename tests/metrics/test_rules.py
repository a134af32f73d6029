"""The rules are ones that Prometheus takes, and they judge as the panel and `alert` do."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import yaml

from tests.metrics.given import exported
from tests.servers.prometheus import promtool
from tests.widgets.given import counted, sampled
from tui.metrics.families import Seen
from tui.metrics.rules import all_rules, rules
from tui.sockets.alerts import Kind, Thresholds, judge
from tui.sockets.growth import RISING, Trend, Verdict
from tui.sockets.model import Pooled, ServerCount

if TYPE_CHECKING:
    from pathlib import Path

    from tui.sockets.model import ConnectionCount, Sample

SERVER = "db.example.com:5432"
# Reasons must stand for a minute before some rules fire; a test of promtool begins at the epoch.
AT = 120.0


def _trend(chance: random.Random) -> Trend | None:
    verdict: Verdict | None = chance.choice([*get_args(Verdict), None])
    if verdict is None:
        return None
    left = chance.choice([None, -5.0, 300.0, 900.0, 7200.0])
    return Trend(verdict, 1.0, exhausted_at=AT + left if left is not None and verdict in RISING else None)


def _pooled(chance: random.Random) -> Pooled:
    waiting = chance.choice([0, 7])
    return Pooled(
        "db.example.com:6432", 20, waiting, chance.choice([0.0, 0.5, 1.0, 9.0, 10.0, 60.0]), 10, 10, "session"
    )


def _sample(chance: random.Random) -> Sample:
    """A server and a Connection of it, of any kind that there is."""
    limit = chance.choice([1, 20, 100])
    headroom = chance.choice([0, 1, limit // 20, limit // 5, limit])
    server = ServerCount(SERVER, limit, 3, limit - headroom, headroom, 1, 1, 0, "full", AT, trend=_trend(chance))
    own = chance.choice([1, 20, 100])
    left = chance.choice([0, 1, own // 20, own // 5, own])
    count = counted(
        "prod",
        chance.randint(0, 30),
        headroom=left,
        limit=own,
        bounded_by=chance.choice(["server", "role", "database"]),
        oldest_idle_in_transaction_s=chance.choice([None, 5.0, 60.0, 600.0]),
        trend=_trend(chance),
        pooled=chance.choice([None, _pooled(chance), Pooled("db.example.com:6432", error="no answer")]),
    )
    match chance.randrange(6):
        case 0:
            server = ServerCount(SERVER, seen_at=AT, error="too many clients", full=True)
        case 1:
            server = ServerCount(SERVER, seen_at=AT, error="no route to host")
        case 2:
            server = ServerCount(SERVER)
        case 3:
            count = replace(count, error="password authentication failed")
    if server.limit is None:
        count = counted("prod", None, error=server.error)
    return sampled(count, at=AT, servers=[server])


def _judged(sample: Sample) -> set[tuple[str, str, str]]:
    """Kind, subject and level of each alert. Time left is told of whoever grows: here, not of the limit's owner."""
    found: set[tuple[str, str, str]] = {
        (a.kind, a.subject, a.level) for a in judge(sample, (), Thresholds()) if a.kind != "time_left"
    }
    growing: list[tuple[str, ServerCount | ConnectionCount]] = [(one.server, one) for one in sample.servers]
    growing += [(one.id, one) for one in sample.connections]
    for subject, one in growing:
        alerts = judge(_alone(sample, one), (), Thresholds())
        found |= {("time_left", subject, alert.level) for alert in alerts if alert.kind == "time_left"}
    return found


def _alone(sample: Sample, one: ServerCount | ConnectionCount) -> Sample:
    """The sample as if only this one had a trend."""
    return replace(
        sample,
        servers=tuple(s if s is one else replace(s, trend=None) for s in sample.servers),
        connections=tuple(c if c is one else replace(c, trend=None) for c in sample.connections),
    )


def _case(sample: Sample) -> dict[str, Any]:
    """What promtool is to find: of each rule, all that fire. A critical alert stands beside the warning."""
    wanted = _judged(sample)
    wanted |= {(kind, subject, "warning") for kind, subject, level in wanted if level == "critical"}
    alerts = []
    for rule in {rule.name: rule for rule in all_rules() if rule.kind}.values():
        own = [each for each in all_rules() if each.name == rule.name]
        of_server = rule.name.startswith("PgconnsServer")
        labels = {"server": SERVER} if of_server else {"server": SERVER, "connection": "prod", "id": "prod"}
        if rule.kind == "leak":
            labels["verdict"] = "leaking"
        fired = [
            {"exp_labels": {**labels, "severity": each.level, "kind": each.kind}}
            for each in own
            if (each.kind, SERVER if of_server else "prod", each.level) in wanted
        ]
        alerts.append({"eval_time": f"{AT:g}s", "alertname": rule.name, "exp_alerts": fired})
    series = [
        {"series": f"{name}{{{','.join(f'{key}={json.dumps(one)}' for key, one in labels.items())}}}",
         "values": f"{value:f}x10"}
        for name, labels, value in exported(Seen(sample))
    ]  # fmt: skip
    return {"interval": "30s", "input_series": series, "alert_rule_test": alerts}


def test_prometheus_takes_them(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(rules())
    assert "SUCCESS: 19 rules found" in promtool("check", "rules", file)
    told = yaml.safe_load(rules())["groups"][0]["rules"]
    assert all({"summary", "description"} == rule["annotations"].keys() for rule in told)
    assert {rule["labels"]["severity"] for rule in told} == {"warning", "critical"}
    assert {rule["labels"]["kind"] for rule in told if "kind" in rule["labels"]} == set(get_args(Kind))


def test_they_judge_as_the_panel_does(tmp_path: Path) -> None:
    told = yaml.safe_load(rules())
    for rule in told["groups"][0]["rules"]:
        del rule["annotations"]  # promtool would want to know every word of them
    chance = random.Random(5)
    cases = [_case(_sample(chance)) for _ in range(100)]
    (tmp_path / "rules.yml").write_text(json.dumps(told))
    test = {"rule_files": ["rules.yml"], "evaluation_interval": "30s", "tests": cases}
    (tmp_path / "test.yml").write_text(json.dumps(test))
    promtool("test", "rules", tmp_path / "test.yml")
    fired = [rule for case in cases for rule in case["alert_rule_test"] if rule["exp_alerts"]]
    assert len({rule["alertname"] for rule in fired}) == len({rule.name for rule in all_rules() if rule.kind})


def test_an_alert_stands_on_for_a_while_and_tells_of_pgconns_itself(tmp_path: Path) -> None:
    told = yaml.safe_load(rules())
    for rule in told["groups"][0]["rules"]:
        del rule["annotations"]
    (tmp_path / "rules.yml").write_text(json.dumps(told))
    leaking = {"alertname": "PgconnsConnectionLeaks", "exp_alerts": [
        {"exp_labels": {"severity": "warning", "kind": "leak", "verdict": "leaking", "id": "a"}},
    ]}  # fmt: skip
    stalled = {"alertname": "PgconnsStalled", "exp_alerts": [{"exp_labels": {"severity": "warning"}}]}
    damaged = {"alertname": "PgconnsRegistryDamaged", "exp_alerts": [{"exp_labels": {"severity": "warning"}}]}
    absent = {"alertname": "PgconnsAbsent", "exp_alerts": [{"exp_labels": {"severity": "warning"}}]}
    case = {
        "interval": "30s",
        "input_series": [
            {"series": 'pgconns_connection_trend{id="a",verdict="leaking"}', "values": "1 1 0x20"},
            {"series": "pgconns_last_sample_timestamp_seconds", "values": "0x40"},
            {"series": "pgconns_registry_sound", "values": "1 0x40"},
        ],
        "alert_rule_test": [
            {"eval_time": "30s", **leaking},
            {"eval_time": "2m", **leaking},
            {"eval_time": "4m", **leaking, "exp_alerts": []},
            {"eval_time": "2m", **stalled, "exp_alerts": []},
            {"eval_time": "3m", **stalled},
            {"eval_time": "1m", **damaged},
            {"eval_time": "4m", **absent, "exp_alerts": []},
            {"eval_time": "6m", **absent},
        ],
    }
    test = {"rule_files": ["rules.yml"], "evaluation_interval": "30s", "tests": [case]}
    (tmp_path / "test.yml").write_text(json.dumps(test))
    promtool("test", "rules", tmp_path / "test.yml")
