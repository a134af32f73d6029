"""The last counts of a Connection, for its sparkline. Pure."""

from __future__ import annotations

from typing import NamedTuple

LONGEST = 120


class Series(NamedTuple):
    """Counts from old to new, one per sample; None where it could not be seen. `at` is in seconds since the epoch."""

    at: tuple[float, ...] = ()
    sockets: tuple[int | None, ...] = ()

    def add(self, at: float, sockets: int | None) -> Series:
        """Return the series with one more count, and without its oldest once it holds LONGEST.

        >>> Series().add(1.0, 3).add(2.0, None).sockets
        (3, None)
        """
        return Series((*self.at[1 - LONGEST :], at), (*self.sockets[1 - LONGEST :], sockets))
