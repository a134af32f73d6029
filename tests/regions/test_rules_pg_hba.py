"""The lines for pg_hba.conf, read, understood and obeyed by real servers; and taken out again."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.regions.rules_given import wanted
from tests.servers import binaries
from tests.servers.host import Unavailable, give_up
from tui.regions.rules import write

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer
    from tests.servers.postgres import Server

# Names that mean something else in pg_hba.conf, and names that its quoting must carry.
ODD = (
    "all", "sameuser", "samerole", "replication", "+carto", "@carto", "a,b", 'say "hi" #x', '"', "back\\slash\\",
    "ÄÖ ü", "/carto", "/.*", "/a.b(c)", '/"\\',
)  # fmt: skip
_PASSWORD = "let me in"


@pytest.mark.parametrize("major", [12, 15, 16, 18])
def test_the_server_reads_every_line_and_finds_no_error(pg_server: PgServer, major: int) -> None:
    server = pg_server(major, tls=True, own="allow")
    asked = wanted(region='odd "region"', connection="prod", database="all", role="a,b")
    server.hba(write("pg_hba", asked).rules)
    rows = server.execute(
        "select error, type, database, user_name, address, netmask, auth_method from pg_hba_file_rules"
        " where line_number > 1 order by line_number"
    )
    everything = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    assert [(error, kind, len(database), user, *rest) for error, kind, database, user, *rest in rows] == [
        (None, "hostssl", 1, ["a,b"], "192.0.2.1", "255.255.255.255", "scram-sha-256"),
        (None, "hostssl", 1, ["a,b"], "198.51.100.0", "255.255.255.240", "scram-sha-256"),
        (None, "hostssl", 1, ["a,b"], "2001:db8::7", everything, "scram-sha-256"),
    ]
    server.hba(write("pg_hba", wanted()).rules)  # placeholders are names that nobody has
    rows = server.execute("select error, database, user_name from pg_hba_file_rules where line_number > 1")
    assert rows == [(None, ["DATABASE"], ["ROLE"])] * 3


@pytest.mark.parametrize("major", [15, 16])
def test_odd_names_let_exactly_their_database_and_role_in(pg_server: PgServer, major: int) -> None:
    server = pg_server(major, tls=True, own="allow")
    others = {}
    for name in ODD:
        server.database(name)
        server.role(_PASSWORD, name=name)
        others[name] = server.role(_PASSWORD, name=f"x{name}x", member_of=(name,))
    lines = [write("pg_hba", wanted("127.0.0.1", database=name, role=name)) for name in ODD]
    server.hba("".join(written.rules for written in lines) + "host all all all reject")
    assert server.execute("select count(error) from pg_hba_file_rules") == [(0,)]
    # Before 16 such a name cannot be said, and nobody else is let in for it.
    unsayable = {name for name in ODD if name.startswith("/")} if major < 16 else set()
    assert {name for name in ODD if _enters(server, name, name)} == set(ODD) - unsayable
    assert [name for name in ODD if _enters(server, name, others[name])] == []
    assert [name for name in ODD if _enters(server, "postgres", name)] == []
    for name, written in zip(ODD, lines, strict=True):
        assert any("PostgreSQL 16" in note for note in written.notes) is name.startswith("/")


def test_without_tls_a_line_for_tls_lets_nobody_in_and_the_plain_one_does(pg_server: PgServer) -> None:
    server = pg_server(16, tls=True, own="allow")
    role = server.role(_PASSWORD)
    for sslmode, enters in (("require", False), ("disable", True)):
        asked = wanted("127.0.0.1", database="postgres", role=role, sslmode=sslmode)
        server.hba(write("pg_hba", asked).rules)
        assert _enters(server, "postgres", role, sslmode="disable") is enters


@pytest.mark.parametrize("major", [15, 16])
def test_the_undo_takes_out_its_own_lines_and_nothing_else(pg_server: PgServer, major: int) -> None:
    server = pg_server(major, tls=True, own="allow")
    first, second = (write("pg_hba", wanted("127.0.0.1", database="gis", role=role)) for role in ("carto", "it's"))
    around = "# mine\nhost all all 10.0.0.0/8 reject\n"
    server.hba(around + first.rules + around + second.rules + around)
    file = server.data / "pg_hba.conf"
    before = file.read_text()
    _psql(server, first.undo)
    assert file.read_text() == before.replace(first.rules, "")
    assert (server.data / "pg_hba.conf.before-undo").read_text() == before
    _psql(server, second.undo)
    assert file.read_text().split("\n", 1)[1].strip() == (around * 3).strip()
    # Once more, or where somebody took out a mark: it changes nothing.
    file.write_text(before.replace("# pgconns end", "# pgconns stop"))
    for undo in (first.undo, second.undo):
        with pytest.raises(subprocess.CalledProcessError):
            _psql(server, undo)
    assert file.read_text() == before.replace("# pgconns end", "# pgconns stop")


def _enters(server: Server, database: str, role: str, sslmode: str = "require") -> bool:
    try:
        with psycopg.connect(server.dsn(database, role, _PASSWORD, sslmode=sslmode), connect_timeout=10):
            return True
    except psycopg.OperationalError as error:
        assert "pg_hba.conf" in str(error)
        return False


def _psql(server: Server, script: str) -> None:
    try:
        programs = binaries.debian_tree() / "bin"
    except Unavailable as reason:
        give_up(f"no psql: {reason}")
    login = {"PGHOST": server.host, "PGPORT": str(server.port), "PGUSER": server.superuser, "PGDATABASE": "postgres"}
    environment = {**os.environ, **login, "PGPASSWORD": server.password, "PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run(["sh"], input=script, env=environment, text=True, check=True, capture_output=True, timeout=60)
