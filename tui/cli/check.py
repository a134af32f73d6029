"""pgconns check: probes registered Connections again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cli.output import NONE_YET
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output
    from tui.cli.probing import Candidate
    from tui.probe.report import Report

EXAMPLES = """
pgconns check
pgconns check prod staging
pgconns check prod --json     one object; otherwise a list of objects
"""
STATUSES = {
    Exit.DONE: "all are OK, perhaps with warnings",
    Exit.BAD_NEWS: "a check failed",
    Exit.USAGE: "no such Connection",
    Exit.CANNOT_CONNECT: "a server could not be connected to",
    Exit.UNSUPPORTED: "PostgreSQL is older than 12, or PostGIS than 2.4",
    Exit.UNUSABLE_STORE: "the registry cannot be read, or a password cannot be had",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connections."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="the Connections to check; all where none is named")


def run(arguments: Namespace, output: Output) -> int:
    """Check Connections in parallel; the worst of their exit statuses is the answer."""
    from tui.cli.names import pick_some
    from tui.connections.registry import Registry

    chosen = pick_some(Registry(), arguments.names)
    if not chosen:
        if output.json:
            output.value([])
        else:
            output.note(NONE_YET)
        return Exit.DONE
    from tui.cli import probing, prompts
    from tui.connections import checks
    from tui.probe.report import is_behind_obstacle

    secrets = prompts.open_secrets()
    reports: list[tuple[Candidate, Report]] = []

    def reported(candidate: Candidate, report: Report) -> None:
        reports.append((candidate, report))
        checks.save(candidate.connection.id, report.to_json())
        if len(chosen) > 1 and not output.json:
            output.line(f"{candidate.connection.name}: {report.verdict}")
            for finding in report.findings:
                if not is_behind_obstacle(finding):
                    output.finding(finding, data=True)
            output.not_looked_at(report.findings, data=True)
            output.line()

    candidates = [probing.candidate(connection, secrets) for connection in chosen]
    if len(candidates) == 1:
        reported(candidates[0], probing.shown(candidates[0], output, data=True))
    else:
        probing.many(candidates, output, reported)
    if output.json:
        answers = [probing.answer(candidate.connection, report, registered=True) for candidate, report in reports]
        output.value(answers[0] if len(arguments.names) == 1 else answers)
    return max(probing.status_of(*each) for each in reports)
