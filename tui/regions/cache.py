"""What the last look at CARTO's lists found, kept in a file. It is only a file: what it says must be sound as well."""

from __future__ import annotations

import json
import os
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from tui import paths
from tui.connections import files
from tui.regions.answers import MOST_REGIONS, Unsound, is_region, sound
from tui.regions.model import Change, Region

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tui.regions.merging import Lists
    from tui.regions.model import Source

_VERSION = 1
_LARGEST = 4 * 1024 * 1024
_LATEST = 1e11  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an address answered last, and the marks that let it say that nothing changed since (RFC 9110, 8.8)."""

    lists: Lists
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Cache:
    """The regions as they were last seen, and the answers that said so, by the address that was asked."""

    regions: tuple[Region, ...] = ()
    answers: Mapping[str, Remembered] = field(default_factory=dict)


def place() -> Path:
    """Return the file."""
    return paths.cache_folder() / "regions.json"


def stamp() -> tuple[int, int, int] | None:
    """Return a cheap value that changes when the file does."""
    try:
        status = os.stat(place())  # noqa: PTH116 - Path.stat is the same
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def load() -> tuple[Cache, str]:
    """Return what is kept, and a sentence where it cannot be used: it is ignored then."""
    try:
        content = files.read_regular(place(), _LARGEST)
    except FileNotFoundError:
        return Cache(), ""
    except OSError as error:
        return Cache(), f"{place()} cannot be read and is ignored: {files.reason(error)}"
    try:
        return decode(content), ""
    except Unsound as unsound:
        return Cache(), f"{place()} is damaged and is ignored: {unsound}. The next --refresh writes it anew"


def locked() -> AbstractContextManager[None]:
    """Hold the file's lock, among processes; OSError where its folder cannot be written to."""
    return files.locked(place())


def save(cache: Cache) -> None:
    """Replace the file, whole or not at all; OSError where it cannot be written."""
    files.write_private(place(), encode(cache))


def encode(cache: Cache) -> bytes:
    """Return the text of the file."""
    document = {
        "version": _VERSION,
        "regions": [_region_to_json(region) for region in cache.regions],
        "answers": {
            asked: {"lists": answer.lists, "etag": answer.etag, "last_modified": answer.last_modified}
            for asked, answer in cache.answers.items()
        },
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def decode(content: bytes) -> Cache:
    """Return what a file holds; raise Unsound where any of it could not have been written here."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise Unsound("It is not JSON") from None
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise Unsound("It is of another version")
    regions, answers = document.get("regions"), document.get("answers")
    if not isinstance(regions, list) or not isinstance(answers, dict) or len(regions) > MOST_REGIONS:
        raise Unsound("It lacks its lists")
    return Cache(
        tuple(_region(value) for value in regions),
        {asked: _remembered(value) for asked, value in answers.items()},
    )


def _region_to_json(region: Region) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "region": region.region,
        "code": region.code,
        "addresses": list(region.addresses),
        "source": region.source,
        "fetched_at": region.fetched_at,
    }
    if region.changed is not None:
        kept |= {"added": list(region.changed.added), "removed": list(region.changed.removed)}
        kept["changed_at"] = region.changed_at
    return kept


def _region(value: Any) -> Region:
    if not isinstance(value, dict):
        raise Unsound("A region of it is none")
    source, code = value.get("source"), value.get("code")
    if not isinstance(source, str) or source not in {"live", "page", "built-in"}:
        raise Unsound("A region of it has no source")
    if not isinstance(code, str) or not re.fullmatch("[a-z]{0,30}", code):
        raise Unsound("A region of it has no code word")
    changed = changed_at = None
    if "changed_at" in value:
        changed = Change(_list(value.get("added"), empty=True), _list(value.get("removed"), empty=True))
        changed_at = _moment(value["changed_at"])
    name, addresses = _name(value.get("region")), _list(value.get("addresses"))
    return Region(name, code, addresses, cast("Source", source), _moment(value.get("fetched_at")), changed, changed_at)


def _remembered(value: Any) -> Remembered:
    if not isinstance(value, dict) or not isinstance(value.get("lists"), dict):
        raise Unsound("An answer of it has no lists")
    marks = value.get("etag"), value.get("last_modified")
    if not all(isinstance(mark, str) and mark.isascii() and mark.isprintable() for mark in marks):
        raise Unsound("An answer of it has no marks")
    lists = {_name(name): _list(addresses) for name, addresses in value["lists"].items()}
    return Remembered(lists, str(marks[0]), str(marks[1]))


def _name(value: Any) -> str:
    if not isinstance(value, str) or not is_region(value):
        raise Unsound("A region of it has no name")
    return value


def _list(value: Any, *, empty: bool = False) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(address, str) for address in value):
        raise Unsound("A list of it is none")
    return sound(value) if value or not empty else ()


def _moment(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _LATEST:
        raise Unsound("A time of it is none")
    return float(value)
