"""What merging Connections would save: CARTO reuses sockets only within one Connection. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui.sockets.model import ConnectionCount, Sample


class Merge(NamedTuple):
    """Connections of one server, database and role, which CARTO could use as one."""

    server: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    sockets: int  # that they hold together
    saves: int  # at most, of these
    sentence: str  # names in it are raw text


def merges(sample: Sample) -> tuple[Merge, ...]:
    """Return the Connections that could be merged, and what it would save, as far as their sockets could be seen."""
    sharing: dict[tuple[str, frozenset[str]], list[ConnectionCount]] = {}
    for count in sample.connections:
        if count.shared_with and count.states is not None:
            sharing.setdefault((count.server, frozenset((count.name, *count.shared_with))), []).append(count)
    return tuple(_merge(counts) for counts in sharing.values() if len(counts) > 1)


def _merge(counts: list[ConnectionCount]) -> Merge:
    one, number = counts[0], len(counts)
    names = tuple(count.name for count in counts)
    sockets, idle = one.sockets or 0, one.states[1] if one.states else 0
    # One pool holds at least what is busy now, and what the largest of the merged ones held: by CARTO's own ids where
    # its comments tell them, else their even share.
    held: Counter[str] = Counter()
    for group in one.groups:
        if group.connection_id is not None:
            held[group.connection_id] += group.sockets
    told = held.total() == sockets and len(held) > 1
    largest = max(held.values()) if told else -(-sockets // number)
    saves = max(0, min(idle, sockets - largest))
    return Merge(
        one.server, tuple(count.id for count in counts), names, sockets, saves, _sentence(names, sockets, saves)
    )


def _sentence(names: tuple[str, ...], sockets: int, saves: int) -> str:
    listed = (
        ", ".join(names[:2]) + f" and {len(names) - 2} more"
        if len(names) > 3
        else " and ".join([", ".join(names[:-1]), names[-1]])
    )
    ceiling = f"and CARTO could open at most {_PARTS.get(len(names), f'1/{len(names)}')} as many as now"
    if saves:
        return f"Merging {listed} in CARTO would save up to {saves} of their {sockets} sockets, {ceiling}"
    return f"Merging {listed} in CARTO would save no socket at this moment, {ceiling}"


_PARTS = {2: "half", 3: "a third"}
