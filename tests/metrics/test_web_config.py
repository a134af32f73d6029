"""The web configuration file of exporters: what it may ask for, and what is refused by name."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from tui.metrics.web_config import WebConfigError, context, read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.certificates import Authority

HASH = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze"


def _written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "web-config.yml"
    file.write_text(text)
    return file


def test_tls_and_users(tmp_path: Path) -> None:
    text = f"""\
# as an exporter has it
tls_server_config:
  cert_file: server.crt
  key_file: /etc/ssl/server.key
  client_ca_file: clients.crt
  client_auth_type: RequireAndVerifyClientCert
  min_version: TLS13
basic_auth_users:
  no: {HASH}
  "1": '{HASH}'
"""
    config = read(_written(tmp_path, text))
    assert config.tls is not None
    assert (config.tls.cert_file, str(config.tls.key_file)) == (tmp_path / "server.crt", "/etc/ssl/server.key")
    assert (config.tls.client_auth_type, config.tls.min_version) == ("RequireAndVerifyClientCert", "TLS13")
    assert dict(config.users) == {"no": HASH, "1": HASH}
    assert HASH not in repr(config)


@pytest.mark.parametrize("text", ["", "# nothing\n", "tls_server_config: {}\n", "basic_auth_users:\n"])
def test_a_file_that_asks_for_nothing(tmp_path: Path, text: str) -> None:
    config = read(_written(tmp_path, text))
    assert (config.tls, dict(config.users)) == (None, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rate_limit: {burst: 20}", "rate_limit of the file is not supported"),
        ("http_server_config: {http2: false}", "http_server_config of the file is not supported"),
        ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: [X]}", "cipher_suites of tls_server_config"),
        ("tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [X]}", "client_allowed_sans"),
        ("tls_server_config: {cert_file: a}", "needs key_file"),
        ("tls_server_config: {cert_file: a, key_file: [b]}", "key_file of tls_server_config is one word"),
        ("tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequestClientCert}", "is one of"),
        ("tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}", "go together"),
        ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}", "min_version of tls_server_config"),
        ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}", "above"),
        ("basic_auth_users: {alice: hunter2}", "for alice is no bcrypt hash"),
        (f"basic_auth_users: {{'a:b': {HASH}}}", "no colon"),
        ("basic_auth_users: [alice]", "names with bcrypt hashes"),
        (f"basic_auth_users: {{alice: {HASH}, alice: {HASH}}}", "alice stands there twice"),
        ("tls_server_config: [", "line 1 is no YAML"),
        ("- a list", "holds keys"),
        ("? [a]\n: b", "a key is a word"),
        ("x: !!python/name:os.system", "no YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = _written(tmp_path, text)
    with pytest.raises(WebConfigError) as error:
        read(file)
    assert words in str(error.value)
    assert str(file) in str(error.value)
    assert "hunter2" not in str(error.value)


def test_files_that_cannot_be_used_are_named(tmp_path: Path, certificate_authority: Authority) -> None:
    with pytest.raises(WebConfigError, match=r"none\.yml cannot be read"):
        read(tmp_path / "none.yml")
    certificate, key = certificate_authority.issue("localhost").write(tmp_path)
    good = read(_written(tmp_path, f"tls_server_config: {{cert_file: {certificate.name}, key_file: {key.name}}}"))
    assert good.tls is not None
    assert context(good.tls).minimum_version == ssl.TLSVersion.TLSv1_2
    certificate.write_text("no certificate")
    with pytest.raises(WebConfigError, match=r"server\.crt with its key .*server\.key cannot be used"):
        context(good.tls)
    certificate.unlink()
    with pytest.raises(WebConfigError, match="cannot be read"):
        context(good.tls)
