"""The last counts of a Connection, for its sparkline. Pure."""

from __future__ import annotations

from typing import NamedTuple

LONGEST = 120
# Counts that are further apart have something between them that nobody saw.
LEAST_GAP_S = 10.0


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


def joined(older: Series, newer: Series) -> Series:
    """Return two series as one; between them nothing was seen, where they are further apart than counts are.

    >>> joined(Series((1.0,), (3,)), Series((60.0,), (4,))).sockets
    (3, None, 4)
    """
    if not newer.at:
        return older
    first = newer.at[0]
    old = [(at, sockets) for at, sockets in zip(older.at, older.sockets, strict=True) if at < first]
    apart = (old[-1][0] - old[0][0]) / (len(old) - 1) if len(old) > 1 else 0.0
    if old and first - old[-1][0] > max(LEAST_GAP_S, 3 * apart):
        old.append(((first + old[-1][0]) / 2, None))
    both = [*old, *zip(newer.at, newer.sockets, strict=True)][-LONGEST:]
    return Series(tuple(at for at, _ in both), tuple(sockets for _, sockets in both))
