"""What `apply` would do: the difference between what is registered and what a file wants. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from tui.connections.model import Hook, OwnRegion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.connections.model import Connection

Named = TypeVar("Named", OwnRegion, Hook)


class Change(NamedTuple):
    """A registered Connection, and what it is to become under the same id."""

    before: Connection
    after: Connection

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the parameters that differ."""
        old, new = self.before.parameters._asdict(), self.after.parameters._asdict()
        return tuple(name for name in new if new[name] != old[name])


class Plan(NamedTuple):
    """What is to be added and changed, what is right already, and what is registered but not in the file."""

    add: tuple[Connection, ...]
    change: tuple[Change, ...]
    unchanged: tuple[Connection, ...]
    absent: tuple[Connection, ...]


class NamedPlan(NamedTuple, Generic[Named]):
    """Which own regions, or hooks, are to be added and changed, which are right, and which are not in the file."""

    add: tuple[Named, ...]
    change: tuple[Named, ...]
    unchanged: tuple[str, ...]
    absent: tuple[str, ...]


def plan_named(current: Iterable[Named], wanted: Iterable[Named]) -> NamedPlan[Named]:
    """Return what makes `current` hold `wanted`; what is wanted otherwise than system-wide is added over it."""
    registered = tuple(current)
    entered = {one.name: one._replace(read_only=False) for one in registered}
    declared = {one.name: one for one in wanted}
    differing = [one for one in declared.values() if entered.get(one.name) != one]
    own = {one.name for one in registered if not one.read_only}
    return NamedPlan(
        tuple(one for one in differing if one.name not in own),
        tuple(one for one in differing if one.name in own),
        tuple(name for name in declared if entered.get(name) == declared[name]),
        tuple(name for name in entered if name not in declared),
    )


def plan(current: Iterable[Connection], wanted: Iterable[Connection]) -> Plan:
    """Return what makes `current` hold `wanted`; Connections match by id, else by name, and keep their registered id.

    System-wide Connections are not changed: one that is wanted differently is added over them.
    """
    registered = tuple(current)
    own = [connection for connection in registered if not connection.read_only]
    by_id = {connection.id: connection for connection in own}
    by_name = {connection.name: connection for connection in own}
    system = {connection.name: connection for connection in registered if connection.read_only}
    add: list[Connection] = []
    change: list[Change] = []
    unchanged: list[Connection] = []
    met: set[str] = set()
    for connection in wanted:
        match = by_id.get(connection.id) or by_name.get(connection.name)
        lower = system.get(connection.name)
        if match is None and lower is not None and lower.parameters == connection.parameters:
            unchanged.append(lower)
            met.add(lower.id)
        elif match is None:
            add.append(connection)
            met.update({lower.id} if lower else ())
        elif match.parameters == connection.parameters:
            unchanged.append(match)
            met.add(match.id)
        else:
            change.append(Change(match, match._replace(parameters=connection.parameters)))
            met.add(match.id)
    absent = tuple(connection for connection in registered if connection.id not in met)
    return Plan(tuple(add), tuple(change), tuple(unchanged), absent)
