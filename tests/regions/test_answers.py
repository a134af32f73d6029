"""What is read from an answer, and what is refused whole."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.regions.given import EUROPE, HTML, MARKDOWN, US
from tui.regions.answers import Listed, Unsound, addresses_of_meta, regions_of_page, sound

PAGE = (Listed("us-east1", US), Listed("europe-west1", EUROPE))


@pytest.mark.parametrize(
    ("document", "addresses"),
    [
        (["34.1.2.3", "34.1.2.4"], ("34.1.2.3", "34.1.2.4")),
        ("34.1.2.3", ("34.1.2.3",)),
        ({"static_ips": [{"ip": "34.1.2.3/32"}, {"ip": "34.1.2.4"}], "region": "us-east1"}, ("34.1.2.3", "34.1.2.4")),
        ({"egress": "34.1.2.3, 34.1.2.4", "version": "2026.11.3"}, ("34.1.2.3", "34.1.2.4")),
        ({"34.1.2.3": {"name": "nat-1"}, "34.1.2.4": None}, ("34.1.2.3", "34.1.2.4")),
        (["34.1.2.0/24", "2600:1900:0:0::/48", "2600:1901:0::9"], ("34.1.2.0/24", "2600:1900::/48", "2600:1901::9")),
        (["34.1.2.3", [["34.1.2.3"]], True, 7, 1.5], ("34.1.2.3",)),
    ],
)
def test_any_json_is_searched_for_addresses(document: Any, addresses: tuple[str, ...]) -> None:
    assert addresses_of_meta(json.dumps(document).encode()) == addresses


def test_a_key_that_is_there_twice_hides_nothing() -> None:
    assert addresses_of_meta(b'{"ip": "34.1.2.3", "ip": "34.1.2.4"}') == ("34.1.2.3", "34.1.2.4")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("10.0.0.1", "10.0.0.1 is of a private or reserved network"),
        ("192.168.7.0/24", "192.168.7.0/24 is of a private"),
        ("100.64.0.1", "100.64.0.1 is of a private"),
        ("203.0.113.5", "203.0.113.5 is of a private"),
        ("127.0.0.1", "a loopback address"),
        ("::1", "a loopback address"),
        ("169.254.169.254", "a link-local address"),
        ("224.0.0.1", "a multicast address"),
        ("ff0e::1", "a multicast address"),
        ("0.0.0.0", "the unspecified address"),
        ("::", "the unspecified address"),
        ("255.255.255.255", "a reserved address"),
        ("240.0.0.0/24", "a reserved address"),
        ("0.0.0.0/0", "0.0.0.0/0 is wider than /24"),
        ("::/0", "::/0 is wider than /48"),
        ("34.0.0.0/8", "wider than /24"),
        ("34.1.2.0/23", "wider than /24"),
        ("34.1.2.0/255.255.0.0", "wider than /24"),
        ("2600::/47", "wider than /48"),
        ("34.1.2.3/24", "34.1.2.3/24 has bits beyond its prefix"),
        ("2600::1/64", "bits beyond"),
        ("::ffff:34.1.2.3", "not written as an address"),
        ("fe80::1%eth0", "not written as an address"),
        ("fd00::1", "private"),
        ("2001:db8::1", "private"),
        ("2001::1", "reserved network"),
        ("2002:a00:1::1", "reserved network"),
        ("3fff::1", "reserved network"),
        ("192.88.99.1", "reserved network"),
        ("64:ff9b::a00:1", "reserved"),
        ("4000::1", "reserved"),
        ("34.1.2.300", "34.1.2.300 is no address"),
        ("34.1.2.3/33", "34.1.2.3/33 is no address"),
        ("34.01.2.3", "no address"),
        ("34.1.2.3:5432", "34.1.2.3:5432 is no address"),
        ("34.1.2.3-34.1.2.9", "no address"),
        ("2600::1/129", "no address"),
        ("34.1.2.3, 10.0.0.1", "10.0.0.1"),
    ],
)
def test_one_absurd_entry_refuses_the_whole_answer_and_is_named(entry: str, words: str) -> None:
    for document in ([entry], ["34.79.53.57", {"more": [entry]}], {entry: "34.79.53.57"}):
        with pytest.raises(Unsound) as caught:
            addresses_of_meta(json.dumps(document).encode())
        assert words in str(caught.value)
    page = MARKDOWN.replace("`34.79.53.57`", f"`{entry}`")
    with pytest.raises(Unsound, match=r"^Under europe-west1: ") as caught:
        regions_of_page(page.encode())
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"null", "no address"),
        (b"{}", "no address"),
        (b"[]", "no address"),
        (b'"bad gateway"', "no address"),
        (b"<!DOCTYPE html><html>Sign in</html>", "a page of HTML, not JSON"),
        (b'{"ip": "34.1.2.3"', "not JSON"),
        (b"[" * 1_000_000, "not JSON"),
        (b"1" * 100_000, "not JSON"),
        (b'{"ip": "\xff"}', "not UTF-8"),
        (b'["' + b'","'.join(b"34.1.%d.%d" % (n // 256, n % 256) for n in range(257)) + b'"]', "more than 256"),
    ],
)
def test_an_answer_without_a_list_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(Unsound, match=words):
        addresses_of_meta(content)


@pytest.mark.parametrize("page", [MARKDOWN, HTML, "\ufeff" + MARKDOWN, MARKDOWN.replace("\n", "\r\n")])
def test_the_page_is_read_as_markdown_and_as_html(page: str) -> None:
    assert regions_of_page(page.encode()) == PAGE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("**🇺🇸 us-east1**", "### :flag_us: us-east1"),
        ("**🇺🇸 us-east1**", "## **South Carolina (us-east1)**"),
        ("* `35", "- `35"),
        ("* `35.185.63.239`", "* **35.185.63.239**"),
        ("* `35.185.63.239`", "| `35.185.63.239` |"),
        ("* `35.185.63.239`\n* `104.196.59.4`", "`35.185.63.239`, `104.196.59.4`"),
        ("* `35", "These are its addresses:\n\n* `35"),
    ],
)
def test_the_page_may_be_written_a_little_differently(old: str, new: str) -> None:
    assert old in MARKDOWN
    assert regions_of_page(MARKDOWN.replace(old, new).encode()) == PAGE


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("* `35.185.63.239`\n* `104.196.59.4`\n", "", "Under us-east1: It holds no address"),
        ("`35.185.63.239`", "`35.185.63.239` until May", "other words in a line of addresses"),
        ("`35.185.63.239`", "from 35.185.63.239-35.185.63.250 on", "other words in a line of addresses"),
        ("gcp-us-east1.app", "gcp-us-east4.app", "Under us-east1 it links to the endpoint of us-east4"),
        ("carto.com/meta", "carto.com/other", "Under us-east1 it has no link"),
        ("* `104", "#### IPv6\n\n* `104", "Under us-east1 it has no link"),
        ("**", "", "lists no region"),
    ],
)
def test_a_page_of_another_form_is_not_guessed_at(old: str, new: str, words: str) -> None:
    assert old in MARKDOWN
    with pytest.raises(Unsound) as caught:
        regions_of_page(MARKDOWN.replace(old, new).encode())
    assert words in str(caught.value)


def test_a_page_of_too_many_regions_is_refused() -> None:
    one = MARKDOWN[MARKDOWN.index("**🇺🇸") : MARKDOWN.index("**🇪🇺")]
    many = "".join(one.replace("us-east1", f"us-east-{n}") for n in range(1, 66))
    with pytest.raises(Unsound, match="65 regions"):
        regions_of_page(many.encode())


_WORDS = st.one_of(
    st.ip_addresses().map(str),
    st.builds(lambda address, bits: f"{address}/{bits}", st.ip_addresses(v=4), st.integers(0, 33)),
    st.builds(lambda address, bits: f"{address}/{bits}", st.ip_addresses(v=6), st.integers(40, 129)),
    st.sampled_from(["34.79.53.57", "34.79.53.0/24", "2600:1900::/48", "34.79.53.57, 34.79.53.58", "us-east1", ""]),
    st.text(max_size=12),
)
_JSON = st.recursive(
    st.one_of(_WORDS, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_WORDS, inner, max_size=4)),
    max_leaves=8,
)
_LINES = st.lists(
    st.one_of(
        st.sampled_from(MARKDOWN.splitlines()),
        st.sampled_from(HTML.splitlines()),
        _WORDS.map("* `{}`".format),
        _WORDS.map("<li><code>{}</code></li>".format),
        st.text(max_size=30),
    ),
    max_size=25,
)


def _holds(text: str, address: str) -> bool:
    """Tell whether a text holds an address or network, in whatever spelling; nothing wider counts."""
    wanted = ipaddress.ip_network(address)
    for word in re.split(r"[^0-9A-Za-z.:/]+", text):
        try:
            if ipaddress.ip_network(word) == wanted:
                return True
        except ValueError:
            continue
    return False


def _is_safe(address: str) -> bool:
    network = ipaddress.ip_network(address)
    ends = network.network_address, network.broadcast_address
    return (
        network.prefixlen >= (24 if network.version == 4 else 48)
        and all(end.is_global and not end.is_multicast and not end.is_reserved for end in ends)
        and all(getattr(end, "ipv4_mapped", None) is None for end in ends)
    )


@given(_JSON)
@example(["34.79.53.57", "0.0.0.0/0"])
def test_no_json_opens_more_than_it_holds_or_anything_inside(document: Any) -> None:
    content = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        addresses = addresses_of_meta(content)
    except Unsound as unsound:
        assert str(unsound)
        return
    assert addresses
    for address in addresses:
        assert _is_safe(address)
        assert _holds(content.decode(), address)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    for read in (addresses_of_meta, regions_of_page):
        try:
            assert read(content)
        except Unsound as unsound:
            assert str(unsound)


@given(_LINES, st.booleans())
def test_no_page_opens_more_than_it_holds_or_anything_inside(lines: list[str], html: bool) -> None:
    text = ("<!doctype html>" if html else "") + "\n".join(lines)
    content = text.encode("utf-8", "surrogatepass")
    try:
        listed = regions_of_page(content)
    except Unsound as unsound:
        assert str(unsound)
        return
    for region in listed:
        assert region.region in text
        assert region.addresses
        for address in region.addresses:
            assert _is_safe(address)
            assert _holds(text, address)


@given(st.lists(_WORDS, max_size=6))
def test_what_is_sound_stays_as_it_is(texts: list[str]) -> None:
    try:
        once = sound(texts)
    except Unsound:
        return
    assert sound(once) == once
