"""How many sockets a minute are opened, from the server's own count: a poll misses those that close before it. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_EVERY_S = 10.0
WINDOW_S = 60.0
SHORTEST_S = 5.0


class Churn:
    """Readings of the last minute: how many sockets were ever opened, by database."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, Mapping[str, int]]] = deque()

    def is_due(self, at: float) -> bool:
        """Return whether it is time to read again; `at` is in seconds, by a clock that never jumps."""
        return not self._readings or at - self._readings[-1][0] >= READ_EVERY_S

    def add(self, at: float, opened: Mapping[str, int]) -> None:
        """Take in a reading. Counts that fell were reset, and begin anew."""
        if self._readings and any(opened.get(name, 0) < count for name, count in self._readings[-1][1].items()):
            self._readings.clear()
        self._readings.append((at, dict(opened)))
        while len(self._readings) > 2 and at - self._readings[1][0] >= WINDOW_S:
            self._readings.popleft()

    def per_minute(self) -> dict[str, float]:
        """Return how many were opened a minute, by database; nothing before two readings.

        >>> churn = Churn()
        >>> churn.add(0, {"gis": 10})
        >>> churn.add(30, {"gis": 25})
        >>> churn.per_minute()
        {'gis': 30.0}
        """
        if not self._readings:
            return {}
        (begin, first), (end, last) = self._readings[0], self._readings[-1]
        if end - begin < SHORTEST_S:
            return {}
        return {name: 60 * (count - first[name]) / (end - begin) for name, count in last.items() if name in first}
