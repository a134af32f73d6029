"""What is counted: groups of sockets on a server, its limits, and the sample that every view reads. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.sockets.growth import Trend

State = Literal["active", "idle", "idle_in_transaction", "other", "unknown"]
STATES: tuple[State, ...] = ("active", "idle", "idle_in_transaction", "other", "unknown")


class Group(NamedTuple):
    """Client backends that look alike to the server; `client` is an address, or None for a Unix socket or unseen.

    `stale` counts those idle for more than a minute; None where that is unseen. `feature`, `carto_user` and
    `connection_id` are what the comment says with which CARTO begins its SQL; None where there is none, or unseen.

    Where a server has more kinds than a poll may return, the smallest are folded into one group: `kinds` says how
    many. Its application and client are then those of one of them; no matcher and no region tells the others apart.
    What CARTO's comments say is left out then.
    """

    database: str
    username: str
    application: str
    client: str | None
    state: State
    sockets: int
    oldest_idle_in_transaction_s: float | None = None
    console: int = 0  # how many of them are pgconns itself
    kinds: int = 1
    stale: int | None = None
    feature: str | None = None
    carto_user: str | None = None
    connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that bound sockets. Role and database limits hold only those that are set."""

    max_connections: int
    reserved: int  # for superusers and others with a privilege; CARTO's roles cannot have them
    roles: Mapping[str, int]
    databases: Mapping[str, int]
    superusers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one poll of one server saw. `at` is in seconds since the epoch, by this machine's clock."""

    at: float
    groups: tuple[Group, ...]
    limits: Limits
    sees_all: bool  # whether the polling role sees the rows of other roles whole
    opened_per_minute: Mapping[str, float] = field(default_factory=dict)  # by database, where the server counts them


class Polls(NamedTuple):
    """How often a server was polled, how often that failed, and how many seconds it all took."""

    done: int = 0
    failed: int = 0
    seconds: float = 0.0

    def and_one(self, seconds: float, *, failed: bool = False) -> Polls:
        """Return the polls with one more."""
        return Polls(self.done + 1, self.failed + failed, self.seconds + seconds)


@dataclass(frozen=True, slots=True)
class ServerCount:
    """One server at one moment. `error` says why it could not be seen; then the counts are None, never zero.

    Sums add up: `attributed` + `unregistered` + `console` = `used`. Counts without an error are as old as `seen_at`
    says: a server that is slow to answer keeps its last ones until it counts as unreachable. `full` says that it is
    the reason of the error that too many sockets are open. `opened_per_minute` counts sockets opened by whomever, also
    those closed again between two polls; None before PostgreSQL 14. `stale` counts those idle for more than a minute;
    None where some could not be seen. `trend` is that of `used`. `started_at` is when the server was started, in
    seconds since the epoch, by its own clock; kept when it cannot be seen.
    """

    server: str  # host:port as people know it
    limit: int | None = None
    reserved: int | None = None
    used: int | None = None
    headroom: int | None = None
    console: int | None = None  # sockets of pgconns itself
    attributed: int | None = None  # to Connections; a shared socket once
    unregistered: int | None = None
    visibility: Literal["full", "own"] | None = None
    seen_at: float | None = None  # when it was last seen, in seconds since the epoch; kept when it cannot be seen
    error: str = ""
    full: bool = False
    opened_per_minute: float | None = None
    stale: int | None = None
    trend: Trend | None = None
    started_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return its part of the JSON shape of `sockets`."""
        return {
            "server": self.server,
            "limit": self.limit,
            "reserved": self.reserved,
            "used": self.used,
            "headroom": self.headroom,
            "console": self.console,
            "attributed": self.attributed,
            "unregistered": self.unregistered,
            "visibility": self.visibility,
            "seen_at": None if self.seen_at is None else _iso(self.seen_at),
            **({} if self.started_at is None else {"started_at": _iso(self.started_at)}),
            **_of_time(self.opened_per_minute, self.trend),
            **({"error": self.error} if self.error else {}),
        }


@dataclass(frozen=True, slots=True)
class Pooled:
    """What the PgBouncer that a Connection leads to says of its pool: clients in, sockets to the server out.

    Connections of one database and role share a pool. `maxwait_s` is how long the first of the `waiting` clients has
    waited, `most` how many server sockets the pool may have. Where `error` says why it could not be seen, all is None.
    """

    pgbouncer: str  # host:port as people know it
    clients: int | None = None
    waiting: int | None = None
    maxwait_s: float | None = None
    server_sockets: int | None = None
    most: int | None = None
    pool_mode: str | None = None
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of a Connection's `pooled`."""
        return {
            "pgbouncer": self.pgbouncer,
            "clients": self.clients,
            "waiting": self.waiting,
            "maxwait_s": None if self.maxwait_s is None else round(self.maxwait_s, 3),
            "server_sockets": self.server_sockets,
            "most": self.most,
            "pool_mode": self.pool_mode,
            **({"error": self.error} if self.error else {}),
        }


@dataclass(frozen=True, slots=True)
class ConnectionCount:
    """One Connection at one moment; counts that could not be seen are None, never zero.

    `error` says what is wrong with it. Where its password fails but another Connection of its server still counts,
    it has both counts and an error. `headroom` is how many more sockets may open before the nearest limit; `limit`
    and `bounded_by` name that limit ("server", "role" or "database"). `shared_with` names the Connections whose
    sockets cannot be told from its own: each of them shows the same sockets, which a total counts once. `from_region`
    is None where the Connection has no region, or none of its clients' addresses could be seen. `stale` counts the
    sockets that have been idle for more than a minute. `opened_per_minute` is the whole database's, by whomever: the
    server keeps no such count per role; None before PostgreSQL 14, and until two readings are known. `trend` is None
    until there are samples to judge. `groups` are its sockets as the server sees them, largest first. `pooled` is what
    the PgBouncer before its server says; None where none stands there.
    """

    name: str
    id: str
    server: str
    sockets: int | None = None
    states: tuple[int, int, int, int, int] | None = None  # in the order of STATES
    from_region: int | None = None
    oldest_idle_in_transaction_s: float | None = None
    headroom: int | None = None
    limit: int | None = None
    bounded_by: Literal["server", "role", "database"] | None = None
    shared_with: tuple[str, ...] = ()
    error: str = ""
    stale: int | None = None
    opened_per_minute: float | None = None
    trend: Trend | None = None
    groups: tuple[Group, ...] = ()
    pooled: Pooled | None = None

    def to_json(self) -> dict[str, Any]:
        """Return its part of the JSON shape of `sockets`."""
        counts = self.states or (None,) * len(STATES)
        return {
            "name": self.name,
            "id": self.id,
            "server": self.server,
            "sockets": self.sockets,
            **dict(zip(STATES, counts, strict=True)),
            "from_region": self.from_region,
            "oldest_idle_in_transaction_s": self.oldest_idle_in_transaction_s,
            "headroom": self.headroom,
            "limit": self.limit,
            "bounded_by": self.bounded_by,
            "shared_with": list(self.shared_with),
            "stale": self.stale,
            **_of_time(self.opened_per_minute, self.trend),
            **({} if self.pooled is None else {"pooled": self.pooled.to_json()}),
            **({"error": self.error} if self.error else {}),
        }


@dataclass(frozen=True, slots=True)
class Unregistered:
    """Sockets of a database and role that belong to no registered Connection."""

    server: str
    database: str
    username: str
    sockets: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment, on all servers. `at` is in seconds since the epoch, UTC."""

    at: float
    servers: tuple[ServerCount, ...]
    connections: tuple[ConnectionCount, ...]
    unregistered: tuple[Unregistered, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of `sockets`."""
        return {
            "at": _iso(self.at),
            "servers": [server.to_json() for server in self.servers],
            "connections": [connection.to_json() for connection in self.connections],
            "unregistered": [
                {"server": u.server, "database": u.database, "username": u.username, "sockets": u.sockets}
                for u in self.unregistered
            ],
        }


def of_connections(sample: Sample, ids: frozenset[str]) -> Sample:
    """Return what a sample says of some Connections, and of their servers."""
    connections = tuple(count for count in sample.connections if count.id in ids)
    servers = {count.server for count in connections}
    return Sample(
        sample.at,
        tuple(server for server in sample.servers if server.server in servers),
        connections,
        tuple(stranger for stranger in sample.unregistered if stranger.server in servers),
    )


def _of_time(opened_per_minute: float | None, trend: Trend | None) -> dict[str, Any]:
    """Return what takes more than one sample to know; left out where it is not known."""
    return {
        **({} if opened_per_minute is None else {"opened_per_minute": round(opened_per_minute, 2)}),
        **({} if trend is None else {"trend": trend.to_json()}),
    }


def _iso(at: float) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415 - only when printed

    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
