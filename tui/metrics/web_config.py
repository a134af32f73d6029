"""The web configuration file that Prometheus' exporters share: TLS and basic authentication.

Source: docs/web-configuration.md of prometheus/exporter-toolkit. What is in its format and not offered here is
refused by name: a rate limit or a header that was asked for and is not there would be believed in.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tui.connections.files import read_regular, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST = 1024 * 1024
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_TLS_KEYS = ("cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version", "max_version")
_BCRYPT = ("$2a$", "$2b$", "$2y$")
_BCRYPT_LENGTH = 60


class WebConfigError(Exception):
    """The file cannot be used: a sentence that names it, the key, and what to do. Exit status 2."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How the server proves who it is, and whether clients must."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_auth_type: str = "NoClientCert"
    min_version: str = "TLS12"
    max_version: str = "TLS13"


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file asks for; `users` are bcrypt hashes by name."""

    path: Path
    tls: Tls | None = None
    users: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that a change of is a change of this."""
        tls = () if self.tls is None else (self.tls.cert_file, self.tls.key_file, self.tls.client_ca_file)
        return (self.path, *(file for file in tls if file is not None))


def read(path: Path) -> WebConfig:
    """Return what a file asks for; relative names in it are beside it. Raises WebConfigError."""
    try:
        text = read_regular(str(path), _LARGEST).decode()
    except OSError as error:
        raise WebConfigError(f"The web configuration {path} cannot be read: {reason(error)}") from None
    except UnicodeDecodeError:
        raise WebConfigError(f"The web configuration {path} is no UTF-8 text") from None
    try:
        return _parsed(text, path)
    except WebConfigError as error:
        raise WebConfigError(f"The web configuration {path}: {error}") from None


class _Loader(yaml.SafeLoader):
    """Reads every scalar as it is written, so that a user called `no` keeps that name, and no key twice."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - as the base class has it


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for n, key in enumerate(keys):
        if not isinstance(key, str):
            raise WebConfigError("a key is a word")
        if key in keys[:n]:
            raise WebConfigError(f"{key} stands there twice")
    return dict(zip(keys, (loader.construct_object(value, deep=True) for _, value in node.value), strict=True))


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _parsed(text: str, path: Path) -> WebConfig:
    try:
        told = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        # The line itself may hold a hash, and is not shown.
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WebConfigError(f"line {line} is no YAML: {error.problem or 'it is malformed'}") from None
    except (yaml.YAMLError, RecursionError):
        raise WebConfigError("it is no YAML") from None
    whole = _table("the file", told, ("tls_server_config", "basic_auth_users"))
    tls = whole.get("tls_server_config")
    return WebConfig(path, None if _is_empty(tls) else _tls(tls, path.parent), _users(whole.get("basic_auth_users")))


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", {})


def _table(where: str, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if _is_empty(value):
        return {}
    if not isinstance(value, dict):
        raise WebConfigError(f"{where} holds keys with values")
    strange = [key for key in value if key not in known]
    if strange:
        raise WebConfigError(
            f"{', '.join(strange)} of {where} is not supported here, and is not ignored in silence: take it out. "
            f"Supported: {', '.join(known)}"
        )
    return value


def _tls(value: Any, folder: Path) -> Tls:
    told = _table("tls_server_config", value, _TLS_KEYS)
    for key, one in told.items():
        if not isinstance(one, str) or not one:
            raise WebConfigError(f"{key} of tls_server_config is one word")
    for key in ("cert_file", "key_file"):
        if key not in told:
            raise WebConfigError(f"tls_server_config needs {key}")
    files = {key: folder / told.pop(key) for key in ("cert_file", "key_file", "client_ca_file") if key in told}
    tls = Tls(**files, **told)
    for key, allowed in (("client_auth_type", _CLIENT_AUTH), ("min_version", _VERSIONS), ("max_version", _VERSIONS)):
        if getattr(tls, key) not in allowed:
            raise WebConfigError(f"{key} of tls_server_config is one of {', '.join(allowed)} here")
    if (tls.client_ca_file is None) != (tls.client_auth_type == "NoClientCert"):
        raise WebConfigError(
            "client_ca_file and a client_auth_type that verifies go together: one without the other asks for nothing"
        )
    if _VERSIONS[tls.min_version] > _VERSIONS[tls.max_version]:
        raise WebConfigError("min_version of tls_server_config is above max_version")
    return tls


def _users(value: Any) -> dict[str, str]:
    if _is_empty(value):
        return {}
    if not isinstance(value, dict):
        raise WebConfigError("basic_auth_users holds names with bcrypt hashes")
    for name, hash in value.items():
        # The hash is not repeated: somebody may have written the password there.
        if not isinstance(hash, str) or len(hash) != _BCRYPT_LENGTH or not hash.startswith(_BCRYPT):
            raise WebConfigError(
                f"what basic_auth_users has for {name} is no bcrypt hash: make one with htpasswd -nBC 10 {name}"
            )
        if ":" in name or not name:
            raise WebConfigError("a name of basic_auth_users is not empty and has no colon in it")
    return value


def context(tls: Tls) -> ssl.SSLContext:
    """Return how a server speaks TLS by these files, read now. Raises WebConfigError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    what = f"the certificate {tls.cert_file} with its key {tls.key_file}"
    try:
        made.load_cert_chain(tls.cert_file, tls.key_file, password=_no_passphrase)
        if tls.client_ca_file is not None:
            what = f"the certificates {tls.client_ca_file}"
            made.load_verify_locations(tls.client_ca_file)
    except ssl.SSLError as error:
        why = (error.reason or "no PEM").lower().replace("_", " ")
        raise WebConfigError(f"{what} cannot be used: {why}") from None
    except OSError as error:
        raise WebConfigError(f"{what} cannot be read: {reason(error)}") from None
    except ValueError:
        raise WebConfigError(f"{what} cannot be used: a key with a passphrase is not taken") from None
    made.verify_mode = _CLIENT_AUTH[tls.client_auth_type]
    return made


def _no_passphrase() -> str:
    raise ValueError
