"""Connections and samples for the tests of what shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.connections.model import Connection, Parameters
from tui.sockets.model import ConnectionCount, Sample, ServerCount

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTILE = "\x1b[31m[/]\u202e漢字\n[bold]"
REFUSED = "connection refused: nothing listens on port 5432, or a firewall says no"


def connection(name: str, server: str = "db.example.com", **values: Any) -> Connection:
    """A Connection whose id is its name, without spaces."""
    parameters = Parameters(name, server, values.pop("username", "carto"), "gis", **values)
    return Connection(name.replace(" ", "-"), parameters)


def counted(name: str, sockets: int | None = 5, server: str = "db.example.com:5432", **values: Any) -> ConnectionCount:
    """What was counted of the Connection of that name."""
    if sockets is not None:
        values = {
            "states": (1, sockets - 1, 0, 0, 0),
            "headroom": 50,
            "limit": 97,
            "bounded_by": "server",
            **values,
        }
    return ConnectionCount(name, name.replace(" ", "-"), server, sockets, **values)


def sampled(*counts: ConnectionCount, at: float = 1000.0, servers: Sequence[ServerCount] = ()) -> Sample:
    """A sample of these counts; servers that are not given are seen whole."""
    known = {server.server for server in servers}
    rest = sorted({count.server for count in counts} - known)
    seen = [ServerCount(name, 97, 3, 47, 50, 1, 46, 0, "full", at) for name in rest]
    return Sample(at, (*servers, *seen), counts, ())
