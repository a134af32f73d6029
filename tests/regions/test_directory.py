"""The regions as they are known: refreshed from a real server, kept, read again, and offline."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.regions.given import EUROPE, MARKDOWN, US, WebServer, status, text
from tui.connections.model import OwnRegion
from tui.connections.parameters import Problem
from tui.connections.registry import Registry
from tui.regions import cache
from tui.regions.directory import META, PAGE, THE_CACHE, THE_PAGE, Refreshed, addresses, known, look, places, refresh
from tui.regions.model import BUILT_IN
from tui.regions.web import Patience

if TYPE_CHECKING:
    from pathlib import Path

    from tests.regions.given import Request
    from tui.regions.model import Region

NAMES = [region.region for region in BUILT_IN]


def of(regions: tuple[Region, ...], name: str = "us-east1") -> Region:
    return next(region for region in regions if region.region == name)


def troubles(found: Refreshed) -> dict[str, str]:
    return dict(found.troubles)


def answer_all(carto: WebServer) -> None:
    """Answer with the lists that are built in, from every endpoint; the page lists the first two addresses of two."""
    for region in BUILT_IN:
        carto.answers[f"/{region.region}"] = text(json.dumps({"static": region.addresses}))
    carto.answers["/page"] = text(MARKDOWN)


@pytest.fixture
def file_for_a_folder(home: Path) -> None:
    """Let a file stand where the cache's folder would."""
    (home / ".cache").write_text("")


def test_without_a_look_the_built_in_lists_are_known() -> None:
    assert known() == BUILT_IN
    assert addresses()["us-east1"] == BUILT_IN[0].addresses
    assert not cache.place().parent.exists()


async def test_endpoints_come_first_then_the_page_then_what_was_known(carto: WebServer) -> None:
    carto.answers["/us-east1"] = text('{"ips": ["34.1.2.3"]}')
    carto.answers["/page"] = text(MARKDOWN)
    steps: list[tuple[int, int]] = []
    found = await refresh(lambda done, total: steps.append((done, total)))
    assert found.reached
    assert [region.region for region in found.regions] == NAMES
    assert [region.source for region in found.regions] == ["live", "page", "built-in", "built-in"]
    us, europe, asia, _ = found.regions
    assert (us.addresses, us.code) == (("34.1.2.3",), "clausa")
    assert europe.addresses == EUROPE
    assert asia == BUILT_IN[2]
    assert found.changed == ("us-east1", "europe-west1")
    assert us.changed is not None
    assert (us.changed.added, us.changed.removed) == (("34.1.2.3",), BUILT_IN[0].addresses)
    assert known() == found.regions
    assert steps[0] == (0, 5)
    assert steps[-1] == (5, 5)
    assert "status 404" in troubles(found)["europe-west1"]
    assert "only the endpoint lists 34.1.2.3; only the page lists 35.185.63.239" in troubles(found)["us-east1"]


async def test_a_second_look_that_finds_the_same_changes_nothing(carto: WebServer) -> None:
    answer_all(carto)
    first = await refresh()
    assert first.changed == ()
    assert {region.source for region in first.regions} == {"live"}
    carto.answers["/us-east1"] = text('["34.1.2.3"]')
    second = await refresh()
    assert second.changed == ("us-east1",)
    third = await refresh()
    assert third.changed == ()
    assert of(third.regions).changed == of(second.regions).changed
    assert of(third.regions).changed_at == of(second.regions).changed_at


async def test_304_confirms_the_list_that_came_with_the_mark(carto: WebServer) -> None:
    def answer(request: Request) -> None:
        if request.headers["If-None-Match"] == '"a"' or request.headers["If-Modified-Since"] == "then":
            request.say(b"", 304)
        else:
            marks = {"ETag": '"a"'} if request.path != "/page" else {"Last-Modified": "then"}
            request.say(MARKDOWN.encode() if request.path == "/page" else b'["34.1.2.3"]', headers=marks)

    carto.answers["/us-east1"] = carto.answers["/page"] = answer
    first = await refresh()
    assert of(first.regions).addresses == ("34.1.2.3",)
    carto.answers["/us-east1"] = status(500)
    second = await refresh()
    assert (of(second.regions).addresses, of(second.regions).source) == (US, "page")
    carto.answers["/us-east1"] = answer
    third = await refresh()
    assert (of(third.regions).addresses, of(third.regions).source) == (("34.1.2.3",), "live")
    assert of(third.regions).fetched_at != of(first.regions).fetched_at
    assert of(third.regions, "europe-west1").addresses == EUROPE


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (text("<!DOCTYPE html><html>Please sign in</html>"), "a page of HTML"),
        (text(""), "not JSON"),
        (text("[]"), "no address"),
        (text('["34.1.2.3", "10.0.0.1"]'), "10.0.0.1 is of a private"),
        (text('["34.1.2.3", "0.0.0.0/0"]'), "0.0.0.0/0 is wider than /24"),
        (status(502), "status 502"),
        (status(304, ""), "status 304"),
    ],
)
async def test_an_answer_that_is_not_sound_moves_nothing(carto: WebServer, answer: Any, words: str) -> None:
    answer_all(carto)
    carto.answers["/page"] = status(404)
    await refresh()
    before = known()
    for name in NAMES:
        carto.answers[f"/{name}"] = answer
    kept = cache.place().read_bytes()
    found = await refresh()
    assert found.regions == before == known()
    assert (found.reached, found.changed) == (False, ())
    assert all(words in troubles(found)[name] for name in NAMES)
    assert "status 404" in troubles(found)[THE_PAGE]
    assert cache.place().read_bytes() == kept


async def test_an_unsound_page_is_refused_whole(carto: WebServer) -> None:
    carto.answers["/page"] = text(MARKDOWN.replace("`35.195.132.75`", "`10.0.0.1`"))
    found = await refresh()
    assert (found.regions, found.reached) == (BUILT_IN, False)
    assert troubles(found)[THE_PAGE] == "Under europe-west1: 10.0.0.1 is of a private or reserved network"


async def test_a_region_that_only_the_page_lists_is_listed_and_asked(carto: WebServer) -> None:
    answer_all(carto)
    carto.answers["/page"] = text(MARKDOWN.replace("europe-west1", "europe-west9"))
    carto.answers["/europe-west9"] = text('["34.1.2.9"]')
    found = await refresh()
    new = of(found.regions, "europe-west9")
    assert (new.addresses, new.source, new.code) == (("34.1.2.9",), "live", "")
    assert found.changed == ("europe-west9",)
    carto.answers["/page"] = status(500)
    carto.answers["/europe-west9"] = status(500)
    assert of((await refresh()).regions, "europe-west9") == new


async def test_the_cache_is_private_and_checked_like_an_answer(carto: WebServer) -> None:
    carto.answers["/us-east1"] = text('["34.1.2.3"]')
    await refresh()
    assert cache.place().stat().st_mode & 0o777 == 0o600
    document = json.loads(cache.place().read_text())
    document["regions"][0]["addresses"].append("0.0.0.0/0")
    cache.place().write_text(json.dumps(document))
    directory = look()
    assert directory.regions == BUILT_IN
    (note,) = directory.notes
    assert "is damaged and is ignored: 0.0.0.0/0 is wider than /24" in note
    found = await refresh()
    assert note in troubles(found)[THE_CACHE]
    assert look() == (found.regions, ())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"version": 2}',
        b'{"version": 1}',
        b'{"version": 1, "regions": [7], "answers": {}}',
        b'{"version": 1, "regions": [], "answers": {"x": 7}}',
        b'{"version": 1, "regions": [{"region": "us-east1", "source": [], "code": ""}], "answers": {}}',
        b'{"version": 1, "regions": [{"region": "us-east1", "source": "own", "code": ""}], "answers": {}}',
    ],
)
def test_a_damaged_cache_is_ignored_and_told(content: bytes) -> None:
    cache.place().parent.mkdir(parents=True)
    cache.place().write_bytes(content)
    directory = look()
    assert directory.regions == BUILT_IN
    assert "is damaged and is ignored" in directory.notes[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("region", "my-dc"),
        ("region", None),
        ("code", "\u001b[31m"),
        ("code", 5),
        ("addresses", []),
        ("addresses", "34.1.2.3"),
        ("addresses", ["127.0.0.1"]),
        ("fetched_at", "now"),
        ("fetched_at", True),
        ("fetched_at", 10**400),
        ("fetched_at", float("nan")),
        ("changed_at", 1.0),
    ],
)
async def test_no_part_of_the_cache_is_taken_on_trust(carto: WebServer, key: str, value: Any) -> None:
    carto.answers["/us-east1"] = text('["34.1.2.3"]')
    await refresh()
    document = json.loads(cache.place().read_text())
    assert document["regions"][0]["region"] == "us-east1"
    document["regions"][0] = {**document["regions"][0], key: value, **({"added": 1} if key == "changed_at" else {})}
    cache.place().write_text(json.dumps(document))
    assert look().regions == BUILT_IN


async def test_what_cannot_be_kept_is_told_and_used_all_the_same(carto: WebServer, file_for_a_folder: None) -> None:
    carto.answers["/us-east1"] = text('["34.1.2.3"]')
    found = await refresh()
    assert of(found.regions).addresses == ("34.1.2.3",)
    assert found.changed == ("us-east1",)
    assert "cannot be kept" in troubles(found)[THE_CACHE]


async def test_two_looks_at_once_leave_a_whole_cache(carto: WebServer) -> None:
    answer_all(carto)
    first, second = await asyncio.gather(refresh(), refresh())
    assert {region.source for region in (*first.regions, *second.regions)} == {"live"}
    assert look().notes == ()


async def test_offline_says_so_for_each(carto: WebServer) -> None:
    carto.close()
    found = await refresh(patience=Patience(connect_s=2))
    assert (found.regions, found.reached) == (BUILT_IN, False)
    assert set(troubles(found)) == {*NAMES, THE_PAGE}
    assert all("cannot be reached: connection refused" in said.lower() for said in troubles(found).values())
    assert not cache.place().exists()


async def test_roots_that_cannot_be_read_are_told_of_each(carto: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    found = await refresh()
    assert set(troubles(found)) == {*NAMES, THE_PAGE}
    assert "SSL_CERT_FILE" in troubles(found)["us-east1"]


async def test_own_regions_are_listed_and_nobody_is_asked_for_them(carto: WebServer) -> None:
    Registry().set_region(OwnRegion("my-dc", ("10.1.0.0/16",)))
    answer_all(carto)
    found = await refresh()
    own = of(found.regions, "my-dc")
    assert (own.addresses, own.source, own.fetched_at, own.code) == (("10.1.0.0/16",), "own", None, "")
    assert known() == found.regions
    assert "/my-dc" not in [request.path for request in carto.asked]
    assert "my-dc" not in cache.place().read_text()


async def test_a_name_that_carto_took_since_then_is_told(carto: WebServer) -> None:
    Registry().set_region(OwnRegion("europe-west9", ("10.1.0.0/16",)))
    carto.answers["/page"] = text(MARKDOWN.replace("europe-west1", "europe-west9"))
    found = await refresh()
    assert of(found.regions, "europe-west9").source == "own"
    assert look().notes == ("CARTO has a region europe-west9 by now, which yours hides: give yours another name",)


def test_where_to_ask() -> None:
    assert places() == (META, (f"{PAGE}.md", PAGE))
    assert places().endpoint("us-east1") == "https://workspace-gcp-us-east1.app.carto.com/meta"


async def test_the_page_is_asked_for_as_markdown_then_as_html(
    carto: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.regions.given import HTML
    from tui.regions import directory

    monkeypatch.delenv("PGCONNS_REGIONS_PAGE")
    monkeypatch.setattr(directory, "PAGE", f"{carto.url}/page")
    carto.answers["/page"] = text(HTML, Content_Type="text/plain")
    found = await refresh()
    assert of(found.regions).addresses == US
    assert THE_PAGE not in troubles(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGCONNS_META_URL", "https://example.com/meta"),
        ("PGCONNS_META_URL", "http://example.com/{region}"),
        ("PGCONNS_META_URL", "{region}"),
        ("PGCONNS_REGIONS_PAGE", "http://example.com/"),
        ("PGCONNS_REGIONS_PAGE", "file:///etc/passwd"),
    ],
)
async def test_a_place_that_may_not_be_asked_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Problem, match=name):
        await refresh()
