"""Connect's check of CARTO's addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.probe.given import OWN, probed
from tui.exits import Exit
from tui.regions.model import BUILT_IN

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer, StartBouncer

OPENING = "host all all 127.0.0.1/32 scram-sha-256\n"
REGION = BUILT_IN[2]


async def test_from_rejected_to_let_in(pg_server: PgServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.probe.region.known", lambda: (OWN,))
    server = pg_server(16, own="region", hba=OPENING)
    server.hba(f"{OPENING}host all all 127.0.0.6/32 reject")
    found = await probed(server, server.superuser, server.password, region=OWN.region)
    finding = found["region_reach"]
    assert finding.status == "warning"
    assert finding.message.startswith("2 of 2 addresses of own-site do not get in")
    assert "127.0.0.5: no line matches; 127.0.0.6: line 3 rejects it" in finding.message
    assert found.report.exit_status is Exit.DONE
    server.hba(OPENING + "\n".join(line for line in finding.fix.splitlines() if line.startswith("host")))
    found = await probed(server, server.superuser, server.password, region=OWN.region)
    assert (found["region_reach"].status, found["region_reach"].fix) == ("ok", "")
    server.hba(f"{OPENING}host all all .example.com reject\nhost all all 127.0.0.0/29 scram-sha-256")
    finding = (await probed(server, server.superuser, server.password, region=OWN.region))["region_reach"]
    assert (finding.status, "2 of 2 addresses of own-site may not get in" in finding.message) == ("warning", True)
    assert "before line 3" in finding.fix
    server.hba(f"{OPENING}host all all all trust")
    finding = (await probed(server, server.superuser, server.password, region=OWN.region))["region_reach"]
    assert finding.status == "warning"
    assert "without a password" in finding.detail


async def test_what_cannot_be_known_is_skipped_with_the_reason(pg_server: PgServer) -> None:
    server = pg_server(17)
    database = server.database()
    role = server.role("pw")
    found = await probed(server, role, "pw", database, region=REGION.region)
    finding = found["region_reach"]
    assert finding.status == "skipped"
    assert "may not read" in finding.message
    server.execute(finding.fix, (), database)
    assert (await probed(server, role, "pw", database, region=REGION.region))["region_reach"].status == "warning"
    for region in ("", "atlantis"):
        finding = (await probed(server, role, "pw", database, region=region))["region_reach"]
        assert finding.status == "skipped"
        assert region in finding.message


async def test_behind_a_pooler_it_is_not_known(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17)
    role = server.role("pw")
    found = await probed(pgbouncer(server), role, "pw", connector="pgbouncer", region=REGION.region)
    assert found["region_reach"].status == "skipped"
    assert "pooler" in found["region_reach"].message
