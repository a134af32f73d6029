"""The rules of every firewall: what they hold, what they refuse, and what they say about it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.regions.rules_given import ADDRESSES, SHELL, TARGETS, wanted
from tui.regions.rules import FIREWALLS, Inexpressible, networks, write
from tui.regions.rules import TARGETS as TAKEN
from tui.regions.rules.values import slug
from tui.text import safe_lines

_IPV4_ONLY = ("gcloud", "azure", "terraform-google", "terraform-azure")


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_each_address_is_in_the_rules_or_named_in_a_note(firewall: str) -> None:
    written = write(firewall, wanted())
    assert "192.0.2.1" in written.rules
    assert "198.51.100.0" in written.rules
    if firewall in _IPV4_ONLY:
        assert "2001:db8::7" not in written.rules
        assert any("2001:db8::7" in note for note in written.notes)
    else:
        assert "2001:db8::7" in written.rules
    assert written.undo.strip()


@pytest.mark.parametrize("firewall", _IPV4_ONLY)
def test_a_region_of_ipv6_alone_is_refused_where_nothing_would_be_left(firewall: str) -> None:
    with pytest.raises(Inexpressible, match="IPv4 addresses only"):
        write(firewall, wanted("2001:db8::7"))


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_what_is_missing_is_a_placeholder_and_a_target_takes_its_place(firewall: str) -> None:
    written = write(firewall, wanted())
    open_words = set(
        re.findall(r"\b(?:DATABASE|ROLE|SECURITY_GROUP_ID|INSTANCE|RESOURCE_GROUP|SERVER|SERVER_ID)\b", written.rules)
    )
    expected = {
        "pg_hba": {"DATABASE", "ROLE"},
        "aws": {"SECURITY_GROUP_ID"},
        "terraform-aws": {"SECURITY_GROUP_ID"},
        "gcloud": {"INSTANCE"},
        "azure": {"RESOURCE_GROUP", "SERVER"},
        "terraform-azure": {"SERVER_ID"},
    }
    assert open_words == expected.get(firewall, set())
    if firewall in TARGETS:
        aimed = write(firewall, wanted(target=TARGETS[firewall]))
        assert not any(word in aimed.rules for word in open_words)
        assert all(part in aimed.rules for part in TARGETS[firewall].split("/"))


def test_only_firewalls_that_take_a_target_take_one() -> None:
    assert set(TAKEN) == set(TARGETS)
    with pytest.raises(Inexpressible, match="takes no target"):
        write("ufw", wanted(target="x"))


@pytest.mark.parametrize(
    ("firewall", "target"),
    [
        ("aws", "sg-$(reboot)"),
        ("aws", "--group"),
        ("gcloud", "my instance"),
        ("gcloud", "-x"),
        ("azure", "server-alone"),
        ("azure", "-g/server"),
        ("azure", "group/Server'"),
        ("nftables", "inet filter"),
        ("nftables", "bridge filter input"),
        ("nftables", "inet filter input; flush ruleset"),
        ("terraform-aws", "sg"),
        ("terraform-aws", 'aws_security_group.db.id\n}\nresource "x" "y" {'),
        ("terraform-azure", "${file(1)}"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused(firewall: str, target: str) -> None:
    with pytest.raises(Inexpressible):
        write(firewall, wanted(target=target))


def test_the_server_says_what_it_can() -> None:
    rds = write("aws", wanted(server="mydb.abcdefghijkl.eu-west-1.rds.amazonaws.com"))
    assert " --region eu-west-1 " in rds.rules
    assert " --region eu-west-1 " in rds.undo
    assert " --region us-gov-east-1 " in write("aws", wanted(server="a.b.us-gov-east-1.rds.amazonaws.com")).rules
    assert "--server-name my-db " in write("azure", wanted(server="My-DB.postgres.database.azure.com.")).rules
    assert "--region" not in write("aws", wanted(server="db.example.com")).rules


@pytest.mark.parametrize("what", ["region", "connection", "database", "role", "server", "target"])
@pytest.mark.parametrize("text", ["two\nlines", "tab\there", "\x1b[31m", "right\u202eleft"])
def test_a_name_that_cannot_be_shown_as_it_is_is_refused(what: str, text: str) -> None:
    with pytest.raises(Inexpressible, match="written by hand"):
        wanted(**{what: text})


def test_addresses_are_networks_once_each_and_never_everybody() -> None:
    assert list(map(str, networks(["192.0.2.9/30", "192.0.2.8/30"]))) == ["192.0.2.8/30"]
    for opening in ("0.0.0.0/0", "::/0", "1.2.3.4/0"):
        with pytest.raises(Inexpressible, match="everybody"):
            networks([opening])
    for absurd in ("", "localhost", "1.2.3.4 -j ACCEPT", "1.2.3.4;reboot", "fe80::1%$(reboot)"):
        with pytest.raises(Inexpressible):
            networks([absurd])
    with pytest.raises(Inexpressible, match="no addresses"):
        write("plain", replace(wanted(), addresses=()))


@pytest.mark.parametrize(
    ("sslmode", "kind", "note"),
    [
        ("disable", "host", "without TLS"),
        ("prefer", "hostssl", "SHOW ssl"),
        ("require", "hostssl", ""),
        ("verify-full", "hostssl", ""),
    ],
)
def test_the_line_demands_tls_unless_the_connection_has_none(sslmode: str, kind: str, note: str) -> None:
    written = write("pg_hba", wanted(database="gis", role="carto", sslmode=sslmode))
    assert re.findall(rf'^{kind} "gis" "carto" \S+ +scram-sha-256$', written.rules, re.MULTILINE)
    assert any(note in said for said in written.notes)
    assert note or not any("TLS" in said for said in written.notes)


@pytest.mark.parametrize(
    ("connector", "firewall", "said"),
    [
        ("rds", "pg_hba", "--for aws or --for terraform-aws"),
        ("cloudsql", "aws", "--for gcloud"),
        ("azure", "ufw", "--for azure"),
        ("alloydb", "gcloud", "AlloyDB"),
        ("pgbouncer", "pg_hba", "auth_hba_file"),
    ],
)
def test_a_firewall_that_does_not_stand_there_is_said(connector: str, firewall: str, said: str) -> None:
    assert said in write(firewall, wanted(), connector).notes[-1]
    assert not any(said in note for note in write(firewall, wanted()).notes)


@pytest.mark.parametrize(("connector", "firewall"), [("rds", "aws"), ("aurora", "terraform-aws"), ("azure", "azure"),
                                                     ("cloudsql", "plain"), ("postgresql", "aws")])  # fmt: skip
def test_a_fitting_firewall_needs_no_word(connector: str, firewall: str) -> None:
    assert write(firewall, wanted(), connector) == write(firewall, wanted())


def test_more_rules_than_a_security_group_takes_are_said() -> None:
    many = wanted(*(f"192.0.2.{n}" for n in range(61)))
    for firewall in ("aws", "terraform-aws"):
        assert any("60 inbound IPv4" in note for note in write(firewall, many).notes)
        assert not any("inbound" in note for note in write(firewall, wanted()).notes)


def test_plain_is_addresses_and_nothing_else() -> None:
    assert write("plain", wanted()).rules.splitlines() == list(ADDRESSES)


@given(st.lists(st.text(max_size=40), min_size=2, max_size=2, unique=True))
def test_different_names_never_share_a_slug(names: list[str]) -> None:
    one, other = map(slug, names)
    assert one != other
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", one)


# What is printable in ASCII, and letters of other alphabets.
_NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=("Cc", "Cf")), max_size=30)


@pytest.mark.parametrize("firewall", FIREWALLS)
@given(region=_NAMES.filter(bool), connection=_NAMES, database=_NAMES, role=_NAMES)
def test_names_of_any_kind_make_rules_that_are_shown_as_they_are(
    firewall: str, region: str, connection: str, database: str, role: str
) -> None:
    asked = wanted(region=region, connection=connection, database=database, role=role)
    written = write(firewall, asked)
    assert written == write(firewall, asked)
    for text in (written.rules, written.undo):
        assert safe_lines(text) == text
        assert text.endswith("\n")
        # An interactive zsh runs comments: nothing in one may mean something to a shell.
        for line in text.splitlines():
            assert not line.startswith("#") or re.fullmatch(r"# [A-Za-z0-9 .,_:/@+=-]*", line) or firewall == "pg_hba"


@pytest.mark.parametrize("firewall", (*SHELL, "nftables", "pg_hba"))
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_shells_can_read_the_scripts(firewall: str, shell: str) -> None:
    written = write(firewall, wanted(region="it's $(reboot) `reboot`", connection='"; reboot #'))
    scripts = (written.rules, written.undo) if firewall in SHELL else (written.undo,)
    for script in scripts:
        done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
