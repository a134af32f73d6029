"""Commands for ufw, the firewall of Ubuntu. Pure."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from tui.regions.networks import name_of
from tui.regions.rules.values import Rules

if TYPE_CHECKING:
    from tui.regions.rules.values import Wanted


def write(wanted: Wanted) -> Rules:
    """Return one `ufw allow` per address; ufw skips those it has already."""
    rules = [
        f"proto tcp from {name_of(network)} to any port {wanted.port}" for network in wanted.addresses
    ]  # fmt: skip
    allow = "".join(f"ufw allow {rule} comment {quote(wanted.label)}\n" for rule in rules)
    delete = "".join(f"ufw delete allow {rule}\n" for rule in rules)
    notes = ["Run it as root. The first rule that matches decides: where a rule denies the port already, "
             "write ufw prepend allow for ufw allow."]  # fmt: skip
    if any(network.version == 6 for network in wanted.addresses):
        notes.append("ufw takes the IPv6 addresses only with IPV6=yes in /etc/default/ufw.")
    return Rules(wanted.heading + allow, wanted.heading + delete, tuple(notes))
