"""What a check says of a PgBouncer, given what its console shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.bouncer.consoles import database, pool, state
from tui.bouncer import vulnerabilities
from tui.bouncer.caps import Cap, Room, Wanted, cap
from tui.bouncer.checking import judge
from tui.bouncer.comparing import against
from tui.bouncer.model import Plan, Pool
from tui.bouncer.shown import State, users
from tui.postgres.finding import Finding

WANTED = (Wanted("prod", "gis", "carto"),)


def by_check(given: State, **how: Any) -> dict[str, Finding]:
    """Return the worst finding of each check."""
    order = {"ok": 0, "warning": 1, "failed": 2}
    found = sorted(judge(given, how.pop("wanted", WANTED), **how), key=lambda finding: order[finding.status])
    return {finding.check: finding for finding in found}


def test_a_sound_one_has_nothing_wrong() -> None:
    found = by_check(state(), room=Room(97, 12))
    assert {finding.status for finding in found.values()} == {"ok"}, found


@pytest.mark.parametrize(
    ("changes", "check", "status", "words"),
    [
        ({"version": "PgBouncer 1.18.0"}, "version", "warning", "CVE-2026-107350"),
        ({"version": "Odyssey"}, "version", "warning", "names no version"),
        ({"config": {"auth_type": "any"}}, "authentication", "failed", "anybody"),
        ({"config": {"client_tls_sslmode": "disable"}}, "encryption", "warning", "in clear"),
        ({"config": {"server_tls_sslmode": "prefer"}}, "encryption", "warning", "db.example.com"),
        ({"databases": (database(name="other"),)}, "databases", "warning", "No entry for the database gis of prod"),
        ({"databases": (database(paused=1),)}, "pausing", "failed", 'RESUME "gis"'),
        ({"databases": (database(disabled=1),)}, "pausing", "failed", 'ENABLE "gis"'),
        ({"halted": "paused"}, "pausing", "failed", "every client waits"),
        ({"databases": (database(pool_mode="statement"),)}, "pool_mode", "failed", "no transactions"),
        ({"config": {"max_prepared_statements": "0"}}, "pool_mode", "warning", "max_prepared_statements = 200"),
        ({"databases": (database(max_connections=0),)}, "server_sockets", "warning", "seen so far"),
        ({"config": {"query_wait_timeout": "0"}}, "time_outs", "warning", "for ever"),
        ({"config": {"server_idle_timeout": "0"}}, "time_outs", "warning", "never gives"),
        ({"pools": (pool(cl_active=80),)}, "clients", "warning", "80 of 100"),
        ({"pools": (pool(cl_active=95),)}, "clients", "failed", "refused"),
        ({"pools": (pool(cl_waiting=3, maxwait=2),)}, "waiting", "warning", "3 clients wait"),
        ({"pools": (pool(cl_waiting=1, maxwait=12),)}, "waiting", "failed", "1 client wait"),
        ({"pools": (pool(cl_waiting=1, maxwait=12, sv_active=0),)}, "waiting", "failed", "opens no socket"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], check: str, status: str, words: str) -> None:
    found = by_check(state(**changes))
    assert found[check].status == status
    assert words in f"{found[check].message} {found[check].detail} {found[check].fix}"
    assert found[check].fix
    assert {name for name, finding in found.items() if finding.status != "ok"} <= {check, "pool_mode"}


def test_clients_of_this_machine_need_no_tls() -> None:
    assert "encryption" not in by_check(state(config={"client_tls_sslmode": "disable"}), local=True)


def test_more_than_the_server_takes() -> None:
    found = by_check(state(databases=(database(max_connections=120, pool_size=200),)), room=Room(97, 12))
    assert found["server_sockets"].status == "warning"
    assert "allow 120, which is more than the 97" in found["server_sockets"].message


def test_more_than_a_role_or_a_database_takes() -> None:
    given = state(databases=(database(max_connections=30), database(name="two", max_connections=15)))
    wanted = (*WANTED, Wanted("other", "two", "carto"))

    def told(given: State, **limits: Any) -> list[str]:
        found = judge(given, wanted, room=Room(97, 12, **limits))
        return [one.message for one in found if one.check == "server_sockets" and one.status == "warning"]

    assert told(given, roles={"carto": 35}, databases={"gis": 20}) == []
    assert "35 sockets as carto, who may have 34" in told(given, roles={"carto": 34})[0]
    assert "20 sockets to the database gis, which takes 19" in told(given, databases={"gis": 19})[0]
    held = replace(given, users=users([{"name": "carto", "max_user_connections": 8}]))
    assert told(held, roles={"carto": 8}) == []


def test_what_the_plan_has_otherwise() -> None:
    planned = Plan("db:5432", ("prod",), True, (), (), "transaction", 100, 12, (Pool("gis", "carto", 10, 2),), (), (),
                   (), "ceiling", max_prepared_statements=200)  # fmt: skip
    found = {finding.message: finding.fix for finding in against(planned, state(databases=(database(reserve_pool=7),)))}
    assert "reserve_pool=2 in the entry gis" in found["Unlike the plan: gis has a reserve of 7, and the plan says 2"]
    old = state(version="PgBouncer 1.18.0", config={"max_prepared_statements": None})
    told = {finding.message: finding.fix for finding in against(planned, old)}
    unknown = "Unlike the plan: this version knows no max_prepared_statements, and the plan says 200"
    assert told[unknown] == "Upgrade to PgBouncer 1.21 or newer", "1.18 would not start with it"


def test_the_cap() -> None:
    two = (pool(), pool(user="other"))
    assert cap(state()) == Cap(20, True)
    assert cap(state(databases=(database(max_connections=0),), pools=two)) == Cap(40, False)
    assert cap(state(databases=(database(max_connections=30),), pools=two)) == Cap(30, True)
    assert cap(state(databases=(database(max_connections=0, reserve_pool=5, force_user="carto"),))) == Cap(25, True)
    own = users([{"name": "other", "pool_size": "7"}])
    assert cap(state(databases=(database(max_connections=0),), pools=two, users=own)) == Cap(27, False)
    assert cap(state(databases=(database(disabled=1),))) == Cap(0, True)


def test_a_missing_setting_rules_a_vulnerability_out() -> None:
    def names(version: str, **config: str) -> set[str]:
        return {one.name for one in vulnerabilities.of(state(version, config=config))}

    assert "CVE-2026-107349" not in names("1.25.2", ignore_startup_parameters="options, extra_float_digits")
    assert "CVE-2026-107349" in names("1.25.2", ignore_startup_parameters="extra_float_digits")
    own = "SELECT * FROM pgbouncer.user_lookup($1)"
    old = "SELECT usename, passwd FROM pg_shadow WHERE usename=$1"
    mended = "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END FROM pg_authid"
    for query, there in ((own, False), (old, True), (mended, False)):
        assert ("CVE-2025-2291" in names("1.18.0", auth_user="a", auth_query=query)) is there
    assert "CVE-2025-2291" not in names("1.18.0", auth_user="", auth_query=old)
    assert "CVE-2026-6667" in names("1.25.1", stats_users="stats")
    assert "CVE-2026-6667" not in names("1.18.0", stats_users="stats")
    assert names("1.26.1") == set()
    assert vulnerabilities.of(state("Odyssey")) == ()
