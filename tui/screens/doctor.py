"""The doctor: what will not work on this machine and in this terminal, and why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from tui.screens.base import Base
from tui.widgets.check_list import CheckList

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Doctor(Base[None]):
    """Checks terminal, keyring, folders, vault, registry, TLS roots and versions."""

    heading = "Doctor"
    BINDINGS: ClassVar = [
        Binding("c", "check", "Check again", id="doctor.check", tooltip="Look at everything again"),
        Binding("escape,q", "app.pop_screen", "Back", id="doctor.back", tooltip="Go back to the live panel"),
        Binding("question_mark", "app.help", "Help", id="doctor.help", show=False, tooltip="What the screen is for"),
    ]

    def body(self) -> ComposeResult:
        """Yield the check list; its lines come with the findings."""
        yield CheckList({})

    def on_mount(self) -> None:
        """Look at once."""
        self.query_one(CheckList).focus()
        self.action_check()

    def action_check(self) -> None:
        """Look at everything again."""
        self.run_worker(self._check(), exclusive=True, description="look at this machine")

    async def _check(self) -> None:
        from tui.probe.machine import machine_findings  # noqa: PLC0415 - imports what it looks at, when it is first used

        check_list = self.query_one(CheckList)
        check_list.reset(running=False)
        self.about("looking…")
        findings = await asyncio.to_thread(machine_findings)
        for finding in findings:
            check_list.show(finding)
        check_list.scroll_home(animate=False)
        failed = sum(finding.status == "failed" for finding in findings)
        warnings = sum(finding.status == "warning" for finding in findings)
        self.about(
            f"✗ {failed} will not work" if failed else f"! {warnings} to look at" if warnings else "✓ all is well"
        )
