"""The first words with a server, spoken by hand: what libpq says of them is not enough to explain a failure.

Source: PostgreSQL documentation, "Message Flow" and "Message Formats" (protocol 3.0).
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from types import TracebackType
from typing import Self

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_PROTOCOL_3 = 196608
_LONGEST = 4096


class Wire:
    """One TCP connection, for a few bytes. Leaving the block ends it at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: str, port: int) -> Self:
        """Return a connection to an address. Raises OSError."""
        return cls(*await asyncio.open_connection(address, port, limit=_LONGEST))

    async def ask_for_tls(self) -> bytes:
        """Return what the server answers to the request for TLS: b"S", b"N", or what else it said; empty if it hung up.

        Anything behind the S would have been said before TLS, which PostgreSQL never does.
        """
        self._writer.write(_SSL_REQUEST)
        await self._writer.drain()
        return await self._reader.read(_LONGEST)

    async def start_tls(self, context: ssl.SSLContext, host: str) -> ssl.SSLObject:
        """Return the TLS that is now in force. Raises ssl.SSLError, OSError."""
        await self._writer.start_tls(context, server_hostname=host)
        tls: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        return tls

    async def start_up(self, parameters: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Say who wants in, and return the type of the first answer, with its fields when it is an error."""
        body = b"".join(f"{k}\0{v}\0".encode() for k, v in parameters.items()) + b"\0"
        self._writer.write(struct.pack("!ii", len(body) + 8, _PROTOCOL_3) + body)
        await self._writer.drain()
        kind, length = struct.unpack("!ci", await self._reader.readexactly(5))
        if kind != b"E" or not 4 < length < _LONGEST:
            return kind.decode("latin-1"), {}
        fields = (await self._reader.readexactly(length - 4)).rstrip(b"\0").split(b"\0")
        return "E", {chr(field[0]): field[1:].decode("utf-8", "replace") for field in fields if field}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.transport.abort()


def service(said: bytes) -> str:
    """Return which service says this first; it is none that knows PostgreSQL's protocol.

    >>> service(b"SSH-2.0-OpenSSH_9.2p1")
    'an SSH server'
    """
    for start, name in _GREETINGS:
        if said.startswith(start):
            return name
    # MySQL and MariaDB: length, sequence number 0, protocol 10 and a version, or 255 and an error.
    if len(said) > 5 and said[3] == 0 and said[4] in {10, 255}:
        return "a MySQL or MariaDB server"
    return "another service"


_GREETINGS = (
    (b"HTTP/", "an HTTP server"),
    (b"<", "a web server"),
    (b"SSH-", "an SSH server"),
    (b"220", "a mail or FTP server"),
    (b"* OK", "an IMAP server"),
    (b"+OK", "a POP3 server"),
    (b"-ERR", "a Redis server"),
    (b"\x15\x03", "a server that speaks TLS at once, such as HTTPS,"),
    (b"RFB ", "a VNC server"),
)
