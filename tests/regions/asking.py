"""Asks a server what it wants of a client that comes from an address: by hand, for libpq cannot bind one."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import NamedTuple

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_VERSION = 196608
# Authentication requests of the protocol, by their code.
_ASKED = {0: "nothing", 3: "password in clear", 5: "md5", 7: "gss", 9: "sspi", 10: "scram"}
_UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_UNVERIFIED.check_hostname = False
_UNVERIFIED.verify_mode = ssl.CERT_NONE


class Answer(NamedTuple):
    """What a server asked for, or its error."""

    asked: str
    error: str = ""

    @property
    def admitted(self) -> bool:
        """Whether the client may go on to prove who it is."""
        return self.asked not in {"no entry", "rejected", "no TLS"}


def has_ipv6() -> bool:
    """Whether this machine has ::1."""
    with socket.socket(socket.AF_INET6) as trial:
        try:
            trial.bind(("::1", 0))
        except OSError:
            return False
    return True


def ask(address: tuple[str, int], source: str, database: str, username: str, *, encrypted: bool) -> Answer:
    """Come from `source` and ask to be let in; hang up before proving anything."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as plain:
        plain.settimeout(10)
        plain.bind((source, 0))
        plain.connect(address)
        if not encrypted:
            return _start_up(plain, database, username)
        plain.sendall(_SSL_REQUEST)
        if plain.recv(1) != b"S":
            return Answer("no TLS")
        with _UNVERIFIED.wrap_socket(plain) as secret:
            return _start_up(secret, database, username)


def _start_up(client: socket.socket, database: str, username: str) -> Answer:
    parameters = b"".join(part.encode() + b"\0" for part in ("user", username, "database", database)) + b"\0"
    client.sendall(struct.pack("!ii", 8 + len(parameters), _VERSION) + parameters)
    kind, length = struct.unpack("!ci", _read(client, 5))
    body = _read(client, length - 4)
    if kind == b"R":
        return Answer(_ASKED[struct.unpack("!i", body[:4])[0]])
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    message = fields[b"M"]
    assert fields[b"C"] == "28000", fields
    if message.startswith("no pg_hba.conf entry"):
        return Answer("no entry", message)
    if message.startswith("pg_hba.conf rejects"):
        return Answer("rejected", message)
    return Answer("certificate" if "certificate" in message else "ident", message)


def _read(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        assert more, "the server hung up"
        data += more
    return data
