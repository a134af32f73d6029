"""A dashboard for Grafana over the metrics. Pure.

Source: Grafana's documentation, "Dashboard JSON model". Several recorders may count the same: each of its series is
told once.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_ON = 'server=~"$server"'
_OF = 'server=~"$server", connection=~"$connection"'
_WIDE = 24
_HEIGHT, _LOW = 8, 4
_SCHEMA = 39
_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}},
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
}


class Curve(NamedTuple):
    """One query, and what its curves are called; a `limit` is drawn dashed, and not filled."""

    query: str
    legend: str
    limit: bool = False


class Picture(NamedTuple):
    """One panel; `kind` is Grafana's name for how it is drawn, and `unit` for what the numbers are."""

    title: str
    curves: tuple[Curve, ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 12
    stacked: bool = False
    about: str = ""


def _of_servers(name: str) -> str:
    return f"sum(max by (server) (pgconns_server_{name}{{{_ON}}}))"


def _by_state() -> str:
    return f"sum by (state) (max by (server, id, state) (pgconns_connection_state_sockets{{{_OF}}}))"


ROWS: dict[str, tuple[Picture, ...]] = {
    "Now": (
        Picture("Servers up", (Curve(_of_servers("up"), "up"),), kind="stat", width=4),
        Picture("Servers not seen",
                (Curve(f"count(max by (server) (pgconns_server_up{{{_ON}}}) == 0) or vector(0)", "not seen"),),
                kind="stat", width=4),
        Picture("Sockets", (Curve(_of_servers("sockets"), "open"),), kind="stat", width=4),
        Picture("Least headroom", (Curve(f"min(pgconns_server_headroom_sockets{{{_ON}}})", "headroom"),),
                kind="stat", width=4),
        Picture("Shortest time left",
                (Curve(f"min(pgconns_server_exhausted_timestamp_seconds{{{_ON}}} - time())", "left"),),
                unit="s", kind="stat", width=4, about="Empty while no server's sockets grow."),
        Picture("Alerts", (Curve(f'count(ALERTS{{alertname=~"Pgconns.*", alertstate="firing", {_ON}}}) or vector(0)',
                                 "firing"),), kind="stat", width=4),
    ),
    "Servers": (
        Picture("Sockets and limit", (
            Curve(f"max by (server) (pgconns_server_sockets{{{_ON}}})", "{{server}}"),
            Curve(f"max by (server) (pgconns_server_limit_sockets{{{_ON}}})", "limit of {{server}}", limit=True),
        )),
        Picture("Share of the limit", (
            Curve(f"1 - min by (server) (pgconns_server_headroom_sockets{{{_ON}}} / pgconns_server_limit_sockets)",
                  "{{server}}"),
        ), unit="percentunit"),
        Picture("Time left", (
            Curve(f"min by (server) (pgconns_server_exhausted_timestamp_seconds{{{_ON}}}) - time()", "{{server}}"),
        ), unit="s", about="Until the limit is reached, while the sockets grow."),
        Picture("Whose sockets they are", (
            Curve(_of_servers("attributed_sockets"), "Connections"),
            Curve(_of_servers("unregistered_sockets"), "not registered"),
            Curve(_of_servers("console_sockets"), "pgconns"),
        ), stacked=True),
    ),
    "Connections": (
        Picture("Sockets", (
            Curve(f"max by (connection, server) (pgconns_connection_sockets{{{_OF}}})", "{{connection}}"),
        ), about="What Connections share is counted for each of them."),
        Picture("States", (Curve(_by_state(), "{{state}}"),), stacked=True),
        Picture("Share of the limit that binds", (
            Curve(f"1 - min by (connection, server) (pgconns_connection_headroom_sockets{{{_OF}}}"
                  " / ignoring (bounded_by) pgconns_connection_limit_sockets)", "{{connection}}"),
        ), unit="percentunit"),
        Picture("Trend, sockets a minute", (
            Curve(f"60 * max by (connection, server) (pgconns_connection_trend_sockets_per_second{{{_OF}}})",
                  "{{connection}}"),
        )),
        Picture("Time left", (
            Curve(f"min by (connection, server) (pgconns_connection_exhausted_timestamp_seconds{{{_OF}}}) - time()",
                  "{{connection}}"),
        ), unit="s", about="Until the limit is reached, while the sockets grow."),
        Picture("Idle for more than a minute", (
            Curve(f"max by (connection, server) (pgconns_connection_stale_sockets{{{_OF}}})", "{{connection}}"),
        ), about="What leaks is idle, and stays."),
        Picture("Oldest idle in a transaction", (
            Curve(f"max by (connection, server) (pgconns_connection_oldest_idle_in_transaction_seconds{{{_OF}}})",
                  "{{connection}}"),
        ), unit="s"),
        Picture("Leaking, growing or surging", (
            Curve(f'max by (connection, server, verdict) (pgconns_connection_trend{{{_OF}, '
                  'verdict=~"leaking|growing|surging"}) == 1', "{{connection}} is {{verdict}}"),
        )),
    ),
    "PgBouncer": (
        Picture("Clients in, sockets out", (
            Curve(f"max by (connection, server) (pgconns_connection_pool_clients{{{_OF}}})",
                  "clients of {{connection}}"),
            Curve(f"max by (connection, server) (pgconns_connection_pool_server_sockets{{{_OF}}})",
                  "sockets of {{connection}}"),
            Curve(f"max by (connection, server) (pgconns_connection_pool_limit_sockets{{{_OF}}})",
                  "limit of {{connection}}", limit=True),
        ), about="Connections of one database and role share a pool."),
        Picture("Clients that wait", (
            Curve(f"max by (connection, server) (pgconns_connection_pool_waiting_clients{{{_OF}}})", "{{connection}}"),
        )),
        Picture("How long the first waits", (
            Curve(f"max by (connection, server) (pgconns_connection_pool_max_wait_seconds{{{_OF}}})", "{{connection}}"),
        ), unit="s", about="It grows where the pool is too small, or the server too slow."),
    ),
    "Alerts": (
        Picture("Firing", (
            Curve(f'ALERTS{{alertname=~"Pgconns.*", alertstate="firing", {_ON}}}', "{{alertname}} {{connection}}"),
        ), kind="table", width=_WIDE, about="By the rules that pgconns metrics --rules prints."),
    ),
    "pgconns itself": (
        Picture("Age of the last count", (
            Curve(f"time() - max by (server) (pgconns_server_last_seen_timestamp_seconds{{{_ON}}})", "{{server}}"),
        ), unit="s"),
        Picture("Polls that failed", (
            Curve(f"sum by (server) (rate(pgconns_server_poll_failures_total{{{_ON}}}[$__rate_interval]))"
                  " / sum by (server) (rate(pgconns_server_polls_total[$__rate_interval]))", "{{server}}"),
        ), unit="percentunit"),
        Picture("How long a poll takes", (
            Curve(f"sum by (server) (rate(pgconns_server_poll_duration_seconds_sum{{{_ON}}}[$__rate_interval]))"
                  " / sum by (server) (rate(pgconns_server_poll_duration_seconds_count[$__rate_interval]))",
                  "{{server}}"),
        ), unit="s"),
        Picture("CPU and memory", (
            Curve("rate(process_cpu_seconds_total[$__rate_interval]) * on (instance, job) pgconns_build_info",
                  "CPU of {{instance}}"),
            Curve("process_resident_memory_bytes / 1e9 * on (instance, job) pgconns_build_info",
                  "GB of {{instance}}"),
        ), about="In cores and in GB."),
    ),
}  # fmt: skip


def dashboard() -> str:
    """Return the dashboard as JSON, to be imported."""
    value = {
        "title": "pgconns",
        "uid": "pgconns",
        "description": "Sockets of the PostgreSQL Connections that CARTO uses, by pgconns metrics.",
        "tags": ["postgresql", "pgconns"],
        "schemaVersion": _SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": _variables()},
        "annotations": {"list": [_restarts()]},
        "panels": list(_panels()),
    }
    return json.dumps(value, indent=2) + "\n"


def _variables() -> list[dict[str, Any]]:
    def listed(name: str, label: str, query: str) -> dict[str, Any]:
        return {
            "name": name, "label": label, "type": "query", "datasource": _SOURCE, "definition": query,
            "query": {"query": query, "refId": "variable"}, "refresh": 2, "sort": 1, "multi": True, "includeAll": True,
            "allValue": ".*", "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        }  # fmt: skip

    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        listed("server", "Server", "label_values(pgconns_server_up, server)"),
        listed("connection", "Connection", f"label_values(pgconns_connection_up{{{_ON}}}, connection)"),
    ]


def _restarts() -> dict[str, Any]:
    return {
        "name": "Restarts",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": f"changes(pgconns_server_start_time_seconds{{{_ON}}}[$__interval]) > 0",
        "titleFormat": "{{server}} was started",
    }


def _panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    y = 0
    for title, pictures in ROWS.items():
        place = {"x": 0, "y": y, "w": _WIDE, "h": 1}
        found.append({"id": len(found) + 1, "type": "row", "title": title, "gridPos": place, "panels": []})
        x, y = 0, y + 1
        for picture in pictures:
            height = _LOW if picture.kind == "stat" else _HEIGHT
            if x + picture.width > _WIDE:
                x, y = 0, y + height
            place = {"x": x, "y": y, "w": picture.width, "h": height}
            found.append({"id": len(found) + 1, "gridPos": place, **_panel(picture)})
            x += picture.width
        y += height
    return found


def _panel(picture: Picture) -> dict[str, Any]:
    instant = picture.kind in {"stat", "table"}
    drawn: dict[str, Any] = {"lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": False}
    if picture.stacked:
        drawn |= {"stacking": {"mode": "normal"}, "fillOpacity": 40}
    share = {"min": 0, "max": 1} if picture.unit == "percentunit" else {}
    return {
        "type": picture.kind,
        "title": picture.title,
        "description": picture.about,
        "datasource": _SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": curve.query, "legendFormat": curve.legend,
                "instant": instant, "range": not instant,
                "format": "table" if picture.kind == "table" else "time_series",
            }
            for n, curve in enumerate(picture.curves)
        ],
        "fieldConfig": {
            "defaults": {"unit": picture.unit, **share, **({} if instant else {"custom": drawn})},
            "overrides": [_dashed(chr(ord("A") + n)) for n, curve in enumerate(picture.curves) if curve.limit],
        },
        "options": _OPTIONS.get(picture.kind, {}),
    }  # fmt: skip


def _dashed(reference: str) -> dict[str, Any]:
    properties = [
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}},
        {"id": "custom.fillOpacity", "value": 0},
    ]
    return {"matcher": {"id": "byFrameRefID", "options": reference}, "properties": properties}
