"""The rules that let a region's addresses in, one module per firewall; and the undo of each. Pure.

wanted = Wanted("us-east1", "built into pgconns", networks(["35.185.63.239"]), connection="prod")
written = write("aws", wanted)
written.rules, written.undo        text, ready to paste
written.notes                      sentences that the person should know
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.regions.rules import aws, azure, gcloud, nftables, pg_hba, plain, terraform, ufw
from tui.regions.rules.values import Inexpressible, Network, Rules, Wanted, networks

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FIREWALLS", "Inexpressible", "Network", "Rules", "Wanted", "first_for", "networks", "write"]

_WRITERS: dict[str, Callable[[Wanted], Rules]] = {
    "pg_hba": pg_hba.write,
    "nftables": nftables.write,
    "ufw": ufw.write,
    "aws": aws.write,
    "gcloud": gcloud.write,
    "azure": azure.write,
    "terraform-aws": terraform.write_aws,
    "terraform-google": terraform.write_google,
    "terraform-azure": terraform.write_azure,
    "plain": plain.write,
}
FIREWALLS = tuple(_WRITERS)

# What a target names, where a firewall takes one.
TARGETS = {
    "nftables": "the chain that drops, as 'FAMILY TABLE CHAIN'",
    "aws": "the security group's id",
    "gcloud": "the instance",
    "azure": "RESOURCE_GROUP/SERVER",
    "terraform-aws": "the security group's id, or an expression such as aws_security_group.db.id",
    "terraform-azure": "the server's id, or an expression such as azurerm_postgresql_flexible_server.db.id",
}

# The firewalls of managed servers, by connector; None where it is none of those written here.
_MANAGED = {
    "rds": ("Amazon RDS", "aws", "terraform-aws"),
    "aurora": ("Amazon Aurora", "aws", "terraform-aws"),
    "azure": ("Azure Database for PostgreSQL", "azure", "terraform-azure"),
    "cloudsql": ("Google Cloud SQL", "gcloud", "terraform-google"),
}


def write(firewall: str, wanted: Wanted, connector: str = "") -> Rules:
    """Return the rules of one of FIREWALLS, and their undo. Raises Inexpressible."""
    if wanted.target and firewall not in TARGETS:
        raise Inexpressible(f"{firewall} takes no target")
    if not wanted.addresses:
        raise Inexpressible(f"{wanted.region} has no addresses")
    written = _WRITERS[firewall](wanted)
    return Rules(written.rules, written.undo, (*written.notes, *_fitting(firewall, connector)))


def first_for(connector: str) -> str:
    """Return the firewall that most likely stands before a connector's servers.

    >>> first_for("rds"), first_for("postgresql")
    ('aws', 'pg_hba')
    """
    return _MANAGED.get(connector, ("", "pg_hba"))[1]


def _fitting(firewall: str, connector: str) -> tuple[str, ...]:
    """Say where a firewall is not the one that stands before a connector's servers."""
    if firewall == "plain":
        return ()
    if connector == "alloydb":
        return ("AlloyDB has authorized external networks of its own: put in what --for plain prints.",)
    if connector == "pgbouncer" and firewall == "pg_hba":
        return (
            "This Connection leads to PgBouncer: the lines belong into its auth_hba_file (auth_type = hba). "
            "PostgreSQL behind it sees PgBouncer's address, not CARTO's.",
        )
    label, *fitting = _MANAGED.get(connector, ("", firewall))
    if firewall in fitting:
        return ()
    return (f"This Connection is on {label}: its firewall is written by --for {' or --for '.join(fitting)}.",)
