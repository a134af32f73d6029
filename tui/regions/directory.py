"""The regions as they are known: own ones, CARTO's as last seen, or as built in; and asking CARTO anew."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tui.connections.files import reason
from tui.connections.parameters import Problem
from tui.connections.registry import Registry
from tui.regions import cache
from tui.regions.answers import Unsound, addresses_of_meta, regions_of_page
from tui.regions.merging import Answers, disagreements, merged, over_built_in, with_own

if TYPE_CHECKING:
    from tui.regions.cache import Cache, Remembered
    from tui.regions.model import Region
    from tui.regions.web import Patience, Web

META = "https://workspace-gcp-{region}.app.carto.com/meta"
PAGE = "https://docs.carto.com/carto-user-manual/connections/ip-whitelisting"
THE_PAGE = "the documentation's page"
THE_CACHE = "the list kept here"

# How many of all questions are answered, one way or the other.
OnProgress = Callable[[int, int], None]


class Directory(NamedTuple):
    """The regions, CARTO's first, and sentences about what could not be used."""

    regions: tuple[Region, ...]
    notes: tuple[str, ...] = ()


class Trouble(NamedTuple):
    """What went wrong with a region, with THE_PAGE or with THE_CACHE; a sentence."""

    where: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What is known after asking: the regions, what went wrong, and the names of those whose list changed by it.

    `reached` tells whether anything sound was answered at all; where it was not, all is as it was known before.
    """

    regions: tuple[Region, ...]
    troubles: tuple[Trouble, ...] = ()
    changed: tuple[str, ...] = ()
    reached: bool = False


class Places(NamedTuple):
    """Where to ask: a template with {region} for the endpoints, and the forms of the page, the best first."""

    meta: str
    pages: tuple[str, ...]

    def endpoint(self, region: str) -> str:
        """Return the place of a region's endpoint."""
        return self.meta.replace("{region}", region)


def known(registry: Registry | None = None) -> tuple[Region, ...]:
    """Return all regions without asking anybody: CARTO's, then own ones; raise RegistryError."""
    return look(registry).regions


def look(registry: Registry | None = None) -> Directory:
    """Return all regions without asking anybody, and what could not be used of what is kept; raise RegistryError."""
    kept, note = cache.load()
    cartos, own = over_built_in(kept.regions), (registry or Registry()).regions()
    taken = {region.region for region in cartos} & {region.name for region in own}
    notes = [note] if note else []
    notes += [f"CARTO has a region {name} by now, which yours hides: give yours another name" for name in sorted(taken)]
    return Directory(with_own(cartos, own), tuple(notes))


def addresses(registry: Registry | None = None) -> dict[str, tuple[str, ...]]:
    """Return the addresses of every region by its name, for counting whose sockets are whose; raise RegistryError."""
    return {region.region: region.addresses for region in known(registry)}


def stamp() -> object:
    """Return a cheap value that changes when the lists of CARTO that are kept here do."""
    return cache.stamp()


def places() -> Places:
    """Return where to ask, as the environment says; raise Problem where it names what may not be asked."""
    from tui.regions.web import is_allowed  # noqa: PLC0415 - imports httpx, 290 ms

    meta = os.environ.get("PGCONNS_META_URL", "") or META
    page = os.environ.get("PGCONNS_REGIONS_PAGE", "")
    if "{region}" not in meta or not is_allowed(meta.replace("{region}", "us-east1")):
        raise Problem(
            f"PGCONNS_META_URL is an https address with {{region}} in it, such as {META}; http is for this machine, "
            "such as http://127.0.0.1:8000/{region}"
        )
    if page and not is_allowed(page):
        raise Problem(f"PGCONNS_REGIONS_PAGE is an https address, such as {PAGE}.md; http is for this machine only")
    return Places(meta, (page,) if page else (f"{PAGE}.md", PAGE))


async def refresh(
    on_progress: OnProgress | None = None, registry: Registry | None = None, patience: Patience | None = None
) -> Refreshed:
    """Ask every region's endpoint and the page, at the same time, and keep what is sound; raise Problem, RegistryError.

    Whatever fails, is malformed or absurd leaves the list it was about as it was, and is told as a trouble.
    """
    registry = registry or Registry()
    own = await asyncio.to_thread(registry.regions)
    asked = await asyncio.to_thread(places)
    kept, note = await asyncio.to_thread(cache.load)
    inquiry = _Inquiry(asked, kept, on_progress or (lambda done, total: None))
    if note:
        inquiry.troubles.append(Trouble(THE_CACHE, note))
    await inquiry.run([region.region for region in over_built_in(kept.regions)], patience)
    answers = Answers(inquiry.live, inquiry.page)
    inquiry.troubles += [Trouble(name, sentence) for name, sentence in disagreements(answers).items()]
    before, after = await asyncio.to_thread(_keep, answers, inquiry)
    order = {region.region: number for number, region in enumerate(after)}
    inquiry.troubles.sort(key=lambda trouble: order.get(trouble.where, len(order)))
    changed = {new.region for new in after if set(new.addresses) != before.get(new.region, frozenset())}
    return Refreshed(
        with_own(after, own),
        tuple(inquiry.troubles),
        tuple(region.region for region in after if region.region in changed),
        bool(answers),
    )


def _keep(answers: Answers, inquiry: _Inquiry) -> tuple[dict[str, frozenset[str]], tuple[Region, ...]]:
    """Merge answers into what is kept by now, keep that, and return the addresses before and the regions after."""
    at = time.time()

    def merge(kept: Cache) -> tuple[dict[str, frozenset[str]], tuple[Region, ...]]:
        before = over_built_in(kept.regions)
        return {one.region: frozenset(one.addresses) for one in before}, merged(before, answers, at)

    if not answers:
        return merge(cache.load()[0])
    try:
        with cache.locked():
            kept = cache.load()[0]
            result = merge(kept)
            cache.save(cache.Cache(result[1], {**kept.answers, **inquiry.remembered}))
    except OSError as error:
        sentence = f"What was answered cannot be kept in {cache.place()}: {reason(error)}"
        inquiry.troubles.append(Trouble(THE_CACHE, sentence))
        return merge(cache.load()[0])
    return result


class _Inquiry:
    """One round of questions; what is sound ends up in `live`, `page` and `remembered`, the rest in `troubles`."""

    def __init__(self, places: Places, kept: Cache, on_progress: OnProgress) -> None:
        self.live: dict[str, tuple[str, ...]] = {}
        self.page: dict[str, tuple[str, ...]] = {}
        self.remembered: dict[str, Remembered] = {}
        self.troubles: list[Trouble] = []
        self._places = places
        self._kept = kept
        self._on_progress = on_progress
        self._done = self._total = 0

    async def run(self, regions: list[str], patience: Patience | None) -> None:
        """Ask for these regions and the page, then for the regions that only the page names."""
        from tui.regions.web import NotAnswered, Patience, Web  # noqa: PLC0415 - imports httpx, 290 ms

        try:
            asked = (self._places.endpoint("us-east1"), *self._places.pages)
            web = await asyncio.to_thread(Web, asked, patience or Patience())
        except NotAnswered as failure:
            self.troubles += [Trouble(where, str(failure)) for where in (*regions, THE_PAGE)]
            return
        try:
            self._expect(len(regions) + 1)
            async with asyncio.TaskGroup() as group:
                for region in regions:
                    group.create_task(self._ask_endpoint(web, region))
                group.create_task(self._ask_pages(web))
            new = [region for region in self.page if region not in regions]
            self._expect(len(new))
            async with asyncio.TaskGroup() as group:
                for region in new:
                    group.create_task(self._ask_endpoint(web, region))
        finally:
            await web.close()

    def _expect(self, more: int) -> None:
        self._total += more
        self._on_progress(self._done, self._total)

    def _answered(self) -> None:
        self._done += 1
        self._on_progress(self._done, self._total)

    async def _ask_endpoint(self, web: Web, region: str) -> None:
        failure = await self._ask(
            web, self._places.endpoint(region), self.live, lambda content: {region: addresses_of_meta(content)}
        )
        if failure:
            self.troubles.append(Trouble(region, failure))
        self._answered()

    async def _ask_pages(self, web: Web) -> None:
        failures = []
        for place in self._places.pages:
            failure = await self._ask(web, place, self.page, lambda content: dict(regions_of_page(content)))
            if not failure:
                break
            failures.append(failure)
        else:
            self.troubles.append(Trouble(THE_PAGE, ". ".join(dict.fromkeys(failures))))
        self._answered()

    async def _ask(
        self,
        web: Web,
        place: str,
        into: dict[str, tuple[str, ...]],
        read: Callable[[bytes], dict[str, tuple[str, ...]]],
    ) -> str:
        """Ask one place, and put what it lists `into` the lists; return why that could not be, empty where it could."""
        from tui.regions.web import NotAnswered  # noqa: PLC0415

        last = self._kept.answers.get(place)
        try:
            answer = await (web.ask(place, last.etag, last.last_modified) if last else web.ask(place))
            if answer.content is None and last is not None:
                lists, self.remembered[place] = last.lists, last
            else:
                lists = read(answer.content or b"")
                self.remembered[place] = cache.Remembered(lists, answer.etag, answer.last_modified)
        except (NotAnswered, Unsound) as failure:
            return str(failure)
        into.update(lists)
        return ""
