"""Several addresses, some of which are silent."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tui.connections.secret import Secret
from tui.postgres.errors import Failure
from tui.postgres.resolve import NotResolved, resolve
from tui.postgres.target import Target
from tui.probe import reach as reach_room
from tui.probe.reach import judge

TARGET = Target("db.example.com", 5432, "geo", "carto", Secret("pw"))
SILENT = Failure("tcp", code="ETIMEDOUT", address="2001:db8::1", timeout_s=6.0)
REFUSED = Failure("tcp", code="ECONNREFUSED", address="10.0.0.2")


def test_all_some_none() -> None:
    assert judge(TARGET, ("10.0.0.1",), [3.0]).status == "ok"
    mixed = judge(TARGET, ("10.0.0.1", "2001:db8::1"), [0.2, SILENT])
    assert (mixed.status, mixed.code) == ("warning", "ETIMEDOUT")
    assert "2001:db8::1" in mixed.message
    none = judge(TARGET, ("2001:db8::1", "10.0.0.2"), [SILENT, REFUSED])
    assert (none.status, none.code) == ("failed", "ETIMEDOUT")
    assert "refuses" in none.detail


async def test_packets_that_are_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener whose queue is full lets no handshake through, as a silent firewall does."""
    monkeypatch.setattr(reach_room, "_TCP_S", 0.4)
    with ExitStack() as held:
        full = held.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = int(full.getsockname()[1])
        for _ in range(4):
            client = held.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        started = time.monotonic()
        finding, answering = await reach_room.reach(replace(TARGET, port=port), ("127.0.0.1",))
        assert time.monotonic() - started < 2
    assert (finding.status, finding.code, answering) == ("failed", "ETIMEDOUT", ())


async def test_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        release.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    with pytest.raises(NotResolved) as raised:
        await resolve("db.example.com", 5432, 0.2)
    release.set()
    assert time.monotonic() - started < 2
    assert raised.value.failure.code == "ETIMEDOUT"


async def test_addresses_are_not_looked_up() -> None:
    assert await resolve("2001:db8::1", 5432, 0.1) == ("2001:db8::1",)
