"""The servers themselves: each answers as what it claims to be."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.servers.binaries import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.certificates import Authority
    from tests.servers.fixtures import PgServer, StartBouncer
    from tests.servers.impostors import FaultyProxy, Listener
    from tests.servers.postgres import Server


@pytest.mark.parametrize("major", VERSIONS)
def test_every_major_answers(pg_server: PgServer, major: str) -> None:
    version = pg_server(major).execute("show server_version_num")[0][0]
    assert int(version) // 10000 == int(major)


def test_equal_arguments_share_a_server(pg_server: PgServer) -> None:
    assert pg_server(17) is pg_server("17")
    small = pg_server(17, settings={"max_connections": "20"})
    assert small is not pg_server(17)
    assert small.execute("show max_connections") == [("20",)]


def test_password_is_demanded(pg_server: PgServer) -> None:
    server = pg_server(17)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        server.connect(user=server.superuser, password="wrong")


def test_throw_aways_work_with_any_name(pg_server: PgServer) -> None:
    server = pg_server(17)
    role = server.role("p\"'w", "LOGIN CONNECTION LIMIT 2", name='a"b; drop', member_of=["pg_monitor"])
    database = server.database(name='d"b; drop', owner=role)
    with server.connect(database, user=role, password="p\"'w") as connection:
        assert connection.execute("select current_user, current_database()").fetchone() == (role, database)
    server.clean()
    assert server.execute("select from pg_roles where rolname = %s", [role]) == []
    assert server.execute("select from pg_database where datname = %s", [database]) == []


def test_stop_and_start(pg_server: PgServer) -> None:
    server = pg_server(17, own="stopped and started")
    with server.stopped(), pytest.raises(psycopg.OperationalError, match="refused"):
        server.execute("select 1")
    assert server.execute("select 1") == [(1,)]


def test_hba_and_settings_change(pg_server: PgServer) -> None:
    server = pg_server(16, own="reconfigured")
    role = server.role("pw")
    server.hba("host all all all reject")
    with pytest.raises(psycopg.OperationalError, match="rejects"):
        server.connect(user=role, password="pw")
    server.configure({"log_connections": "on"})
    assert server.execute("show log_connections") == [("on",)]


def test_tls(pg_server: PgServer, certificate_authority: Authority, stranger_authority: Authority) -> None:
    server = pg_server(17, tls=True)
    trusting = {"sslmode": "verify-full", "sslrootcert": str(certificate_authority.root)}
    as_superuser = {"user": server.superuser, "password": server.password}
    with server.connect(**as_superuser, **trusting) as connection:
        assert connection.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetchone() == (True,)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        server.connect(**as_superuser, **trusting | {"sslrootcert": str(stranger_authority.root)})
    expired = pg_server(17, tls=certificate_authority.issue("127.0.0.1", expired=True))
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        expired.connect(**as_superuser, **trusting)
    misnamed = pg_server(17, tls=certificate_authority.issue("other.example"))
    with pytest.raises(psycopg.OperationalError, match="does not match"):
        misnamed.connect(**as_superuser, **trusting)


def test_postgis(postgis_server: Server) -> None:
    database = postgis_server.database()
    postgis_server.execute("create extension postgis", dbname=database)
    assert postgis_server.execute("select postgis_lib_version()", dbname=database)[0][0].startswith("3.")


def test_old_postgis(old_postgis_server: Server) -> None:
    database = old_postgis_server.database()
    old_postgis_server.execute("create extension postgis version '2.3.7'", dbname=database)
    assert old_postgis_server.execute("select postgis_lib_version()", dbname=database) == [("2.3.7",)]


def test_pgbouncer(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    bouncer = pgbouncer(server)
    role = server.role("pw")
    bouncer.refresh()
    with psycopg.connect(bouncer.dsn(user=role, password="pw"), autocommit=True) as connection:
        assert connection.execute("select current_user").fetchone() == (role,)
        assert role in {row["user"] for row in bouncer.console("show pools")}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("http", "invalid|unexpected|received"),
        ("ssh", "invalid|unexpected|received|timeout"),
        ("mysql", "invalid|unexpected|received"),
        ("silence", "timeout"),
        ("closes", "closed"),
        ("half", "timeout"),
        ("starting", "starting up"),
    ],
)
def test_impostors_are_no_servers(impostor: Callable[[str], Listener], kind: str, words: str) -> None:
    listener = impostor(kind)
    with pytest.raises(psycopg.OperationalError, match=words):
        psycopg.connect(host=listener.host, port=listener.port, user="u", dbname="d", connect_timeout=2)


def test_faulty_proxy(pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]) -> None:
    server = pg_server(17)
    proxy = faulty_proxy(server.host, server.port)
    dsn = server.dsn(user=server.superuser, password=server.password, hostaddr=proxy.host) + f" port={proxy.port}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        assert proxy.open == 1
        proxy.drop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    proxy.deaf()
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(dsn, connect_timeout=2)
    proxy.heal()
    psycopg.connect(dsn, connect_timeout=5).close()


def test_refused_port(refused_port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", refused_port), 1)


def test_home_is_empty(home: Path) -> None:
    assert Path.home() == home
    assert list(home.iterdir()) == []
