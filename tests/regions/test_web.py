"""Asking the web: what is followed, what is bounded, and the words for what fails; on real sockets."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.regions.given import WebServer, redirect, status, text
from tui.regions.web import LARGEST, Answer, NotAnswered, Patience, Web, is_allowed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.servers.certificates import Authority

USUAL = Patience()
SHORT = Patience(connect_s=2.0, silence_s=0.3, total_s=1.0)


@contextlib.asynccontextmanager
async def opened(*places: str, patience: Patience = USUAL) -> AsyncGenerator[Web]:
    web = Web(places, patience)
    try:
        yield web
    finally:
        await web.close()


async def ask(place: str, patience: Patience = USUAL) -> Answer:
    async with opened(place, patience=patience) as web:
        return await web.ask(place)


async def refusal(place: str, patience: Patience = USUAL) -> str:
    with pytest.raises(NotAnswered) as caught:
        await ask(place, patience)
    return str(caught.value)


async def test_an_answer_comes_with_its_marks_and_whatever_its_type(secure: WebServer) -> None:
    secure.answers["/"] = text(
        "[]", Content_Type="image/png", ETag='W/"1"', Last_Modified="Thu, 26 Nov 2026 00:00:00 GMT"
    )
    assert await ask(f"{secure.url}/") == Answer(b"[]", 'W/"1"', "Thu, 26 Nov 2026 00:00:00 GMT")
    (request,) = secure.asked
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"].startswith("pgconns/")


async def test_marks_are_sent_and_304_means_that_nothing_changed(carto: WebServer) -> None:
    carto.answers["/"] = status(304, "")
    async with opened(carto.url) as web:
        assert await web.ask(f"{carto.url}/", '"1"', "yesterday") == Answer(None)
    headers = carto.asked[0].headers
    assert (headers["If-None-Match"], headers["If-Modified-Since"]) == ('"1"', "yesterday")
    assert "status 304" in await refusal(f"{carto.url}/")


@pytest.mark.parametrize("code", [204, 206, 401, 403, 404, 429, 500, 503])
async def test_any_other_status_is_told(carto: WebServer, code: int) -> None:
    carto.answers["/"] = status(code, "" if code == 204 else '["34.1.2.3"]')
    assert str(code) in await refusal(f"{carto.url}/")


async def test_redirects_are_followed_by_https(secure: WebServer) -> None:
    secure.answers["/old"] = redirect("/new")
    secure.answers["/new"] = redirect(f"{secure.url.replace('//', '//user:hunter2@')}/newest")
    secure.answers["/newest"] = text("[]")
    assert (await ask(f"{secure.url}/old")).content == b"[]"
    assert secure.asked[-1].headers["Authorization"] is None


async def test_a_redirect_leads_from_this_machine_to_https(carto: WebServer, secure: WebServer) -> None:
    carto.answers["/"] = redirect(f"{secure.url}/")
    secure.answers["/"] = text("[]")
    assert (await ask(f"{carto.url}/")).content == b"[]"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("http://example.com/meta", "http://example.com, which is not https"),
        ("http://127.0.0.1:1/", "which is not https"),
        ("ftp://example.com/", "which is not https"),
        ("file:///etc/passwd", "which is not https"),
        ("https://10.0.0.1/", "10.0.0.1, an address of a private network"),
        ("https://169.254.169.254/latest", "private network"),
        ("https://[::1]/", "private network"),
        ("https://localhost/", "private network"),
        ("https://metadata.google.internal/", "private network"),
        ("https://example.com:port", "broke off"),
    ],
)
async def test_other_redirects_are_not_followed(secure: WebServer, place: str, words: str) -> None:
    secure.answers["/"] = redirect(place)
    assert words in await refusal(f"{secure.url}/")


async def test_redirects_in_a_circle_end(secure: WebServer) -> None:
    secure.answers["/"] = redirect("/")
    assert "redirects more than 5 times" in await refusal(f"{secure.url}/")
    assert len(secure.asked) == 6


async def test_an_endless_body_ends_at_the_largest(carto: WebServer) -> None:
    carto.answers["/"] = carto.endless(b" " * 65536)
    assert f"larger than {LARGEST} bytes" in await refusal(f"{carto.url}/")


async def test_a_slow_body_is_given_so_long(carto: WebServer) -> None:
    carto.answers["/"] = carto.endless(b" ", wait_s=0.05)
    assert "in full within 1 seconds" in await refusal(f"{carto.url}/", SHORT)


async def test_silence_is_given_so_long(carto: WebServer) -> None:
    carto.answers["/"] = carto.silent()
    assert "fell silent for 0.3 seconds" in await refusal(f"{carto.url}/", SHORT)


async def test_a_body_cut_short_is_no_answer(carto: WebServer) -> None:
    def cut(request: object) -> None:
        carto.asked[-1].say(b'["34.1.2.3"', headers={"Content-Length": "100"})
        carto.asked[-1].close_connection = True

    carto.answers["/"] = cut
    assert "broke off" in await refusal(f"{carto.url}/", SHORT)


# Without the time: it would give the tests other names in each process.
EMPTY = gzip.compress(b"[]", mtime=0)


@pytest.mark.parametrize(("encoding", "packed"), [("gzip", EMPTY), ("deflate", zlib.compress(b"[]"))])
async def test_what_comes_compressed_all_the_same_is_read(carto: WebServer, encoding: str, packed: bytes) -> None:
    carto.answers["/"] = lambda request: request.say(packed, headers={"Content-Encoding": encoding})
    assert (await ask(f"{carto.url}/")).content == b"[]"


@pytest.mark.parametrize(
    ("encoding", "packed", "words"),
    [
        ("gzip, gzip", gzip.compress(EMPTY, mtime=0), "not asked for"),
        ("br", b"[]", "not asked for"),
        ("gzip", b"[]", "damaged"),
        ("gzip", EMPTY[:-9], "ends early"),
    ],
)
async def test_other_compression_is_refused(carto: WebServer, encoding: str, packed: bytes, words: str) -> None:
    carto.answers["/"] = lambda request: request.say(packed, headers={"Content-Encoding": encoding})
    assert words in await refusal(f"{carto.url}/")


async def test_a_bomb_is_not_inflated(carto: WebServer) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packer.compress(b"\0" * 2**20) for _ in range(256)), packer.flush()])
    assert len(bomb) < LARGEST < 2**28
    carto.answers["/"] = lambda request: request.say(bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        assert "larger than" in await refusal(f"{carto.url}/")
        assert tracemalloc.get_traced_memory()[1] < 24 * 2**20
    finally:
        tracemalloc.stop()


async def test_a_certificate_of_a_stranger_is_not_trusted(
    stranger_authority: Authority, certificate_authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = WebServer(stranger_authority.issue("127.0.0.1"), tmp_path)
    try:
        assert "certificate is not trusted" in await refusal(server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate_authority.root))
        said = await refusal(server.url)
        assert "SSL_CERT_FILE names the roots" in said
    finally:
        server.close()


@pytest.mark.parametrize(("name", "expired"), [("other.example", False), ("127.0.0.1", True)])
async def test_a_wrong_or_old_certificate_is_not_trusted(
    certificate_authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, expired: bool
) -> None:
    server = WebServer(certificate_authority.issue(name, expired=expired), tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_authority.root))
    try:
        assert "certificate is not trusted" in await refusal(server.url)
    finally:
        server.close()


async def test_a_server_that_speaks_no_tls_is_told(carto: WebServer) -> None:
    assert "does not speak TLS" in await refusal(carto.url.replace("http:", "https:"))


async def test_a_name_that_is_none_means_offline() -> None:
    assert "offline" in await refusal("https://carto.invalid/meta")


async def test_a_refused_connection_is_told(refused_port: int) -> None:
    assert "cannot be reached: connection refused" in (await refusal(f"https://127.0.0.1:{refused_port}/")).lower()


async def test_the_environments_proxy_is_used_but_not_for_this_machine(
    carto: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = WebServer()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    carto.answers["/"] = text("[]")
    try:
        assert (await ask(f"{carto.url}/")).content == b"[]"
        assert not proxy.asked
        said = await refusal("https://workspace-gcp-us-east1.app.carto.com/meta")
        assert "The proxy of the environment refuses: 501" in said
    finally:
        proxy.close()


@pytest.mark.parametrize("proxy", ["ftp://proxy:1", "socks5://127.0.0.1:1", "http://proxy:port"])
async def test_a_proxy_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert "HTTPS_PROXY or ALL_PROXY" in await refusal("https://carto.invalid/")


async def test_roots_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file.pem")
    assert "SSL_CERT_FILE or SSL_CERT_DIR cannot be used: No such file" in await refusal("https://carto.invalid/")


@pytest.mark.parametrize(
    ("place", "allowed"),
    [
        ("https://example.com/{region}", True),
        ("http://127.0.0.1:8000/", True),
        ("http://[::1]/", True),
        ("http://localhost/", True),
        ("http://example.com/", False),
        ("http://10.0.0.1/", False),
        ("http://127.0.0.1.example.com/", False),
        ("https://user:hunter2@example.com/", False),
        ("ftp://example.com/", False),
        ("example.com", False),
        ("https://", False),
        ("https://example.com:port", False),
    ],
)
def test_what_a_person_may_set(place: str, allowed: bool) -> None:
    assert is_allowed(place) is allowed
