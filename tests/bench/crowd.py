"""Sockets in large numbers, opened by the bare protocol: no client library's cost, any source address of loopback."""

from __future__ import annotations

import random
import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


class Kind(NamedTuple):
    """Who opens a socket, and from where; the server must trust it."""

    database: str
    username: str
    application: str
    source: str = "127.0.0.1"


class Crowd:
    """Sockets to one server, held until the end."""

    def __init__(self, host: str, port: int) -> None:
        self._place = host, port
        self._sockets: list[tuple[Kind, socket.socket]] = []
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for _, one in self._sockets:
            one.close()

    def __len__(self) -> int:
        return len(self._sockets)

    def open(self, kind: Kind) -> None:
        """Open a socket, and leave it idle."""
        one = socket.create_connection(self._place, 30, source_address=(kind.source, 0))
        settings = {"user": kind.username, "database": kind.database, "application_name": kind.application}
        words = b"".join(f"{name}\0{value}\0".encode() for name, value in settings.items()) + b"\0"
        one.sendall(struct.pack("!II", len(words) + 8, 196608) + words)
        _until_ready(one)
        if self._begun:
            _ask(one, "BEGIN")
        self._sockets.append((kind, one))

    def ask(self, index: int, query: str, *, wait: bool = True) -> None:
        """Run a query in one of the sockets; it stays active where its end is not waited for."""
        _ask(self._sockets[index][1], query, wait=wait)

    @contextmanager
    def in_transaction(self, first: int) -> Iterator[None]:
        """Leave all from `first` on idle in a transaction, and those opened meanwhile, until the block ends."""
        self._begun = True
        for _, one in self._sockets[first:]:
            _ask(one, "BEGIN")
        try:
            yield
        finally:
            self._begun = False
            for _, one in self._sockets[first:]:
                _ask(one, "COMMIT")

    def replace_some(self, number: int, chance: random.Random) -> None:
        """Close so many idle sockets from the end on, and open others of the same kinds."""
        for _ in range(number):
            index = chance.randrange(len(self._sockets) // 2, len(self._sockets))
            _, one = self._sockets.pop(index)
            one.close()
            self.open(self._sockets[chance.randrange(len(self._sockets))][0])


def _ask(one: socket.socket, query: str, *, wait: bool = True) -> None:
    words = query.encode() + b"\0"
    one.sendall(b"Q" + struct.pack("!I", len(words) + 4) + words)
    if wait:
        _until_ready(one)


def _until_ready(one: socket.socket) -> None:
    """Read messages until the server is ready for a query."""
    buffer = b""
    while True:
        data = one.recv(65536)
        if not data:
            raise ConnectionError(buffer[-300:].decode(errors="replace"))
        buffer += data
        while len(buffer) >= 5 and len(buffer) > (length := struct.unpack("!I", buffer[1:5])[0]):
            if buffer[:1] == b"Z":
                return
            buffer = buffer[length + 1 :]
