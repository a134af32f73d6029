"""Every way of not getting in, against real servers: each has its own finding, with the code and the fix."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import string
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.postgres.given import eventually, refusal, superuser, to
from tests.servers.certificates import Authority
from tests.servers.fixtures import PgServer, StartBouncer
from tests.servers.host import Host, give
from tests.servers.impostors import FaultyProxy, Listener
from tui.postgres import opening
from tui.postgres.door import connect
from tui.postgres.errors import CannotConnect, Failure
from tui.postgres.explain import explain
from tui.postgres.finding import Finding
from tui.postgres.opening import read_failure

if TYPE_CHECKING:
    from tests.servers.postgres import Server

EVERY = ("11", "12", "13", "14", "15", "16", "17", "18")


@pytest.mark.parametrize("major", EVERY)
async def test_the_ways_of_every_major(pg_server: PgServer, major: str) -> None:
    """SQLSTATEs come from libpq itself, on every major alike."""
    server = pg_server(major)
    async with await connect(superuser(server)) as session:
        assert (await session.rows("SELECT 1 AS one")) == [{"one": 1}]
        assert session.used_password
    wrong = await refusal(superuser(server, password="no"))
    assert (wrong.check, wrong.code) == ("authentication", "28P01")
    assert "does not accept this password" in wrong.message
    none = await refusal(superuser(server, password=None))
    assert none.code == "28P01"
    assert "none was given" in none.message
    missing = await refusal(superuser(server, database='a"b; drop'))
    assert missing.code == "3D000"
    assert 'CREATE DATABASE "a""b; drop";' in missing.fix


async def test_a_role_that_may_not(pg_server: PgServer) -> None:
    server = pg_server(17)
    database = server.database()
    nologin = server.role("pw", "NOLOGIN")
    finding = await refusal(to(server, username=nologin, password="pw"))
    assert finding.code == "28000"
    assert finding.fix == f'ALTER ROLE "{nologin}" LOGIN;'
    role = server.role("pw")
    server.execute(f'REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC')
    finding = await refusal(to(server, username=role, password="pw", database=database))
    assert finding.code == "42501"
    assert finding.fix == f'GRANT CONNECT ON DATABASE "{database}" TO "{role}";'
    server.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
    finding = await refusal(superuser(server, database=database))
    assert finding.code == "55000"
    assert "ALLOW_CONNECTIONS true" in finding.fix
    expired = server.role("pw", "LOGIN VALID UNTIL '2001-01-01'")
    assert (await refusal(to(server, username=expired, password="pw"))).code == "28P01"


@pytest.mark.parametrize("major", ["12", "16", "18"])
async def test_no_line_of_pg_hba(pg_server: PgServer, major: str) -> None:
    server = pg_server(major, hba='host all rejected all reject\nhost all "tru st" all trust')
    finding = await refusal(to(server, username="stranger", sslmode="disable"))
    assert finding.code == "28000"
    assert "127.0.0.1" in finding.message
    assert 'host "postgres" "stranger" 127.0.0.1/32 scram-sha-256' in finding.fix
    finding = await refusal(to(server, username="rejected", sslmode="disable"))
    assert finding.code == "28000"
    assert "rejects" in finding.message
    assert "above the line that rejects" in finding.fix
    finding = await refusal(to(server, username="tru st"))
    assert finding.message == "There is no role named tru st"


async def test_trust_asks_for_no_password(pg_server: PgServer) -> None:
    server = pg_server(17, hba="host all all all trust")
    role = server.role()
    async with await connect(to(server, username=role)) as session:
        assert not session.used_password


async def test_md5(pg_server: PgServer) -> None:
    server = pg_server(13, hba="host all all all md5", settings={"password_encryption": "md5"})
    role = server.role("pw")
    async with await connect(to(server, username=role, password="pw")) as session:
        assert session.used_password
    assert (await refusal(to(server, username=role, password="no"))).code == "28P01"


async def test_limits_of_role_database_and_server(pg_server: PgServer) -> None:
    server = pg_server(16, own="full", settings={"max_connections": "5", "superuser_reserved_connections": "2"})
    role = server.role("pw", "LOGIN CONNECTION LIMIT 1")
    other = server.role("pw")
    database = server.database(options="CONNECTION LIMIT 1")
    mine = to(server, username=role, password="pw")
    async with await connect(mine):
        finding = await refusal(mine)
        assert (finding.code, "The role" in finding.message) == ("53300", True)
        assert f'ALTER ROLE "{role}" CONNECTION LIMIT' in finding.fix
    there = to(server, username=other, password="pw", database=database)
    async with await connect(there):
        finding = await refusal(there)
        assert (finding.code, "The database" in finding.message) == ("53300", True)
        assert f'ALTER DATABASE "{database}" CONNECTION LIMIT' in finding.fix
    theirs = to(server, username=other, password="pw")
    sessions = [await connect(theirs) for _ in range(3)]
    try:
        finding = await refusal(theirs)
        assert finding.code == "53300"
        assert "The server is full" in finding.message
        assert "only reserved ones are left" in finding.message
    finally:
        for session in sessions:
            await session.close()


async def test_starting_up_for_good(pg_server: PgServer) -> None:
    """A standby with hot_standby = off lets nobody in, ever."""
    server = pg_server(17, own="standby")
    server.stop()
    (server.data / "standby.signal").touch()
    with (server.data / "postgresql.conf").open("a") as file:
        file.write("hot_standby = off\n")
    server.start()
    try:
        finding = await refusal(superuser(server))
    finally:
        server.stop()
        (server.data / "standby.signal").unlink()
        with (server.data / "postgresql.conf").open("a") as file:
            file.write("hot_standby = on\n")
    assert finding.code == "57P03"
    assert "standby" in finding.message


async def test_shutting_down(pg_server: PgServer) -> None:
    """A smart shutdown waits for its clients and lets in nobody else."""
    server = pg_server(15, own="stopping")
    with server.connect():
        (pid,) = (server.data / "postmaster.pid").read_text().split()[:1]
        os.kill(int(pid), signal.SIGTERM)
        deadline = time.monotonic() + 10
        while (finding := await _maybe_refused(server)) is None:
            assert time.monotonic() < deadline
    assert finding.code == "57P03"
    assert finding.message == "The server is shutting down"
    server.stop()


async def _maybe_refused(server: Server) -> Finding | None:
    try:
        return await refusal(superuser(server))
    except AssertionError:
        return None


@pytest.mark.parametrize("kind", ["starting"])
async def test_starting_as_a_server_says_it(impostor: Callable[[str], Listener], kind: str) -> None:
    finding = await refusal(to(impostor(kind), password="pw"))
    assert finding.code == "57P03"
    assert "starting up" in finding.message


@pytest.mark.parametrize(("kind", "words"), [("http", "an HTTP server"), ("ssh", ""), ("mysql", "")])
async def test_what_is_no_postgresql(impostor: Callable[[str], Listener], kind: str, words: str) -> None:
    finding = await refusal(to(impostor(kind), password="pw"), 3)
    assert finding.check == "tls"
    assert words in finding.message


@pytest.mark.parametrize("kind", ["silence", "half"])
async def test_silence_ends_within_its_bound(impostor: Callable[[str], Listener], kind: str) -> None:
    listener = impostor(kind)
    started = time.monotonic()
    finding = await refusal(to(listener, password="pw", sslmode="disable"), 0.5)
    assert time.monotonic() - started < 2
    assert finding.code == "ETIMEDOUT"
    assert "says nothing" in finding.message


async def test_hanging_up(impostor: Callable[[str], Listener]) -> None:
    finding = await refusal(to(impostor("closes"), password="pw"))
    assert finding.code == "ECONNRESET"
    assert "hung up" in finding.message


async def test_nobody_listens(refused_port: int) -> None:
    class Nowhere:
        host, port = "127.0.0.1", refused_port

    finding = await refusal(to(Nowhere()))
    assert (finding.check, finding.code) == ("tcp", "ECONNREFUSED")
    assert "listen_addresses" in finding.fix


async def test_packets_that_are_swallowed() -> None:
    """A listener whose queue is full lets no handshake through, as a silent firewall does."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)

        class Swallowed:
            host, port = "127.0.0.1", int(full.getsockname()[1])

        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex((Swallowed.host, Swallowed.port))
            waiting.append(client)
        started = time.monotonic()
        finding = await refusal(to(Swallowed()), 1)
        assert time.monotonic() - started < 3
        for client in waiting:
            client.close()
    assert (finding.check, finding.code) == ("tcp", "ETIMEDOUT")
    assert "firewall" in finding.message


@pytest.mark.parametrize(
    ("host", "code"), [("no-such-host.invalid", "EAI_NONAME"), ("a" * 64 + ".invalid", "EAI_NONAME")]
)
async def test_names_that_nobody_knows(host: str, code: str) -> None:
    class Unknown:
        port = 5432

        def __init__(self) -> None:
            self.host = host

    finding = await refusal(to(Unknown()))
    assert finding.check == "name_resolution"
    assert finding.code in {code, "EAI_AGAIN"}


async def test_tls_refused_and_forced(pg_server: PgServer) -> None:
    plain = pg_server(17)
    finding = await refusal(superuser(plain, sslmode="require"))
    assert finding.check == "tls"
    assert "offers no TLS" in finding.message
    forced = pg_server(17, tls=True, hba="hostssl all all all scram-sha-256")
    role = forced.role("pw")
    finding = await refusal(to(forced, username=role, password="pw", sslmode="disable"))
    assert finding.code == "28000"
    assert "without TLS" in finding.message
    assert "hostssl" in finding.fix
    for mode in ("allow", "prefer", "require"):
        async with await connect(to(forced, username=role, password="pw", sslmode=mode)) as session:
            assert session.encrypted
        finding = await refusal(to(forced, username=role, password="no", sslmode=mode))
        assert finding.code == "28P01", mode


async def test_certificates(
    pg_server: PgServer, certificate_authority: Authority, stranger_authority: Authority
) -> None:
    good = pg_server(17, tls=True)
    root, stranger = str(certificate_authority.root), str(stranger_authority.root)
    async with await connect(superuser(good, sslmode="verify-full", sslrootcert=root)) as session:
        assert session.encrypted
    finding = await refusal(superuser(good, sslmode="verify-ca", sslrootcert=stranger))
    assert (finding.check, "does not verify" in finding.message) == ("tls", True)
    finding = await refusal(superuser(good, sslmode="require", sslrootcert=stranger))
    assert "does not verify" in finding.message, "a root certificate makes require verify the chain"
    finding = await refusal(superuser(good, sslmode="verify-full"))
    assert "does not exist" in finding.message
    finding = await refusal(superuser(good, sslmode="require", sslrootcert="system"))
    assert "verify-full" in finding.message
    other = pg_server(17, tls=certificate_authority.issue("other.example"))
    finding = await refusal(superuser(other, sslmode="verify-full", sslrootcert=root))
    assert "other.example" in finding.message
    expired = pg_server(17, tls=certificate_authority.issue("127.0.0.1", expired=True))
    finding = await refusal(superuser(expired, sslmode="verify-ca", sslrootcert=root))
    assert "expired" in finding.message


async def test_a_client_certificate_is_demanded(
    pg_server: PgServer, certificate_authority: Authority, server_host: Host
) -> None:
    server = pg_server(
        16,
        tls=True,
        hba="hostssl all certified all cert\nhostssl all both all scram-sha-256 clientcert=verify-ca",
        settings={"ssl_ca_file": str(_readable(certificate_authority.root, server_host))},
    )
    for username in ("certified", "both"):
        finding = await refusal(to(server, username=username, password="pw", sslmode="require"))
        assert "client certificate" in finding.message
        assert "six parameters" in finding.message


def _readable(path: Path, host: Host) -> Path:
    """Copy a file to where the servers' user can read it."""
    copy = host.make_folder("roots") / path.name
    copy.write_bytes(path.read_bytes())
    give(copy)
    return copy


async def test_words_in_another_language(pg_server: PgServer) -> None:
    """Where the words are not English, the code and the server's function still tell the cases apart."""
    server = pg_server(17)
    target = superuser(server)
    text = (
        "VERHÄNGNISVOLL:  53300: zu viele Verbindungen für Rolle »x«\nLOCATION:  InitializeSessionUserId, miscinit.c:1"
    )
    failure = read_failure(text, "startup")
    assert failure == Failure(
        "startup", "zu viele Verbindungen für Rolle »x«", "53300", where="InitializeSessionUserId"
    )
    assert "The role" in explain(failure, target).message
    text = '致命错误:  28000: 没有用于主机 "10.1.2.3", 用户 "x" 的 pg_hba.conf 记录\n'
    text += "LOCATION:  ClientAuthentication, auth.c:5"
    finding = explain(read_failure(text, "startup"), target)
    assert "10.1.2.3/32" in finding.fix
    assert "or one that rejects it" in finding.message


async def test_a_libpq_that_tells_no_sqlstate(pg_server: PgServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words tell the cases apart, where they are English."""
    monkeypatch.setattr(opening, "_verbosity", lambda: None)
    server = pg_server(17)
    assert (await refusal(superuser(server, password="no"))).code == "28P01"
    assert (await refusal(superuser(server, database="nope"))).code == "3D000"


async def test_every_printable_character_in_a_password(pg_server: PgServer) -> None:
    server = pg_server(18)
    password = string.printable.strip() + " 'é\\' \" ␛ end "
    role = server.role(password)
    async with await connect(to(server, username=role, password=password)) as session:
        assert session.used_password
    finding = await refusal(to(server, username=role, password="a\0b"))
    assert "NUL" in finding.message


async def test_a_database_with_a_hostile_name(pg_server: PgServer) -> None:
    server = pg_server(17)
    for name in ('a"b; drop', "host=evil.example port=1", "postgresql://evil.example/x", "it's \\ %s %(x)s"):
        server.database(name)
        async with await connect(superuser(server, database=name)) as session:
            assert (await session.rows("SELECT current_database()::text AS name")) == [{"name": name}]


async def test_through_pgbouncer(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(16)
    role = server.role("pw")
    bouncer = pgbouncer(server)
    target = to(bouncer, username=role, password="pw")
    async with await connect(target) as session:
        assert (await session.rows("SELECT %s::int AS n", (5,))) == [{"n": 5}]
    finding = await refusal(to(bouncer, username=role, password="no"))
    assert finding.code == "28P01"
    finding = await refusal(to(bouncer, username="stranger", password="no"))
    assert finding.check == "authentication"
    finding = await refusal(to(bouncer, username=role, password="pw", database="nope"))
    assert finding.code == "3D000"
    full = pgbouncer(server, settings={"max_client_conn": "1"})
    async with await connect(to(full, username=role, password="pw")):
        finding = await refusal(to(full, username=role, password="pw"))
        assert (finding.code, "max_client_conn" in finding.message) == ("53300", True)
    server_down = pg_server(16, own="behind")
    role = server_down.role("pw")
    cut = pgbouncer(server_down)
    with server_down.stopped():
        finding = await refusal(to(cut, username=role, password="pw"), 3)
        assert finding.check == "authentication"
        assert "behind it" in finding.message


async def test_no_secret_in_what_is_raised(pg_server: PgServer) -> None:
    """Neither the exception, nor its text, nor any local of any of its frames holds the password."""
    planted = "planted-7f3a"
    server = pg_server(17)
    for changes in ({}, {"database": "nope"}, {"sslmode": "require"}, {"host": "no-such-host.invalid"}, {"port": 1}):
        target = superuser(server, **{"password": planted, **changes})
        try:
            await connect(target, 2)
        except CannotConnect as error:
            assert error.__cause__ is None
            assert error.__context__ is None or error.__suppress_context__
            assert planted not in f"{error!r}{error}{getattr(error, 'finding', '')}"
            frame = error.__traceback__
            while frame is not None:
                for name, value in frame.tb_frame.f_locals.items():
                    if name not in {"planted"}:
                        assert planted not in repr(value), name
                frame = frame.tb_next
        else:
            pytest.fail("let in")


async def test_cancelled_at_once_and_nothing_left(
    pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]
) -> None:
    server = pg_server(17)
    proxy = faulty_proxy(server.host, server.port)
    proxy.deaf()
    task = asyncio.ensure_future(connect(superuser(server, host=proxy.host, port=proxy.port), 60))
    await eventually(lambda: proxy.open == 1, "the socket opens")
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 0.5
    proxy.heal()
    await eventually(lambda: proxy.open == 0, "the socket is gone")


def test_the_server_never_sees_the_driver_first(pg_server: PgServer) -> None:
    """The fixtures' own driver still says nothing of the SQLSTATE; the day it does, `opening` can shrink."""
    with pytest.raises(psycopg.OperationalError) as raised:
        psycopg.connect(pg_server(17).dsn("nope"))
    assert raised.value.sqlstate is None
