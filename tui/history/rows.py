"""Roll-ups as rows of their tables. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.history.rollup import Rollup
from tui.history.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

FIELDS = ", ".join(COLUMNS[1:])
_NONE = (None,) * 5


def to_row(one: Rollup) -> tuple[Any, ...]:
    """Return the values of FIELDS."""
    return (
        int(one.at), one.samples, one.unseen, one.minimum, one.total, one.maximum, one.last, *(one.states or _NONE),
        one.least_stale, one.limit, one.headroom, one.least_headroom, one.oldest_idle_in_transaction_s,
        one.opened_per_minute,
    )  # fmt: skip


def from_row(row: Sequence[Any], seconds: int) -> Rollup:
    """Return what a row of a table holds whose spans are so long."""
    at, samples, unseen, minimum, total, maximum, last, *states, stale, limit, headroom, least, oldest, opened = row
    known: Any = None if None in states else tuple(states)
    return Rollup(
        float(at), seconds, samples, unseen, minimum, total, maximum, last, known, stale, limit, headroom, least,
        oldest, opened,
    )  # fmt: skip
