"""What stands between is named as what it is, with what can be seen through it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.probe.given import probed
from tests.servers.fixtures import PgServer, StartBouncer
from tui.postgres.session import Session
from tui.postgres.target import Target
from tui.probe import pooler
from tui.probe.pooler import Kind, find_pooler, judge

RDS_PROXY = "carto.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com"


def session(host: str, port: int, pid: int) -> Session:
    """Return a session that was told `pid` at start-up."""
    door = Target(host, port, "gis", "carto")
    return cast("Session", SimpleNamespace(target=door, backend_pid=pid, address=host))


@pytest.mark.parametrize(
    ("host", "port", "provider", "expected"),
    [
        (RDS_PROXY, 5432, "rds", "RDS Proxy"),
        ("db.postgres.database.azure.com", 6432, "azure", "Azure's built-in PgBouncer"),
        ("192.0.2.7", 6432, "cloudsql", "Cloud SQL's managed connection pooling"),
        ("192.0.2.7", 6432, "alloydb", "AlloyDB's managed connection pooling"),
    ],
)
async def test_services_that_pool_themselves(host: str, port: int, provider: str, expected: Kind) -> None:
    assert await find_pooler(session(host, port, 7), 8, provider) == expected


async def test_whose_process_serves_it_alone_tells_of_none() -> None:
    assert await find_pooler(session("192.0.2.7", 6432, 7), 7, "cloudsql") is None
    assert await find_pooler(session(RDS_PROXY, 5432, 7), 7, "rds") == "RDS Proxy"


async def test_on_another_port_it_is_somebody_elses(refused_port: int) -> None:
    assert await find_pooler(session("127.0.0.1", refused_port, 7), 8, "azure") == "a pooler"


@pytest.mark.parametrize(
    ("kind", "connector", "status", "words"),
    [
        ("PgBouncer", "pgbouncer", "ok", "pgconns bouncer check"),
        ("PgBouncer", "postgresql", "warning", "pgconns bouncer check"),
        ("Azure's built-in PgBouncer", "azure", "ok", "pgbouncer.stats_users"),
        ("Azure's built-in PgBouncer", "rds", "warning", "pgbouncer.stats_users"),
        ("RDS Proxy", "aurora", "ok", "CloudWatch"),
        ("Cloud SQL's managed connection pooling", "cloudsql", "ok", "no console"),
        ("AlloyDB's managed connection pooling", "alloydb", "ok", "no console"),
        ("a pooler", "pgbouncer", "ok", "could not be told"),
    ],
)
def test_what_it_means(kind: Kind, connector: str, status: str, words: str) -> None:
    found = judge(Target("db.example.com", 6432, "gis", "carto", connector=connector), kind)
    assert found.status == status
    assert kind[1:] in found.message
    assert words in found.detail
    assert "Not seen" in found.detail


async def test_marks_on_the_port_of_a_pooler(pg_server: PgServer, pgbouncer: StartBouncer, monkeypatch: Any) -> None:
    """A server with Azure's marks behind a real PgBouncer, whose port stands for Azure's."""
    server = pg_server(17)
    server.role("pw", name="azure_pg_admin")
    role = server.role("pw")
    bouncer = pgbouncer(server)
    monkeypatch.setattr(pooler, "_BUILT_IN_PORT", bouncer.port)
    found = await probed(bouncer, role, "pw", connector="azure")
    assert found.server.pooler == "Azure's built-in PgBouncer"
    assert (found["pooler"].status, found["provider"].status) == ("ok", "ok")
