"""What a list becomes when answers come in: a sound one replaces it, anything else leaves it as it was. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui.regions.model import BUILT_IN, BUILT_IN_AT, Change, Region

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tui.connections.model import OwnRegion

Lists = dict[str, tuple[str, ...]]


class Answers(NamedTuple):
    """The sound answers of one look: the addresses of each region whose endpoint gave some, and those of the page."""

    live: Lists
    page: Lists

    def __bool__(self) -> bool:
        return bool(self.live or self.page)


def difference(before: Iterable[str], after: Iterable[str]) -> Change:
    """Return what a list gained and lost, in its order.

    >>> difference(("a", "b"), ("c", "b"))
    Change(added=('c',), removed=('a',))
    """
    old, new = tuple(before), tuple(after)
    return Change(tuple(a for a in new if a not in old), tuple(a for a in old if a not in new))


def merged(known: Sequence[Region], answers: Answers, at: float) -> tuple[Region, ...]:
    """Return the regions after a look at `at`: of each its endpoint's list, else the page's, else the one known.

    A region that only an answer names is added, with all its addresses as its change.
    """
    before = {region.region: region for region in known}
    names = dict.fromkeys((*before, *answers.live, *answers.page))
    return tuple(_after(before.get(name), name, answers, at) for name in names)


def _after(before: Region | None, name: str, answers: Answers, at: float) -> Region:
    source: Literal["live", "page"] = "live" if answers.live.get(name) else "page"
    addresses = answers.live.get(name) or answers.page.get(name)
    if not addresses:
        return before or Region(name, "", ())
    known = before or Region(name, "", (), changed=None)
    change = difference(known.addresses, addresses)
    confirmed = replace(known, source=source, fetched_at=at)
    return replace(confirmed, addresses=addresses, changed=change, changed_at=at) if change else confirmed


def over_built_in(cached: Iterable[Region]) -> tuple[Region, ...]:
    """Return the built-in regions, each as it was last seen where that is newer; then those that are not built in.

    What an upgrade of pgconns brings is a change as well.
    """
    seen = {region.region: region for region in cached}
    here = [_newer(region, seen.pop(region.region, None)) for region in BUILT_IN]
    return (*here, *seen.values())


def _newer(built_in: Region, cached: Region | None) -> Region:
    if cached is None:
        return built_in
    if (cached.fetched_at or 0.0) >= BUILT_IN_AT:
        return replace(cached, code=built_in.code)
    change = difference(cached.addresses, built_in.addresses)
    if not change:
        return replace(built_in, changed=cached.changed, changed_at=cached.changed_at)
    return replace(built_in, changed=change, changed_at=BUILT_IN_AT)


def with_own(regions: Sequence[Region], own: Iterable[OwnRegion]) -> tuple[Region, ...]:
    """Return CARTO's regions and those that somebody entered; a name that CARTO took since then stays somebody's."""
    entered = {one.name: Region(one.name, "", one.addresses, "own", None) for one in own}
    return (*(region for region in regions if region.region not in entered), *entered.values())


def disagreements(answers: Answers) -> Mapping[str, str]:
    """Return a sentence for each region whose endpoint and the page list different addresses."""
    said = {}
    for name, live in answers.live.items():
        change = difference(answers.page.get(name, live), live)
        parts = [("only the endpoint lists", change.added), ("only the page lists", change.removed)]
        if change:
            told = "; ".join(f"{words} {', '.join(some)}" for words, some in parts if some)
            said[name] = f"Its endpoint, which counts, and the documentation differ: {told}"
    return said
