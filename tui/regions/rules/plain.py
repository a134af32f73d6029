"""The addresses alone, one a line. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.regions.networks import name_of
from tui.regions.rules.values import Rules

if TYPE_CHECKING:
    from tui.regions.rules.values import Wanted


def write(wanted: Wanted) -> Rules:
    """Return the addresses and networks; the undo is the same list."""
    lines = "".join(f"{name_of(network)}\n" for network in wanted.addresses)
    return Rules(lines, lines)
