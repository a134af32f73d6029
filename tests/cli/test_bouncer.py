"""bouncer config and check: from a Connection to a running PgBouncer, on real servers and under TLS."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest

from tests.bouncer.test_configuration import PROXY
from tests.cli.conftest import PASSWORD, Program, Result
from tests.cli.test_terminal import Person
from tests.servers.host import ROOT, free_port, give
from tui.cli import bouncer_config, main
from tui.cli.output import Output, Refused
from tui.connections.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.certificates import Authority
    from tests.servers.host import Host
    from tests.servers.pgbouncer import Written
    from tests.servers.postgres import Server

# Whom PgBouncer runs as in the tests, where they are root's.
USER = ("--user", "nobody") if ROOT else ()
PLAN: dict[str, Any] = {
    "server": "db:5432", "connections": ["prod"], "worth_it": True, "reasons": [], "merge": [],
    "pool_mode": "transaction", "max_client_conn": 60, "max_db_connections": 6, "pools": [], "databases": [],
    "time_outs": [], "arithmetic": [], "evidence": "ceiling",
}  # fmt: skip


class Site(NamedTuple):
    """A server under TLS, a Connection `prod` to it, and a folder that PgBouncer's user can get to."""

    server: Server
    database: str
    role: str
    folder: Path
    port: int
    pgconns: Program

    def config(self, *words: str, **how: Any) -> Result:
        """Write the files."""
        place = ("--output", str(self.folder), "--listen", f"127.0.0.1:{self.port}", *USER)
        return self.pgconns("bouncer", "config", *(how.pop("names", ("prod",))), *place, *words, **how)

    @property
    def at(self) -> str:
        """Where its PgBouncer listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def admin(self) -> tuple[str, ...]:
        """The flags of check that look at its console as the written admin."""
        source = f"file:{self.folder / 'admin.password'}"
        return ("--at", self.at, "--username", "pgconns_admin", "--password-from", source, *self.trust)

    @property
    def trust(self) -> tuple[str, ...]:
        """The flags that trust the certificate which was made for it."""
        return ("--sslmode", "verify-full", "--sslrootcert", str(self.folder / "client-tls.crt"))

    def run_lookup(self) -> None:
        """Make the function of auth_query, as a superuser would."""
        self.server.execute((self.folder / "auth_query.sql").read_text(), dbname=self.database)


@pytest.fixture
def site(
    pg_server: Any, pgconns: Program, password_file: str, certificate_authority: Authority, server_host: Host
) -> Site:
    """The server, the Connection, and where the files are to go."""
    server: Server = pg_server(17, hba="hostssl all all all scram-sha-256", tls=True)
    database, role = server.database(), server.role(PASSWORD, "LOGIN", member_of=["pg_monitor"])
    where = ("--server", server.host, "--port", str(server.port), "--database", database, "--username", role)
    tls = ("--sslmode", "verify-full", "--sslrootcert", str(certificate_authority.root))
    added = pgconns("add", "prod", *where, *tls, "--password-from", password_file)
    assert added.status == 0, added.err
    folder = server_host.make_folder("written") / "pgbouncer"
    return Site(server, database, role, folder, free_port(), pgconns)


@pytest.mark.parametrize(
    ("authentication", "pool_mode"), [("auth_query", "transaction"), ("passwords", "session"), ("verifiers", "session")]
)
def test_from_a_connection_to_a_cap_that_holds(
    site: Site, pgbouncer_on: Callable[[Path, int], Written], authentication: str, pool_mode: str
) -> None:
    if authentication == "verifiers":  # which only a superuser may read
        site.server.execute(f'ALTER ROLE "{site.role}" SUPERUSER')
    sizes = ("--pool-size", "3", "--max-server-sockets", "4", "--max-clients", "60", "--pool-mode", pool_mode)
    written = site.config("--auth", authentication, *sizes, "--json")
    assert written.status == 0, written.out + written.err
    findings = written.json["findings"]
    assert {one["status"] for one in findings} == {"ok"}, findings
    assert ("gets through" in str(findings)) is (authentication != "auth_query")
    assert (written.json["server_sockets"], written.json["pool_mode"]) == (3, pool_mode)
    for name in written.json["files"]:
        assert stat.S_IMODE((site.folder / name).stat().st_mode) == 0o600, name
        if authentication != "passwords":
            assert PASSWORD not in (site.folder / name).read_text()
    secrets = [(site.folder / f"{name}.password").read_text().strip() for name in ("admin", "stats")]
    assert not [secret for secret in (*secrets, PASSWORD) if secret in written.out + written.err]
    if authentication == "auth_query":
        site.run_lookup()
    pgbouncer_on(site.folder / "pgbouncer.ini", site.port)

    checked = site.pgconns("bouncer", "check", "prod", *site.admin, "--load-test", "--clients", "20", "--json")
    assert checked.status == 0, checked.out + checked.err
    by_check = {one["check"]: one for one in checked.json["findings"]}
    assert (by_check["passage"]["status"], by_check["load_test"]["status"]) == ("ok", "ok")
    load = checked.json["load_test"]
    assert (load["served"], load["most"], load["cap"], load["refusals"]) == (20, 3, 3, [])

    before = Registry().get("prod")
    switched = site.pgconns("bouncer", "config", "prod", "--switch", site.at, *site.trust, "--json")
    assert switched.status == 0, switched.out + switched.err
    assert switched.json["switch"]["changed"] is True
    after = Registry().get("prod")
    root = str(site.folder / "client-tls.crt")
    expected = before.parameters._replace(port=site.port, connector="pgbouncer", sslrootcert=root)
    assert (after.id, after.parameters) == (before.id, expected)
    looks = ("--username", "pgconns_stats", "--password-from", f"file:{site.folder / 'stats.password'}")
    assert site.pgconns("bouncer", "check", "prod", *looks).status == 0
    if authentication != "auth_query" or checked.json["version"] != "PgBouncer 1.18.0":  # whose console knows no roles
        own = site.pgconns("bouncer", "check", "prod", "--json")
        assert own.status == 0, own.out


def test_what_is_asked_of_the_server_alone(site: Site) -> None:
    """The function hands out the Connections' verifiers to one role, and to nobody anything else."""
    assert site.config("--json").status == 0
    site.run_lookup()
    site.run_lookup()  # a second time changes nothing
    look = "SELECT uname, phash FROM pgbouncer.user_lookup(%s)"
    ((name, verifier),) = site.server.execute(look, (site.role,), site.database)
    assert (name, verifier.startswith("SCRAM-SHA-256$")) == (site.role, True)
    assert site.server.execute(look, (site.server.superuser,), site.database) == [(None, None)]
    listed = dict(line.split('" "') for line in (site.folder / "userlist.txt").read_text().splitlines())
    password = listed['"pgbouncer_auth'].removesuffix('"')
    with site.server.connect(site.database, user="pgbouncer_auth", password=password, sslmode="require") as auth:
        assert auth.execute(look, (site.role,)).fetchone() == (site.role, verifier)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auth.execute("SELECT * FROM pg_authid")
    with (
        site.server.connect(site.database, user=site.role, password=PASSWORD, sslmode="require") as other,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        other.execute(look, (site.role,))
    with site.server.connect(site.database) as superuser:
        told: list[str] = []
        superuser.add_notice_handler(lambda one: told.append(one.message_primary or ""))
        sql = (site.folder / "auth_query.sql").read_text().encode()
        for change, words in (("SUPERUSER", "is a superuser"), ("NOSUPERUSER PASSWORD NULL", "no SCRAM verifier")):
            superuser.execute(f'ALTER ROLE "{site.role}" {change}'.encode())
            superuser.execute(sql)
            assert words in told[-1]
        superuser.rollback()
    site.server.execute(f"ALTER ROLE \"{site.role}\" VALID UNTIL '2001-01-01'")
    assert site.server.execute(look, (site.role,), site.database) == [(site.role, None)]
    site.server.execute("DROP SCHEMA pgbouncer CASCADE", dbname=site.database)
    site.server.execute("DROP OWNED BY pgbouncer_auth", dbname=site.database)
    site.server.execute("DROP ROLE pgbouncer_auth")


def test_a_plan_from_stdin(site: Site) -> None:
    pool = {"database": site.database, "username": site.role, "pool_size": 7, "reserve": 2}
    plan = PLAN | {
        "pool_mode": "session", "max_client_conn": 77, "max_db_connections": 8, "pools": [pool],
        "time_outs": [{"setting": "query_wait_timeout", "seconds": 33, "why": "because"}],
    }  # fmt: skip
    written = site.config("--plan", "-", "--json", names=(), stdin=json.dumps(plan))
    assert written.status == 0, written.out + written.err
    assert written.json["connections"] == ["prod"]
    assert written.json["entries"] == [{"database": site.database, "pool_size": 7, "reserve": 2, "cap": 8}]
    said = (site.folder / "pgbouncer.ini").read_text()
    for line in ("pool_mode = session", "max_client_conn = 77", "query_wait_timeout = 33"):
        assert f"\n{line}\n" in said
    for text, words in (("{}", "has no"), ("[", "--plan -"), (json.dumps(plan | {"pools": []}), "no pool for")):
        refused = site.config("--plan", "-", "--overwrite", stdin=text)
        assert (refused.status, words in refused.err) == (2, True), refused.err


def test_a_role_is_held_to_its_share_of_the_plan(
    site: Site, pgbouncer_on: Callable[[Path, int], Written], password_file: str
) -> None:
    other = site.server.role(PASSWORD, "LOGIN")
    prod = Registry().get("prod").parameters
    where = ("--server", prod.server, "--port", str(prod.port), "--database", prod.database, "--username", other)
    tls = ("--sslmode", "verify-full", "--sslrootcert", prod.sslrootcert)
    assert site.pgconns("add", "tiles", *where, *tls, "--password-from", password_file).status == 0
    pools = [{"database": site.database, "username": role, "pool_size": size, "reserve": 0}
             for role, size in ((site.role, 2), (other, 4))]  # fmt: skip
    text = json.dumps(PLAN | {"connections": ["prod", "tiles"], "max_db_connections": 6, "pools": pools})
    written = site.config("--plan", "-", "--auth", "passwords", "--json", names=(), stdin=text)
    assert written.status == 0, written.out + written.err
    assert str(written.json["findings"]).count("gets through") == 2
    assert f"--at 127.0.0.1:{site.port}" in str(written.json["next"]), "where it listens is where it is"
    pgbouncer_on(site.folder / "pgbouncer.ini", site.port)
    checked = site.pgconns("bouncer", "check", "prod", *site.admin, "--load-test", "--clients", "20", "--json")
    assert checked.status == 0, checked.out + checked.err
    assert (checked.json["load_test"]["served"], checked.json["load_test"]["most"]) == (20, 2)
    asks = site.config("--plan", "-", "--auth", "auth_query", "--overwrite", "--json", names=(), stdin=text)
    told = [one["message"] for one in asks.json["findings"] if one["check"] == "role_limits"]
    holds = "[users]" in (site.folder / "pgbouncer.ini").read_text()  # a newer PgBouncer can
    assert [f"{site.role} 2" in one for one in told] == ([] if holds else [True])


def test_files_that_are_there_stay(site: Site) -> None:
    first = site.config("--pool-size", "500", "--listen", f"[::1]:{site.port}", "--json")
    assert first.status == 0
    (warned,) = [one["message"] for one in first.json["findings"] if one["status"] == "warning"]
    assert "let it open 500 sockets, where the server takes" in warned
    assert f"--switch [::1]:{site.port} " in str(first.json["next"])
    before = (site.folder / "userlist.txt").read_text()
    refused = site.config()
    assert (refused.status, "--overwrite" in refused.err, refused.out) == (2, True, "")
    assert (site.folder / "userlist.txt").read_text() == before
    again = site.config("--overwrite")
    assert again.status == 0, again.err
    assert (site.folder / "userlist.txt").read_text() != before
    assert ("Written to" in again.out, "Next:" in again.err) == (True, True)


def refusal(*words: str) -> str:
    """Return why a command is refused; here, without a process of its own for each."""
    said = io.StringIO()
    with pytest.raises(Refused) as raised:
        main._dispatch(("bouncer", *words), Output(said, said))
    assert (raised.value.status, said.getvalue()) == (2, "")
    return str(raised.value)


def test_what_config_refuses(site: Site, password_file: str) -> None:
    other = ("--server", "localhost", "--port", str(site.server.port), "--database", site.database, "--username",
             site.role, "--sslmode", "require", "--password-from", password_file)  # fmt: skip
    assert site.pgconns("add", "other", *other).status == 0
    for words, expected in (
        ((), "--output"),
        (("prod", "other", "--output", "x"), "different servers"),
        (("prod", "--output", "x", "--certificate", "y"), "--key"),
        (("prod", "--output", "x", "--pool-size", "0"), "from 1 on"),
        (("prod", "--output", "x", "--listen", "a:b:c:99999"), "--listen"),
        (("prod", "--switch", "nowhere:0"), "--switch"),
        (("--output", "x"), "Name the Connections"),
    ):
        assert expected in refusal("config", *words)
    planned = site.config("--plan", "-", "--pool-size", "3", stdin=json.dumps(PLAN))
    assert (planned.status, "the pools are the plan's" in planned.err) == (2, True), planned.err
    refused = site.config("--auth", "verifiers")
    assert (refused.status, "only a superuser" in refused.err) == (1, True)
    assert not site.folder.exists()


def test_a_switch_that_fails_changes_nothing(site: Site, refused_port: int) -> None:
    before = Registry().load()
    failed = site.pgconns("bouncer", "config", "prod", "--switch", f"127.0.0.1:{refused_port}", "--json")
    assert (failed.status, failed.json["switch"]["changed"]) == (3, False)
    itself = site.pgconns("bouncer", "config", "prod", "--switch", f"127.0.0.1:{site.server.port}")
    assert (itself.status, "No pooler answers" in itself.err) == (1, True), itself.err
    assert Registry().load() == before


def test_what_check_refuses(site: Site) -> None:
    itself = site.pgconns("bouncer", "check", "prod", "--json")
    assert (itself.status, "no PgBouncer" in itself.out) == (3, True), itself.out
    for words, expected in (
        (("--clients", "3"), "--load-test"),
        (("--username", "x"), "--password-from or --password-stdin"),
        (("--username", "x", "--password-from", "vault"), "file:/path"),
        (("--plan", "-", "--password-stdin"), "both read stdin"),
        (("--at", "x:y"), "--at"),
        (("--load-test", "--seconds", "500"), "from 1 to 120"),
    ):
        assert expected in refusal("check", "prod", *words)


def test_a_plan_that_is_not_kept_is_told(site: Site, pgbouncer: Any) -> None:
    bouncer = pgbouncer(site.server, settings={"server_tls_sslmode": "require", "stats_users": site.role})
    (site.folder.parent / "plan.json").write_text(json.dumps({
        "server": "db:5432", "connections": ["prod"], "worth_it": True, "reasons": [], "merge": [],
        "pool_mode": "session", "max_client_conn": 900, "max_db_connections": 8, "databases": [], "arithmetic": [],
        "pools": [{"database": site.database, "username": site.role, "pool_size": 7, "reserve": 0}],
        "time_outs": [], "evidence": "ceiling",
    }))  # fmt: skip
    at = ("--at", f"127.0.0.1:{bouncer.port}", "--sslmode", "disable")
    found = site.pgconns("bouncer", "check", "prod", *at, "--plan", str(site.folder.parent / "plan.json"), "--json")
    assert found.status == 0, found.out + found.err
    told = " ".join(one["message"] for one in found.json["findings"] if one["check"] == "plan")
    for words in ("pools of 20", "any number of server sockets", "pools by transaction", "100 clients may come in"):
        assert words in told


async def test_without_a_pgbouncer_it_says_so() -> None:
    (found,) = await bouncer_config._tried(PROXY, None, {}, [])
    assert (found.status, "there is no PgBouncer here" in found.message) == ("skipped", True)


def test_sockets_tells_of_clients_and_who_may_not_look(site: Site, pgbouncer: Any) -> None:
    bouncer = pgbouncer(site.server, settings={"server_tls_sslmode": "require", "stats_users": site.role})
    there = ("--port", str(bouncer.port), "--connector", "pgbouncer", "--sslmode", "disable", "--sslrootcert", "")
    assert site.pgconns("edit", "prod", *there).status == 0
    dsn = bouncer.dsn(site.database, site.role, PASSWORD)
    with psycopg.connect(dsn, autocommit=True), psycopg.connect(dsn, autocommit=True):
        told = told_of(site, lambda result: "clients of its PgBouncer" in result.out)
        assert told.status == 0
        (count,) = told_of(site, lambda result: "pooled" in result.out, "--json").json["connections"]
        assert count["pooled"]["clients"] >= 2
        assert (count["pooled"]["most"], count["pooled"]["waiting"]) == (20, 0)
    bouncer.stop()
    blind = pgbouncer(site.server, settings={"server_tls_sslmode": "require"})
    assert site.pgconns("edit", "prod", "--port", str(blind.port)).status == 0
    told_of(site, lambda result: f"stats_users = {site.role}" in result.err)


def told_of(site: Site, enough: Callable[[Result], bool], *words: str) -> Result:
    """Count until enough is told: on a busy machine a console may answer later than is waited for."""
    for _ in range(10):
        result = site.pgconns("sockets", "prod", *words)
        if enough(result):
            return result
    pytest.fail(f"{result.out}{result.err}")


def test_what_stands_still_is_said(site: Site, pgbouncer: Any) -> None:
    bouncer = pgbouncer(site.server, settings={"server_tls_sslmode": "require", "stats_users": site.role})
    at = ("--at", f"127.0.0.1:{bouncer.port}", "--sslmode", "disable", "--json")
    assert site.pgconns("bouncer", "check", "prod", *at).status == 0  # which makes the entry of the line *
    bouncer.console(f"DISABLE {site.database}")
    found = site.pgconns("bouncer", "check", "prod", *at)
    failed = {one["check"]: one for one in found.json["findings"] if one["status"] == "failed"}
    assert (found.status, set(failed)) == (1, {"passage", "pausing"}), found.out
    assert failed["pausing"]["fix"].startswith("ENABLE")
    assert "disabled" in failed["passage"]["message"]


def test_at_a_terminal_it_asks_before_it_writes_over_and_offers_to_switch(
    site: Site, pgbouncer_on: Callable[[Path, int], Written]
) -> None:
    config = ("bouncer", "config", "prod", "--output", str(site.folder), "--listen", site.at, "--auth", "passwords")
    person = Person(*config, *USER, "--sslmode", "require")
    person.sees("Does it run already?")
    pgbouncer_on(site.folder / "pgbouncer.ini", site.port)
    person.types("Does it run already?", site.at)
    assert person.status() == 0, person.shown
    assert f"prod now leads to {site.at}" in person.shown
    assert (Registry().get("prod").parameters.port, "planted" in person.shown) == (site.port, False)
    back = ("--port", str(site.server.port), "--connector", "postgresql")
    assert site.pgconns("edit", "prod", *back).status == 0
    before = (site.folder / "userlist.txt").read_text()
    careful = Person(*config, *USER)
    careful.types("Write over them?", "n")
    assert (careful.status(), "Nothing was written" in careful.shown) == (2, True)
    assert (site.folder / "userlist.txt").read_text() == before


def test_a_certificate_of_ones_own(
    site: Site, certificate_authority: Authority, pgbouncer_on: Callable[[Path, int], Written]
) -> None:
    files = certificate_authority.issue("127.0.0.1", "localhost").write(site.folder.parent)
    for file in files:
        give(file)
    own = ("--certificate", str(files[0]), "--key", str(files[1]))
    written = site.config("--auth", "passwords", *own, "--json")
    assert written.status == 0, written.out
    assert "client-tls.key" not in written.json["files"]
    pgbouncer_on(site.folder / "pgbouncer.ini", site.port)
    switched = site.pgconns("bouncer", "config", "prod", "--switch", site.at)  # verify-full, by the same authority
    assert switched.status == 0, switched.err
    assert Registry().get("prod").parameters.sslmode == "verify-full"
