"""Where is measured: a real server with 2,000 sockets, and an empty home with 50 Connections to it."""

from __future__ import annotations

import os
import random
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.bench.crowd import Crowd, Kind
from tests.bench.report import say
from tests.servers.binaries import npm_tree
from tests.servers.host import Host
from tests.servers.postgres import Local, Server
from tui.connections.model import Connection, Parameters
from tui.connections.registry_text import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

SOCKETS = 2000
CONNECTIONS = 50
DATABASES = 5
WORKING, BUSY = 25, 45  # so many run a query; so many do, or are idle in transaction
MAJOR = "15"
TRUST = "host all all 127.0.0.0/8 trust"
# The server listens at both. A client of the second comes from the first: to pg_activity, that is another machine.
NEAR, FAR = "127.0.0.1", "127.0.0.2"
CONSOLE = [str(Path(sys.executable).parent / "pgconns")]


def _comment(kind: Kind) -> str:
    """Return what CARTO writes before its queries."""
    return (
        f"/* CARTO/3.0 (GPN:x; ACCID:y; USERID:auth0|{kind.username}; CM:{kind.application[:10]};"
        f" connectionId:00000000-0000-4000-8000-0000000000{kind.username[-2:]}) */"
    )


class Place:
    """Made when it is first needed; all of it is gone at the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @cached_property
    def host(self) -> Host:
        """The folder and the processes."""
        host = Host()
        self._stack.callback(host.close)
        return host

    @property
    def programs(self) -> Local:
        """PostgreSQL."""
        return Local(f"npm-{MAJOR}", npm_tree(MAJOR))

    @cached_property
    def server(self) -> Server:
        """A server with room for 2,000 sockets, and roles and databases for them."""
        settings = {"max_connections": "2300", "listen_addresses": f"{NEAR},{FAR}", "shared_buffers": "32MB"}
        server = Server(self.host, self.programs, settings=settings, hba=TRUST)
        for number in range(DATABASES):
            server.execute(f"CREATE DATABASE gis_{number}")
        for kind in self.kinds:
            server.execute(f"CREATE ROLE {kind.username} LOGIN")
        server.execute("CREATE ROLE monitor LOGIN IN ROLE pg_monitor")
        return server

    @cached_property
    def kinds(self) -> list[Kind]:
        """Who opens sockets: one role per Connection, each with an application of its own."""
        return [
            Kind(f"gis_{number % DATABASES}", f"carto_{number:02}", f"carto maps {number % 8}", f"127.0.1.{number % 4}")
            for number in range(CONNECTIONS)
        ]

    @cached_property
    def crowd(self) -> Crowd:
        """2,000 sockets, most of them idle."""
        server = self.server
        say(f"opening {SOCKETS} sockets")
        crowd = self._stack.enter_context(Crowd(server.host, server.port))
        for number in range(SOCKETS):
            kind = self.kinds[number % CONNECTIONS]
            crowd.open(kind)
            crowd.ask(number, f"{_comment(kind)} SELECT 1")
        for number in range(WORKING):
            query = (
                f"{_comment(self.kinds[number])} SELECT pg_sleep(36000) /* tile {number} of a layer that takes time */"
            )
            crowd.ask(number, query, wait=False)
        for number in range(WORKING, BUSY):
            crowd.ask(number, "BEGIN")
            crowd.ask(number, "SELECT 1")
        return crowd

    def connections(self) -> list[Connection]:
        """The registered Connections; the last one's role sees all sockets."""
        own = [self.connection(f"Connection {number:02}", kind) for number, kind in enumerate(self.kinds)]
        return [*own[:-1], self.connection("Monitor", Kind("postgres", "monitor", ""))]

    def connection(self, name: str, kind: Kind, port: int = 0) -> Connection:
        """A Connection that opens the sockets of a kind."""
        parameters = Parameters(
            name=name,
            server=NEAR,
            port=port or self.server.port,
            username=kind.username,
            database=kind.database,
            password_from="env:PGCONNS_BENCH_PASSWORD",
        )
        return Connection(f"00000000-0000-4000-8000-{abs(hash((name, port))) % 10**12:012}", parameters)

    def home(self, connections: Sequence[Connection]) -> dict[str, str]:
        """Return an environment like a user's, with these Connections registered, and programs' bytecode allowed."""
        self._number += 1
        folder = self.host.folder / f"home-{self._number}"
        registry = folder / ".config/pgconns/registry.toml"
        registry.parent.mkdir(parents=True, mode=0o700)
        registry.touch(0o600)
        registry.write_text(dumps(connections), encoding="utf-8")
        foreign = ("PG", "XDG_", "PYTHON", "TEXTUAL", "SSH_", "NO_COLOR", "COLUMNS", "LINES")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **kept,
            "HOME": str(folder),
            "PGCONNS_BENCH_PASSWORD": "none",
            "DBUS_SESSION_BUS_ADDRESS": "unix:path=/",
        }

    @contextmanager
    def changing(self, each_s: float = 0.25) -> Iterator[None]:
        """Close and open sockets all the while: some of each Connection within one refresh."""
        crowd, over = self.crowd, threading.Event()
        chance = random.Random(1)

        def churn() -> None:
            while not over.wait(each_s):
                with suppress(OSError):
                    crowd.replace_some(12, chance)

        thread = threading.Thread(target=churn, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(30)
