"""What `apply` would do: the difference between what is registered and what a file wants. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.connections.model import Connection, OwnRegion


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


class RegionPlan(NamedTuple):
    """Which own regions are to be added and changed, which are right, and which are entered but not in the file."""

    add: tuple[OwnRegion, ...]
    change: tuple[OwnRegion, ...]
    unchanged: tuple[str, ...]
    absent: tuple[str, ...]


def plan_regions(current: Iterable[OwnRegion], wanted: Iterable[OwnRegion]) -> RegionPlan:
    """Return what makes `current` hold `wanted`; what is wanted otherwise than system-wide is added over it."""
    entered = {region.name: region for region in current}
    declared = {region.name: region for region in wanted}
    differing = [
        region
        for region in declared.values()
        if region.name not in entered or entered[region.name].addresses != region.addresses
    ]
    own = {region.name for region in entered.values() if not region.read_only}
    return RegionPlan(
        tuple(region for region in differing if region.name not in own),
        tuple(region for region in differing if region.name in own),
        tuple(name for name in declared if name in entered and declared[name].addresses == entered[name].addresses),
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
