"""Commands of the Azure CLI, for the firewall rules of a flexible server. Pure.

The arguments changed with version 2.86: `--server-name` is the server and `--name` the rule; before, `--name` was the
server and `--rule-name` the rule.
"""

from __future__ import annotations

import re
from shlex import quote
from typing import TYPE_CHECKING

from tui.regions.networks import name_of
from tui.regions.rules.values import Inexpressible, Rules, only_ipv4, slug

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from tui.regions.rules.values import Wanted

_TARGET = re.compile(r"([\w().-]{0,89}[\w()-])/([a-z0-9][a-z0-9-]{1,61}[a-z0-9])")
_HOST = re.compile(r"([a-z0-9][a-z0-9-]{1,61}[a-z0-9])\.postgres\.database\.azure\.com", re.ASCII)
_OLDER = "# Azure CLI before 2.86: write --name for --server-name, and --rule-name for --name.\n"


def write(wanted: Wanted) -> Rules:
    """Return one command per address; running them again sets the same rules again."""
    group, server = _server(wanted)
    taken, notes = only_ipv4(wanted, "Azure")
    where = f"--resource-group {quote(group)} --server-name {quote(server)}"
    command = "az postgres flexible-server firewall-rule"
    create = [
        f"{command} create {where} \\\n    --name {rule} --start-ip-address {start} --end-ip-address {end}\n"
        for rule, start, end in named_ranges(wanted, taken)
    ]
    delete = [f"{command} delete {where} \\\n    --name {rule} --yes\n" for rule, _, _ in named_ranges(wanted, taken)]
    heading = wanted.heading + _OLDER
    return Rules(heading + "".join(create), heading + "".join(delete), (*_notes(group, server), *notes))


def named_ranges(wanted: Wanted, taken: list[IPv4Network]) -> list[tuple[str, str, str]]:
    """Return for each network the rule's name, always the same one, and its first and last address."""
    return [
        (
            f"carto-{slug(wanted.region)}-{re.sub('[./]', '-', name_of(network))}",
            str(network.network_address),
            str(network.broadcast_address),
        )
        for network in taken
    ]


def _server(wanted: Wanted) -> tuple[str, str]:
    """Return the resource group and the server: of the target, else of the host name, else placeholders."""
    if wanted.target:
        given = _TARGET.fullmatch(wanted.target)
        if given is None or given[1].startswith("-"):
            raise Inexpressible(
                "Azure's target is RESOURCE_GROUP/SERVER, the server as in SERVER.postgres.database.azure.com"
            )
        return given[1], given[2]
    found = _HOST.fullmatch(wanted.server.rstrip(".").lower())
    return "RESOURCE_GROUP", found[1] if found else "SERVER"


def _notes(group: str, server: str) -> list[str]:
    notes = [
        "Azure CLI before 2.86 named them otherwise: --name is the server there, and --rule-name the rule "
        "(now --server-name and --name)."
    ]
    open_ends = [word for word, value in (("RESOURCE_GROUP", group), ("SERVER", server)) if word == value]
    if open_ends:
        notes.append(
            f"{' and '.join(open_ends)}: --target RESOURCE_GROUP/SERVER sets {'them' if len(open_ends) > 1 else 'it'}; "
            "az postgres flexible-server list shows both."
        )
    return notes
