"""The texts of PgBouncer's files; what a real one reads in them is tested by the commands."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.bouncer.configuration import (
    Entry,
    Proxy,
    default_authentication,
    entries_of,
    settings,
    shares_of,
    time_outs_of,
)
from tui.bouncer.credentials import lookup, scram_verifier, users
from tui.bouncer.model import Database, Plan, Pool, TimeOut
from tui.bouncer.unit import unit
from tui.postgres.quoting import entry_name

PROXY = Proxy(
    names=("prod",),
    host="db.example.com",
    port=5432,
    entries=(Entry("gis", 10, 2, 12), Entry("my maps", 5, 0, 5)),
    roles=("carto", "o'brien"),
    pool_mode="transaction",
    max_client_conn=200,
    authentication="auth_query",
    folder="/etc/pgconns-pgbouncer",
    tls=("/etc/tls/proxy.crt", "/etc/tls/proxy.key"),
    server_sslmode="verify-full",
    server_root=True,
)


def read(text: str) -> dict[str, str]:
    """Return the settings that are in force in a pgbouncer.ini: what is no comment."""
    lines = [line for line in text.splitlines() if line and not line.startswith((";", "["))]
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}


def plan(
    *pools: Pool, most: int = 0, databases: tuple[Database, ...] = (), time_outs: tuple[TimeOut, ...] = ()
) -> Plan:
    """Return a plan of these pools."""
    return Plan("db:5432", ("prod",), True, (), (), "transaction", 200, most, pools, databases, time_outs, (),
                "ceiling")  # fmt: skip


def test_what_the_settings_say() -> None:
    said = read(settings(PROXY))
    assert (
        said["gis"] == "host='db.example.com' port=5432 dbname='gis' pool_size=10 reserve_pool=2 max_db_connections=12"
    )
    assert said["'my maps'"].startswith("host='db.example.com' port=5432 dbname='my maps' pool_size=5")
    assert (said["auth_type"], said["auth_user"]) == ("scram-sha-256", "pgbouncer_auth")
    assert said["stats_users"] == "pgconns_stats", "a console that cannot know roles lists none"
    assert said["server_tls_ca_file"] == "/etc/pgconns-pgbouncer/server-root.crt"
    assert (said["client_tls_sslmode"], said["client_tls_key_file"]) == ("require", "/etc/tls/proxy.key")
    assert "max_prepared_statements" not in said, "1.18 does not start with it"
    assert PROXY.sockets == 17


def test_what_newer_versions_know() -> None:
    said = read(settings(replace(PROXY, version=(1, 25, 2), prepared=50)))
    assert (said["max_prepared_statements"], said["auth_dbname"]) == ("50", "gis")
    assert said["stats_users"] == "pgconns_stats, carto", "a list knows no quotes, so not every role"
    assert "auth_dbname" not in read(settings(replace(PROXY, version=(1, 18, 0))))
    assert "auth_user" not in read(settings(replace(PROXY, authentication="passwords", version=(1, 25, 2))))


def test_time_outs_of_a_plan() -> None:
    ours = plan(Pool("gis", "carto", 1), time_outs=(TimeOut("query_wait_timeout", 30, "why"),))
    assert (time_outs_of(ours)["query_wait_timeout"], time_outs_of(None)["query_wait_timeout"]) == (30, 120)
    assert read(settings(replace(PROXY, time_outs=time_outs_of(ours))))["query_wait_timeout"] == "30"
    with pytest.raises(ValueError, match="no time-out"):
        time_outs_of(plan(time_outs=(TimeOut("x\nlisten_addr", 1, ""),)))


@pytest.mark.parametrize("name", ["pgbouncer", "a'b", "a\nb", ""])
def test_names_that_no_entry_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="PgBouncer"):
        settings(replace(PROXY, entries=(Entry(name, 1, 0, 1),)))


def test_lines_cannot_be_smuggled_in() -> None:
    for changed in (replace(PROXY, host="h\nadmin_users=x"), replace(PROXY, folder="/a\nb"),
                    replace(PROXY, listen_address=" x")):  # fmt: skip
        with pytest.raises(ValueError, match="cannot"):
            settings(changed)
    text = settings(replace(PROXY, names=("a\nadmin_users = x",)))
    assert read(text)["admin_users"] == "pgconns_admin"
    with pytest.raises(ValueError, match="cannot"):
        users({"carto": "a\nb"})


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cc", "Cs"])),
)
def test_users_read_back(role: str, secret: str) -> None:
    line = users({role: secret}).removesuffix("\n")
    fields = re.findall(r'"((?:[^"]|"")*)"', line)
    assert [field.replace('""', '"') for field in fields] == [role, secret]


@given(st.text())
def test_an_entry_begins_in_one_way(name: str) -> None:
    try:
        written = entry_name(name)
    except ValueError:
        return
    assert written.strip("'") == name.strip("'")
    assert "\n" not in written


pools = st.builds(Pool, st.sampled_from(["gis", "maps"]), st.text(max_size=2), st.integers(1, 50), st.integers(0, 9))


@given(st.lists(pools, min_size=1, unique_by=lambda one: (one.database, one.username)), st.integers(0, 60))
def test_entries_hold_the_plan(made: list[Pool], most: int) -> None:
    entries = entries_of(plan(*made, most=most))
    assert {entry.database for entry in entries} == {pool.database for pool in made}
    for entry in entries:
        mine = [pool for pool in made if pool.database == entry.database]
        assert 1 <= entry.pool_size <= entry.cap <= sum(pool.pool_size + pool.reserve for pool in mine)
        assert not most or entry.cap <= most
        assert entry.pool_size == min(entry.cap, max(pool.pool_size for pool in mine))


def test_a_database_has_a_cap_of_its_own() -> None:
    made = plan(Pool("gis", "carto", 9), Pool("maps", "carto", 9), most=5, databases=(Database("maps", 3),))
    assert {entry.database: entry.cap for entry in entries_of(made)} == {"gis": 5, "maps": 3}


def test_a_role_that_gets_less_than_a_pool_is_held_to_its_share() -> None:
    made = plan(Pool("gis", "carto", 2, 1), Pool("maps", "carto", 2), Pool("gis", "maps", 9, 1), Pool("gis", "o'x", 3))
    shares = shares_of(made, entries_of(made))
    assert shares == {"carto": 5, "o'x": 3}
    kept = replace(PROXY, shares=shares, authentication="verifiers", version=(1, 18, 0))
    assert "\n[users]\ncarto = max_user_connections=5\n\n[pgbouncer]\n" in settings(kept)
    assert "[users]" not in settings(replace(kept, authentication="auth_query")), "1.18 would let carto in no more"
    assert "[users]" in settings(replace(kept, authentication="auth_query", version=(1, 24, 0)))
    assert shares_of(plan(Pool("gis", "carto", 9)), (Entry("gis", 9, 0, 9),)) == {}


@given(st.lists(pools, min_size=1, unique_by=lambda one: (one.database, one.username)))
def test_no_role_holds_more_than_its_pools_together(made: list[Pool]) -> None:
    entries = entries_of(plan(*made))
    shares = shares_of(plan(*made), entries)
    for role in {one.username for one in made}:
        mine = [one for one in made if one.username == role]
        most = sum(min(e.pool_size + e.reserve, e.cap) for e in entries if e.database in {one.database for one in mine})
        assert shares.get(role, most) <= sum(one.pool_size + one.reserve for one in mine)


def test_the_function_quotes_roles() -> None:
    sql = lookup(["carto", "o'brien", "x\\y"], "SCRAM-SHA-256$4096:a$b:c")
    assert "rolname IN ('carto', 'o''brien', E'x\\\\y')" in sql
    assert "SECURITY DEFINER\nSET search_path = pg_catalog, pg_temp" in sql
    with pytest.raises(ValueError, match="lookup"):
        lookup(["$lookup$"], "x")


def test_the_verifier_is_postgresqls() -> None:
    """The example of RFC 7677: user, pencil."""
    verifier = scram_verifier("pencil", b"W22ZaJ0SNY7soEsUEjb6gQ==")
    assert verifier.startswith("SCRAM-SHA-256$4096:")
    assert verifier == scram_verifier("pencil", b"W22ZaJ0SNY7soEsUEjb6gQ==") != scram_verifier("pencil", bytes(16))


def test_managed_services_hand_out_no_verifiers() -> None:
    assert default_authentication(["postgresql", "postgresql"]) == "auth_query"
    assert default_authentication(["postgresql", "rds"]) == "passwords"


def test_the_unit() -> None:
    text = unit(replace(PROXY, folder="/srv/my proxy"), "/usr/sbin/pgbouncer", "postgres")
    assert 'ExecStart=/usr/sbin/pgbouncer "/srv/my proxy/pgbouncer.ini"' in text
    assert "\nNoNewPrivileges=yes\n" in text
    assert f"LimitNOFILE={200 + 17 + 100}" in text
