"""What the decisions mean for a Connection's TLS mode, and where the line to add belongs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.regions.test_hba import LOGIN, rules
from tui.regions.admission import Admission, Reach, Terms, admissions, mend, unguarded_warnings
from tui.regions.hba import Rule

A, B = "198.51.100.7", "203.0.113.9"


def asked(lines: tuple[Rule, ...], sslmode: str = "prefer", *addresses: str, tls: bool = True) -> Reach:
    """What is let in, and the fix."""
    terms = Terms(sslmode, tls)
    return mend(admissions(lines, addresses or (A,), LOGIN, terms), lines, LOGIN, terms)


def one(lines: tuple[Rule, ...], sslmode: str = "prefer", *, tls: bool = True) -> Admission:
    (found,) = asked(lines, sslmode, tls=tls).addresses
    return found


@pytest.mark.parametrize(
    ("kind", "sslmode", "admitted", "tls"),
    [
        ("hostssl", "disable", False, "required"),
        ("hostssl", "allow", True, "required"),
        ("hostssl", "prefer", True, "required"),
        ("hostssl", "verify-full", True, "required"),
        ("hostnossl", "disable", True, "refused"),
        ("hostnossl", "prefer", True, "refused"),
        ("hostnossl", "require", False, "refused"),
        ("host", "require", True, "either"),
        ("host", "disable", True, "either"),
    ],
)
def test_tls_modes(kind: str, sslmode: str, admitted: bool, tls: str) -> None:
    said = one(rules(f"{kind} all all all scram-sha-256"), sslmode)
    assert (said.admitted, said.tls, said.enters) == (admitted, tls, admitted)


def test_a_server_with_tls_off() -> None:
    lines = rules("hostssl all all all md5", "host all all 10.0.0.0/8 md5")
    assert one(lines, tls=False).why == "no line matches"
    assert asked(lines, tls=False).lines == (f'host "geo" "carto" {A}/32 scram-sha-256',)
    refused = asked(lines, "require", tls=False)
    assert (refused.addresses[0].admitted, refused.lines) == (False, ())
    assert "ssl = on" in refused.fix


def test_under_tls_alone_the_tls_mode_is_to_change_and_not_the_server() -> None:
    answer = asked(rules("hostssl all all all md5"), "disable")
    assert answer.fix.startswith("Give the Connection the TLS mode require")
    assert "is for sockets under TLS alone, and the TLS mode is disable" in answer.addresses[0].why
    blocked = asked(rules("host all all all reject"), "disable")
    assert blocked.fix.endswith("and give the Connection the TLS mode require")


def test_what_no_password_satisfies_is_not_let_in() -> None:
    for method in ("cert", "gss", "ident", "oauth"):
        answer = asked(rules(f"hostssl all all all {method}"))
        said = answer.addresses[0]
        assert (said.admitted, said.enters, said.method) == (True, False, method)
        assert answer.before == 1
    certificate = (replace(rules("hostssl all all all scram-sha-256")[0], client_certificate=True),)
    assert "certificate" in one(certificate).why
    assert not one(certificate).enters
    for method in ("ldap", "radius", "pam", "password"):
        assert one(rules(f"host all all all {method}")).enters


def test_a_password_is_preferred_where_a_mode_has_two_ways() -> None:
    lines = rules("hostssl all all all cert", "hostnossl all all all md5")
    assert one(lines, "prefer").enters
    assert not one(lines, "require").enters


def test_trust_is_a_warning_even_where_carto_does_not_use_it() -> None:
    found = asked(rules("hostssl all all all md5", "host all all all trust"), "require", A, B).addresses
    assert all(said.enters and said.method == "md5" for said in found)
    (warning,) = unguarded_warnings(found)
    assert warning.startswith("Line 2 lets in without a password")


def test_the_lines_stand_before_the_first_that_is_in_the_way() -> None:
    lines = rules(
        "host other all all reject", f"host all all {B}/32 reject", "hostnossl all all all reject",
        f"host all all {A}/32 ident", "host all all all reject",
    )  # fmt: skip
    answer = asked(lines, "require", A, B, "192.0.2.1")
    assert answer.before == 2
    assert len(answer.lines) == 3
    assert asked(lines, "require", A).before == 4
    assert asked(lines, "require", "192.0.2.1").before == 5
    assert asked((), "require").before is None
    assert "at the end of pg_hba.conf" in asked((), "require").fix


def test_a_doubt_is_overtaken_by_the_line() -> None:
    lines = rules("host all all .example.com reject", "host all all all md5")
    answer = asked(lines)
    assert (answer.addresses[0].admitted, answer.before) == (None, 1)
    after = rules(answer.lines[0], *[rule.text for rule in lines])
    quoted = tuple(replace(rule, databases=("geo",), roles=("carto",)) for rule in after[:1])
    assert one((*quoted, *after[1:])).enters


def test_names_that_no_line_can_hold() -> None:
    login = replace(LOGIN, database="a\nb")
    found = admissions((), (A,), login, Terms("prefer", True))
    answer = mend(found, (), login, Terms("prefer", True))
    assert not answer.lines
    assert "line break" in answer.fix


def test_json_names_what_is_known() -> None:
    value = asked(rules(f"host all all {A}/32 scram-sha-256"), "prefer", A, B).to_json()
    assert value["addresses"] == [
        {
            "address": A, "admitted": True, "method": "scram-sha-256", "by_password": True, "tls": "either", "line": 1,
            "reason": f"line 1 lets it in: host all all {A}/32 scram-sha-256",
        },
        {"address": B, "admitted": False, "reason": "no line matches"},
    ]  # fmt: skip
    assert value["fix"].splitlines()[1:] == [*value["lines"], "then run SELECT pg_reload_conf();"]
