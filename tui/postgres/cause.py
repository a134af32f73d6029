"""What a failure means, on its way to becoming a finding, and advice that many causes share. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tui.postgres.target import Target


class Cause(NamedTuple):
    """Which check a failure belongs to, why it happened, and what to do; `code` where libpq's text implies one."""

    check: str
    message: str
    fix: str = ""
    code: str = ""


def firewall_fix(target: Target) -> str:
    """Return how to let a machine in, in the words of the service that the server runs on."""
    port = target.port
    if target.connector in {"rds", "aurora"}:
        return (
            f"Add an inbound rule for TCP port {port} to the instance's security group, for this machine's address and"
            " CARTO's, and check that the instance is publicly accessible"
        )
    if target.connector == "azure":
        return (
            "Add firewall rules for this machine's address and CARTO's (Networking, public access), and check that the"
            " server was not made with private access"
        )
    if target.connector in {"cloudsql", "alloydb"}:
        return (
            "Add this machine's address and CARTO's to the instance's authorized networks, and check that it has a"
            " public IP address"
        )
    return f"Let this machine's address and CARTO's through every firewall on the way to TCP port {port}; check Server"


def restart_note(target: Target) -> str:
    """Return where settings are changed, in the words of the service that the server runs on."""
    if target.connector in {"rds", "aurora"}:
        return "in the DB parameter group"
    if target.connector == "azure":
        return "in the server parameters"
    if target.connector in {"cloudsql", "alloydb"}:
        return "in the database flags"
    return "in postgresql.conf"
