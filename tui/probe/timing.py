"""Puts on a finding how long its check took."""

import time
from dataclasses import replace

from tui.postgres.finding import Finding


def timed(finding: Finding, started: float) -> Finding:
    """Return the finding with the milliseconds since `started`, a time of time.monotonic()."""
    return replace(finding, milliseconds=(time.monotonic() - started) * 1000)
