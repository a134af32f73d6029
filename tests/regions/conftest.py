"""Web servers that stand in for CARTO's, and an environment without the person's proxies and roots of trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.regions.given import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.certificates import Authority


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy and no root of trust of the person in."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


@pytest.fixture
def carto(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A web server that the environment names as CARTO's; the endpoint of us-east1 is /us-east1, the page /page."""
    server = WebServer()
    monkeypatch.setenv("PGCONNS_META_URL", f"{server.url}/{{region}}")
    monkeypatch.setenv("PGCONNS_REGIONS_PAGE", f"{server.url}/page")
    yield server
    server.close()


@pytest.fixture
def secure(certificate_authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """The same by https, with a certificate that SSL_CERT_FILE trusts."""
    server = WebServer(certificate_authority.issue("127.0.0.1"), tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_authority.root))
    yield server
    server.close()
