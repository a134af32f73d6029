"""Own regions in the text of a registry: [[regions]] tables of a name and addresses, read and edited. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from tui.connections import toml_tables
from tui.connections.model import OwnRegion
from tui.connections.parameters import Problem
from tui.connections.registry_text import HEADER, UNEDITABLE, Content, TextError, is_credential, read, reads_as

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.connections.toml_tables import Entry

# CARTO's own regions and their code words: nobody's addresses may pass for them.
RESERVED = frozenset(
    {
        *("us-east1", "europe-west1", "asia-northeast1", "australia-southeast1"),
        *("clausa", "pinea", "thunbergil", "radiata"),
    }
)
# Whoever lets in more than this has opened the door, and no list of addresses is needed.
WIDEST = 8
_ARRAY = "regions"
_KNOWN = frozenset({"name", "addresses"})
_NAME = r"[a-z0-9][a-z0-9_.-]{0,62}"


def region(name: str, addresses: Iterable[str]) -> OwnRegion:
    """Return a region of a name and addresses that people typed; raise Problem."""
    return OwnRegion(_name(name), _addresses(addresses))


def _name(text: str) -> str:
    text = text.strip()
    if not re.fullmatch(_NAME, text):
        raise Problem(
            "A region's name has 1 to 63 small letters, digits, hyphens, dots or underscores, such as my-datacenter"
        )
    if text in RESERVED:
        raise Problem(f"{text} is CARTO's own: give a region of yours another name")
    return text


def _addresses(texts: Iterable[str]) -> tuple[str, ...]:
    addresses = dict.fromkeys(_address(text.strip()) for text in texts)
    if not addresses:
        raise Problem("The region has no address: write those that its sockets come from")
    return tuple(addresses)


def _address(text: str) -> str:
    shown = text[:50]
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Problem(f"{shown} is no address or network: write 203.0.113.7, 10.1.0.0/16 or 2001:db8::/48") from None
    first, last = network.network_address, network.broadcast_address
    if "%" in text or (isinstance(first, ipaddress.IPv6Address) and first.ipv4_mapped is not None):
        raise Problem(f"{shown} is no address that a server sees: write it plainly, such as 203.0.113.7")
    if network.prefixlen < WIDEST:
        raise Problem(f"{shown} is wider than /{WIDEST}: that lets nearly everybody in; name the networks themselves")
    for kind in ("unspecified", "loopback", "multicast"):
        if getattr(first, f"is_{kind}") or getattr(last, f"is_{kind}"):
            raise Problem(f"{shown} is {'an' if kind[0] == 'u' else 'a'} {kind} address: no socket comes from there")
    if "/" in text and ipaddress.ip_interface(text).ip != first:
        raise Problem(f"{shown} has bits beyond its prefix: write {network}, or the address alone")
    return str(first) if network.num_addresses == 1 else str(network)


def regions(text: str, tables: object) -> tuple[OwnRegion, ...]:
    """Return the regions of a registry's `regions`; raise TextError, which names the place and what is right."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise TextError("each region starts with a line [[regions]]", toml_tables.line_of_key(text, _ARRAY))
    found: dict[str, OwnRegion] = {}
    for number, table in enumerate(tables):
        one = _region(table, text, number)
        if one.name in found:
            raise TextError(f"the region {one.name!r} is there twice: keep one", _line(text, number, "name"))
        found[one.name] = one
    return tuple(found.values())


def _region(table: dict[str, Any], text: str, number: int) -> OwnRegion:
    for key in table:
        if key not in _KNOWN and is_credential(key):
            raise TextError(f"{key}: no secret belongs here; take it out", _line(text, number, key))
    name, addresses = table.get("name", ""), table.get("addresses", [])
    if not isinstance(name, str):
        raise TextError('name: The name is a text, in quotes: name = "..."', _line(text, number, "name"))
    if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
        raise TextError(
            'addresses: They are a list of texts: addresses = ["...", "..."]', _line(text, number, "addresses")
        )
    key = "name"
    try:
        name, key = _name(name), "addresses"
        return OwnRegion(name, _addresses(addresses))
    except Problem as problem:
        raise TextError(f"{key}: {problem}", _line(text, number, key)) from None


def block(region: OwnRegion) -> str:
    """Return the lines of one region."""
    import tomlkit  # noqa: PLC0415 - only needed to write

    return "\n[[regions]]\n" + tomlkit.dumps({"name": region.name, "addresses": list(region.addresses)})


def with_set(text: str, region: OwnRegion) -> str:
    """Return the text with a region entered, at its end, or with its addresses changed where it stands."""
    region = region._replace(read_only=False)
    before = read(text)
    names = [one.name for one in before.regions]
    if region.name not in names:
        wanted = before._replace(regions=(*before.regions, region))
        return _verified(
            toml_tables.with_block(text, block(region)) if text.strip() else HEADER + block(region), wanted
        )
    number = names.index(region.name)
    _entry(text, before, number)
    changed = text
    if before.regions[number].addresses != region.addresses:
        table = {"addresses": list(region.addresses)}
        changed = toml_tables.with_named(text, _ARRAY, number, table, table)
    new = (*before.regions[:number], region, *before.regions[number + 1 :])
    return _verified(changed, before._replace(regions=new))


def without(text: str, name: str) -> str:
    """Return the text without a region, and without the comment that stands right above it."""
    before = read(text)
    number = [one.name for one in before.regions].index(name)
    rest = before.regions[:number] + before.regions[number + 1 :]
    return _verified(toml_tables.without(text, _entry(text, before, number)), before._replace(regions=rest))


def _verified(text: str, wanted: Content) -> str:
    if not reads_as(text, wanted):
        raise TextError(UNEDITABLE)
    return text


def _entry(text: str, before: Content, number: int) -> Entry:
    entries = toml_tables.entries(text, _ARRAY)
    if len(entries) != len(before.regions):
        raise TextError("pgconns edits regions that start with a line [[regions]]: write them so")
    return entries[number]


def _line(text: str, number: int, key: str) -> int:
    return toml_tables.line(text, _ARRAY, number, key)
