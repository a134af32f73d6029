"""What libpq's words about TLS mean. libpq writes them itself, in English: its wheel carries no translations. Pure."""

from __future__ import annotations

import re

from tui.postgres.cause import Cause
from tui.postgres.errors import Failure
from tui.postgres.target import Target

_NO_ENCRYPTION = (
    "no encryption",
    "SSL off",
    "SSL required",
    "SSL connection is required",
    "TLS connection is required",
)
# OpenSSL's name for it; libpq compares names by itself.
MISMATCH = "X509_V_ERR_HOSTNAME_MISMATCH"
_MISMATCH = re.compile(r"server certificate for (?P<names>.*) does not match host name", re.DOTALL)
# What a server says first tells which service it is.
_FIRST_BYTES = {
    "H": "an HTTP server",
    "S": "an SSH server",
    "<": "a web server or another text service",
    "2": "an FTP or mail server",
    "*": "an IMAP server",
    "+": "a POP3 server",
    "-": "a Redis server",
    "J": "a MySQL server",
    "I": "a MySQL server",
    "[": "a MySQL server",
    "N": "a server without TLS",
}
_SAYS = re.compile(
    r"received invalid response to SSL negotiation: (?P<tls>.)|expected authentication request from server, but"
    r" received (?P<plain>.)",
    re.DOTALL,
)


def lacks_tls(failure: Failure) -> bool:
    """Whether the server refused this try because it had no TLS.

    Its words are only known in English; in other languages the advice about pg_hba.conf stands in.
    """
    return failure.code in {"28000", "08P01"} and any(words in failure.text for words in _NO_ENCRYPTION)


def cause(failure: Failure, target: Target) -> Cause | None:
    """Return what a failure of TLS means; None where the text is about something else."""
    text = failure.text
    if said := _SAYS.search(text):
        return not_postgresql(target, _FIRST_BYTES.get(said["tls"] or said["plain"], "another service"))
    if "server does not support SSL" in text:
        return Cause(
            "tls",
            f"The server offers no TLS, and the mode {target.sslmode} needs it",
            "Turn TLS on at the server: ssl = on with ssl_cert_file and ssl_key_file in postgresql.conf, then"
            " SELECT pg_reload_conf(). Or choose the TLS mode prefer, which sends everything in clear",
        )
    if match := _MISMATCH.search(text):
        return mismatch(target, match["names"])
    if "weak sslmode" in text:
        return Cause("tls", "The system's certificates are only used with the TLS mode verify-full",
                     "Choose verify-full, or name a file as root certificate")  # fmt: skip
    if "root certificate file" in text or "could not read root certificate" in text:
        return _unreadable_roots(text, target)
    if "certificate verify failed" in text or "certificate is not trusted" in text:
        return Cause(
            "tls",
            "The server's certificate does not verify against the root certificate: another authority signed it, or it"
            " has expired",
            _ROOTS.get(target.connector, _OWN_ROOT) + "; renew the certificate where it has expired",
        )
    if "unencrypted data after SSL response" in text:
        return not_postgresql(target, "an SSH server, or another that speaks first,")
    if "alert certificate required" in text or "alert handshake failure" in text or "bad certificate" in text:
        return client_certificate(target)
    if "alert protocol version" in text or "unsupported protocol" in text or "wrong version number" in text:
        return Cause("tls", "The server and this client share no TLS version",
                     "Allow TLS 1.2 or newer at the server: ssl_min_protocol_version and its like")  # fmt: skip
    if "no shared cipher" in text or "no ciphers available" in text:
        return Cause("tls", "The server and this client share no TLS cipher", "Relax ssl_ciphers at the server")
    if "closed the connection unexpectedly" in text:
        return None
    if failure.stage == "tls" or text.startswith(("SSL error", "SSL SYSCALL error")) or "SSL error:" in text:
        return Cause(
            "tls",
            f"TLS with {target.place} failed: {' '.join(text.split())}",
            "Look at the server's log; a load balancer or firewall on the way may end TLS itself",
        )
    return None


_ROOTS = {
    "rds": "Download global-bundle.pem from Amazon RDS and give its path as root certificate",
    "aurora": "Download global-bundle.pem from Amazon RDS and give its path as root certificate",
    "azure": "Give system as root certificate, with verify-full",
    "cloudsql": "Download the instance's server-ca.pem and give its path as root certificate, with verify-ca",
    "alloydb": "Download the instance's server CA and give its path as root certificate, with verify-ca",
}
_OWN_ROOT = (
    "Give the file of the authority that signed the server's certificate as root certificate, or 'system' where a"
    " public one did"
)


def roots_fix(target: Target) -> str:
    """Return which root certificate to trust, in the words of the service that the server runs on."""
    return _ROOTS.get(target.connector, _OWN_ROOT)


def _unreadable_roots(text: str, target: Target) -> Cause:
    path = target.sslrootcert or "~/.postgresql/root.crt"
    if "does not exist" in text:
        return Cause(
            "tls", f"The root certificate {path} does not exist, and {target.sslmode} needs it", roots_fix(target)
        )
    return Cause("tls", f"The root certificate {path} cannot be read: {' '.join(text.split())}",
                 "Give a readable PEM file, of lines from BEGIN CERTIFICATE to END CERTIFICATE")  # fmt: skip


def mismatch(target: Target, names: str) -> Cause:
    """Return what it means that the certificate has `names` and none is the server's."""
    if target.connector in {"cloudsql", "alloydb"} or re.search(
        r"\"?[a-z][a-z0-9-]{4,28}[a-z0-9]:[a-z][a-z0-9-]*\"?", names
    ):
        return Cause(
            "tls",
            f"The certificate is made out to {names}, as Cloud SQL does, so verify-full can never match {target.host}",
            "Choose verify-ca with the instance's server-ca.pem as root certificate",
            MISMATCH,
        )
    return Cause(
        "tls",
        f"The certificate is made out to {names}, not to {target.host}: another server may be answering",
        "Type one of the certificate's names as Server, have the name added to the certificate, or choose verify-ca",
        MISMATCH,
    )


def client_certificate(target: Target) -> Cause:
    """Return what it means that the server demands a client certificate."""
    return Cause(
        "tls",
        "The server demands a client certificate, which a CARTO Connection cannot carry: it has six parameters",
        "Let CARTO's role in by password: take clientcert=... or the method cert from the pg_hba.conf line that matches"
        if target.connector not in {"cloudsql", "alloydb"}
        else "Set the instance's SSL mode to ENCRYPTED_ONLY (allow only SSL connections), not to client certificates",
    )


def not_postgresql(target: Target, service: str) -> Cause:
    """Return what it means that another service speaks on the port."""
    return Cause(
        "tls",
        f"{target.place} is no PostgreSQL: {service} answers there",
        "Check Server and Port: PostgreSQL's own port is 5432, PgBouncer's 6432",
        "EPROTO",
    )
