"""Certificates are read, and matched as libpq matches them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.certificates import Authority
from tui.probe import certificate
from tui.probe.certificate import Certificate

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def made(common_name: str = "", dns: tuple[str, ...] = (), addresses: tuple[str, ...] = ()) -> Certificate:
    """Return a certificate with these names."""
    return Certificate(common_name, dns, addresses, "CA", NOW - timedelta(days=1), NOW + timedelta(days=90), False)


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        (made(dns=("db.example.com",)), "db.example.com", True),
        (made(dns=("DB.example.com",)), "db.EXAMPLE.com", True),
        (made(dns=("*.example.com",)), "db.example.com", True),
        (made(dns=("*.example.com",)), "a.db.example.com", False),
        (made(dns=("*.example.com",)), "example.com", False),
        (made(dns=("d*.example.com",)), "db.example.com", False),
        (made(dns=("*.com",)), "example.com", False),
        (made("db.example.com"), "db.example.com", True),
        (made("db.example.com", dns=("other.example.com",)), "db.example.com", False),
        (made("10.0.0.1"), "10.0.0.1", True),
        (made("10.0.0.1", dns=("x",)), "10.0.0.1", False),
        (made(addresses=("10.0.0.1",)), "10.0.0.1", True),
        (made(addresses=("2001:db8::1",)), "2001:0db8::1", True),
        (made("project:instance"), "34.78.0.10", False),
    ],
)
def test_names(names: Certificate, host: str, expected: bool) -> None:
    assert names.is_for(host) is expected


def test_reading(certificate_authority: Authority) -> None:
    issued = certificate_authority.issue("db.example.com", "10.0.0.1", days=10)
    der = ssl.PEM_cert_to_DER_cert(
        issued.certificate.decode().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    )
    found = certificate.read(der)
    assert found is not None
    assert (found.dns_names, found.addresses, found.common_name) == (
        ("db.example.com",),
        ("10.0.0.1",),
        "db.example.com",
    )
    assert found.days_left(datetime.now(UTC)) == 9
    assert not found.self_signed
    assert Path(certificate_authority.root).exists()


@given(st.binary(max_size=300))
def test_bytes_that_are_none(der: bytes) -> None:
    assert certificate.read(der) is None
