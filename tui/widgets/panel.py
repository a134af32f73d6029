"""What the live panel shows, as one value: what is registered, what was seen, order and filter. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from tui.sockets.alerts import judge
from tui.sockets.series import Series
from tui.widgets.alert_log import AlertLog
from tui.widgets.live_table import Line, Spans
from tui.widgets.socket_lines import Row, connection_spans, server_spans, totals
from tui.widgets.trends import growth, time_left
from tui.widgets.troubles import (
    LEVELS,
    SHARED,
    THRESHOLDS,
    Trouble,
    binding_limit,
    leads,
    pool_words,
    troubles,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.connections.model import Connection
    from tui.sockets.growth import Trend
    from tui.sockets.merging import Merge
    from tui.sockets.model import ConnectionCount, Sample, ServerCount

Order = Literal["name", "sockets", "growth", "time left", "trouble"]
ORDERS: tuple[Order, ...] = ("name", "sockets", "growth", "time left", "trouble")
Detail = Literal["failed", "warning", "note", "plain"]
_NO_SERIES = Series()


@dataclass(frozen=True)
class Panel:
    """The panel at one moment. `series` holds the last counts of each Connection, by id; `kept` counts the
    warnings that its last check left."""

    connections: tuple[Connection, ...] = ()
    sample: Sample | None = None
    series: Mapping[str, Series] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    alerts: AlertLog = field(default_factory=AlertLog)
    order: Order = "name"
    wanted: str = ""

    @cached_property
    def by_id(self) -> dict[str, Connection]:
        """The registered Connections by id."""
        return {connection.id: connection for connection in self.connections}

    @cached_property
    def _counts(self) -> dict[str, ConnectionCount]:
        return {count.id: count for count in self.sample.connections} if self.sample else {}

    @cached_property
    def _servers(self) -> dict[str, ServerCount]:
        return {server.server: server for server in self.sample.servers} if self.sample else {}

    def taken(self, sample: Sample, series: Mapping[str, Series]) -> Panel:
        """Return the panel after a sample, with the alerts that it raises and ends; `series` are the counts so far."""
        judged = judge(sample, self.alerts.standing, THRESHOLDS)
        return replace(self, sample=sample, series=series, alerts=self.alerts.take(judged, sample.at))

    @property
    def at(self) -> float:
        """When the sample was made, in seconds since the epoch; 0 before the first."""
        return self.sample.at if self.sample else 0.0

    def count(self, connection_id: str) -> ConnectionCount | None:
        """Return what was seen of a Connection; None before the first sample that holds it."""
        return self._counts.get(connection_id)

    def server_of(self, connection: Connection) -> str:
        """Return the server that a Connection stands under: as it was seen, or as it was registered."""
        seen = self._counts.get(connection.id)
        return seen.server if seen else server_name(connection)

    def server(self, connection: Connection) -> ServerCount | None:
        """Return what was seen of a Connection's server."""
        return self._servers.get(self.server_of(connection))

    def wrong(self, connection: Connection) -> tuple[Trouble, ...]:
        """Return what is wrong with a Connection, the worst first."""
        return troubles(self.count(connection.id), self.server(connection), self.kept.get(connection.id, 0), self.at)

    def row(self, connection: Connection) -> Row:
        """Return what the line of a Connection is drawn from."""
        seen = self.count(connection.id)
        return Row(
            connection,
            seen,
            self.series.get(connection.id, _NO_SERIES),
            self.wrong(connection),
            self.kept.get(connection.id, 0),
            self.at,
        )

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the table: each server, and under it its Connections that match the filter."""
        wanted = self.wanted.casefold()
        groups: dict[str, list[Connection]] = {}
        for connection in self.connections:
            if not wanted or wanted in _words(connection):
                groups.setdefault(self.server_of(connection), []).append(connection)
        lines: list[Line] = []
        for server, members in sorted(groups.items(), key=self._server_rank):
            lines.append(Line(None, server))
            lines += [Line(connection.id, connection.id) for connection in sorted(members, key=self._rank)]
        return tuple(lines)

    def _rank(self, connection: Connection) -> tuple[float, str]:
        rank = 0.0
        seen = self.count(connection.id)
        if self.order == "trouble":
            wrong = self.wrong(connection)
            rank = LEVELS.index(wrong[0].level) if wrong else len(LEVELS)
        elif self.order != "name":
            rank = self._weight(seen.sockets, seen.trend) if seen else math.inf
        return rank, connection.name.casefold()

    def _weight(self, sockets: int | None, trend: Trend | None) -> float:
        if self.order == "sockets":
            return -(sockets or 0)
        left = time_left(trend, self.at)
        return -growth(trend) if self.order == "growth" else math.inf if left is None else left

    def _server_rank(self, group: tuple[str, list[Connection]]) -> tuple[float, str]:
        server, members = group
        if self.order == "name":
            return 0, server
        best = min(self._rank(connection)[0] for connection in members)
        seen = self._servers.get(server)
        if self.order == "trouble" or seen is None:
            return best, server
        own = self._weight(seen.used, seen.trend)
        return own if self.order == "sockets" else min(own, best), server

    def _leader(self, server: str) -> str:
        """Return the name of the Connection of a server that grows most; empty where none does."""
        growing = [
            (growth(seen.trend), connection.name)
            for connection in self.connections
            if (seen := self.count(connection.id)) and seen.server == server and growth(seen.trend) > 0
        ]
        return max(growing)[1] if growing else ""

    def next_trouble(self, cursor: str | None, step: int) -> str | None:
        """Return the next Connection whose trouble is more than a note, from `cursor` on, round the end."""
        keys = [line.key for line in self.lines if line.key is not None]
        start = keys.index(cursor) if cursor in keys else -1
        for number in range(1, len(keys) + 1):
            key = keys[(start + step * number) % len(keys)]
            if any(trouble.level != "note" for trouble in self.wrong(self.by_id[key])):
                return key
        return None

    def first_of_server(self, number: int) -> str | None:
        """Return the first Connection of a server, counted from 1 in the order shown."""
        servers = [index for index, line in enumerate(self.lines) if line.key is None]
        return self.lines[servers[number - 1] + 1].key if number <= len(servers) else None

    def key_of(self, subject: str) -> str | None:
        """Return the Connection that an alert is about, or the first one of its server."""
        if subject in self.by_id:
            return subject
        return next((c.id for c in self.connections if self.server_of(c) == subject), None)

    def seen(self) -> Sample | None:
        """Return the sample of what matches the filter, in the order shown; None before the first."""
        if self.sample is None:
            return None
        from tui.sockets.model import of_connections  # noqa: PLC0415 - for a quick first frame

        order = {line.key: number for number, line in enumerate(self.lines) if line.key is not None}
        sample = of_connections(self.sample, frozenset(order))
        return replace(sample, connections=tuple(sorted(sample.connections, key=lambda count: order[count.id])))

    def draw(self, value: str, cursor: bool, width: int) -> Spans:
        """Draw one of `lines`: a Connection by its id, or else a server."""
        connection = self.by_id.get(value)
        if connection is not None:
            return connection_spans(self.row(connection), cursor, width)
        seen = self._servers.get(value)
        leader = self._leader(value) if seen is not None and growth(seen.trend) > 0 else ""
        late = seen is not None and seen.seen_at is not None and seen.seen_at < self._before_last
        return server_spans(value, seen, self.at, width, leader, late=late)

    def totals(self, pace: str, width: int) -> str:
        """Return the sums for the line on top, in at most `width` cells."""
        counts = [count for c in self.connections if (count := self.count(c.id)) is not None]
        servers = {self.server_of(connection) for connection in self.connections}
        return totals(counts, len(self.connections), len(servers), pace, width)

    def address(self, connection: Connection) -> str:
        """Return where a Connection leads to, and as whom; a recording may not tell the latter."""
        parameters = connection.parameters
        login = f"/{parameters.database} as {parameters.username}" if parameters.database else ""
        return server_name(connection) + login

    def standing(self, connection: Connection) -> str:
        """Return the sentence on how a Connection stands to the limit that is reached first; empty where not seen."""
        seen = self.count(connection.id)
        if seen is None or seen.sockets is None or seen.limit is None or seen.headroom is None:
            return ""
        now = ": {} active, {} idle, {} in tx".format(*seen.states[:3]) if seen.states else ""
        return f"{seen.sockets} of {binding_limit(seen)}, {seen.headroom} more can open{now}"

    def leads(self, connection: Connection) -> str:
        """Return the sentence on where a Connection's sockets lead, unless its troubles tell it already."""
        seen = self.count(connection.id)
        said = leads(seen, self.at) if seen is not None else ""
        return "" if any(trouble.sentence == said for trouble in self.wrong(connection)) else said

    def pool(self, connection: Connection) -> str:
        """Return the sentence on the PgBouncer before a Connection's server, unless its troubles tell it already."""
        seen = self.count(connection.id)
        if seen is None or seen.pooled is None or seen.pooled.error:
            return ""
        said = pool_words(seen.pooled)
        return "" if any(said in trouble.sentence for trouble in self.wrong(connection)) else f"PgBouncer: {said}"

    @cached_property
    def _before_last(self) -> float:
        """When the sample before the last one was made: a server not seen since is slow."""
        return max((one.at[-2] for one in self.series.values() if len(one.at) > 1), default=0.0)

    @cached_property
    def _merges(self) -> dict[str, Merge]:
        from tui.sockets.merging import merges  # noqa: PLC0415 - for a quick first frame

        return {id: merge for merge in merges(self.sample) for id in merge.ids} if self.sample else {}

    def details(self, connection: Connection) -> list[tuple[Detail, str]]:
        """Return what is to be said of a Connection, each with how grave it is: what is wrong, then how it stands."""
        merge = self._merges.get(connection.id)
        said: list[tuple[Detail, str]] = [
            (trouble.level, trouble.sentence)
            for trouble in self.wrong(connection)
            if merge is None or not trouble.short.startswith(SHARED)  # merging them tells that, and what to do
        ]
        more = (self.leads(connection), merge.sentence if merge else "", self.standing(connection),
                self.pool(connection))  # fmt: skip
        return said + [("plain", sentence) for sentence in more if sentence]


def server_name(connection: Connection) -> str:
    """Return a Connection's server as people write it; an IPv6 address stands in brackets."""
    host = connection.parameters.server
    return f"[{host}]:{connection.parameters.port}" if ":" in host else f"{host}:{connection.parameters.port}"


def _words(connection: Connection) -> str:
    parameters = connection.parameters
    return " ".join((parameters.name, server_name(connection), parameters.database, parameters.username)).casefold()
