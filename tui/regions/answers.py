"""What an endpoint or the documentation's page answers, read into addresses, or refused whole. Pure.

Firewalls are opened by these lists, so nothing is taken from an answer of which any part is wrong: not an address of a
private, loopback, multicast or otherwise special network, and no network wider than IPV4_WIDEST or IPV6_WIDEST. What
is published today are single addresses; a cloud's reserved block may well be a /24 (a routable unit, as is a /48), but
anything wider holds other customers of the same cloud.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IPV4_WIDEST, IPV6_WIDEST = 24, 48
MOST_ADDRESSES = 256
MOST_REGIONS = 64

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Clients on the internet have IPv6 addresses of this network only (RFC 4291), but for those that carry an IPv4
# address (6to4, RFC 3056), belong to protocols (Teredo among them, RFC 2928), or stand in books (RFC 9637).
_IPV6_UNICAST = ipaddress.IPv6Network("2000::/3")
_IPV6_SPECIAL = tuple(map(ipaddress.IPv6Network, ("2002::/16", "2001::/23", "3fff::/20")))
_IPV4_SPECIAL = (ipaddress.IPv4Network("192.88.99.0/24"),)  # relays of 6to4, withdrawn by RFC 7526
_KINDS = {
    "is_unspecified": "the unspecified address",
    "is_loopback": "a loopback address",
    "is_link_local": "a link-local address",
    "is_multicast": "a multicast address",
    "is_reserved": "a reserved address",
}
# What looks like an address and is none, such as 34.79.53.300 or a range, is nothing to overlook: the list has a hole.
_QUAD = re.compile(r"\d{1,3}(\.\d{1,3}){3}([-/:][\d.:/-]*)?", re.ASCII)
_HEX = re.compile(r"(?=.*::|(?:[^:]*:){7})[0-9a-fA-F:.]+(%\w*)?(/\S*)?", re.ASCII)
_TRACE = re.compile(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F]::|::[0-9a-fA-F]", re.ASCII)
_REGION = re.compile(r"(?<![a-z0-9-])[a-z]{2,20}(?:-[a-z]{2,20}){1,3}-?\d{1,2}(?![a-z0-9-])")
_ENDPOINT = re.compile(r"workspace-gcp-([a-z0-9-]{1,60})\.app\.carto\.com/meta")
_DIVIDERS = re.compile(r"[\s,;|`*•·]+|(?<=\s)[-+](?=\s)|^[-+](?=\s)")


class Unsound(ValueError):
    """An answer that is not to be used, not even in part; the sentence names the entry that is wrong."""


class Listed(NamedTuple):
    """A region, and its addresses as an answer lists them."""

    region: str
    addresses: tuple[str, ...]


def addresses_of_meta(content: bytes) -> tuple[str, ...]:
    """Return the addresses and networks that are texts of any JSON, keys among them; raise Unsound."""
    text = _decoded(content)
    try:
        document = json.loads(text, object_pairs_hook=tuple)  # pairs: a key that is there twice hides nothing
    except (ValueError, RecursionError):
        html = text.lstrip().startswith("<")
        raise Unsound("It is a page of HTML, not JSON" if html else "It is not JSON") from None
    return sound(address for text in _texts(document) for address in _addresses_in(text))


def regions_of_page(content: bytes) -> tuple[Listed, ...]:
    """Return the regions that the page lists, as Markdown or HTML; raise Unsound.

    A region is a heading (or a line in bold) with its name, lines of addresses, and a link to its endpoint. A page of
    another form is not guessed at: half a list would take addresses away.
    """
    found: dict[str, list[str]] = {}
    region = ""
    for line in _lines(_decoded(content)):
        if _is_heading(line):
            _refuse_open(region)
            named = _REGION.search(line)
            region = named[0] if named else ""
            if region:
                found.setdefault(region, [])
            continue
        if not region:
            continue
        endpoint = _ENDPOINT.search(line)
        if endpoint:
            if endpoint[1] != region:
                raise Unsound(f"Under {region} it links to the endpoint of {endpoint[1]}")
            region = ""
            continue
        found[region] += _addresses_of_line(line, region)
    _refuse_open(region)
    if not found:
        raise Unsound("It lists no region")
    if len(found) > MOST_REGIONS:
        raise Unsound(f"It lists {len(found)} regions, more than {MOST_REGIONS}")
    return tuple(Listed(name, _sound_under(name, texts)) for name, texts in found.items())


def sound(texts: Iterable[str]) -> tuple[str, ...]:
    """Return addresses and networks, each once and in its usual spelling; raise Unsound where one is not to be used."""
    found: dict[str, None] = {}
    for text in texts:
        network = _network(text)
        found[str(network.network_address if network.num_addresses == 1 else network)] = None
        if len(found) > MOST_ADDRESSES:
            raise Unsound(f"It holds more than {MOST_ADDRESSES} addresses")
    if not found:
        raise Unsound("It holds no address")
    return tuple(found)


def is_region(name: str) -> bool:
    """Tell whether a text is a region's name as CARTO writes them.

    >>> is_region("us-east1"), is_region("us-east1.evil.com")
    (True, False)
    """
    return _REGION.fullmatch(name) is not None


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unsound("It is not UTF-8 text") from None


def _texts(document: object) -> Iterator[str]:
    """Yield every text of a JSON value, in order; without recursion, however deep it is."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            waiting.extend(reversed(value))


def _addresses_in(text: str) -> list[str]:
    """Return the addresses of a text that holds nothing else: one, or several with commas or spaces between."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    return words if words and all(map(_looks_like_address, words)) else []


def _looks_like_address(word: str) -> bool:
    return (_QUAD.fullmatch(word) or _HEX.fullmatch(word)) is not None


def _network(text: str) -> Network:
    shown = text[:50]
    try:
        network = ipaddress.ip_network(text, strict=False)
        host = ipaddress.ip_interface(text).ip
    except ValueError:
        raise Unsound(f"{shown} is no address") from None
    widest = IPV4_WIDEST if isinstance(network, ipaddress.IPv4Network) else IPV6_WIDEST
    if network.prefixlen < widest:
        raise Unsound(f"{shown} is wider than /{widest}")
    kind = _special(network)
    if kind:
        raise Unsound(f"{shown} is {kind}")
    if host != network.network_address:
        raise Unsound(f"{shown} has bits beyond its prefix: it may mean one address, or all of {network}")
    return network


def _special(network: Network) -> str:
    """Return what keeps a network from being one of the internet; empty where nothing does."""
    ends = network.network_address, network.broadcast_address
    if isinstance(network, ipaddress.IPv6Network):
        if network.network_address.ipv4_mapped is not None or network.network_address.scope_id is not None:
            return "not written as an address of the internet"
        if any(network.overlaps(special) for special in _IPV6_SPECIAL):
            return "of a reserved network"
    elif any(network.overlaps(special) for special in _IPV4_SPECIAL):
        return "of a reserved network"
    for test, kind in _KINDS.items():
        if any(getattr(end, test) for end in ends):
            return kind
    unicast = isinstance(network, ipaddress.IPv4Network) or network.subnet_of(_IPV6_UNICAST)
    return "" if unicast and all(end.is_global for end in ends) else "of a private or reserved network"


def _lines(text: str) -> Iterable[str]:
    from tui.regions.page_text import is_html, lines_of_html  # noqa: PLC0415 - not to read what is kept here

    return lines_of_html(text) if is_html(text) else text.splitlines()


def _is_heading(line: str) -> bool:
    bare = line.strip()
    marked = bare.startswith("#") or (len(bare) > 4 and bare.startswith("**") and bare.endswith("**"))
    return marked and not _TRACE.search(bare)


def _refuse_open(region: str) -> None:
    if region:
        raise Unsound(f"Under {region} it has no link to the region's endpoint")


def _addresses_of_line(line: str, region: str) -> list[str]:
    words = [word for word in _DIVIDERS.split(line) if word]
    addresses = [word for word in words if _looks_like_address(word)]
    if len(addresses) < len(words) and _TRACE.search(line):
        raise Unsound(f"Under {region} stand other words in a line of addresses: {line.strip()[:50]}")
    return addresses


def _sound_under(region: str, texts: list[str]) -> tuple[str, ...]:
    try:
        return sound(texts)
    except Unsound as unsound:
        raise Unsound(f"Under {region}: {unsound}") from None
