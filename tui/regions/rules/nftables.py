"""A file for `nft -f`: the addresses as sets, and a chain of its own that the chain which drops jumps to first. Pure.

A table of its own could let nobody in: an accept ends only its own base chain, and a drop in any other one is final
(nft(8), overall evaluation of the ruleset). So the rules stand where the packets would be dropped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tui.regions.networks import name_of
from tui.regions.rules.values import Inexpressible, Rules

if TYPE_CHECKING:
    from tui.regions.rules.values import Network, Wanted

_USUAL = "inet filter input"  # of the files that distributions ship
_TARGET = re.compile(r"(inet|ip6?) ([A-Za-z_][\w.-]{0,63}) ([A-Za-z_][\w.-]{0,63})", re.ASCII)
_KINDS = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}


def write(wanted: Wanted) -> Rules:
    """Return a file that can be loaded again, and the commands that take out what it made."""
    target = _TARGET.fullmatch(wanted.target or _USUAL)
    if target is None:
        raise Inexpressible(
            "nftables' target is 'FAMILY TABLE CHAIN' such as 'inet filter input'; families: inet, ip, ip6"
        )
    family, table, chain = target.groups()
    own = f"{wanted.identifier}_{wanted.port}"
    groups: dict[int, list[Network]] = {}
    left = []
    for network in wanted.addresses:
        if family == "inet" or _KINDS[network.version][0] == family:
            groups.setdefault(network.version, []).append(network)
        else:
            left.append(name_of(network))
    if not groups:
        raise Inexpressible(f"A chain of the family {family} takes none of the addresses of {wanted.region}")
    place = f"{family} {table}"
    lines = [] if wanted.target else _usual_chain()
    lines += [f"add chain {place} {own}", f"flush chain {place} {own}"]
    for version, some in groups.items():
        lines += _set(place, f"{own}_ipv{version}", version, some)
    lines += [
        f"add rule {place} {own} {_KINDS[version][0]} saddr @{own}_ipv{version} tcp dport {wanted.port} counter accept"
        for version in groups
    ]
    lines += [
        "# First in the chain that drops. Loaded again, a second jump does no harm.",
        f"insert rule {place} {chain} jump {own}",
    ]
    rules = (
        f"{wanted.heading}"
        "# For nft -f. To last, include it at the end of /etc/nftables.conf. Policies and other rules stay.\n"
        f"# It opens the chain {family} {table} {chain}. A drop in another base chain stays: see nft list ruleset.\n"
    )
    return Rules(rules + "\n".join(lines) + "\n", _undo(wanted, place, chain, own), _notes(wanted, left))


def _usual_chain() -> list[str]:
    # Without a policy: a chain that is there keeps its own.
    return ["add table inet filter", "add chain inet filter input { type filter hook input priority filter; }"]


def _set(place: str, name: str, version: int, some: list[Network]) -> list[str]:
    elements = ", ".join(map(name_of, some))
    return [
        f"add set {place} {name} {{ type {_KINDS[version][1]}; flags interval; auto-merge; }}",
        f"flush set {place} {name}",
        f"add element {place} {name} {{ {elements} }}",
    ]


def _undo(wanted: Wanted, place: str, chain: str, own: str) -> str:
    return f"""\
{wanted.heading}# In a root shell. Take the file out of /etc/nftables.conf, too.
(
set -eu
handles=$(nft -a list chain {place} {chain} | sed -n 's/^[[:space:]]*jump {own} # handle \\([0-9]*\\)$/\\1/p')
printf '%s\\n' "$handles" | while read -r handle; do
    [ -z "$handle" ] || nft delete rule {place} {chain} handle "$handle"
done
nft delete chain {place} {own}
for own_set in {own}_ipv4 {own}_ipv6; do
    if nft list set {place} "$own_set" >/dev/null 2>&1; then nft delete set {place} "$own_set"; fi
done
)
"""


def _notes(wanted: Wanted, left: list[str]) -> tuple[str, ...]:
    notes = ["ufw and firewalld write their own nftables rules: where one of them runs, use it instead."]
    if not wanted.target:
        notes.insert(0, f"The chain is {_USUAL}; --target names another, such as 'ip filter INPUT'.")
    if left:
        notes.append(f"A chain of this family cannot let in {', '.join(left)}: use a chain of the family inet.")
    return tuple(notes)
