"""The whole of Connect against real servers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from tests.postgres.given import eventually
from tests.probe.given import OWN, parameters, probed
from tests.servers.certificates import Authority
from tests.servers.fixtures import PgServer, StartBouncer
from tests.servers.impostors import FaultyProxy, Listener
from tests.servers.postgres import Server
from tui.connections.secret import Secret
from tui.exits import Exit
from tui.postgres.finding import Finding
from tui.probe.report import CHECKS
from tui.probe.run import probe


@pytest.mark.parametrize("major", ["12", "13", "14", "15", "16", "17", "18"])
async def test_every_supported_major(pg_server: PgServer, major: str) -> None:
    server = pg_server(major)
    found = await probed(server, server.superuser, server.password)
    assert list(found.by_check) == list(CHECKS)
    assert found.report.verdict == "warning"
    assert found.report.exit_status is Exit.DONE
    assert found.server.version is not None
    assert found.server.version.startswith(f"{major}.")
    assert (found.server.read_only, found.server.pooler, found.server.provider) == (False, None, "postgresql")
    assert found["server_version"].status == "ok"
    assert found["visibility"].status == "ok"
    assert all(finding.milliseconds >= 0 for finding in found.report.findings)
    assert not [f for f in found.report.findings if "Could not be seen" in f.message]


async def test_a_major_that_is_too_old(pg_server: PgServer) -> None:
    server = pg_server(11)
    found = await probed(server, server.superuser, server.password)
    assert found.report.exit_status is Exit.UNSUPPORTED
    assert found["server_version"].status == "failed"
    assert found["postgis"].status == "skipped"
    assert list(found.by_check) == list(CHECKS)


async def test_everything_in_order(pg_server: PgServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.probe.region.known", lambda: (OWN,))
    server = pg_server("postgis", hba="host all all 127.0.0.0/8 scram-sha-256")
    database = server.database()
    role = server.role("pw", member_of=("pg_monitor",))
    for statement in (
        "CREATE EXTENSION postgis",
        "CREATE SCHEMA carto",
        "CREATE FUNCTION carto.version_core() RETURNS text LANGUAGE sql AS $$SELECT '1.3.1'$$",
        "CREATE FUNCTION carto.version_advanced() RETURNS text LANGUAGE sql AS $$SELECT '2.0.0'$$",
        "CREATE TABLE carto.demographics AS SELECT 1 AS n",
        f'CREATE SCHEMA workflows_temp AUTHORIZATION "{role}"',
        "CREATE TABLE workflows_temp.t AS SELECT generate_series(1, 1000)",
        f'GRANT USAGE ON SCHEMA carto TO "{role}"',
        f'GRANT SELECT ON carto.demographics TO "{role}"',
        f'GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO "{role}"',
    ):
        server.execute(statement, (), database)
    found = await probed(server, role, "pw", database, region=OWN.region)
    assert [f for f in found.report.findings if f.status != "ok"] == []
    assert found.server.postgis is not None
    assert found.server.postgis.startswith("3.3")
    assert found["analytics_toolbox"].message.endswith("core 1.3.1, advanced 2.0.0")
    assert found["data_observatory"].message.startswith("1 table")
    assert "1 table" in found["workflows_temp"].message


@pytest.mark.parametrize(("version", "status"), [("2.3.7", "failed"), ("2.4.0", "ok"), ("2.5.9", "ok")])
async def test_old_postgis(old_postgis_server: Server, version: str, status: str) -> None:
    server = old_postgis_server
    database = server.database()
    server.execute(f"CREATE EXTENSION postgis VERSION '{version}'", (), database)
    found = await probed(server, server.superuser, server.password, database)
    assert found["postgis"].status == status
    assert found.report.exit_status is (Exit.UNSUPPORTED if status == "failed" else Exit.DONE)


async def test_postgis_missing_and_elsewhere(postgis_server: Server, pg_server: PgServer) -> None:
    server = postgis_server
    database = server.database()
    role = server.role("pw")
    found = await probed(server, server.superuser, server.password, database)
    assert (found["postgis"].status, found["postgis"].fix) == ("warning", "CREATE EXTENSION postgis;")
    found = await probed(server, role, "pw", database)
    assert "may not install it" in found["postgis"].message
    plain = pg_server(17)
    found = await probed(plain, plain.superuser, plain.password)
    assert "postgresql-17-postgis-3" in found["postgis"].fix
    server.execute('CREATE SCHEMA "Geo"', (), database)
    server.execute('CREATE EXTENSION postgis SCHEMA "Geo"', (), database)
    found = await probed(server, role, "pw", database)
    assert found["postgis"].fix == f'GRANT USAGE ON SCHEMA "Geo" TO "{role}";'
    server.execute('GRANT USAGE ON SCHEMA "Geo" TO PUBLIC', (), database)
    found = await probed(server, role, "pw", database)
    assert "search_path" in found["postgis"].message
    server.execute(found["postgis"].fix)
    found = await probed(server, role, "pw", database)
    assert found["postgis"].status == "ok"


async def test_a_read_only_role_and_its_grants(pg_server: PgServer) -> None:
    """Every fix that a finding proposes, run as it stands, mends what it found."""
    server = pg_server(16)
    role = server.role("pw", name='odd "role"')
    database = server.database('odd "db" %s')
    for statement in (
        "CREATE SCHEMA carto",
        "CREATE TABLE carto.t ()",
        "CREATE SCHEMA workflows_temp",
        "CREATE FUNCTION carto.version_core() RETURNS text LANGUAGE sql AS $$SELECT '1'$$",
        "REVOKE EXECUTE ON FUNCTION carto.version_core() FROM PUBLIC",
    ):
        server.execute(statement, (), database)
    server.execute('ALTER ROLE "odd ""role""" SET default_transaction_read_only = on')
    server.execute('ALTER ROLE "odd ""role""" CONNECTION LIMIT 3')
    mended = []
    for _ in range(6):
        found = await probed(server, role, "pw", database)
        checks = ("read_only", "visibility", "socket_limits", "analytics_toolbox", "data_observatory", "workflows_temp")
        wrong = [found[check] for check in checks if found[check].status == "warning"]
        if not wrong:
            break
        for finding in wrong:
            mended.append(finding.check)
            server.execute(finding.fix, (), database)
    else:
        pytest.fail(str(wrong))
    assert set(mended) == set(checks)


async def test_locations(pg_server: PgServer) -> None:
    server = pg_server(17)
    database, other, closed = server.database(), server.database(), server.database()
    role = server.role("pw")
    server.execute(f'REVOKE CONNECT ON DATABASE "{closed}" FROM PUBLIC')
    server.execute("CREATE SCHEMA carto_temp", (), database)
    server.execute('CREATE SCHEMA "dot.ted"', (), database)
    server.execute('GRANT ALL ON SCHEMA "dot.ted" TO PUBLIC', (), database)
    found = await probed(server, role, "pw", database)
    assert "carto_temp is there" in found["workflows_temp"].message
    assert "CREATE SCHEMA" in found["workflows_temp"].fix
    found = await probed(
        server, role, "pw", database, workflows_temp="dot.ted", analytics_toolbox=f"{other}.carto",
        data_observatory=f"{closed}.carto",
    )  # fmt: skip
    assert found["workflows_temp"].status == "ok"
    assert "another database" in found["analytics_toolbox"].message
    assert "GRANT CONNECT" in found["data_observatory"].fix
    found = await probed(
        server,
        server.superuser,
        server.password,
        database,
        workflows_temp=f"{database}.new",
        analytics_toolbox="no.where",
    )
    assert "can make it" in found["workflows_temp"].message
    assert "There is no database no" in found["analytics_toolbox"].message


@pytest.mark.parametrize(
    ("provider", "marks"),
    [
        ("aurora", ["CREATE FUNCTION public.aurora_version() RETURNS text LANGUAGE sql AS $$SELECT '16.4'$$"]),
        ("rds", ["CREATE ROLE rds_superuser"]),
        ("azure", ["CREATE ROLE azure_pg_admin"]),
        ("cloudsql", ["CREATE ROLE cloudsqlsuperuser"]),
        ("cloudsql", ["CREATE DATABASE cloudsqladmin"]),
        ("alloydb", ["CREATE ROLE alloydbsuperuser", "CREATE ROLE cloudsqlsuperuser"]),
    ],
)
async def test_providers(pg_server: PgServer, provider: str, marks: list[str]) -> None:
    server = pg_server(16, own="provider")
    database = server.database()
    for statement in marks:
        server.execute(statement, (), database)
    try:
        found = await probed(server, server.superuser, server.password, database)
        assert found.server.provider == provider
        assert found["provider"].status == "warning"
        found = await probed(server, server.superuser, server.password, database, connector=provider)
        assert found["provider"].status == "ok"
    finally:
        for statement in marks:
            _, kind, name, *_ = statement.replace("()", "").split()
            server.execute(f"DROP {kind} {name}", (), database)


async def test_a_standby(pg_server: PgServer) -> None:
    server = pg_server(16, own="hot standby")
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    try:
        found = await probed(server, server.superuser, server.password)
    finally:
        server.stop()
        (server.data / "standby.signal").unlink()
    assert (found["read_only"].status, found.server.read_only) == ("warning", True)
    assert "Workflows" in found["read_only"].message


async def test_few_sockets_left(pg_server: PgServer) -> None:
    server = pg_server(
        17, settings={"max_connections": "12", "superuser_reserved_connections": "2", "reserved_connections": "3"}
    )
    role = server.role("pw")
    found = await probed(server, role, "pw")
    assert found["socket_limits"].status == "warning"
    assert " of 7 sockets" in found["socket_limits"].message


async def test_the_full_server_from_inside(pg_server: PgServer) -> None:
    server = pg_server(14, own="full inside", settings={"max_connections": "4", "superuser_reserved_connections": "1"})
    role = server.role("pw")
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(server.connect(user=role, password="pw"))
        found = await probed(server, role, "pw")
    assert found["authentication"].code == "53300"
    assert found.report.exit_status is Exit.CANNOT_CONNECT
    assert found["postgis"].status == "skipped"


@pytest.mark.parametrize("pool_mode", ["transaction", "session", "statement"])
async def test_through_pgbouncer(pg_server: PgServer, pgbouncer: StartBouncer, pool_mode: str) -> None:
    server = pg_server(17)
    role = server.role("pw", member_of=("pg_monitor",))
    bouncer = pgbouncer(server, pool_mode=pool_mode)
    found = await probed(bouncer, role, "pw", connector="pgbouncer")
    assert found.server.pooler == "PgBouncer"
    assert found["pooler"].status == "ok"
    assert found["provider"].status == "ok"
    assert not [f for f in found.report.findings if "Could not be seen" in f.message or f.status == "failed"]
    assert (await probed(bouncer, role, "pw"))["pooler"].status == "warning"
    assert (await probed(server, role, "pw", connector="pgbouncer"))["pooler"].status == "warning"


async def test_pgbouncer_under_tls(
    pg_server: PgServer, pgbouncer: StartBouncer, certificate_authority: Authority
) -> None:
    server = pg_server(17)
    role = server.role("pw")
    bouncer = pgbouncer(server, tls=certificate_authority.issue("127.0.0.1"))
    root = str(certificate_authority.root)
    found = await probed(bouncer, role, "pw", connector="pgbouncer", sslmode="verify-full", sslrootcert=root)
    assert found["tls"].status == "ok"
    assert found.server.pooler == "PgBouncer"
    assert "up to the pooler" in found["encryption"].message
    assert "nothing is encrypted" in found["encryption"].message


@pytest.mark.parametrize("kind", ["http", "ssh", "mysql", "closes"])
async def test_what_is_no_postgresql(impostor: Callable[[str], Listener], kind: str) -> None:
    found = await probed(impostor(kind), "u", "pw")
    words = {"http": "an HTTP server", "ssh": "an SSH server", "mysql": "a MySQL", "closes": "hung up"}[kind]
    assert (found["tls"].status, words in found["tls"].message) == ("failed", True)
    assert found.report.exit_status is Exit.CANNOT_CONNECT
    assert list(found.by_check) == list(CHECKS)


async def test_nobody_there(refused_port: int) -> None:
    found = await probed(SimpleNamespace(host="127.0.0.1", port=refused_port), "u", "pw")
    assert (found["tcp"].status, found["tcp"].code) == ("failed", "ECONNREFUSED")
    found = await probed(SimpleNamespace(host="no-such-host.invalid", port=5432), "u", "pw")
    assert found["name_resolution"].status == "failed"
    assert found["tcp"].status == "skipped"


async def test_one_address_of_two(pg_server: PgServer) -> None:
    """localhost is ::1 as well on most machines, and the servers listen on 127.0.0.1 alone."""
    server = pg_server(17)
    found = await probed(SimpleNamespace(host="localhost", port=server.port), server.superuser, server.password)
    assert found["tcp"].status in {"ok", "warning"}
    assert found["authentication"].status == "ok"


async def test_cancelled_at_every_moment(pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]) -> None:
    """However far it came, cancelling ends it at once and leaves no socket."""
    server = pg_server(17)
    proxy = faulty_proxy(server.host, server.port)
    proxy.delay(0.02)
    asked = parameters(proxy, server.superuser)
    for stop_at in ("name_resolution", "tcp", "tls", "authentication", "server_version", "postgis", "visibility"):
        reached = asyncio.Event()

        def note(finding: object, stop_at: str = stop_at, reached: asyncio.Event = reached) -> None:
            if getattr(finding, "check", "") == stop_at:
                reached.set()

        task = asyncio.ensure_future(probe(asked, Secret(server.password), note))
        await asyncio.wait_for(reached.wait(), 10)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 1.2
    await eventually(lambda: proxy.open == 0, "every socket is gone")
    here = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgconns'"
    await eventually(lambda: server.execute(here) == [(0,)], "no backend is left")


async def test_nothing_stays_open(pg_server: PgServer) -> None:
    server = pg_server(17)
    await probed(server, server.superuser, server.password)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        await probed(server, server.superuser, server.password)
        await probed(server, server.superuser, "wrong")
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208


async def test_hostile_names(pg_server: PgServer) -> None:
    server = pg_server(17)
    role = server.role("pw", name="r\u202e\x1b[31m[red]'\\")
    database = server.database("d\x1b]0;x\x07'; --")
    server.execute('CREATE SCHEMA "carto"', (), database)
    found = await probed(server, role, "pw", database)
    assert found["authentication"].status == "ok"
    assert not [f for f in found.report.findings if "Could not be seen" in f.message]


async def test_no_secret_in_a_report(pg_server: PgServer) -> None:
    planted = "planted-91c4"
    server = pg_server(17)
    role = server.role(planted)
    for password in (planted, f"{planted}-wrong"):
        found = await probed(server, role, password)
        assert planted not in f"{found.report!r}{found.report.to_json()}"


async def test_the_line_is_cut_in_the_middle(
    pg_server: PgServer, faulty_proxy: Callable[[str, int], FaultyProxy]
) -> None:
    """The check that meets the broken line fails with the cause, and the rest is skipped: nothing passes unseen."""
    server = pg_server(17)
    proxy = faulty_proxy(server.host, server.port)

    def cut(finding: Finding) -> None:
        if finding.check == "read_only":
            proxy.drop()

    report = await probe(parameters(proxy, server.superuser), Secret(server.password), cut)
    found = {finding.check: finding for finding in report.findings}
    assert found["postgis"].status == "failed"
    assert "hung up" in found["postgis"].message
    assert {found[check].status for check in list(CHECKS)[list(CHECKS).index("socket_limits") :]} == {"skipped"}
    assert report.verdict == "failed"


async def test_a_catalogue_that_is_closed_to_the_role(pg_server: PgServer) -> None:
    """What one check may not see does not hide what the others see."""
    server = pg_server(17)
    database = server.database()
    role = server.role("pw")
    server.execute("REVOKE ALL ON pg_catalog.pg_stat_activity FROM PUBLIC", (), database)
    found = await probed(server, role, "pw", database)
    assert (found["socket_limits"].status, found["socket_limits"].code) == ("warning", "42501")
    assert found["socket_limits"].message.startswith("Could not be seen")
    assert found["workflows_temp"].status == "warning"
    assert found["server_version"].status == "ok"


@pytest.mark.parametrize("major", ["15", "16"])
async def test_a_grant_that_is_not_inherited(pg_server: PgServer, major: str) -> None:
    server = pg_server(major)
    role = server.role("pw", "LOGIN NOINHERIT", member_of=("pg_monitor",))
    found = await probed(server, role, "pw")
    assert "does not inherit" in found["visibility"].message
    server.execute(found["visibility"].fix)
    assert (await probed(server, role, "pw"))["visibility"].status == "ok"
