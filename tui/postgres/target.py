"""Where a socket is to go: what is needed of a Connection to open one."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from tui.connections.model import Parameters
from tui.connections.secret import Secret

# CARTO's form carries no client certificate, so none is offered from ~/.postgresql; PGSSLCERTMODE says otherwise.
_WITHOUT_CLIENT_CERTIFICATE = "disable"
# `connections` reads ~/.pgpass. libpq would, too, and would print to the screen where others may read the file.
_NO_FILE = "/dev/null/none"
# Notices a dead peer between polls and under a query, within about 15 seconds.
_KEEPALIVE = {
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A server, a database, a role, and how it is to prove who it is. `connector` only colours advice."""

    host: str
    port: int
    database: str
    username: str
    password: Secret | None = field(default=None, repr=False)
    sslmode: str = "prefer"
    sslrootcert: str = ""
    connector: str = "postgresql"
    password_from: str = ""
    application_name: str = "pgconns"

    @property
    def place(self) -> str:
        """host:port, as people know it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def options(self, address: str) -> dict[str, str]:
        """Return libpq's options for a socket to `address`, one of the host's, without the password.

        Start-up `options` are never sent, whatever PGOPTIONS says: poolers refuse them.
        """
        return {
            "host": self.host,
            "hostaddr": address,
            "port": str(self.port),
            "dbname": self.database,
            "user": self.username,
            "sslmode": self.sslmode,
            **({"sslrootcert": root} if (root := root_certificate(self.sslrootcert, self.sslmode)) else {}),
            **({} if os.environ.get("PGSSLCERTMODE") else {"sslcertmode": _WITHOUT_CLIENT_CERTIFICATE}),
            "passfile": _NO_FILE,
            "gssencmode": "disable",
            "target_session_attrs": "any",
            "options": "",
            "client_encoding": "UTF8",
            "application_name": self.application_name,
            "fallback_application_name": "",
            **_KEEPALIVE,
        }


def target(parameters: Parameters, password: Secret | None, application_name: str = "pgconns") -> Target:
    """Return where a Connection's sockets go."""
    host = parameters.server
    if not host.isascii():
        host = host.encode("idna").decode()
    return Target(
        host,
        parameters.port,
        parameters.database,
        parameters.username,
        password,
        parameters.sslmode,
        parameters.sslrootcert,
        parameters.connector,
        parameters.password_from,
        application_name,
    )


def root_certificate(sslrootcert: str, sslmode: str) -> str:
    """Return the file of roots that `sslrootcert` stands for; empty where libpq looks for one by itself.

    ``system`` becomes the file that this machine keeps them in: the OpenSSL inside psycopg's wheel looks in a folder
    that exists nowhere. With a weaker mode than verify-full it stays as it is, and libpq refuses it.
    """
    if sslrootcert == "system":
        found = system_roots() if sslmode == "verify-full" else ""
        return found or sslrootcert
    return str(Path(sslrootcert).expanduser()) if sslrootcert else ""


# Where distributions keep the bundle, for a Python whose own OpenSSL was built for another place.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def system_roots() -> str:
    """Return the file of certificates that this machine trusts, SSL_CERT_FILE first; empty where there is none."""
    known = (ssl.get_default_verify_paths().cafile or "", *_BUNDLES)
    return next((path for path in known if path and Path(path).is_file()), "")
