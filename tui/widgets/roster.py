"""Single sockets in groups: what they are grouped by, which group is open, and who is in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui.sockets.model import STATES
from tui.widgets.live_table import Line

if TYPE_CHECKING:
    from tui.sockets.backends import Backend, Listing

By = Literal["application", "client", "role", "database", "state", "feature", "user", "age"]
BYS: tuple[By, ...] = ("application", "client", "role", "database", "state", "feature", "user", "age")
TITLES: dict[By, str] = {
    "application": "Application",
    "client": "Client",
    "role": "Role",
    "database": "Database",
    "state": "State",
    "feature": "CARTO feature",
    "user": "CARTO user",
    "age": "Open for",
}
STATE_WORDS = {
    "active": "active",
    "idle": "idle",
    "idle_in_transaction": "in tx",
    "other": "other",
    "unknown": "unseen",
}
AGES = (
    (60.0, "less than a minute"),
    (600.0, "1 to 10 minutes"),
    (3_600.0, "10 to 60 minutes"),
    (86_400.0, "1 to 24 hours"),
    (float("inf"), "more than a day"),
)
UNSEEN = "not visible to this role"


class GroupOf(NamedTuple):
    """The sockets that are alike in one thing; `key` tells the group, `label` is what it is called, raw."""

    key: str
    label: str
    backends: tuple[Backend, ...]

    @property
    def states(self) -> tuple[int, ...]:
        """How many are in each of STATES."""
        found = [one.state for one in self.backends]
        return tuple(found.count(state) for state in STATES)

    @property
    def oldest_s(self) -> float | None:
        """For how long the oldest is open; None where nothing was seen."""
        return max((one.age_s for one in self.backends if one.age_s is not None), default=None)

    @property
    def longest_idle_s(self) -> float | None:
        """For how long an idle one waits already, at most."""
        waits = (one.state_s for one in self.backends if one.state == "idle" and one.state_s is not None)
        return max(waits, default=None)


def label_of(backend: Backend, by: By) -> str:
    """Return what a backend is in this respect: text of others, raw."""
    unseen = backend.state == "unknown"
    match by:
        case "application":
            return backend.application or "no application name"
        case "client":
            return backend.client or (UNSEEN if unseen else "local, no address")
        case "role":
            return backend.username or "no role"
        case "database":
            return backend.database or "no database"
        case "state":
            return STATE_WORDS[backend.state]
        case "age":
            return next((words for limit, words in AGES if (backend.age_s or 0) < limit), "")
    said = None if backend.carto is None else backend.carto.feature if by == "feature" else backend.carto.user
    return said or (UNSEEN if unseen else "no CARTO comment")


@dataclass(frozen=True)
class Roster:
    """What is shown at one moment: the sockets as they were listed, grouped by `by`; of `group`, its sockets.

    Without a `group`, the groups are shown.
    """

    listing: Listing | None = None
    by: By = "application"
    group: str | None = None

    @cached_property
    def groups(self) -> tuple[GroupOf, ...]:
        """The groups, the largest first; by age, the youngest first."""
        found: dict[str, list[Backend]] = {}
        for one in self.listing.backends if self.listing else ():
            label = UNSEEN if self.by == "age" and one.age_s is None else label_of(one, self.by)
            found.setdefault(label, []).append(one)
        groups = [GroupOf(label, label, tuple(backends)) for label, backends in found.items()]
        if self.by == "age":
            order = [words for _, words in AGES]
            return tuple(sorted(groups, key=lambda group: order.index(group.key) if group.key in order else len(order)))
        return tuple(sorted(groups, key=lambda group: (-len(group.backends), group.label.casefold())))

    @cached_property
    def opened(self) -> tuple[Backend, ...]:
        """The sockets of the open group, those longest in their state first; none when it has gone."""
        return next((group.backends for group in self.groups if group.key == self.group), ())

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the table: groups, or the sockets of the open one."""
        if self.group is None:
            return tuple(Line(group.key, group) for group in self.groups)
        return tuple(Line(key_of(one), one) for one in self.opened)

    def under(self, key: str | None) -> tuple[Backend, ...]:
        """Return the sockets that the line of `key` stands for."""
        if self.group is None:
            return next((group.backends for group in self.groups if group.key == key), ())
        return tuple(one for one in self.opened if key_of(one) == key)

    def next_by(self, step: int) -> By:
        """Return what comes next to group by."""
        return BYS[(BYS.index(self.by) + step) % len(BYS)]


def key_of(backend: Backend) -> str:
    """Return what tells a backend from every other, also from a later one of its pid."""
    return f"{backend.pid} {backend.started}"
