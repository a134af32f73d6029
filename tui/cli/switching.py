"""Leads Connections through a proxy: each is probed there first, and all change, or none does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tui.cli import fields, probing, prompts
from tui.connections.parameters import write
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.probe.report import Report


def tls(arguments: Namespace) -> dict[str, str]:
    """Return the parameters that --sslmode and --sslrootcert change; a mode without a root lets the old root go.

    That one is the server's, and a proxy has a certificate of its own.
    """
    given = {name: getattr(arguments, name) for name in ("sslmode", "sslrootcert")}
    if given["sslmode"] is not None and given["sslrootcert"] is None:
        given["sslrootcert"] = ""
    return {name: value for name, value in given.items() if value is not None}


class Switched(NamedTuple):
    """What came of it; `changed` is whether the Connections lead there now."""

    status: Exit
    changed: bool
    reports: tuple[tuple[Connection, Report], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the part of the answer that is about it."""
        reports = [probing.answer(connection, report, registered=True) for connection, report in self.reports]
        return {"changed": self.changed, "connections": reports}


def switch(
    registry: Registry,
    connections: Sequence[Connection],
    place: tuple[str, int],
    changes: Mapping[str, str],
    output: Output,
) -> Switched:
    """Probe the Connections through the proxy at `place`, and change them where no check of any fails.

    `changes` are further parameters that they are to have there.

    What is asked for a Connection is asked again there: a proxy that lets it in, and leads to no pooler, is none.
    """
    from tui.connections.registration import update

    secrets = prompts.open_secrets()
    pairs = [(one, _through(one, place, changes)) for one in connections]
    candidates = [probing.edited(before, after, None, secrets) for before, after in pairs]
    reports: list[tuple[probing.Candidate, Report]] = []
    if len(candidates) == 1:
        reports.append((candidates[0], probing.shown(candidates[0], output)))
    else:
        probing.many(candidates, output, lambda chosen, report: reports.append((chosen, report)))
    seen = tuple((chosen.connection, report) for chosen, report in reports)
    status = max(probing.status_of(chosen, report) for chosen, report in reports)
    strange = [chosen.connection.name for chosen, report in reports if report.server.pooler is None]
    if status is Exit.DONE and strange:
        output.error(f"No pooler answers there for {', '.join(strange)}, but PostgreSQL itself: nothing was changed")
        return Switched(Exit.BAD_NEWS, False, seen)
    if status is not Exit.DONE:
        _tell(reports, output)
        output.error("Nothing was changed: mend what failed, and run this again with --switch")
        return Switched(status, False, seen)
    for (before, after), (_, report) in zip(pairs, reports, strict=True):
        left = update(registry, secrets, before, after, None, report.to_json())
        if left:
            output.note(left)
    return Switched(Exit.DONE, True, seen)


def _through(connection: Connection, place: tuple[str, int], changes: Mapping[str, str]) -> Connection:
    """Return a Connection as it would be behind the proxy."""
    from tui.connections.registry import ReadOnlyConnection

    if connection.read_only:
        raise ReadOnlyConnection(connection.name)
    there = {"server": place[0], "port": str(place[1]), "connector": "pgbouncer", **changes}
    return connection._replace(parameters=fields.read({**write(connection.parameters), **there}))


def _tell(reports: Sequence[tuple[probing.Candidate, Report]], output: Output) -> None:
    """Say of several what failed; a single one's check list was shown already."""
    if output.json or len(reports) == 1:
        return
    for chosen, report in reports:
        output.note(f"{chosen.connection.name}: {report.verdict}")
        for finding in report.findings:
            if finding.status == "failed":
                output.finding(finding)
