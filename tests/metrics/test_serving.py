"""The server of metrics: formats, TLS, passwords, clients that are slow or many, addresses that are taken."""

from __future__ import annotations

import gzip
import socket
import ssl
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import bcrypt
import httpx
import pytest

from tests.servers.host import LOOPBACK, wait_until
from tests.widgets.given import counted, sampled
from tui.metrics import serving
from tui.metrics.families import Seen
from tui.metrics.gate import Gate
from tui.metrics.serving import Address, CannotListen, Server, Telling
from tui.metrics.web_config import WebConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.certificates import Authority, Issued

PASSWORD = "correct horse"


@contextmanager
def _serving(web: Path | None = None, host: str = LOOPBACK, told: list[str] | None = None) -> Iterator[str]:
    """Serve one Connection; yield the address."""
    telling = Telling()
    telling.seen = Seen(sampled(counted("prod", 7), at=1000.0))
    gate = Gate(web, (told if told is not None else []).append)
    server = Server(Address(host, 0), telling, gate)
    try:
        yield f"{'https' if gate.speaks_tls else 'http'}://{server.address}"
    finally:
        server.close()


def _web(folder: Path, issued: Issued, clients: Path | None = None) -> Path:
    """A web configuration that lets in alice, or else whoever shows a certificate of that authority."""
    certificate, key = issued.write(folder)
    text = f"tls_server_config:\n  cert_file: {certificate.name}\n  key_file: {key.name}\n"
    if clients is None:
        hash = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$", 1)
        text += f"basic_auth_users:\n  alice: {hash}\n"
    else:
        text += f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {clients}\n"
    file = folder / "web-config.yml"
    file.write_text(text)
    return file


def test_the_formats_that_scrapers_ask_for() -> None:
    with _serving() as url:
        plain = httpx.get(f"{url}/metrics")
        assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert 'pgconns_connection_sockets{connection="prod",id="prod",server="db.example.com:5432"} 7.0' in plain.text
        assert "process_resident_memory_bytes" in plain.text
        open_metrics = httpx.get(f"{url}/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
        assert open_metrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        assert open_metrics.text.endswith("# EOF\n")
        assert open_metrics.headers["content-encoding"] == "gzip"
        with httpx.stream("GET", f"{url}/metrics", headers={"Accept-Encoding": "gzip"}) as packed:
            assert gzip.decompress(b"".join(packed.iter_raw())).startswith(b"# HELP")
        assert "href='metrics'" in httpx.get(url).text
        assert httpx.get(f"{url}/metrics/../etc/passwd").status_code == 404
        assert httpx.post(f"{url}/metrics").status_code == 405


def test_tls_and_passwords(tmp_path: Path, certificate_authority: Authority) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate_authority.root))
    with _serving(_web(tmp_path, certificate_authority.issue(LOOPBACK))) as url, httpx.Client(verify=trusted) as client:
        refused = client.get(f"{url}/metrics")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Basic realm="pgconns"')
        assert "pgconns_" not in refused.text
        for name, password in (("alice", "wrong"), ("bob", PASSWORD), ("alice", PASSWORD * 9), ("alice", "a\0b")):
            assert client.get(f"{url}/metrics", auth=(name, password)).status_code == 401
        for header in ("Bearer x", "Basic x", "Basic", ""):
            assert client.get(f"{url}/metrics", headers={"Authorization": header}).status_code == 401
        for _ in range(2):
            assert "pgconns_server_up" in client.get(f"{url}/metrics", auth=("alice", PASSWORD)).text
        with pytest.raises(httpx.HTTPError):
            httpx.get(url.replace("https", "http"))


def test_clients_show_certificates(
    tmp_path: Path, certificate_authority: Authority, stranger_authority: Authority
) -> None:
    root = certificate_authority.root
    for folder in ("known", "stranger"):
        (tmp_path / folder).mkdir()
    known = certificate_authority.issue("scraper.example").write(tmp_path / "known")
    stranger = stranger_authority.issue("scraper.example").write(tmp_path / "stranger")
    with _serving(_web(tmp_path, certificate_authority.issue(LOOPBACK), root)) as url:
        for shown, works in ((known, True), (stranger, False), (None, False)):
            context = ssl.create_default_context(cafile=str(root))
            if shown is not None:
                context.load_cert_chain(*shown)
            with httpx.Client(verify=context) as client:
                if works:
                    assert client.get(f"{url}/metrics").status_code == 200
                else:
                    with pytest.raises(httpx.HTTPError):
                        client.get(f"{url}/metrics")


def test_a_renewed_certificate_is_shown_and_a_broken_file_changes_nothing(
    tmp_path: Path, certificate_authority: Authority, stranger_authority: Authority
) -> None:
    told: list[str] = []
    web = _web(tmp_path, certificate_authority.issue(LOOPBACK))
    with _serving(web, told=told) as url:

        def answers(authority: Authority) -> bool:
            try:
                context = ssl.create_default_context(cafile=str(authority.root))
                return httpx.get(f"{url}/metrics", auth=("alice", PASSWORD), verify=context).status_code == 200
            except httpx.HTTPError:
                return False

        assert answers(certificate_authority)
        _web(tmp_path, stranger_authority.issue(LOOPBACK))
        assert answers(stranger_authority)
        web.write_text("rate_limit: {burst: 1}")
        assert answers(stranger_authority)
        assert answers(stranger_authority)
        assert len(told) == 1
        assert "rate_limit" in told[0]
        assert "stays in force" in told[0]
        _web(tmp_path, certificate_authority.issue(LOOPBACK))
        assert answers(certificate_authority)


def test_a_client_that_says_nothing_keeps_nobody_waiting(tmp_path: Path, certificate_authority: Authority) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate_authority.root))
    with _serving(_web(tmp_path, certificate_authority.issue(LOOPBACK))) as url, ExitStack() as stack:
        port = int(url.rpartition(":")[2])
        for _ in range(3):
            stack.enter_context(socket.create_connection((LOOPBACK, port)))
        assert httpx.get(f"{url}/metrics", auth=("alice", PASSWORD), verify=trusted).status_code == 200


def test_there_is_a_most_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_CLIENTS", 2)
    monkeypatch.setattr(serving, "SILENCE_S", 0.3)
    with _serving() as url, ExitStack() as stack:
        port = int(url.rpartition(":")[2])
        for _ in range(6):
            stack.enter_context(socket.create_connection((LOOPBACK, port)))

        def answers() -> bool:
            try:
                return httpx.get(url).status_code == 200
            except httpx.HTTPError:
                return False

        wait_until(answers, "the silent ones are left", 30)


def test_where_it_cannot_listen() -> None:
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        with pytest.raises(CannotListen, match=r"another program listens there; name another port with --listen"):
            Server(Address(LOOPBACK, holder.getsockname()[1]), Telling(), Gate(None))
    with pytest.raises(CannotListen, match="no address of this machine"):
        Server(Address("192.0.2.1", 0), Telling(), Gate(None))
    with pytest.raises(CannotListen, match="no such address"):
        Server(Address("no such host", 0), Telling(), Gate(None))


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_every_address_and_ipv6() -> None:
    with _serving(host="") as url:
        port = url.rpartition(":")[2]
        assert httpx.get(f"http://{LOOPBACK}:{port}/metrics").status_code == 200
    if _has_ipv6():
        with _serving(host="::1") as url:
            assert url.startswith("http://[::1]:")
            assert httpx.get(f"{url}/metrics").status_code == 200
    assert Address("::1", 1).is_loopback
    assert Address("localhost", 1).is_loopback
    assert not Address("", 1).is_loopback


def test_a_file_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path, certificate_authority: Authority) -> None:
    web = _web(tmp_path, certificate_authority.issue(LOOPBACK))
    (tmp_path / "server.key").write_text("nothing")
    with pytest.raises(WebConfigError, match="cannot be used"):
        Gate(web)
