"""A script of the Google Cloud CLI, for the authorized networks of a Cloud SQL instance. Pure.

`gcloud sql instances patch --authorized-networks` replaces the whole list, and sends values only: an entry's name and
expiry time are lost (googlecloudsdk/command_lib/sql/instances.py, SetAuthorizedNetworks). So the list is read first,
and an entry that would expire stops it: without its time it would stay for ever.
"""

from __future__ import annotations

import re
from shlex import quote
from typing import TYPE_CHECKING

from tui.regions.networks import name_of
from tui.regions.rules.values import Inexpressible, Rules, only_ipv4

if TYPE_CHECKING:
    from tui.regions.rules.values import Wanted

_INSTANCE = re.compile(r"[a-z][a-z0-9-]{0,97}", re.ASCII)
_READ = (
    "# gcloud replaces the whole list, so the networks that are there already are read and kept, without their names.\n"
)
_ADD = """\
    case ",$networks," in
        *",$1,"* | *",$1/32,"*) ;;
        ,,) networks=$1 ;;
        *) networks=$networks,$1 ;;
    esac
"""
_REMOVE = """\
    for network in "$1" "$1/32"; do
        case ",$networks," in
            ",$network,") networks= ;;
            ",$network,"*) networks=${networks#"$network,"} ;;
            *",$network,") networks=${networks%",$network"} ;;
            *",$network,"*) networks=${networks%%",$network,"*},${networks#*",$network,"} ;;
        esac
    done
"""
_PATCH = """\
    gcloud sql instances patch "$instance" --authorized-networks="$networks"
"""
_PATCH_OR_CLEAR = """\
    if [ -n "$networks" ]; then
        gcloud sql instances patch "$instance" --authorized-networks="$networks"
    else
        gcloud sql instances patch "$instance" --clear-authorized-networks
    fi
"""


def write(wanted: Wanted) -> Rules:
    """Return a script that merges the addresses into the instance's list, and one that takes them out."""
    if wanted.target and not _INSTANCE.fullmatch(wanted.target):
        raise Inexpressible("A Cloud SQL instance's name holds lower-case letters, digits and hyphens")
    taken, notes = only_ipv4(wanted, "Cloud SQL")
    addresses = [name_of(network) for network in taken]
    said = ["gcloud keeps no names of authorized networks: those that the instance has now lose theirs.", *notes]
    if not wanted.target:
        said.append("INSTANCE: --target sets it; gcloud sql instances list shows them.")
    return Rules(
        wanted.heading + _READ + _script(wanted, "add", _ADD, addresses, _PATCH),
        wanted.heading + _READ + _script(wanted, "remove", _REMOVE, addresses, _PATCH_OR_CLEAR),
        tuple(said),
    )


def _script(wanted: Wanted, function: str, body: str, addresses: list[str], patch: str) -> str:
    calls = "".join(f"{function} {address}\n" for address in addresses)
    return f"""\
(
set -eu
instance={quote(wanted.target or "INSTANCE")}
list() {{
    gcloud sql instances describe "$instance" --format="value(settings.ipConfiguration.authorizedNetworks[].$1.list())"
}}
networks=$(list value)
expiring=$(list expirationTime)
case $expiring in
    *[0-9]*)
        echo "A network of $instance has an expiry time, which gcloud would lose: use the cloud's console" >&2
        exit 1
        ;;
esac
{function}() {{
{body}}}
before=$networks
{calls}if [ "$networks" = "$before" ]; then
    echo "Nothing to change: $before"
else
{patch}fi
)
"""
