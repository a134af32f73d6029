"""What was measured, as the rows of a Markdown table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Row(NamedTuple):
    """One budget: what was measured of pgconns and of its peers, and whether it holds (None: nothing is promised)."""

    what: str
    ours: str
    peers: str
    budget: str
    holds: bool | None

    def __str__(self) -> str:
        verdict = {True: "holds", False: "**fails**", None: ""}[self.holds]
        return f"| {self.what} | {self.ours} | {self.peers} | {self.budget} | {verdict} |"


HEADING = "| what | pgconns | beside it | budget | |\n|---|---|---|---|---|"


def say(words: str) -> None:
    """Tell on stderr what is being done."""
    print(f"bench: {words}", file=sys.stderr, flush=True)


def table(rows: Iterable[Row]) -> str:
    """Return the rows under their heading."""
    return "\n".join([HEADING, *map(str, rows)])


def ms(seconds: float) -> str:
    """Return a length of time in milliseconds."""
    return f"{seconds * 1000:,.3g} ms" if seconds < 0.1 else f"{seconds * 1000:,.0f} ms"


def size(octets: float) -> str:
    """Return a number of bytes.

    >>> size(0), size(7123), size(2_500_000)
    ('0', '7.1 kB', '2.5 MB')
    """
    for unit, length in (("MB", 1e6), ("kB", 1e3)):
        if octets >= length:
            return f"{octets / length:.1f} {unit}"
    return f"{octets:.0f} B" if octets else "0"


def percent(share: float) -> str:
    """Return a share of one core."""
    return f"{share * 100:.1f} % of a core"
