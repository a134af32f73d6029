"""How long and how much is kept: the table [history] of the registry. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui.history.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_S = 86_400.0
_UNITS_S = {"raw_days": DAY_S, "minute_weeks": 7 * DAY_S, "hour_years": 365 * DAY_S}
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Every sample is kept for `raw_days`, minutes for `minute_weeks`, hours for `hour_years`; the file is no larger.

    Where it would be, the oldest samples go first, then the oldest minutes, then the oldest hours.
    """

    raw_days: float = 14
    minute_weeks: float = 8
    hour_years: float = 5
    largest_mb: float = 1024

    def kept_s(self, name: str) -> float:
        """Return how many seconds something is kept."""
        return float(getattr(self, name)) * _UNITS_S[name]


def parse(table: Mapping[str, Any]) -> Settings:
    """Return the settings of a registry's table; what is not told is as by default. Raises HistoryError.

    >>> parse({"raw_days": 3}).raw_days
    3
    """
    told = {}
    for name in (*_UNITS_S, "largest_mb"):
        if name in table:
            value = table[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
                raise HistoryError(f"{name} under [history] in the registry is a number from 0 to {_LARGEST}")
            told[name] = value
    if told.get("largest_mb", 1) < 1:
        raise HistoryError("largest_mb under [history] in the registry is 1 or more")
    return Settings(**told)
