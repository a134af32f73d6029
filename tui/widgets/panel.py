"""What the live panel shows, as one value: what is registered, what was seen, order and filter. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from tui.sockets.series import Series
from tui.widgets.live_table import Line, Spans
from tui.widgets.socket_lines import Row, connection_spans, server_spans, totals
from tui.widgets.troubles import LEVELS, Trouble, binding_limit, troubles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.connections.model import Connection
    from tui.sockets.model import ConnectionCount, Sample, ServerCount

Order = Literal["name", "sockets", "trouble"]
ORDERS: tuple[Order, ...] = ("name", "sockets", "trouble")
_NO_SERIES = Series()


@dataclass(frozen=True)
class Panel:
    """The panel at one moment. `series` holds the last counts of each Connection, by id; `kept` counts the
    warnings that its last check left."""

    connections: tuple[Connection, ...] = ()
    sample: Sample | None = None
    series: Mapping[str, Series] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
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
        return troubles(self.count(connection.id), self.server(connection), self.kept.get(connection.id, 0))

    def row(self, connection: Connection) -> Row:
        """Return what the line of a Connection is drawn from."""
        seen = self.count(connection.id)
        return Row(
            connection,
            seen,
            self.series.get(connection.id, _NO_SERIES),
            self.wrong(connection),
            self.kept.get(connection.id, 0),
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

    def _rank(self, connection: Connection) -> tuple[int, str]:
        rank = 0
        if self.order == "sockets":
            seen = self.count(connection.id)
            rank = -(seen.sockets or 0) if seen else 0
        elif self.order == "trouble":
            wrong = self.wrong(connection)
            rank = LEVELS.index(wrong[0].level) if wrong else len(LEVELS)
        return rank, connection.name.casefold()

    def _server_rank(self, group: tuple[str, list[Connection]]) -> tuple[int, str]:
        server, members = group
        if self.order == "sockets":
            seen = self._servers.get(server)
            return -(seen.used or 0) if seen else 0, server
        if self.order == "trouble":
            return min(self._rank(connection)[0] for connection in members), server
        return 0, server

    def draw(self, value: str, cursor: bool, width: int) -> Spans:
        """Draw one of `lines`: a Connection by its id, or else a server."""
        connection = self.by_id.get(value)
        if connection is not None:
            return connection_spans(self.row(connection), cursor, width)
        return server_spans(value, self._servers.get(value), self.sample.at if self.sample else 0.0, width)

    def totals(self, pace: str, width: int) -> str:
        """Return the sums for the line on top, in at most `width` cells."""
        counts = [count for c in self.connections if (count := self.count(c.id)) is not None]
        servers = {self.server_of(connection) for connection in self.connections}
        return totals(counts, len(self.connections), len(servers), pace, width)

    def address(self, connection: Connection) -> str:
        """Return where a Connection leads to, and as whom."""
        parameters = connection.parameters
        return f"{server_name(connection)}/{parameters.database} as {parameters.username}"

    def standing(self, connection: Connection) -> str:
        """Return the sentence on how a Connection stands to the limit that is reached first; empty where not seen."""
        seen = self.count(connection.id)
        if seen is None or seen.sockets is None or seen.limit is None or seen.headroom is None:
            return ""
        return f"{seen.sockets} of {binding_limit(seen)}, {seen.headroom} more can open"


def server_name(connection: Connection) -> str:
    """Return a Connection's server as people write it; an IPv6 address stands in brackets."""
    host = connection.parameters.server
    return f"[{host}]:{connection.parameters.port}" if ":" in host else f"{host}:{connection.parameters.port}"


def _words(connection: Connection) -> str:
    parameters = connection.parameters
    return " ".join((parameters.name, server_name(connection), parameters.database, parameters.username)).casefold()
