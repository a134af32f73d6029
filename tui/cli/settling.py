"""Probes what `import` and `apply` are to register, and registers what did not fail; reports both."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.cli import probing, prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui.cli.output import Output
    from tui.cli.probing import Candidate
    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.connections.secrets import Secrets
    from tui.exits import Exit
    from tui.probe.report import Report


class Outcome(NamedTuple):
    """What became of a candidate."""

    candidate: Candidate
    report: Report
    stored: bool

    @property
    def status(self) -> Exit:
        """Its part in the command's exit status."""
        return probing.status_of(self.candidate, self.report)


def newcomer(connection: Connection, typed: Secret | None, secrets: Secrets) -> Candidate:
    """Return a Connection to register with its password: brought along, kept already, or asked for on a terminal."""
    if typed is not None:
        return probing.Candidate(connection, typed)
    chosen = probing.candidate(connection, secrets)
    writable = secrets.writable(connection.parameters.password_from)
    if chosen.secret is None and writable and not chosen.problem and prompts.can_ask():
        prompt = f"Password of {connection.parameters.username} for {connection.name} (empty for none): "
        return chosen._replace(secret=prompts.password(prompt))
    return chosen


def settle(
    candidates: Sequence[Candidate], output: Output, store: Callable[[Candidate, Report], None], word: str
) -> list[Outcome]:
    """Probe all candidates at once, then store each that did not fail; `word` says what stored ones are.

    Nothing is stored before all are probed: an interruption leaves the registry as it was.
    """
    reports: list[tuple[Candidate, Report]] = []
    if candidates:
        probing.many(candidates, output, lambda chosen, report: reports.append((chosen, report)))
    outcomes = []
    for chosen, report in reports:
        stored = report.verdict != "failed"
        if stored:
            store(chosen, report)
        outcomes.append(Outcome(chosen, report, stored))
        if not output.json:
            prefix = "" if stored else "not "
            output.line(f"{chosen.connection.name}: {prefix}{word}{probing.with_warnings(report) if stored else ''}")
            for finding in report.findings:
                if finding.status in {"failed", "warning"}:
                    output.finding(finding, data=True)
    return outcomes
