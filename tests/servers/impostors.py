"""Listeners that are no PostgreSQL, and a proxy that fails on demand."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

from tests.servers.host import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

T = TypeVar("T")
KINDS = ("http", "ssh", "mysql", "silence", "closes", "half", "starting")


class Loop:
    """An event loop in a thread of its own, so that it serves blocking and asynchronous tests alike."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="listeners of the tests", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there, and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def close(self) -> None:
        """Cancel what runs there, and end the thread."""
        self.call(self._cancel())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    async def _cancel(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def _error(sqlstate: str, words: str) -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": words}
    return _message(b"E", b"".join(f"{key}{value}".encode() + b"\0" for key, value in fields.items()) + b"\0")


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a startup message, declining TLS and GSS first."""
    while True:
        length = int.from_bytes(await reader.readexactly(4), "big")
        body = await reader.readexactly(length - 4)
        if int.from_bytes(body[:4], "big") not in {80877103, 80877104}:
            return
        writer.write(b"N")
        await writer.drain()


async def _play(kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if kind == "http":
        await reader.read(8)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    elif kind == "ssh":
        writer.write(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
        await reader.read()
    elif kind == "mysql":
        greeting = b"\x0a8.0.36\0" + b"\x08\0\0\0" + b"12345678\0" + b"\xff\xff\xff\x02\0\xff\xdf\x15" + b"\0" * 10
        writer.write(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
        await reader.read()
    elif kind == "silence":
        await reader.read()
    elif kind == "half":
        await _startup(reader, writer)
        writer.write(_message(b"R", (10).to_bytes(4, "big") + b"SCRAM-SHA-256\0\0")[:11])
        await reader.read()
    elif kind == "starting":
        await _startup(reader, writer)
        writer.write(_error("57P03", "the database system is starting up"))
    with contextlib.suppress(OSError):
        await writer.drain()


class Listener:
    """A TCP listener on loopback whose sockets a coroutine handles; all are closed with it."""

    def __init__(
        self, loop: Loop, handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> None:
        self._loop = loop
        self._handle = handle
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = loop.call(asyncio.start_server(self._serve, LOOPBACK, 0))
        self.host, self.port = LOOPBACK, int(self._server.sockets[0].getsockname()[1])

    @property
    def open(self) -> int:
        """How many sockets clients hold open here."""
        return len(self._writers)

    def drop(self) -> None:
        """Cut every socket now open, as a dying peer does."""
        self._loop.call(self._abort())

    def close(self) -> None:
        """Stop listening, and cut what is open."""
        self._loop.call(self._stop())

    async def _stop(self) -> None:
        self._server.close()
        await self._abort()

    async def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            self._writers.discard(writer)
            writer.close()


def impostor(loop: Loop, kind: str) -> Listener:
    """Start a listener that behaves as one of KINDS."""
    if kind not in KINDS:
        raise ValueError(f"{kind} is none of {', '.join(KINDS)}")
    return Listener(loop, lambda reader, writer: _play(kind, reader, writer))


class FaultyProxy(Listener):
    """Forwards to a server, until told to fail."""

    def __init__(self, loop: Loop, host: str, port: int) -> None:
        self._target = host, port
        self._delay_s = 0.0
        self._hears = loop.call(self._make_event())
        super().__init__(loop, self._forward)

    def deaf(self) -> None:
        """Keep sockets open, accept new ones, and forward nothing: a firewall that drops packets."""
        self._loop.loop.call_soon_threadsafe(self._hears.clear)

    def heal(self) -> None:
        """Forward again, without delay."""
        self._delay_s = 0.0
        self._loop.loop.call_soon_threadsafe(self._hears.set)

    def delay(self, seconds: float) -> None:
        """Hold back every piece that is forwarded."""
        self._delay_s = seconds

    async def _make_event(self) -> asyncio.Event:
        event = asyncio.Event()
        event.set()
        return event

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._hears.wait()
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        self._writers.add(there_writer)
        pumps = [
            asyncio.ensure_future(self._pump(reader, there_writer)),
            asyncio.ensure_future(self._pump(there_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._writers.discard(there_writer)
            there_writer.close()

    @property
    def open(self) -> int:
        """How many sockets clients hold open through it."""
        return sum(1 for writer in list(self._writers) if writer.get_extra_info("sockname")[1] == self.port)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            await self._hears.wait()
            writer.write(data)
            await writer.drain()
