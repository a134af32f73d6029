"""Turns the facts of a failed statement into a finding. Pure."""

from __future__ import annotations

from tui.postgres.errors import Failure
from tui.postgres.finding import Finding
from tui.postgres.target import Target


def explain_query(failure: Failure, target: Target) -> Finding:
    """Return what it means that a statement of an open session failed."""
    return Finding("session", "failed", failure.text or "no answer", code=failure.code, detail=failure.text)
