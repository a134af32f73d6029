"""TLS as libpq's modes mean it, with certificates of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.postgres.given import to
from tests.probe.given import Probed, probed
from tests.servers.certificates import Authority
from tests.servers.fixtures import PgServer
from tests.servers.postgres import Server
from tui.postgres.door import connect
from tui.postgres.errors import CannotConnect
from tui.postgres.target import Target
from tui.probe.certificate import Certificate
from tui.probe.tls import Offer, judge

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def ask(server: Server, mode: str, root: str = "") -> Probed:
    """Probe as the superuser, in a TLS mode."""
    return await probed(server, server.superuser, server.password, sslmode=mode, sslrootcert=root)


@pytest.mark.parametrize("mode", MODES)
async def test_modes_against_a_good_server(pg_server: PgServer, certificate_authority: Authority, mode: str) -> None:
    server = pg_server(17, tls=True)
    found = await ask(server, mode, str(certificate_authority.root))
    assert found["tls"].status == "ok"
    assert found["authentication"].status == "ok"
    assert (found.server.tls is not None) is (mode not in {"disable", "allow"})
    if mode == "verify-full":
        assert "chain and name verified" in found["tls"].message


@pytest.mark.parametrize("mode", MODES)
async def test_modes_agree_with_libpq(
    pg_server: PgServer, certificate_authority: Authority, stranger_authority: Authority, mode: str, home: Path
) -> None:
    """What the check says will fail fails in libpq as well, and what it lets through connects."""
    plain = pg_server(17)
    good = pg_server(17, tls=True)
    other = pg_server(17, tls=certificate_authority.issue("other.example"))
    expired = pg_server(17, tls=certificate_authority.issue("127.0.0.1", expired=True))
    for server in (plain, good, other, expired):
        for root in ("", str(certificate_authority.root), str(stranger_authority.root), str(home / "missing.crt")):
            found = await ask(server, mode, root)
            target = to(server, username=server.superuser, password=server.password, sslmode=mode, sslrootcert=root)
            try:
                async with await connect(target) as session:
                    assert found["tls"].status != "failed", (server.port, root, found["tls"])
                    assert session.encrypted == bool(found.server.tls)
            except CannotConnect as error:
                assert found["tls"].status == "failed", (root, found["tls"], error.finding)


async def test_the_root_in_the_home_folder(pg_server: PgServer, stranger_authority: Authority, home: Path) -> None:
    server = pg_server(17, tls=True)
    assert (await ask(server, "require"))["tls"].status == "ok"
    (home / ".postgresql").mkdir()
    (home / ".postgresql/root.crt").write_bytes(stranger_authority.root.read_bytes())
    assert (await ask(server, "require"))["tls"].status == "failed"
    found = await ask(server, "prefer")
    assert found["tls"].status == "warning"
    assert "without TLS" in found["tls"].message
    assert found.server.tls is None


async def test_a_root_that_cannot_be_read(pg_server: PgServer, home: Path) -> None:
    server = pg_server(17, tls=True)
    (home / "bad.crt").write_text("no certificate")
    found = await ask(server, "verify-ca", str(home / "bad.crt"))
    assert found["tls"].status == "failed"
    assert "cannot be used" in found["tls"].message


async def test_the_systems_roots(
    pg_server: PgServer, certificate_authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = pg_server(17, tls=True)
    assert (await ask(server, "verify-full", "system"))["tls"].status == "failed"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_authority.root))
    found = await ask(server, "verify-full", "system")
    assert (found["tls"].status, found["authentication"].status) == ("ok", "ok")


async def test_what_certificates_say(pg_server: PgServer, certificate_authority: Authority) -> None:
    root = str(certificate_authority.root)
    soon = pg_server(17, tls=certificate_authority.issue("127.0.0.1", days=10))
    found = await ask(soon, "verify-full", root)
    assert (found["tls"].status, "expires in 9 days" in found["tls"].message) == ("warning", True)
    expired = pg_server(17, tls=certificate_authority.issue("127.0.0.1", expired=True))
    found = await ask(expired, "verify-full", root)
    assert (found["tls"].status, "expired on" in found["tls"].message) == ("failed", True)
    assert found["tls"].code == "X509_V_ERR_CERT_HAS_EXPIRED"
    found = await ask(expired, "require")
    assert (found["tls"].status, "expired" in found["tls"].message) == ("warning", True)
    assert found["authentication"].status == "ok"
    other = pg_server(17, tls=certificate_authority.issue("other.example", "db.other.example"))
    found = await ask(other, "verify-full", root)
    assert (found["tls"].status, "db.other.example" in found["tls"].message) == ("failed", True)


def offered(common_name: str = "", **more: object) -> Offer:
    """Return an offer of TLS with a certificate that verifies."""
    found = Certificate(common_name, (), (), "CA", NOW - timedelta(days=1), NOW + timedelta(days=99), False)
    return Offer(b"S", "TLSv1.3", "AES", found, "root.crt", "", **more)  # type: ignore[arg-type]


def test_cloud_sql_names_its_instance() -> None:
    target = Target("34.78.0.10", 5432, "d", "u", sslmode="verify-full")
    finding = judge(target, offered("my-project-1:my-instance"), False, NOW)
    assert finding.status == "failed"
    assert "verify-ca" in finding.fix


@pytest.mark.parametrize("mode", MODES)
def test_no_tls_at_all(mode: str) -> None:
    target = Target("db.example.com", 5432, "d", "u", sslmode=mode)
    far = judge(target, Offer(b"N"), False, NOW)
    assert far.status == ("failed" if mode in MODES[3:] else "warning")
    near = judge(target, Offer(b"N"), True, NOW)
    assert near.status == ("failed" if mode in MODES[3:] else "ok")
