"""pgconns doctor: what will not work on this machine, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output

EXAMPLES = """
pgconns doctor
pgconns doctor --json
"""
PLAIN = True
STATUSES = {Exit.DONE: "everything will work, perhaps with warnings", Exit.BAD_NEWS: "something will not work"}


def add_arguments(parser: ArgumentParser) -> None:
    """Take nothing but --json."""


def run(arguments: Namespace | None, output: Output) -> int:
    """Look at terminal, keyring, folders, TLS roots and versions."""
    from tui.probe.machine import machine_findings

    findings = machine_findings()
    if output.json:
        output.value({"findings": [finding.to_json() for finding in findings]})
    else:
        for finding in findings:
            output.finding(finding, data=True)
    return Exit.BAD_NEWS if any(finding.status == "failed" for finding in findings) else Exit.DONE
