"""The sockets of a Connection in groups, as they were counted: the server told no single ones. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.sockets.model import STATES
from tui.text import pad, safe
from tui.widgets.cells import NOT_SEEN, duration, fitting
from tui.widgets.live_table import Line, Span, Spans
from tui.widgets.roster import STATE_WORDS, TITLES, UNSEEN, By

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.sockets.model import Group

BYS: tuple[By, ...] = ("application", "client", "role", "database", "state", "feature", "user")
_NUMBERS = (("Sockets", 8), ("Active", 7), ("Idle", 7), ("In tx", 7), ("Idle >1m", 9), ("Oldest tx", 10), ("Other", 7))
_LABEL = 28


class Counted(NamedTuple):
    """The sockets that are alike in one thing: how many, by state, how many idle for more than a minute."""

    label: str
    sockets: int
    states: tuple[int, ...]  # in the order of STATES
    stale: int | None
    oldest_idle_in_transaction_s: float | None


def label_of(group: Group, by: By) -> str:
    """Return what a group is in this respect: text of others, raw."""
    unseen = group.state == "unknown"
    others = " and others" if group.kinds > 1 else ""
    match by:
        case "application":
            return (group.application or (UNSEEN if unseen else "no application name")) + others
        case "client":
            return (group.client or (UNSEEN if unseen else "local, no address")) + others
        case "role":
            return group.username or "no role"
        case "database":
            return group.database or "no database"
        case "state":
            return STATE_WORDS[group.state]
    told = group.feature if by == "feature" else group.carto_user
    return told or (UNSEEN if unseen else "no CARTO comment")


def grouped(groups: Iterable[Group], by: By) -> tuple[Counted, ...]:
    """Return what a Connection held by one thing, the largest first; the sockets of pgconns are not among it."""
    found: dict[str, list[Group]] = {}
    for group in groups:
        if group.sockets > group.console:
            found.setdefault(label_of(group, by), []).append(group)
    counted = [_together(label, members) for label, members in found.items()]
    return tuple(sorted(counted, key=lambda one: (-one.sockets, one.label.casefold())))


def _together(label: str, members: list[Group]) -> Counted:
    states = tuple(sum(one.sockets - one.console for one in members if one.state == state) for state in STATES)
    stale = [one.stale for one in members if one.stale is not None]
    oldest = [s for one in members if (s := one.oldest_idle_in_transaction_s) is not None]
    return Counted(
        label,
        sum(states),
        states,
        sum(stale) if len(stale) == len(members) else None,
        max(oldest, default=None),
    )


def lines(groups: Iterable[Group], by: By) -> tuple[Line, ...]:
    """Return the lines of the table."""
    return tuple(Line(one.label, one) for one in grouped(groups, by))


def heading(by: By, width: int) -> Spans:
    """Draw the titles of the columns."""
    numbers = _numbers(width)
    titles = "".join(title.rjust(size) for title, size in numbers)
    return (Span("  " + pad(TITLES[by], _label_width(width)) + titles),)


def spans(one: Counted, cursor: bool, width: int) -> Spans:
    """Draw one group."""
    active, idle, in_tx, other, unknown = one.states

    def known(number: int) -> str:  # never a zero where some could not be seen
        return NOT_SEEN if unknown == one.sockets else f"{number}+" if unknown else str(number)

    oldest = one.oldest_idle_in_transaction_s
    said = {
        "Sockets": (str(one.sockets), "strong"),
        "Active": (known(active), "plain"),
        "Idle": (known(idle), "plain"),
        "In tx": (known(in_tx), "warning" if in_tx else "plain"),
        "Idle >1m": (NOT_SEEN if one.stale is None else str(one.stale), "muted"),
        "Oldest tx": ("" if oldest is None else duration(oldest), "muted"),
        "Other": (known(other), "plain"),
    }
    return (
        Span("❯ " if cursor else "  ", "accent"),
        Span(pad(safe(one.label), _label_width(width)), "strong"),
        *(Span(said[title][0].rjust(size), said[title][1]) for title, size in _numbers(width)),
    )


def _numbers(width: int) -> list[tuple[str, int]]:
    return fitting(_NUMBERS, width - 2 - _LABEL)


def _label_width(width: int) -> int:
    return max(1, width - 2 - sum(size for _, size in _numbers(width)))
