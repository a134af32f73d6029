"""Alerting rules for Prometheus: the judgement of the panel and of `alert`, over the metrics. Pure.

Every rule names the `kind` of alert it is, by the words of `tui.sockets.alerts`: what fired is read back as one.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from tui import __version__
from tui.sockets.alerts import CRITICAL_PART, HELD_OF_TRENDS_S, Kind, Level, Thresholds

_HEADER = f"""\
# Alerting rules for the metrics of pgconns, written by pgconns metrics --rules ({__version__}). They need Prometheus
# 2.42 or newer. A critical alert stands beside the warning of the same name; to be told once, let Alertmanager have
#   inhibit_rules:
#     - source_matchers: ['severity="critical"']
#       target_matchers: ['severity="warning"']
#       equal: [alertname, server, connection]
"""
# What others' sockets hold of a limit that is the server's is the server's alert, not each Connection's.
_OWN_LIMIT = 'pgconns_connection_limit_sockets{bounded_by!="server"}'
_SERVER = "{{ $labels.server }}"
_WHERE = "{{ $labels.connection }} on {{ $labels.server }}"


class Rule(NamedTuple):
    """One alerting rule. `lasting` and `kept` are how long its reason must stand, and be gone, in seconds."""

    name: str
    kind: Kind | None
    level: Level
    query: str
    summary: str
    description: str
    lasting: int = 0
    kept: int = 0


def all_rules(thresholds: Thresholds | None = None) -> tuple[Rule, ...]:
    """Return the rules by these thresholds."""
    by = thresholds or Thresholds()
    held = int(HELD_OF_TRENDS_S)
    return (
        Rule(
            "PgconnsServerUnreachable",
            "unreachable",
            "critical",
            "pgconns_server_up == 0 unless pgconns_server_full == 1",
            "{{ $labels.server }} cannot be counted",
            "pgconns has no answer from {{ $labels.server }}. `pgconns check` says why, and what mends it.",
            lasting=60,
        ),
        Rule(
            "PgconnsConnectionUnreachable",
            "unreachable",
            "warning",
            "pgconns_connection_up == 0 and on (instance, job, server) pgconns_server_up == 1",
            f"{_WHERE} does not log in",
            "The server answers, and the credentials of {{ $labels.connection }} do not work.",
            lasting=60,
        ),
        Rule(
            "PgconnsServerFull",
            "full",
            "critical",
            "pgconns_server_full == 1",
            "{{ $labels.server }} is full",
            "No socket more is let in. `pgconns backends` shows who holds them, `pgconns end` ends idle ones.",
        ),
        Rule(
            "PgconnsConnectionFull",
            "full",
            "critical",
            f"pgconns_connection_headroom_sockets <= 0 and ignoring (bounded_by) {_OWN_LIMIT}",
            f"{_WHERE} is full",
            "The limit of its role or database lets in no socket more.",
        ),
        *_of_level("PgconnsServerLevel", by, "pgconns_server_headroom_sockets",
                   "pgconns_server_limit_sockets", _SERVER),
        *_of_level("PgconnsConnectionLevel", by, "pgconns_connection_headroom_sockets",
                   f"ignoring (bounded_by) {_OWN_LIMIT}", _WHERE),
        *_of_time("PgconnsServerFullSoon", by, "pgconns_server_exhausted_timestamp_seconds", _SERVER, held),
        *_of_time("PgconnsConnectionFullSoon", by, "pgconns_connection_exhausted_timestamp_seconds", _WHERE, held),
        Rule(
            "PgconnsConnectionLeaks",
            "leak",
            "warning",
            'pgconns_connection_trend{verdict="leaking"} == 1',
            f"{_WHERE} leaks sockets",
            "Its idle sockets only accumulate.",
            kept=held,
        ),
        Rule(
            "PgconnsIdleInTransaction",
            "idle_in_transaction",
            "warning",
            f"pgconns_connection_oldest_idle_in_transaction_seconds >= {by.idle_in_transaction_s:g}",
            f"{_WHERE} holds a transaction idle",
            "It has been idle for {{ $value | humanizeDuration }}, and keeps its locks.",
        ),
        *_of_waiting(by),
        Rule(
            "PgconnsStalled",
            None,
            "warning",
            "time() - pgconns_last_sample_timestamp_seconds > 120",
            "pgconns at {{ $labels.instance }} does not count",
            "What it tells is {{ $value | humanizeDuration }} old.",
        ),
        Rule(
            "PgconnsRegistryDamaged",
            None,
            "warning",
            "pgconns_registry_sound == 0",
            "The registry of pgconns at {{ $labels.instance }} cannot be read",
            "It goes on with what was registered before; its log says what is wrong.",
        ),
        Rule(
            "PgconnsAbsent",
            None,
            "warning",
            "absent(pgconns_build_info)",
            "No pgconns is scraped",
            "Nothing is known of any server.",
            lasting=300,
        ),
    )  # fmt: skip


def _of_level(name: str, by: Thresholds, headroom: str, limit: str, where: str) -> tuple[Rule, ...]:
    used = f"1 - {headroom} / {limit}"
    described = "{{ $value | humanizePercentage }} of the sockets that may be open are."
    shares: tuple[tuple[Level, float], ...] = (("warning", by.warning), ("critical", by.critical))
    return tuple(
        Rule(name, "level", level, f"({used} >= {share:g}) < 1", f"{where} is nearly full", described)
        for level, share in shares
    )


def _of_time(name: str, by: Thresholds, exhausted: str, where: str, held: int) -> tuple[Rule, ...]:
    described = "Growing as it does, it reaches its limit in {{ $value | humanizeDuration }}."
    times: tuple[tuple[Level, float], ...] = (("warning", by.within_s), ("critical", by.within_s * CRITICAL_PART))
    return tuple(
        Rule(name, "time_left", level, f"{exhausted} - time() <= {within:g}", f"{where} will be full soon", described,
             kept=held)
        for level, within in times
    )  # fmt: skip


def _of_waiting(by: Thresholds) -> tuple[Rule, ...]:
    waiting = "pgconns_connection_pool_waiting_clients > 0"
    described = (
        "The first has waited for {{ $value | humanizeDuration }}: the pool is too small, or its server too slow."
    )
    times: tuple[tuple[Level, float], ...] = (("warning", by.waits_s), ("critical", by.starves_s))
    return tuple(
        Rule("PgconnsClientsWait", "waiting", level,
             f"pgconns_connection_pool_max_wait_seconds >= {waited:g} and {waiting}",
             f"Clients of {_WHERE} wait in PgBouncer", described)
        for level, waited in times
    )  # fmt: skip


def rules() -> str:
    """Return the file of rules."""
    return f"{_HEADER}groups:\n  - name: pgconns\n    rules:\n" + "".join(map(_text, all_rules()))


def expression(rule: Rule) -> str:
    """Return what Prometheus evaluates: of several recorders that count the same, one alert."""
    return rule.query if rule.kind is None else f"max without (instance, job) ({rule.query})"


def _text(rule: Rule) -> str:
    lines = [f"- alert: {rule.name}", f"  expr: {json.dumps(expression(rule))}"]
    lines += [f"  for: {rule.lasting}s"] if rule.lasting else []
    lines += [f"  keep_firing_for: {rule.kept}s"] if rule.kept else []
    lines += ["  labels:", f"    severity: {rule.level}"]
    lines += [f"    kind: {rule.kind}"] if rule.kind else []
    lines += ["  annotations:", f"    summary: {json.dumps(rule.summary)}"]
    lines += [f"    description: {json.dumps(rule.description)}"]
    return "".join(f"      {line}\n" for line in lines)
