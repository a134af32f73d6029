"""A run of samples as lines of text, each of which tells what differs from the line before it. Pure.

A line is one JSON array of whole numbers and words:

    [milliseconds since the line before, new words, new slots, order, changes]

A slot is a server, a Connection, a group of its sockets, the pool that it leads through, or sockets of nobody
registered; its key is the words that name it, by their number, or the slot that it belongs to. Its values are whole
numbers, or null where nothing was seen. A change is the slots to go on by, a mask of the values that changed, and for
each the difference to before, or itself where there was none; the mask 0 takes a slot away, -1 brings it back as it
was. `order` lists the servers and Connections that are there; null where that is as before. What follows from other
values is kept as the difference to what follows: nearly always 0.

The first line of a run needs none before it. Kept are moments to the millisecond, lengths of time to a tenth of a
second (truncated, as they are shown; a wait in a pool to the millisecond), rates of trends to a millionth and of opened
sockets to a hundredth. Groups of a Connection come back largest first, and of equal ones in the order of their names.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tui.sockets.model import STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.sockets.model import Group, ServerCount

Values = list[int | None]
SERVER, CONNECTION, GROUP, STRANGERS, POOL = range(5)
STATE = {state: number for number, state in enumerate(STATES)}
OF_TREND = 9
LENGTHS = {SERVER: OF_TREND + 14, CONNECTION: OF_TREND + 17, GROUP: 5, STRANGERS: 1, POOL: 8}
OPENED = OF_TREND + 11  # where they say how many sockets a minute were opened in its database
PLACE = OF_TREND + 15  # where a Connection's values name its server
_LATEST, _MOST = 253_402_300_799_000, 2**53  # the year 9999, and numbers that stay whole as a float


class EncodingError(ValueError):
    """A line is not one of these."""


def since_before(line: str) -> int:
    """Return how many milliseconds after the line before it a line is, without reading the rest. Raises EncodingError.

    >>> since_before("[2000,[],[],null,[1,2,3]]")
    2000
    """
    try:
        return int(line[1 : line.index(",")])
    except ValueError:
        raise EncodingError("a line does not begin as one") from None


def milliseconds(at: float) -> int:
    """Return a moment as it is kept: truncated, as JSON shows it."""
    return round(at * 1e6) // 1000


def key_of(group: Group) -> tuple[Any, ...]:
    return (
        group.database, group.username, group.application, group.client, group.state, group.feature, group.carto_user,
        group.connection_id,
    )  # fmt: skip


def rank(group: Group) -> tuple[Any, ...]:
    """Return what groups are in order by: the largest first, then by all that they are."""
    named = tuple((name is not None, name or "") for name in key_of(group))
    values = tuple((value is not None, value or 0) for value in of_group(group))
    return -group.sockets, named, values


def of_group(group: Group) -> Values:
    oldest = tenths(group.oldest_idle_in_transaction_s)
    return [group.sockets, oldest, group.console, group.kinds, group.stale]


def of_groups(groups: Sequence[Group]) -> tuple[list[int], int, float | None]:
    """Return what groups add up to: sockets by state, those idle for long, and the longest idle in a transaction."""
    states, stale = [0] * len(STATES), 0
    oldest: float | None = None
    for group in groups:
        states[STATE[group.state]] += group.sockets - group.console
        stale += group.stale or 0
        if group.oldest_idle_in_transaction_s is not None:
            oldest = max(oldest or 0.0, group.oldest_idle_in_transaction_s)
    return states, stale, oldest


def headroom(bounded_by: str | None, limit: int | None, sockets: int | None, server: ServerCount | None) -> int:
    """Return how many more sockets may open as far as that follows from the rest."""
    if bounded_by == "server":
        return (server.headroom or 0) if server is not None else 0
    return (limit or 0) - (sockets or 0)


def less(value: int | None, follows: int | None) -> int | None:
    return None if value is None else value - (follows or 0)


def more(kept: int | None, follows: int | None) -> int | None:
    return None if kept is None else kept + (follows or 0)


def folded(part: int | None, whole: int) -> int | None:
    """Return a part as a number that stays when all of the whole, or none of it, belongs to the part."""
    if part is None:
        return None
    return (whole - part) * 2 + 1 if 2 * part > whole else part * 2


def unfolded(kept: int | None, whole: int) -> int | None:
    if kept is None:
        return None
    return whole - kept // 2 if kept % 2 else kept // 2


def tenths(seconds: float | None) -> int | None:
    return None if seconds is None else math.floor(seconds * 10 + 1e-6)


def of_tenths(tenths: int | None) -> float | None:
    return None if tenths is None else tenths / 10


def hundredths(rate: float | None) -> int | None:
    return None if rate is None else round(rate * 100)


# The file may come from elsewhere: what stands in a line is looked at before it is believed.


def checked_number(told: Any) -> int | None:
    """Return a value of a slot. Raises ValueError where it is none, or too large to stay whole as a float."""
    if told is None or (type(told) is int and -_MOST < told < _MOST):
        return told
    raise ValueError


def checked_moment(milliseconds: Any) -> int:
    """Return a moment that a clock can show. Raises ValueError where it is none."""
    if type(milliseconds) is int and 0 <= milliseconds <= _LATEST:
        return milliseconds
    raise ValueError


def is_word(word: Any) -> bool:
    """Return whether this is a word: a text, or some of them."""
    return isinstance(word, str) or (isinstance(word, list) and all(isinstance(part, str) for part in word))


def is_slot(slot: Any) -> bool:
    """Return whether this can name a slot."""
    return all(part is None or type(part) is int for part in slot)
