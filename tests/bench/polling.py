"""One poll of 2,000 sockets: what it costs the server, the network and the client."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from tests.bench.peer import Peer
from tests.bench.place import FAR, SOCKETS
from tests.bench.process import cpu_s
from tests.bench.report import Row, ms, size
from tui.sockets.server import Circumstances, ServerWatch

if TYPE_CHECKING:
    from tests.bench.place import Place
    from tui.connections.model import Connection
    from tui.sockets.queries import Identity

POLLS = 40
_COUNT = "select count(*) from pg_stat_activity"


class Cost(NamedTuple):
    """What a poll costs."""

    server_s: float
    client_s: float
    received: float


def poll(place: Place) -> list[Row]:
    """Poll by turns: pgconns, a plain count, and the statements of one refresh of pg_activity."""
    crowd = place.crowd
    assert len(crowd) == SOCKETS
    ours, plain, peers, groups = asyncio.run(_by_turns(place))
    return [
        Row(
            f"server CPU of one poll, {SOCKETS:,} sockets",
            ms(ours.server_s),
            f"`{_COUNT}` {ms(plain.server_s)}, pg_activity {ms(peers.server_s)}",
            "within 1.3x of the count, under a third of pg_activity",
            ours.server_s <= 1.3 * plain.server_s and ours.server_s < peers.server_s / 3,
        ),
        Row(
            f"bytes on the wire of one poll, {groups} groups",
            size(ours.received),
            f"pg_activity {size(peers.received)}",
            "by groups, not by sockets",
            ours.received < 300 * groups,
        ),
        Row(
            f"client CPU of one poll, {SOCKETS:,} sockets",
            ms(ours.client_s),
            f"pg_activity {ms(peers.client_s)}",
            "under 2 ms",
            ours.client_s < 0.002,
        ),
    ]


async def _by_turns(place: Place) -> tuple[Cost, Cost, Cost, int]:
    watch = ServerWatch(place.connections(), Circumstances(no_password, 2.0), watched, lambda: None)
    ours, counts, peers = [], [], []
    port = place.server.port
    dsn = f"host={FAR} port={port} user=monitor dbname=postgres"
    with Peer(FAR, port) as peer, psycopg.connect(dsn, autocommit=True) as plain:
        await watch._look()
        our_pid, our_port = _console(plain)
        with _socket_from(our_port) as twin:
            for _ in range(POLLS):
                before, received, clock = cpu_s(our_pid), _received(twin), time.process_time()
                await watch._look()
                client_s = time.process_time() - clock
                ours.append(Cost(cpu_s(our_pid) - before, client_s, _received(twin) - received))
                before = cpu_s(plain.info.backend_pid)
                plain.execute(_COUNT, prepare=True)
                counts.append(Cost(cpu_s(plain.info.backend_pid) - before, 0, 0))
                before = cpu_s(peer.backend_pid)
                cost = peer.poll()
                peers.append(Cost(cpu_s(peer.backend_pid) - before, cost["cpu_s"], cost["received"]))
    groups = len(watch._snapshot.groups) if watch._snapshot else 0
    await watch._leave()
    return _median(ours), _median(counts), _median(peers), groups


def watched(server: ServerWatch, identity: Identity) -> bool:
    """Learn which server it is; no other watch takes over."""
    server.identity = identity
    return False


async def no_password(_: Connection) -> None:
    """The servers of the benchmarks trust everybody."""


def _median(costs: list[Cost]) -> Cost:
    return Cost(*(median(column) for column in zip(*costs, strict=True)))


def _console(plain: psycopg.Connection[tuple[object, ...]]) -> tuple[int, int]:
    """Return the process that serves the console, and the port from which the console comes."""
    asked = "SELECT pid, client_port FROM pg_stat_activity WHERE application_name = 'pgconns'"
    ((pid, port),) = plain.execute(asked).fetchall()
    return int(str(pid)), int(str(port))


def _socket_from(port: int) -> socket.socket:
    """Return a copy of this process's socket that has a local port."""
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if entry.readlink().name.startswith("socket:"):
                one = socket.socket(fileno=os.dup(int(entry.name)))
                if one.family == socket.AF_INET and one.getsockname()[1] == port:
                    return one
                one.close()
    raise LookupError(port)


def _received(one: socket.socket) -> int:
    """Return tcpi_bytes_received of linux/tcp.h."""
    return int.from_bytes(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)[128:136], sys.byteorder)
