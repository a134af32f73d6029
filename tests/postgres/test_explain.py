"""What failures mean, without a server: rare ones, services' own, and any text whatever."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.connections.connectors import CONNECTORS
from tui.connections.secret import Secret
from tui.postgres.errors import Failure, Stage
from tui.postgres.explain import explain
from tui.postgres.explain_query import explain_query
from tui.postgres.opening import read_failure
from tui.postgres.target import Target
from tui.probe.report import CONNECTING

TARGET = Target("db.example.com", 5432, "geo", "carto", Secret("pw"), "prefer")


@pytest.mark.parametrize(
    ("failure", "changes", "check", "words"),
    [
        (Failure("tcp", timeout_s=6.0), {}, "tcp", "within 6 s: a firewall swallows"),
        (Failure("tcp", timeout_s=6.0), {"connector": "rds"}, "tcp", "security group"),
        (Failure("tcp", timeout_s=6.0), {"connector": "azure"}, "tcp", "firewall rules"),
        (Failure("tcp", timeout_s=6.0), {"connector": "cloudsql"}, "tcp", "authorized networks"),
        (Failure("tcp", code="ENETUNREACH", address="2001:db8::1"), {}, "tcp", "no IPv6 route"),
        (Failure("tcp", code="EHOSTUNREACH"), {}, "tcp", "no such machine"),
        (Failure("tcp", code="EPERM"), {}, "tcp", "own firewall"),
        (Failure("tcp", code="EMFILE"), {}, "tcp", "ulimit"),
        (Failure("resolve", code="EAI_AGAIN"), {}, "name_resolution", "no name server answered"),
        (Failure("resolve", "odd", code="EAI_FAMILY"), {}, "name_resolution", "odd"),
        (Failure("authenticated", timeout_s=8.0), {}, "authentication", "cl_waiting"),
        (Failure("startup", 'no pg_hba.conf entry for host "1.2.3.4", user "carto", database "geo", no encryption',
                 "28000", "ClientAuthentication"), {"connector": "rds"}, "tls", "rds.force_ssl"),
        (Failure("startup", 'no pg_hba.conf entry for host "1.2.3.4", user "carto", database "geo", SSL encryption',
                 "28000", "ClientAuthentication"), {"connector": "azure"}, "authentication", "firewall rules"),
        (Failure("startup", "PAM authentication failed for user", "28P01", "auth_failed"), {"connector": "rds"},
         "authentication", "rds_iam"),
        (Failure("startup", "sorry", "53300", "InitProcess"), {"connector": "rds"}, "authentication", "parameter"),
        (Failure("startup", "trop", "53300", "CheckMyDatabase"), {}, "authentication", "The database geo"),
        (Failure("startup", "out of memory", "53200", "x"), {}, "authentication", "trouble of its own"),
        (Failure("startup", "worse", "XX000", "x"), {}, "authentication", "trouble of its own"),
        (Failure("startup", "what", "22023", "x"), {}, "authentication", "22023"),
        (Failure("startup", "the database system is in recovery mode", "57P03", "x"), {}, "authentication", "crash"),
        (Failure("startup", "terminating connection", "57P01", "x"), {}, "authentication", "ended the connection"),
        (Failure("startup", "unsupported startup parameter: x", "08P01"), {}, "authentication", "ignore_startup"),
        (Failure("startup", "no such user: carto", "08P01"), {}, "authentication", "auth_file"),
        (Failure("startup", "SSL required", "08P01"), {}, "authentication", "TLS mode require"),
        (Failure("startup", 'database "geo" is disabled', "08P01"), {}, "authentication", "ENABLE"),
        (Failure("startup", "sorry, too many clients already", "08P01"), {}, "authentication", "The server is full"),
        (Failure("startup", "none of the server's SASL authentication mechanisms are supported"), {}, "authentication",
         "way of logging in"),
        (Failure("startup", "incorrect server signature"), {}, "authentication", "impostor"),
        (Failure("startup", "SSL error: tlsv13 alert certificate required"), {}, "tls", "client certificate"),
        (Failure("startup", "SSL error: sslv3 alert handshake failure"), {"connector": "cloudsql"}, "tls",
         "ENCRYPTED_ONLY"),
        (Failure("tls", "SSL error: unsupported protocol"), {}, "tls", "no TLS version"),
        (Failure("tls", "SSL error: no shared cipher"), {}, "tls", "ssl_ciphers"),
        (Failure("tls", 'server certificate for "p-1:db" does not match host name "1.2.3.4"'), {}, "tls", "verify-ca"),
        (Failure("tls", 'server certificate for "a.example" (and 2 other names) does not match host name "b"'), {},
         "tls", "a.example"),
        (Failure("startup", "", ""), {"password_from": "pgpass", "password": None}, "authentication", "failed"),
        (Failure("startup", "fe_sendauth: no password supplied", needs_password=True),
         {"password_from": "pgpass", "password": None}, "authentication", "chmod 600"),
    ],
)  # fmt: skip
def test_causes(failure: Failure, changes: dict[str, object], check: str, words: str) -> None:
    finding = explain(failure, replace(TARGET, **changes))  # type: ignore[arg-type]
    assert finding.check == check
    assert words in f"{finding.message} {finding.fix}"


def test_of_two_tries_the_telling_one() -> None:
    hba = 'no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption'
    plain = Failure("startup", hba, "28000", "ClientAuthentication")
    wrong = Failure("startup", "password authentication failed", "28P01", "auth_failed")
    broken = Failure("tls", "SSL error: certificate verify failed")
    assert explain(replace(plain, before=wrong), TARGET).code == "28P01"
    assert explain(replace(wrong, before=plain), replace(TARGET, sslmode="allow")).code == "28P01"
    assert "does not verify" in explain(replace(plain, before=broken), TARGET).message
    assert explain(replace(wrong, before=broken), TARGET).code == "28P01"


@given(
    st.sampled_from(get_args(Stage)),
    st.text(),
    st.sampled_from(["", "28000", "28P01", "53300", "57P03", "08P01", "XX000", "ECONNRESET", "ÄÖÜ", "EAI_FAIL"]),
    st.text(max_size=20),
    st.sampled_from([connector.key for connector in CONNECTORS]),
    st.sampled_from([0.0, 0.3, 9.0]),
)
def test_any_text_gets_a_sentence(
    stage: Stage, text: str, code: str, where: str, connector: str, timeout_s: float
) -> None:
    failure = Failure(stage, text, code, where, timeout_s=timeout_s)
    for finding in (explain(failure, replace(TARGET, connector=connector)), explain_query(failure, TARGET)):
        assert finding.message.strip()
        assert finding.status == "failed"
    assert explain(failure, TARGET).check in CONNECTING


@given(st.text(), st.text(min_size=1, max_size=30))
def test_any_message_is_read(text: str, severity: str) -> None:
    read_failure(text, "startup")
    said = read_failure(
        f"{severity.strip() or 'X'}:  28P01: {text}\nLOCATION:  auth_failed, auth.c:1\n".lstrip(), "startup"
    )
    assert said.code in {"28P01", ""}


def test_silence_behind_a_pgbouncer_may_be_its_queue() -> None:
    silent = Failure("session", timeout_s=5.0)
    behind = explain_query(silent, replace(TARGET, connector="pgbouncer"))
    assert "wait for a server socket" in behind.message
    assert "bouncer check" in behind.fix
    assert "fell silent" in explain_query(silent, TARGET).message
