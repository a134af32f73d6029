"""Terraform configuration for AWS, Google Cloud and Azure. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tui.regions.networks import name_of
from tui.regions.rules import aws, azure
from tui.regions.rules.values import Inexpressible, Rules, aligned, only_ipv4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.regions.rules.values import Wanted

# A reference such as aws_security_group.db.id, var.groups["db"] or module.db[0].id.
_REFERENCE = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\[(?:\d+|\"[\w.-]+\")\])+", re.ASCII)
_ID = re.compile(r"/subscriptions/[\w/().-]+")


def string(text: str) -> str:
    """Return a text as HCL reads it back: templates (`${` and `%{`) mean themselves.

    >>> print(string('a "b" ${c}'))
    "a \\"b\\" $${c}"
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    return f'"{escaped}"'


def write_aws(wanted: Wanted) -> Rules:
    """Return one resource per version of IP, with a rule per address."""
    if wanted.target and not (aws.GROUP.fullmatch(wanted.target) or _REFERENCE.fullmatch(wanted.target)):
        raise Inexpressible(
            "The target is a security group's id (sg-...), or an expression such as aws_security_group.db.id"
        )
    kind = "aws_vpc_security_group_ingress_rule"
    blocks, names = [], []
    for version in (4, 6):
        some = [network for network in wanted.addresses if network.version == version]
        if some:
            names.append(f"{kind}.{wanted.identifier}_ipv{version}")
            arguments = [
                ("security_group_id", _expression(wanted.target or "SECURITY_GROUP_ID")),
                (f"cidr_ipv{version}", "each.value"),
                ("ip_protocol", '"tcp"'),
                ("from_port", str(wanted.port)),
                ("to_port", str(wanted.port)),
                ("description", string(wanted.label)),
            ]
            blocks.append(
                f'resource "{kind}" "{wanted.identifier}_ipv{version}" {{\n'
                f"  for_each = toset({_list([str(network) for network in some], 2)})\n\n"
                f"{aligned(arguments, 2)}}}\n"
            )
    notes = (
        "A security group whose rules stand inside aws_security_group (ingress blocks) takes none beside it: "
        "put the addresses there then.",
    )
    return Rules(wanted.heading + "\n".join(blocks), _undo(wanted, names), (*notes, *aws.notes(wanted)))


def write_google(wanted: Wanted) -> Rules:
    """Return a local list, and the block that belongs inside the instance's ip_configuration."""
    taken, notes = only_ipv4(wanted, "Cloud SQL")
    name = wanted.identifier
    rules = (
        f"{wanted.heading}locals {{\n"
        f"  {name} = {_list([name_of(network) for network in taken], 2)}\n}}\n\n"
        "# Into ip_configuration of the google_sql_database_instance, beside the authorized_networks it has:\n"
        'dynamic "authorized_networks" {\n'
        f"  for_each = local.{name}\n\n"
        "  content {\n"
        f"{aligned([('name', string(wanted.title)), ('value', 'authorized_networks.value')], 4)}"
        "  }\n}\n"
    )
    said = (
        "The second block goes into ip_configuration of the instance. "
        "Terraform removes networks that stand only in the cloud."
    )
    return Rules(rules, _undo(wanted, [f"local.{name}", "the dynamic block that uses it"]), (said, *notes))


def write_azure(wanted: Wanted) -> Rules:
    """Return one resource with a rule per address."""
    target = wanted.target
    if target and not (_ID.fullmatch(target) or _REFERENCE.fullmatch(target)):
        raise Inexpressible(
            "The target is the server's id (/subscriptions/...), or an expression such as "
            "azurerm_postgresql_flexible_server.db.id"
        )
    taken, notes = only_ipv4(wanted, "Azure")
    kind = "azurerm_postgresql_flexible_server_firewall_rule"
    ranges = [
        (string(rule), f"{{ start = {string(start)}, end = {string(end)} }}")
        for rule, start, end in azure.named_ranges(wanted, taken)
    ]
    arguments = [
        ("name", "each.key"),
        ("server_id", _expression(target or "SERVER_ID")),
        ("start_ip_address", "each.value.start"),
        ("end_ip_address", "each.value.end"),
    ]
    rules = (
        f'{wanted.heading}resource "{kind}" "{wanted.identifier}" {{\n'
        f"  for_each = {{\n{aligned(ranges, 4)}  }}\n\n{aligned(arguments, 2)}}}\n"
    )
    missing = () if target else ("SERVER_ID: --target sets it, such as azurerm_postgresql_flexible_server.db.id.",)
    return Rules(rules, _undo(wanted, [f"{kind}.{wanted.identifier}"]), (*missing, *notes))


def _expression(target: str) -> str:
    return target if _REFERENCE.fullmatch(target) else string(target)


def _list(values: Sequence[str], indent: int) -> str:
    lines = "".join(f"{' ' * (indent + 2)}{string(value)},\n" for value in values)
    return f"[\n{lines}{' ' * indent}]"


def _undo(wanted: Wanted, names: Sequence[str]) -> str:
    return f"{wanted.heading}# Take out of the configuration: {', '.join(names)}. Then:\nterraform apply\n"
