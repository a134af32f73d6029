"""What rules are written from and what is written, and how names become parts of them. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from tui.regions.networks import name_of
from tui.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SLUG = 32
# What descriptions and comments of every firewall take. An interactive zsh runs pasted comment lines as commands, so
# nothing that a shell would act on stands in one.
_NO_LABEL = re.compile(r"[^A-Za-z0-9 .,_:/@+=-]")
_LABEL = 100


class Inexpressible(ValueError):
    """What is wanted cannot be said in this firewall's language; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be let in, and to what. An empty database, role or target becomes a placeholder.

    `origin` says where the addresses come from; `server` is the host name of the Connection, `target` what a
    firewall's rules are put into, see `rules.TARGETS`.
    """

    region: str
    origin: str
    addresses: tuple[Network, ...]
    connection: str = ""
    database: str = ""
    role: str = ""
    port: int = 5432
    sslmode: str = "require"
    server: str = ""
    target: str = ""

    def __post_init__(self) -> None:
        """Refuse what would not stand in the rules as it is: a line break, or what a terminal would not show."""
        for what in ("region", "connection", "database", "role", "server", "target"):
            if safe(getattr(self, what)) != getattr(self, what):
                raise Inexpressible(
                    f"The {what}'s name holds characters that cannot be shown, such as a line break: "
                    "rules with it must be written by hand"
                )

    @property
    def title(self) -> str:
        """The region, and the Connection where there is one, for people."""
        return f"CARTO {self.region}" + (f" for {self.connection}" if self.connection else "")

    @property
    def label(self) -> str:
        """The title in letters that every firewall's comments take."""
        return _NO_LABEL.sub("-", self.title)[:_LABEL]

    @property
    def identifier(self) -> str:
        """A name for tables, sets and resources of this region, always the same one: carto_us_east1."""
        return f"carto_{slug(self.region).replace('-', '_')}"

    @property
    def heading(self) -> str:
        """A comment line that says what the rules are for and where the addresses come from."""
        many = f"{len(self.addresses)} address{'es' * (len(self.addresses) > 1)}"
        return f"# {self.label}: {many}, {_NO_LABEL.sub('-', self.origin)}.\n"


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules and what takes them out again, ready to paste; `notes` are sentences for the person."""

    rules: str
    undo: str
    notes: tuple[str, ...] = ()


def networks(addresses: Iterable[str]) -> tuple[Network, ...]:
    """Return addresses and networks as networks, each once, in their order. Raises Inexpressible.

    >>> [str(network) for network in networks(["192.0.2.1", "192.0.2.1/32", "2001:db8::/64"])]
    ['192.0.2.1/32', '2001:db8::/64']
    """
    found = []
    for address in addresses:
        try:
            network = ipaddress.ip_network(address, strict=False)
        except ValueError:
            network = None
        if network is None or "%" in address:  # a zone is any text, and means something on its own machine only
            raise Inexpressible(f"{safe(address)} is no address and no network")
        if network.prefixlen == 0:
            raise Inexpressible(f"{network} is everybody: no rule is written that opens a server to all")
        found.append(network)
    return tuple(dict.fromkeys(found))


def only_ipv4(wanted: Wanted, firewall: str) -> tuple[list[ipaddress.IPv4Network], tuple[str, ...]]:
    """Return the IPv4 networks, and a note that names the others. Raises Inexpressible where none is left."""
    taken = [network for network in wanted.addresses if isinstance(network, ipaddress.IPv4Network)]
    left = [name_of(network) for network in wanted.addresses if network.version == 6]
    if not taken:
        raise Inexpressible(f"{firewall} takes IPv4 addresses only, and {wanted.region} has none")
    return taken, (f"{firewall} takes IPv4 addresses only: {', '.join(left)} cannot be let in.",) if left else ()


def slug(name: str) -> str:
    """Return a name in lower-case letters, digits and hyphens; different names give different ones.

    >>> slug("us-east1"), slug("Our site")
    ('us-east1', 'our-site-e4e3a592')
    """
    kept = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_SLUG].strip("-")
    return kept if kept and kept == name else f"{kept or 'region'}-{crc32(name.encode()):08x}"


def aligned(pairs: Sequence[tuple[str, str]], indent: int) -> str:
    """Return lines `name = value` with their equals signs under each other, as `terraform fmt` leaves them."""
    widest = max(len(name) for name, _ in pairs)
    return "".join(f"{' ' * indent}{name:<{widest}} = {value}\n" for name, value in pairs)
