"""Which region a word means: its name, the code word of a tenant, or a tenant's address pasted whole. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tui.connections.parameters import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.regions.model import Region

_DOMAIN = ".app.carto.com"
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@]*@)?([^/?#:@]*)")


def find(regions: Sequence[Region], text: str) -> Region:
    """Return the region that a name, a code word or the address of a tenant means; raise Problem.

    >>> from tui.regions.model import BUILT_IN
    >>> find(BUILT_IN, "https://clausa.app.carto.com/workspace").region
    'us-east1'
    """
    word = _word(text)
    for region in regions:
        if word and word in {region.region, region.code}:
            return region
    raise Problem(f"No region is called {word[:63] or 'that'}{_near(regions, word)}")


def unknown(regions: Sequence[Region], name: str) -> str:
    """Return a sentence about a Connection's region that nobody knows; empty where it is known, or none is named."""
    if not name or any(region.region == name for region in regions):
        return ""
    return (
        f"No region is called {name}{_near(regions, name)}; its sockets cannot be told by their addresses. One of "
        f"yours is entered with pgconns regions {name} --set ADDRESSES"
    )


def _word(text: str) -> str:
    host = _HOST.match(text.strip().lower())
    word = host[1].rstrip(".") if host else ""
    if not word.endswith(_DOMAIN):
        return word
    return word.removesuffix(_DOMAIN).removeprefix("workspace-gcp-")


def _near(regions: Sequence[Region], word: str) -> str:
    import difflib  # noqa: PLC0415 - only needed for a mistake

    words = [word for region in regions for word in (region.region, region.code) if word]
    near = difflib.get_close_matches(word, words, n=1)
    if near:
        return f": did you mean {near[0]}?"
    return f": there are {', '.join(region.region for region in regions)}"
