"""What matchers mean, here and on the server: application patterns and client networks. Pure.

In an application pattern `*` stands for any text and `?` for one character; everything else, case included, stands
for itself. Only these two, because the server must judge alike with LIKE when it folds groups.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def like(glob: str) -> str:
    r"""Return the LIKE pattern of an application pattern.

    >>> like("carto_*?")
    'carto\\_%_'
    """
    escaped = re.sub(r"([\\%_])", r"\\\1", glob)
    return escaped.replace("*", "%").replace("?", "_")


@lru_cache(maxsize=1024)
def _expression(globs: tuple[str, ...]) -> re.Pattern[str]:
    parts = (re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs)
    return re.compile("|".join(f"(?:{part})" for part in parts), re.DOTALL)


def application_matches(globs: tuple[str, ...], application: str) -> bool:
    """Return whether an application's name fits one of the patterns."""
    return bool(globs) and _expression(globs).fullmatch(application) is not None


@lru_cache(maxsize=1024)
def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:  # from a registry written by hand, or a region's directory
        return None


@lru_cache(maxsize=65536)
def client_matches(networks: tuple[str, ...], client: str) -> bool:
    """Return whether a client's address lies in one of the networks; False for what is no address."""
    try:
        address = ip_address(client)
    except ValueError:
        return False
    return any(address in network for network in map(_network, networks) if network is not None)


def valid_networks(networks: Iterable[str]) -> tuple[str, ...]:
    """Return the networks as the server reads them, each once and sorted; what is none is left out."""
    return tuple(sorted({str(network) for network in map(_network, networks) if network is not None}))
