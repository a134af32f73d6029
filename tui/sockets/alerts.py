"""What somebody on call must know: one judgement for the panel and for `alert`. Pure.

An alert stands from the sample in which its reason appeared until the reason has been gone for a while. What cannot
be seen is not taken for healthy: what stood of it stands on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["unreachable", "full", "level", "time_left", "leak", "idle_in_transaction"]
Level = Literal["warning", "critical"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something is an alert; `warning` and `critical` are shares of the limit that binds."""

    warning: float = 0.80
    critical: float = 0.95
    within_s: float = 1800.0
    idle_in_transaction_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Alert:
    """One reason to look. `subject` is a Connection's id, or a server as it is labelled; names in it are raw text.

    `since` is when it was raised and `seen` when its reason was seen last, in seconds since the epoch.
    """

    kind: Kind
    level: Level
    subject: str
    sentence: str
    since: float
    seen: float

    @property
    def key(self) -> tuple[Kind, str]:
        """What makes it the same alert from sample to sample."""
        return self.kind, self.subject
