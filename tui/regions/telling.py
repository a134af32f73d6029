"""What is said of regions, on the command line and on the screen: where they are from, what changed. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tui.regions.rules import Wanted, networks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.connections.model import Connection
    from tui.regions.directory import Trouble
    from tui.regions.model import Change, Region

_DAY_S = 86_400.0
_OLD_S = 7 * _DAY_S


def wanted(region: Region, connection: Connection | None = None, target: str = "") -> Wanted:
    """Return what rules for a region are written from, with placeholders without a Connection. Raises Inexpressible."""
    addresses = networks(region.addresses)
    if connection is None:
        return Wanted(region.region, origin(region), addresses, target=target)
    known = connection.parameters
    return Wanted(
        region.region,
        origin(region),
        addresses,
        connection=known.name,
        database=known.database,
        role=known.username,
        port=known.port,
        sslmode=known.sslmode,
        server=known.server,
        target=target,
    )


def origin(region: Region) -> str:
    """Return where the addresses come from, and how old they are."""
    said = {
        "live": "from the endpoint of the region",
        "page": "from the documentation of CARTO",
        "built-in": "built into pgconns",
        "own": "from your own list",
    }[region.source]
    at = moment(region.fetched_at)
    return f"{said}, read {at[:10]}" if at else said


def moment(at: float | None) -> str | None:
    """Return a time in ISO 8601, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at is not None else None


def lost(region: Region) -> tuple[str, ...]:
    """Return a note on what the list lost: rules made for it earlier still let those in."""
    if region.changed is None or not region.changed.removed:
        return ()
    return (
        f"No longer on the list: {', '.join(region.changed.removed)}. Rules made for them before stay until removed.",
    )


def difference(change: Change) -> str:
    """Return every address that a list gained and lost.

    >>> from tui.regions.model import Change
    >>> difference(Change(("192.0.2.1",), ("192.0.2.2", "192.0.2.3")))
    'added 192.0.2.1; removed 192.0.2.2, 192.0.2.3'
    """
    parts = [("added", change.added), ("removed", change.removed)]
    return "; ".join(f"{word} {', '.join(addresses)}" for word, addresses in parts if addresses)


def outdated(regions: Sequence[Region], now: float, remedy: str = "pgconns regions --refresh") -> str:
    """Return a sentence where one of CARTO's lists is old, with what gets a new one; empty where none is."""
    oldest = max((now - region.fetched_at for region in regions if region.fetched_at is not None), default=0.0)
    if oldest <= _OLD_S:
        return ""
    return f"These lists are up to {oldest / _DAY_S:.0f} days old: {remedy} asks CARTO for new ones."


def troubles(found: Sequence[Trouble]) -> list[str]:
    """Return a sentence for each thing that went wrong, with all that it happened to."""
    where: dict[str, list[str]] = {}
    for trouble in found:
        where.setdefault(trouble.sentence, []).append(trouble.where)
    return [f"{', '.join(places)}: {sentence}" for sentence, places in where.items()]
