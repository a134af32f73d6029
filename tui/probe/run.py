"""Runs every check of Connect, and streams the findings as they are made."""

from __future__ import annotations

from collections.abc import Callable

from tui.connections.model import Parameters
from tui.connections.secret import Secret
from tui.postgres.door import connect
from tui.postgres.errors import CannotConnect
from tui.postgres.finding import Finding
from tui.postgres.target import target
from tui.probe.report import Report, Server


async def probe(
    parameters: Parameters, password: Secret | None, on_finding: Callable[[Finding], None] = lambda _: None
) -> Report:
    """Verify a Connection: every check of report.CHECKS in its order, each handed to `on_finding` as it is made."""
    findings: list[Finding] = []
    try:
        session = await connect(target(parameters, password))
    except CannotConnect as error:
        findings.append(error.finding)
    else:
        await session.close()
        findings.append(Finding("authentication", "ok", f"Logged in as {parameters.username}"))
    for finding in findings:
        on_finding(finding)
    return Report(tuple(findings), Server())
