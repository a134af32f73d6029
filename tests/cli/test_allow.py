"""allow: rules on stdout, what to know about them on stderr, for a region or a Connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.test_registry_commands import connection
from tui.connections.registry import Registry
from tui.regions.model import BUILT_IN
from tui.regions.rules import FIREWALLS

if TYPE_CHECKING:
    from tests.cli.conftest import Program

EAST = next(region for region in BUILT_IN if region.region == "us-east1")


@pytest.mark.parametrize("named", ["us-east1", "clausa"])
def test_plain_prints_the_addresses_and_nothing_else(pgconns: Program, named: str) -> None:
    assert pgconns("allow", named, "--for", "plain") == (0, "".join(f"{each}\n" for each in EAST.addresses), "")


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_stdout_is_the_rules_or_the_undo_and_json_holds_both(pgconns: Program, firewall: str) -> None:
    value = pgconns("allow", "us-east1", "--for", firewall, "--json").json
    rules = pgconns("allow", "us-east1", "--for", firewall)
    undo = pgconns("allow", "us-east1", "--for", firewall, "--undo")
    assert rules.status == undo.status == 0
    assert (rules.out, undo.out) == (value["rules"], value["undo"])
    assert rules.err.splitlines() == value["notes"]
    assert firewall == "plain" or "built into pgconns, read 2026-11-22" in rules.out.splitlines()[firewall == "pg_hba"]
    assert {key: value[key] for key in ("region", "for", "connection", "addresses", "source", "fetched_at")} == {
        "region": "us-east1",
        "for": firewall,
        "connection": None,
        "addresses": list(EAST.addresses),
        "source": "built-in",
        "fetched_at": "2026-11-22T00:00:00+00:00",
    }


def test_a_connection_brings_its_region_database_role_port_and_tls(pgconns: Program) -> None:
    registry = Registry()
    registry.add(connection("my prod", 1, region="europe-west1", port=6432, sslmode="disable", database="all"))
    lines = pgconns("allow", "--connection", "my prod", "--for", "pg_hba").out.splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert [line.split() for line in rules] == [
        ["host", '"all"', '"carto"', f"{address}/32", "scram-sha-256"] for address in BUILT_IN[1].addresses
    ]
    assert any("CARTO europe-west1 for my prod: 4 addresses" in line for line in lines)
    assert " port 6432 " in pgconns("allow", "--connection", "my prod", "--for", "ufw").out
    elsewhere = pgconns("allow", "us-east1", "--connection", "my prod", "--for", "plain")
    assert elsewhere.out.split() == list(EAST.addresses)


def test_a_managed_server_is_pointed_to_its_own_firewall(pgconns: Program) -> None:
    host = "mydb.abcdefghijkl.eu-west-1.rds.amazonaws.com"
    Registry().add(connection("prod", 1, region="us-east1", server=host, connector="rds"))
    wrong = pgconns("allow", "--connection", "prod", "--for", "pg_hba")
    assert "This Connection is on Amazon RDS: its firewall is written by --for aws" in wrong.err
    right = pgconns("allow", "--connection", "prod", "--for", "aws", "--target", "sg-0123456789abcdef0")
    assert " --region eu-west-1 " in right.out
    assert right.err == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "aws"], "No region is named: name one of us-east1, "),
        (["mars", "--for", "aws"], "No region is called mars: there are us-east1, "),
        (["us-east1"], "--for"),
        (["us-east1", "--for", "iptables"], "choose from 'pg_hba', 'nftables'"),
        (["us-east1", "--for", "aws", "--target", "$(reboot)"], "sg-0123456789abcdef0"),
        (["us-east1", "--for", "plain", "--target", "x"], "plain takes no target"),
        (["us-east1", "--for", "aws", "--connection", "nobody"], "nobody"),
        (["--for", "aws", "--connection", "bare"], "bare has no region: name one of us-east1"),
    ],
)
def test_what_cannot_be_written_is_said_with_status_2(pgconns: Program, words: list[str], said: str) -> None:
    Registry().add(connection("bare", 1))
    result = pgconns("allow", *words)
    assert (result.status, result.out) == (2, "")
    assert said in result.err
    assert len(result.err.splitlines()) == 1
