"""What was seen, as metrics. Pure.

Names, base units and labels are as Prometheus' practice has them (prometheus.io/docs/practices/naming): counts of
sockets end in `_sockets`, moments in `_timestamp_seconds`, of which the reader makes an age. Labels come from the
registry and from small sets of words, never from what clients say, so that there are as many series as Connections
and servers ask for. What could not be seen is absent, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, get_args

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from tui.sockets.growth import RISING, Trend, Verdict
from tui.sockets.model import STATES, ConnectionCount, ServerCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tui.connections.model import Connection
    from tui.sockets.model import Polls, Pooled, Sample

OF_SERVER = ("server",)
OF_CONNECTION = ("server", "connection", "id")
_VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is told of one moment; `registry_read_at` is when the registry was last read, in seconds since the epoch.

    `registry_sound` is False where it could not be read since, and the Connections are those of before.
    """

    sample: Sample
    polls: Mapping[str, Polls] = field(default_factory=dict)
    connections: tuple[Connection, ...] = ()
    registry_read_at: float = 0.0
    registry_sound: bool = True


class _OfServer(NamedTuple):
    name: str
    help: str
    value: Callable[[ServerCount], float | None]


class _OfConnection(NamedTuple):
    name: str
    help: str
    value: Callable[[ConnectionCount], float | None]


def _up(one: ServerCount) -> float | None:
    return 0 if one.error else None if one.limit is None else 1


def _full(one: ServerCount) -> float | None:
    return 1 if one.full else None if one.headroom is None else one.headroom <= 0


def _per_second(per_minute: float | None) -> float | None:
    return None if per_minute is None else per_minute / _MINUTE_S


def _trend(one: ServerCount | ConnectionCount) -> Trend | None:
    """Return where it leads; of what cannot be seen now that is not known, whatever was judged last."""
    sockets = one.used if isinstance(one, ServerCount) else one.sockets
    return None if sockets is None else one.trend


def _slope(one: ServerCount | ConnectionCount) -> float | None:
    trend = _trend(one)
    return None if trend is None or trend.verdict == "unknown" else trend.per_minute / _MINUTE_S


def _exhausted(one: ServerCount | ConnectionCount) -> float | None:
    trend = _trend(one)
    return None if trend is None or trend.verdict not in RISING else trend.exhausted_at


def _pooled(value: Callable[[Pooled], float | None]) -> Callable[[ConnectionCount], float | None]:
    return lambda one: None if one.pooled is None else value(one.pooled)


_SERVER = (
    _OfServer("up", "Whether the server could be counted when it was last asked.", _up),
    _OfServer("full", "Whether no socket more is let in.", _full),
    _OfServer("sockets", "Sockets open on the server, by whomever.", lambda one: one.used),
    _OfServer("limit_sockets", "Sockets that may be open at most, without the reserved ones.", lambda one: one.limit),
    _OfServer("headroom_sockets", "Sockets that may still open.", lambda one: one.headroom),
    _OfServer("reserved_sockets", "Sockets kept for superusers and others with a privilege.", lambda one: one.reserved),
    _OfServer("console_sockets", "Sockets of pgconns itself.", lambda one: one.console),
    _OfServer("attributed_sockets", "Sockets of registered Connections, shared ones once.", lambda one: one.attributed),
    _OfServer("unregistered_sockets", "Sockets that belong to no Connection.", lambda one: one.unregistered),
    _OfServer("stale_sockets", "Sockets idle for more than a minute.", lambda one: one.stale),
    _OfServer(
        "opened_sockets_per_second",
        "Sockets opened a second, also those closed again.",
        lambda one: _per_second(one.opened_per_minute),
    ),
    _OfServer(
        "sees_all",
        "Whether the states of all roles' sockets can be seen.",
        lambda one: None if one.visibility is None else one.visibility == "full",
    ),
    _OfServer("start_time_seconds", "When the server was started, by its own clock.", lambda one: one.started_at),
    _OfServer("last_seen_timestamp_seconds", "When the server was counted last.", lambda one: one.seen_at),
    _OfServer("trend_sockets_per_second", "Slope of the number of sockets.", _slope),
    _OfServer(
        "exhausted_timestamp_seconds",
        "When the limit is reached if the sockets go on growing; only while they do.",
        _exhausted,
    ),
)
_CONNECTION = (
    _OfConnection(
        "up",
        "Whether the Connection's server was counted and its credentials work.",
        lambda one: 0 if one.error else None if one.sockets is None else 1,
    ),
    _OfConnection(
        "sockets",
        "Sockets of the Connection; those that Connections share are counted for each of them.",
        lambda one: one.sockets,
    ),
    _OfConnection(
        "headroom_sockets", "Sockets that may still open before the nearest limit.", lambda one: one.headroom
    ),
    _OfConnection("from_region_sockets", "Sockets from its region's addresses.", lambda one: one.from_region),
    _OfConnection("stale_sockets", "Sockets idle for more than a minute.", lambda one: one.stale),
    _OfConnection(
        "oldest_idle_in_transaction_seconds",
        "Age of the oldest transaction that is idle; only while there is one.",
        lambda one: one.oldest_idle_in_transaction_s,
    ),
    _OfConnection(
        "opened_sockets_per_second",
        "Sockets opened a second in its database, by whomever.",
        lambda one: _per_second(one.opened_per_minute),
    ),
    _OfConnection("trend_sockets_per_second", "Slope of the number of sockets.", _slope),
    _OfConnection(
        "exhausted_timestamp_seconds",
        "When the nearest limit is reached if the sockets go on growing; only while they do.",
        _exhausted,
    ),
    _OfConnection(
        "pool_up",
        "Whether the PgBouncer before its server tells of its pool; absent where none stands there.",
        lambda one: None if one.pooled is None else not one.pooled.error,
    ),
    _OfConnection("pool_clients", "Clients in its pool.", _pooled(lambda pool: pool.clients)),
    _OfConnection("pool_waiting_clients", "Those that wait for a server socket.", _pooled(lambda pool: pool.waiting)),
    _OfConnection(
        "pool_max_wait_seconds", "How long the first of them has waited.", _pooled(lambda pool: pool.maxwait_s)
    ),
    _OfConnection(
        "pool_server_sockets", "Its pool's sockets to the server.", _pooled(lambda pool: pool.server_sockets)
    ),
    _OfConnection("pool_limit_sockets", "Sockets that its pool may have at most.", _pooled(lambda pool: pool.most)),
)


def families(seen: Seen, version: str) -> Iterator[Metric]:
    """Yield the metrics of one moment."""
    yield InfoMetricFamily("pgconns_build", "The running program.", {"version": version})
    yield _gauge("pgconns_last_sample_timestamp_seconds", "When all this was counted.", seen.sample.at)
    yield _gauge("pgconns_registered_connections", "Connections in the registry.", len(seen.connections))
    yield _gauge("pgconns_registry_read_timestamp_seconds", "When the registry was last read.", seen.registry_read_at)
    yield _gauge("pgconns_registry_sound", "Whether the registry could be read when asked to.", seen.registry_sound)
    yield from _of_servers(seen.sample.servers)
    yield from _of_polls(seen.polls)
    yield from _of_connections(seen.sample.connections)
    yield _info(seen)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help, value)


def _of_servers(servers: Iterable[ServerCount]) -> Iterator[Metric]:
    for told in _SERVER:
        family = GaugeMetricFamily(f"pgconns_server_{told.name}", told.help, labels=OF_SERVER)
        for one in servers:
            if (value := told.value(one)) is not None:
                family.add_metric((one.server,), value)
        yield family
    yield _verdicts("server", OF_SERVER, (((one.server,), _trend(one)) for one in servers))


def _of_polls(polls: Mapping[str, Polls]) -> Iterator[Metric]:
    done = CounterMetricFamily("pgconns_server_polls", "How often the server was asked.", labels=OF_SERVER)
    failed = CounterMetricFamily("pgconns_server_poll_failures", "How often it did not answer.", labels=OF_SERVER)
    took = SummaryMetricFamily("pgconns_server_poll_duration_seconds", "How long it took.", labels=OF_SERVER)
    for server, one in polls.items():
        done.add_metric((server,), one.done)
        failed.add_metric((server,), one.failed)
        took.add_metric((server,), one.done, one.seconds)
    yield from (done, failed, took)


def _of_connections(counts: Iterable[ConnectionCount]) -> Iterator[Metric]:
    for told in _CONNECTION:
        family = GaugeMetricFamily(f"pgconns_connection_{told.name}", told.help, labels=OF_CONNECTION)
        for one in counts:
            if (value := told.value(one)) is not None:
                family.add_metric(_labels(one), value)
        yield family
    states = GaugeMetricFamily(
        "pgconns_connection_state_sockets",
        "Sockets of the Connection by state; unknown where its role may not see.",
        labels=(*OF_CONNECTION, "state"),
    )
    limits = GaugeMetricFamily(
        "pgconns_connection_limit_sockets",
        "Sockets that may be open at most under the limit that binds first.",
        labels=(*OF_CONNECTION, "bounded_by"),
    )
    for one in counts:
        for state, number in zip(STATES, one.states or (), strict=False):
            states.add_metric((*_labels(one), state), number)
        if one.limit is not None and one.bounded_by is not None:
            limits.add_metric((*_labels(one), one.bounded_by), one.limit)
    yield from (states, limits)
    yield _verdicts("connection", OF_CONNECTION, ((_labels(one), _trend(one)) for one in counts))


def _labels(one: ConnectionCount) -> tuple[str, str, str]:
    return one.server, one.name, one.id


def _verdicts(
    kind: str, labels: tuple[str, ...], trends: Iterable[tuple[tuple[str, ...], Trend | None]]
) -> GaugeMetricFamily:
    """Return one series for each verdict, of which one is 1, so that none comes and goes."""
    help = "What the number of sockets does: 1 for the verdict that holds."
    family = GaugeMetricFamily(f"pgconns_{kind}_trend", help, labels=(*labels, "verdict"))
    for names, trend in trends:
        for verdict in _VERDICTS if trend is not None else ():
            family.add_metric((*names, verdict), trend is not None and verdict == trend.verdict)
    return family


def _info(seen: Seen) -> Metric:
    servers = {count.id: count.server for count in seen.sample.connections}
    labels = (*OF_CONNECTION, "database", "username", "connector", "region")
    family = InfoMetricFamily("pgconns_connection", "What is registered.", labels=labels)
    for connection in seen.connections:
        if (server := servers.get(connection.id)) is not None:
            p = connection.parameters
            names = (server, p.name, connection.id, p.database, p.username, p.connector, p.region)
            family.add_metric(names, {})
    return family
