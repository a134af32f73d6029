"""Probes of a server of the session."""

from __future__ import annotations

from typing import Any, Protocol

from tui.connections.model import Parameters
from tui.connections.secret import Secret
from tui.postgres.finding import Finding
from tui.probe.report import Report
from tui.probe.run import probe
from tui.regions.model import Region

# A region whose addresses are of the machine that the servers of the tests listen on.
OWN = Region("own-site", "", ("127.0.0.5", "127.0.0.6"), "own", None)


class Place(Protocol):
    """Anything that listens somewhere."""

    host: str
    port: int


def parameters(place: Place, username: str, database: str = "postgres", **changes: Any) -> Parameters:
    """Return the parameters of a Connection to `place`."""
    return Parameters(
        **{
            "name": "tested",
            "server": place.host,
            "port": place.port,
            "username": username,
            "database": database,
            **changes,
        }
    )


class Probed:
    """A report, its findings by check."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.server = report.server
        self.by_check = {finding.check: finding for finding in report.findings}

    def __getitem__(self, check: str) -> Finding:
        return self.by_check[check]


async def probed(
    place: Place, username: str, password: str | None, database: str = "postgres", **changes: Any
) -> Probed:
    """Probe, and see that findings come in the order in which they are in the report."""
    streamed: list[Finding] = []
    secret = None if password is None else Secret(password)
    report = await probe(parameters(place, username, database, **changes), secret, streamed.append)
    assert tuple(streamed) == report.findings
    return Probed(report)
