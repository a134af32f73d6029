"""Asking Prometheus: what goes along, what is bounded, and the words for each way in which it fails."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from tests.regions.given import WebServer, redirect, status, text
from tui.history import prometheus_web
from tui.history.errors import HistoryError
from tui.history.prometheus_web import Api
from tui.history.settings import Prometheus, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.certificates import Authority

QUERY = "/api/v1/query"
NOTHING: dict[str, Any] = {"status": "success", "data": {"resultType": "vector", "result": []}}


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A web server, and a proxy in the environment that this machine's own addresses are not asked through."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server = WebServer()
    yield server
    server.close()


def _refusal(place: Prometheus) -> str:
    with pytest.raises(HistoryError) as caught:
        Api(place).instant("up", 1.0)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_query_goes_with_its_time_and_a_token(web: WebServer, tmp_path: Path) -> None:
    told = {"resultType": "vector", "result": [
        {"metric": {"__name__": "up"}, "value": [1.5, "3"]},
        {"metric": {}, "value": [1.5, "NaN"]},
    ]}  # fmt: skip
    web.answers[QUERY] = text(json.dumps({"status": "success", "data": told, "warnings": ["one store\x1b is down"]}))
    (tmp_path / "token").write_text("s3cret\n")
    api = Api(Prometheus(web.url, token_from=f"file:{tmp_path / 'token'}"))
    (up, not_a_number) = api.instant("up{a='&'}", 1.5)
    assert (up.labels, up.values, not_a_number.values) == ({"__name__": "up"}, [(1500, 3.0)], [])
    (request,) = web.asked
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert parse_qs(request.body.decode()) == {"query": ["up{a='&'}"], "time": ["1.500"], "timeout": ["30s"]}
    assert api.notes == (f"{web.url} says that its answer is not whole: one store␛ is down",)
    api.instant("up", 1.5)
    assert len(api.notes) == 1


def test_a_name_and_a_password_from_the_environment(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    web.answers[QUERY] = text(json.dumps(NOTHING))
    place = Prometheus(web.url, username="alice", password_from="env:READER")
    assert "READER, where the password should be, is not set" in _refusal(place)
    monkeypatch.setenv("READER", "pw")
    assert Api(place).instant("up", 1.0) == []
    assert web.asked[-1].headers["Authorization"] == "Basic YWxpY2U6cHc="


@pytest.mark.parametrize(
    ("code", "content", "words"),
    [
        (401, "Unauthorized", "lets nobody in without a right name and password: [history] in the registry takes"),
        (403, "<html>", "forbids reading"),
        (404, "<html>", "is no Prometheus, or not its address (status 404): the URL ends before /api/v1"),
        (200, "<html>", "is no Prometheus, or not its address: the URL ends before /api/v1"),
        (200, "[]", "is no Prometheus"),
        (200, "[" * 100_000, "is no Prometheus"),
        (200, '{"status":"success","data":{"resultType":"vector","result":[{"metric":3}]}}', "otherwise than"),
        (400, '{"status":"error","errorType":"bad_data","error":"parse\\u001b error"}', "(status 400): parse␛ error"),
        (
            422,
            '{"status":"error","errorType":"execution","error":"too many samples"}',
            "(status 422): too many samples",
        ),
        (503, '{"status":"error","errorType":"timeout","error":"query timed out"}', "(status 503): query timed out"),
        (502, "Bad Gateway", "(status 502)"),
    ],
)
def test_an_answer_that_is_none_is_told_in_words(web: WebServer, code: int, content: str, words: str) -> None:
    web.answers[QUERY] = status(code, content)
    said = _refusal(Prometheus(web.url))
    assert words in said
    assert web.url in said or "otherwise" in said


def _unresolved(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_what_does_not_answer(web: WebServer, refused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "cannot be reached: connection refused" in _refusal(Prometheus(f"http://127.0.0.1:{refused_port}"))
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.delenv("ALL_PROXY")
    with monkeypatch.context() as offline:
        offline.setattr(socket, "getaddrinfo", _unresolved)
        assert "its name cannot be resolved" in _refusal(Prometheus("http://prometheus.example.com"))
    monkeypatch.setattr(prometheus_web, "SILENCE_S", 0.2)
    web.answers[QUERY] = web.silent()
    assert "does not answer in time" in _refusal(Prometheus(web.url))
    monkeypatch.setattr(prometheus_web, "TOTAL_S", 0.3)
    web.answers[QUERY] = web.endless(b" ", 0.01)
    assert "does not answer in time" in _refusal(Prometheus(web.url))
    monkeypatch.setattr(prometheus_web, "LARGEST", 10_000)
    monkeypatch.setattr(prometheus_web, "TOTAL_S", 60)
    web.answers[QUERY] = web.endless(b" " * 5000)
    assert "ask for a shorter span" in _refusal(Prometheus(web.url))


def test_a_redirect_is_not_followed(web: WebServer) -> None:
    web.answers[QUERY] = redirect("http://127.0.0.1:1/elsewhere")
    assert "(status 302)" in _refusal(Prometheus(web.url))
    assert len(web.asked) == 1


def test_certificates_are_those_of_the_machine_or_of_a_file(
    certificate_authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    secure = WebServer(certificate_authority.issue("127.0.0.1"), tmp_path)
    secure.answers[QUERY] = text(json.dumps(NOTHING))
    try:
        assert "its certificate is not trusted" in _refusal(Prometheus(secure.url))
        assert "ca_file" in _refusal(Prometheus(secure.url))
        assert Api(Prometheus(secure.url, ca_file=str(certificate_authority.root))).instant("up", 1.0) == []
        assert "cannot be read" in _refusal(Prometheus(secure.url, ca_file=str(tmp_path / "none")))
        assert "holds no certificates" in _refusal(Prometheus(secure.url, ca_file=str(tmp_path / "server.key")))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate_authority.root))
        assert Api(Prometheus(secure.url)).instant("up", 1.0) == []
    finally:
        secure.close()


def test_what_the_registry_says() -> None:
    source = {"source": "prometheus:https://prometheus.example.com/path/"}
    assert parse(source).source == Prometheus("https://prometheus.example.com/path")
    login = {"username": "reader", "password_from": "command:pass show prometheus", "ca_file": "~/ca.pem"}
    assert parse({**source, **login, "raw_days": 3}).source == Prometheus(
        "https://prometheus.example.com/path", **login
    )
    assert parse({"source": "prometheus:http://[::1]:9090", "token_from": "env:TOKEN"}).source is not None
    assert parse({}).source is None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"source": "https://prometheus.example.com"}, '"prometheus:" with a URL behind it'),
        ({"source": "prometheus:prometheus.example.com"}, "names a URL such as"),
        ({"source": "prometheus:https://a/?x=1"}, "names a URL such as"),
        ({"source": "prometheus:https://a:b/"}, "names a URL such as"),
        ({"source": "prometheus:https://me:hunter2@a/"}, "No password belongs in the registry"),
        ({"source": 3}, "source under [history] in the registry is a text"),
        ({"source": "prometheus:https://a", "password_from": "hunter2", "username": "a"}, "env:NAME, file:/path or"),
        ({"source": "prometheus:https://a", "token_from": "hunter2"}, "env:NAME, file:/path or command"),
        ({"source": "prometheus:https://a", "username": "a"}, "username with password_from"),
        ({"source": "prometheus:https://a", "username": "a", "password_from": "env:A", "token_from": "env:B"}, "alone"),
        ({"source": "prometheus:http://a.example", "token_from": "env:B"}, "for all to read"),
        ({"token_from": "env:B"}, "is for a source, and none is named"),
    ],
)
def test_what_the_registry_says_wrong(table: dict[str, Any], words: str) -> None:
    with pytest.raises(HistoryError) as caught:
        parse(table)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
