"""The lines of CARTO's regions, what is said of one, and the firewalls that rules are written for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from tui.connections.parameters import Problem
from tui.regions.naming import find
from tui.regions.telling import difference
from tui.text import cells, pad, safe, shorten
from tui.widgets.cells import NOT_SEEN, duration, level_bar, wrap
from tui.widgets.live_table import Span, Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.regions.model import Region
    from tui.regions.rules import Rules

# The columns beside the region's name, each with its width.
_CODE, _MANY, _SOURCE, _AGE, _CHANGE = 11, 4, 9, 7, 9
_REST = 2 + _CODE + _MANY + 2 + _SOURCE + _AGE + _CHANGE
_BAR = 20


def region_heading(width: int) -> Spans:
    """Draw the titles of the columns."""
    name = pad("Region", max(7, width - _REST))
    titles = (pad("Code", _CODE), "Addr".rjust(_MANY), "  ", pad("Source", _SOURCE), pad("Age", _AGE), "Change")
    return (Span("  " + name + "".join(titles)),)


def region_spans(region: Region, cursor: bool, width: int, now: float) -> Spans:
    """Draw a region: its code word, how many addresses, where they are from, how old, and what changed."""
    age = NOT_SEEN if region.fetched_at is None else duration(max(0.0, now - region.fetched_at))
    return (
        Span("❯ " if cursor else "  ", "accent"),
        Span(pad(safe(region.region), max(7, width - _REST) - 1) + " ", "strong"),
        Span(pad(safe(region.code) or NOT_SEEN, _CODE), "plain" if region.code else "muted"),
        Span(str(len(region.addresses)).rjust(_MANY) + "  "),
        Span(pad(region.source, _SOURCE), "ok" if region.source == "live" else "plain"),
        Span(pad(age, _AGE), "muted"),
        Span(change_sign(region), "warning"),
    )


def change_sign(region: Region) -> str:
    """Return how many addresses a list gained and lost; empty where it never changed here.

    >>> from tui.regions.model import Change, Region
    >>> change_sign(Region("r", "", ("192.0.2.1",), changed=Change(("192.0.2.1",), ("192.0.2.2", "192.0.2.3"))))
    '! +1 −2'
    """
    if not region.changed:
        return ""
    counts = (("+", region.changed.added), ("−", region.changed.removed))
    return " ".join(("!", *(f"{sign}{len(some)}" for sign, some in counts if some)))


def matching(regions: Sequence[Region], text: str) -> tuple[Region, ...]:
    """Return the one region that a name, code word or tenant's address means, else all that hold the text.

    >>> from tui.regions.model import BUILT_IN
    >>> [region.code for region in matching(BUILT_IN, "https://pinea.app.carto.com/x")]
    ['pinea']
    >>> [region.code for region in matching(BUILT_IN, "34.7")]
    ['clausa', 'pinea']
    """
    wanted = text.strip().lower()
    if not wanted:
        return tuple(regions)
    try:
        return (find(regions, wanted),)
    except Problem:
        return tuple(
            region
            for region in regions
            if any(wanted in word.lower() for word in (region.region, region.code, *region.addresses))
        )


def why_none(regions: Sequence[Region], text: str) -> Content:
    """Say why no region is shown for a text."""
    try:
        found = find(regions, text)
    except Problem as problem:
        return Content.styled(safe(str(problem)), "$warning")
    return Content(safe(found.region))


def region_words(region: Region, now: float, width: int, height: int) -> Content:
    """Say the addresses of a region and what changed, in at most `height` lines of `width`; "…" marks a cut."""
    changed = wrap(safe(_changed(region, now)), width) if region.changed else []
    below = _cut(changed, width, max(1, height - 1))
    shown = _cut(wrap(safe(", ".join(region.addresses)), width), width, max(1, height - len(below)))
    parts = [Content("\n".join(shown))]
    if below:
        parts.append(Content.styled("\n".join(below), "$warning"))
    return Content("\n").join(parts)


def _changed(region: Region, now: float) -> str:
    if not region.changed:
        return ""
    ago = f" {duration(max(0.0, now - region.changed_at))} ago" if region.changed_at is not None else ""
    return f"! changed{ago}: {difference(region.changed)}"


def _cut(lines: list[str], width: int, height: int) -> list[str]:
    if len(lines) <= height:
        return lines
    return [*lines[: height - 1], shorten(lines[height - 1] + " " + lines[height], width)]


def firewall_tabs(firewalls: Sequence[str], chosen: str, width: int, *, undo: bool) -> Content:
    """Return the firewalls with the chosen one marked, as many of them around it as there is room for."""
    label = "undo for  " if undo else "rules for  "
    names = [f"[{name}]" if name == chosen else f" {name} " for name in firewalls]
    first = last = firewalls.index(chosen)
    room = width - cells(label) - 2 * 2  # an ellipsis on either side
    while True:
        used = sum(map(len, names[first : last + 1]))
        if last + 1 < len(names) and used + len(names[last + 1]) <= room:
            last += 1
        elif first > 0 and used + len(names[first - 1]) <= room:
            first -= 1
        else:
            break
    parts = [Content.styled(label, "$warning" if undo else "$muted"), Content.styled("… " * (first > 0), "$muted")]
    parts += [Content.styled(name, "bold $accent" if name.startswith("[") else "") for name in names[first : last + 1]]
    parts.append(Content.styled(" …" * (last + 1 < len(names)), "$muted"))
    return Content("").join(parts)


def rules_content(rules: Rules, notes: Sequence[str], *, undo: bool) -> Content:
    """Return the rules or their undo, with what one should know about them above: it must be read before."""
    text = rules.undo if undo else rules.rules
    lines = [Content.styled(f"! {safe(note)}", "$warning") for note in notes]
    lines += [
        Content.styled(safe(line), "$muted" if line.startswith("#") else "") for line in text.rstrip("\n").split("\n")
    ]
    return Content("\n").join(lines)


def progress_words(done: int, total: int) -> Content:
    """Say how many have answered, with a bar."""
    if not total:
        return Content("Asking CARTO for its addresses…")
    bar = level_bar(done, 0, total, _BAR)
    return Content.assemble(
        f"Asking CARTO: {done} of {total} answered  ", (bar.own, "$accent"), (bar.free, "$muted"), "  esc stops it"
    )
