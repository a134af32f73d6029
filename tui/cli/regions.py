"""pgconns regions: CARTO's static addresses per region, where they come from, and own regions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from tui.cli.output import Output
    from tui.regions.directory import Refreshed
    from tui.regions.model import Region

EXAMPLES = """
pgconns regions
pgconns regions https://clausa.app.carto.com --json
pgconns regions --refresh --exit-code || echo "CARTO's addresses changed, or nobody answered"
pgconns regions my-datacenter --set 203.0.113.7,10.20.0.0/16
pgconns regions my-datacenter --remove --yes
"""
STATUSES = {
    Exit.DONE: "listed, entered or removed",
    Exit.BAD_NEWS: "--exit-code: this refresh found another list; or not removed: the answer was no",
    Exit.USAGE: "no such region, or an address that is not right",
    Exit.CANNOT_CONNECT: "--refresh: nothing usable was answered; what is known is listed",
    Exit.UNUSABLE_STORE: "the registry cannot be used",
}
_HEADERS = ("REGION", "CODE", "ADDRESSES", "SOURCE", "AGE", "CHANGED")


def add_arguments(parser: ArgumentParser) -> None:
    """Name a region, and say whether to ask, or what to enter."""
    parser.add_argument(
        "region", nargs="?", metavar="REGION", help="a name, or the code word or address of a tenant; all without one"
    )
    parser.add_argument(
        "--refresh", action="store_true", help="ask CARTO's endpoints and documentation; without it nobody is asked"
    )
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help="with --refresh, answer 1 when this run found a list changed; CHANGED shows a change until the next one",
    )
    parser.add_argument(
        "--set", action="append", metavar="ADDRESSES", help="enter an own region: addresses and networks, by commas"
    )
    parser.add_argument("--remove", action="store_true", help="forget an own region, after asking")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: Namespace, output: Output) -> int:
    """List regions, ask for them anew, or enter and remove own ones."""
    from tui.cli.output import Refused

    asked = [option for option in ("refresh", "set", "remove") if getattr(arguments, option)]
    if len(asked) > 1:
        raise Refused(f"--{asked[0]} and --{asked[1]} are two commands: give one of them")
    if arguments.exit_code and not arguments.refresh:
        raise Refused("--exit-code tells what --refresh found: give both")
    if (arguments.set or arguments.remove) and not arguments.region:
        raise Refused("An own region needs a name: pgconns regions NAME --set ADDRESSES")
    if arguments.set:
        return _set(arguments.region, arguments.set, output)
    if arguments.remove:
        return _remove(arguments.region, output, yes=arguments.yes)
    if arguments.refresh:
        return _refresh(arguments.region, output, exit_code=arguments.exit_code)
    return _list(arguments.region, output)


def _list(word: str | None, output: Output) -> int:
    from tui.regions.directory import look
    from tui.regions.telling import outdated

    directory = look()
    regions = _picked(directory.regions, word)
    for note in directory.notes:
        output.note(note)
    _show(regions, output)
    if old := outdated(regions, time.time()):
        output.note(old)
    return Exit.DONE


def _refresh(word: str | None, output: Output, *, exit_code: bool) -> int:
    import asyncio

    from tui.regions.directory import known, refresh
    from tui.regions.telling import troubles

    _picked(known(), word)  # a wrong word is told before anybody is asked
    output.progress("Asking CARTO for its addresses")
    found = asyncio.run(refresh(lambda done, total: output.progress(f"Asking CARTO: {done} of {total} answered")))
    regions = _picked(found.regions, word)
    for sentence in troubles(found.troubles):
        output.note(sentence)
    if not found.reached:
        output.note("Nothing usable was answered: the lists are those known before.")
    _show(regions, output, found)
    if not found.reached:
        return Exit.CANNOT_CONNECT
    changed = any(region.region in found.changed for region in regions)
    return Exit.BAD_NEWS if exit_code and changed else Exit.DONE


def _set(name: str, texts: Sequence[str], output: Output) -> int:
    from tui.connections import region_text
    from tui.connections.registry import Registry
    from tui.regions.directory import known

    words = [word for text in texts for word in text.split(",") if word.strip()]
    region, registry = region_text.region(name, words), Registry()
    _refuse_cartos(known(registry), region.name)
    registry.set_region(region)
    _show(_picked(known(registry), region.name), output)
    return Exit.DONE


def _remove(name: str, output: Output, *, yes: bool) -> int:
    from tui.cli import prompts
    from tui.cli.output import Refused
    from tui.connections.registry import Registry
    from tui.regions.directory import known

    registry = Registry()
    region = _picked(known(registry), name)[0]
    _refuse_cartos([region], region.region)
    if not yes:
        if not prompts.can_ask():
            raise Refused("Removing asks first, and nobody can be asked here: add --yes")
        if not prompts.confirmed(f"Remove the region {region.region} and its addresses from pgconns?"):
            output.note("Nothing was removed.")
            return Exit.BAD_NEWS
    registry.remove_region(region.region)
    if output.json:
        output.value({"region": region.region, "removed": True})
    else:
        output.line(f"Removed the region {region.region}.")
    return Exit.DONE


def _refuse_cartos(regions: Sequence[Region], name: str) -> None:
    from tui.cli.output import Refused

    if any(region.region == name and region.source != "own" for region in regions):
        raise Refused(f"{name} is CARTO's own region: only CARTO changes its addresses")


def _picked(regions: Sequence[Region], word: str | None) -> tuple[Region, ...]:
    from tui.regions.naming import find

    return tuple(regions) if word is None else (find(regions, word),)


def _show(regions: Sequence[Region], output: Output, found: Refreshed | None = None) -> None:
    if output.json:
        answer: dict[str, Any] = {"regions": [region.to_json() for region in regions]}
        if found is not None:
            answer["problems"] = [{"where": trouble.where, "message": trouble.sentence} for trouble in found.troubles]
        output.value(answer)
        return
    rows = [row for region in regions for row in _rows(region, apart=output.width is not None)]
    output.table(_HEADERS, rows, whole=frozenset({2}))
    changes = [_change(region) for region in regions if region.changed]
    if changes:
        output.block("\n".join(["", *changes]))


def _rows(region: Region, *, apart: bool) -> list[tuple[str, ...]]:
    """Return the lines of a region: on a terminal each address `apart`, in a pipe all on one, which grep finds."""
    addresses = region.addresses if apart else (", ".join(region.addresses),)
    first = (region.region, region.code or "–", addresses[0], region.source, _age(region.fetched_at), _sum(region))
    return [first, *(("", "", address, "", "", "") for address in addresses[1:])]


def _age(at: float | None) -> str:
    from tui.cli.durations import words

    return words(None if at is None else max(0.0, time.time() - at))


def _sum(region: Region) -> str:
    if not region.changed:
        return "–"
    return f"+{len(region.changed.added)} -{len(region.changed.removed)}"


def _change(region: Region) -> str:
    """Return a sentence with every address that a list gained and lost."""
    from tui.regions.telling import difference

    assert region.changed is not None  # noqa: S101 - the caller asked
    return f"{region.region} changed {_age(region.changed_at)} ago: {difference(region.changed)}"
