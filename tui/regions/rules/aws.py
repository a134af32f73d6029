"""Commands of the AWS CLI, for the security group of an RDS or Aurora server. Pure."""

from __future__ import annotations

import json
import re
from shlex import quote
from typing import TYPE_CHECKING

from tui.regions.rules.values import Inexpressible, Rules

if TYPE_CHECKING:
    from tui.regions.rules.values import Network, Wanted

GROUP = re.compile(r"sg-[0-9a-f]{8,17}", re.ASCII)
_HOST = re.compile(r".*\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.amazonaws\.com(?:\.cn)?", re.ASCII)
_QUOTA = 60  # inbound rules of a group, for IPv4 and IPv6 each, where nobody raised it


def write(wanted: Wanted) -> Rules:
    """Return a script that adds one rule per address; one that is there already is no failure."""
    return Rules(
        wanted.heading
        + "# AWS calls a rule that is there already an error: here it is said and passed over, so this can run again.\n"
        + _script(wanted, "allow", "authorize", "InvalidPermission.Duplicate", "already there"),
        wanted.heading + _script(wanted, "revoke", "revoke", "InvalidPermission.NotFound", "not there"),
        notes(wanted),
    )


def notes(wanted: Wanted) -> tuple[str, ...]:
    """Return where to find the group's id, and whether its quota may be too small."""
    said = []
    if not wanted.target:
        said.append("SECURITY_GROUP_ID: --target sets it; aws rds describe-db-instances shows it as VpcSecurityGroups.")
    for version in (4, 6):
        many = sum(network.version == version for network in wanted.addresses)
        if many > _QUOTA:
            said.append(f"A security group takes {_QUOTA} inbound IPv{version} rules unless raised; these are {many}.")
    return tuple(said)


def _script(wanted: Wanted, function: str, verb: str, harmless: str, said: str) -> str:
    if wanted.target and not GROUP.fullmatch(wanted.target):
        raise Inexpressible("A security group's id looks like sg-0123456789abcdef0")
    found = _HOST.fullmatch(wanted.server.rstrip(".").lower())
    region = f" --region {quote(found[1])}" if found else ""
    described = wanted.label if verb == "authorize" else ""
    calls = "".join(
        f"{function} {quote(_permission(network, wanted.port, described))}\n" for network in wanted.addresses
    )
    return f"""\
(
set -eu
group={quote(wanted.target or "SECURITY_GROUP_ID")}
{function}() {{
    said=$(aws ec2 {verb}-security-group-ingress{region} --group-id "$group" \\
        --ip-permissions "$1" 2>&1) ||
        case $said in
            *{harmless}*) said="{said}: $1" ;;
            *) printf '%s\\n' "$said" >&2; exit 1 ;;
        esac
    printf '%s\\n' "$said"
}}
{calls})
"""


def _permission(network: Network, port: int, description: str) -> str:
    ranges, cidr = ("IpRanges", "CidrIp") if network.version == 4 else ("Ipv6Ranges", "CidrIpv6")
    source = {cidr: str(network)} | ({"Description": description} if description else {})
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, ranges: [source]}
    return json.dumps([permission], separators=(",", ":"))
