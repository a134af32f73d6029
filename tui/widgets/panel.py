"""What the live panel shows, as one value: what is registered, what was seen, order and filter. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from tui.widgets.live_table import Line, Spans
from tui.widgets.recent import Recent
from tui.widgets.socket_lines import Row, connection_spans, server_spans, totals
from tui.widgets.troubles import LEVELS, Trouble, binding_limit, troubles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.connections.model import Connection
    from tui.sockets.model import ConnectionCount, Sample, ServerCount

Order = Literal["name", "sockets", "trouble"]
ORDERS: tuple[Order, ...] = ("name", "sockets", "trouble")
KEPT_COLUMNS = 64  # the widest sparkline


@dataclass(frozen=True)
class Panel:
    """The panel at one moment. `kept` counts the warnings that the last check of a Connection left, by id."""

    connections: tuple[Connection, ...] = ()
    sample: Sample | None = None
    recent: Recent = field(default_factory=Recent)
    kept: Mapping[str, int] = field(default_factory=dict)
    order: Order = "name"
    wanted: str = ""

    def after(self, sample: Sample) -> Panel:
        """Return the panel with a newer sample."""
        return replace(self, sample=sample, recent=self.recent.after(sample))

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

    @cached_property
    def _not_registered(self) -> dict[str, int]:
        sums: dict[str, int] = {}
        for each in self.sample.unregistered if self.sample else ():
            sums[each.server] = sums.get(each.server, 0) + each.sockets
        return sums

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
        recent = self.recent.columns(connection.id, KEPT_COLUMNS)
        return Row(connection, seen, recent, self.wrong(connection))

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
        return server_spans(value, self._servers.get(value), self._not_registered.get(value, 0), self.age(value), width)

    def age(self, server: str) -> float | None:
        """Return since how many seconds a server was not seen; None where it never was."""
        seen_at = self.recent.seen_at.get(server)
        return self.sample.at - seen_at if self.sample and seen_at is not None else None

    def totals(self, pace: str, width: int) -> str:
        """Return the sums for the line on top, in at most `width` cells."""
        counts = [count for c in self.connections if (count := self.count(c.id)) is not None]
        servers = {self.server_of(connection) for connection in self.connections}
        return totals(counts, len(self.connections), len(servers), pace, width)

    def about(self, connection: Connection) -> str:
        """Return the line that tells which Connection it is, and how it stands to its limit."""
        parameters = connection.parameters
        said = f"{server_name(connection)}/{parameters.database} as {parameters.username}"
        seen = self.count(connection.id)
        if seen is None or seen.sockets is None or seen.limit is None or seen.headroom is None:
            return said
        return f"{said} · {seen.sockets} of {binding_limit(seen)}, {seen.headroom} more can open"


def server_name(connection: Connection) -> str:
    """Return a Connection's server as people write it; an IPv6 address stands in brackets."""
    host = connection.parameters.server
    return f"[{host}]:{connection.parameters.port}" if ":" in host else f"{host}:{connection.parameters.port}"


def _words(connection: Connection) -> str:
    parameters = connection.parameters
    return " ".join((parameters.name, server_name(connection), parameters.database, parameters.username)).casefold()
