"""The fixtures; what each offers stands in `tests.servers`."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.servers import binaries
from tests.servers.certificates import Authority, Issued
from tests.servers.given import GivenServer
from tests.servers.host import ENVIRONMENT, LOOPBACK, Host, Unavailable, give_up
from tests.servers.impostors import FaultyProxy, Listener, Loop, impostor
from tests.servers.pgbouncer import Bouncer, Written
from tests.servers.postgres import Local, Programs, Server
from tests.servers.prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


class PgServer(Protocol):
    """Returns the server of these arguments, started where it does not run yet."""

    def __call__(
        self,
        major: int | str = 17,
        *,
        settings: Mapping[str, str] | None = None,
        hba: str | None = None,
        tls: bool | Issued = False,
        fresh: bool = False,
        own: str = "",
    ) -> Server: ...


class StartBouncer(Protocol):
    """Starts a PgBouncer in front of a server; it ends with the test."""

    def __call__(
        self,
        server: Server,
        *,
        pool_mode: str = "transaction",
        settings: Mapping[str, str] | None = None,
        tls: Issued | None = None,
    ) -> Bouncer: ...


@pytest.fixture(scope="session")
def server_host() -> Iterator[Host]:
    """The folder and processes of the session."""
    host = Host()
    yield host
    host.close()


@pytest.fixture(scope="session")
def certificate_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that signs for the session's servers."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"))


def _programs(which: str) -> Programs:
    if which == "postgis":
        return Local("debian-15", binaries.debian_tree())
    if which == "old-postgis":
        return Local("old-postgis-12", binaries.old_postgis_tree())
    if which not in binaries.VERSIONS:
        raise ValueError(f"no PostgreSQL {which} is known here: {', '.join(binaries.VERSIONS)}")
    if binaries.docker():
        from tests.servers.docker import Image

        return Image(f"docker-{which}", f"postgres:{which}-alpine")
    return Local(f"npm-{binaries.VERSIONS[which]}", binaries.npm_tree(which))


class _Servers:
    def __init__(self, host: Host, authority: Authority) -> None:
        self._host = host
        self._authority = authority
        self._good: Issued | None = None
        self.running: dict[object, Server] = {}

    def __call__(
        self,
        major: int | str = 17,
        *,
        settings: Mapping[str, str] | None = None,
        hba: str | None = None,
        tls: bool | Issued = False,
        fresh: bool = False,
        own: str = "",
    ) -> Server:
        key = (str(major), tuple(sorted((settings or {}).items())), hba, tls, fresh, own)
        if key not in self.running:
            given = ENVIRONMENT.get(f"PGTEST_DSN_{major}")
            try:
                if given and key[1:] == ((), None, False, False, ""):
                    self.running[key] = GivenServer(given)
                else:
                    issued = self._certificate(tls)
                    self.running[key] = Server(
                        self._host, _programs(str(major)), settings=settings or {}, hba=hba, tls=issued, fresh=fresh
                    )
            except Unavailable as reason:
                give_up(f"no PostgreSQL {major}: {reason}")
        server = self.running[key]
        server.start() if not server.running else None
        return server

    def _certificate(self, tls: bool | Issued) -> Issued | None:
        if isinstance(tls, Issued):
            return tls
        if tls and self._good is None:
            self._good = self._authority.issue("localhost", LOOPBACK, "::1")
        return self._good if tls else None


@pytest.fixture(scope="session")
def pg_servers_of_session(server_host: Host, certificate_authority: Authority) -> _Servers:
    """The servers that run."""
    return _Servers(server_host, certificate_authority)


@pytest.fixture(scope="session")
def pg_server(pg_servers_of_session: _Servers) -> PgServer:
    """PostgreSQL of any major from 11 to 18."""
    return pg_servers_of_session


@pytest.fixture(autouse=True)
def _throw_away(request: pytest.FixtureRequest) -> Iterator[None]:
    """Drop the databases and roles that the test made."""
    if "pg_servers_of_session" not in request.fixturenames:
        yield
        return
    servers: _Servers = request.getfixturevalue("pg_servers_of_session")
    marks = {key: server.mark() for key, server in servers.running.items()}
    yield
    for key, server in servers.running.items():
        server.clean(marks.get(key, 0))


@pytest.fixture(scope="session")
def postgis_server(pg_server: PgServer) -> Server:
    """Debian's PostgreSQL 15, with PostGIS 3."""
    return pg_server("postgis")


@pytest.fixture(scope="session")
def old_postgis_server(pg_server: PgServer) -> Server:
    """PostgreSQL 12 whose PostGIS says that it is 2.3.7, 2.4.0 or 2.5.9."""
    return pg_server("old-postgis")


@pytest.fixture
def pgbouncer(server_host: Host) -> Iterator[StartBouncer]:
    """PgBouncer in front of a server."""
    started: list[Bouncer] = []

    def start(
        server: Server,
        *,
        pool_mode: str = "transaction",
        settings: Mapping[str, str] | None = None,
        tls: Issued | None = None,
    ) -> Bouncer:
        try:
            started.append(Bouncer(server_host, server, pool_mode=pool_mode, settings=settings or {}, tls=tls))
        except Unavailable as reason:
            give_up(str(reason))
        return started[-1]

    yield start
    for bouncer in started:
        bouncer.stop()


@pytest.fixture
def pgbouncer_on(server_host: Host) -> Iterator[Callable[[Path, int], Written]]:
    """PgBouncer on files that somebody wrote, given its settings and the port that they name."""
    started: list[Written] = []

    def start(settings: Path, port: int) -> Written:
        try:
            started.append(Written(server_host, settings, port))
        except Unavailable as reason:
            give_up(str(reason))
        return started[-1]

    yield start
    for bouncer in started:
        bouncer.stop()


@pytest.fixture(scope="session")
def prometheus(server_host: Host) -> Callable[..., Prometheus]:
    """A Prometheus; it ends with the session, or when the test stops it."""

    def start(*arguments: Any, **named: Any) -> Prometheus:
        try:
            return Prometheus(server_host, *arguments, **named)
        except Unavailable as reason:
            give_up(str(reason))

    return start


@pytest.fixture(scope="session")
def listener_loop() -> Iterator[Loop]:
    """The thread in which fake servers and proxies run."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(name="impostor")
def start_impostor(listener_loop: Loop) -> Iterator[Callable[[str], Listener]]:
    """Something that listens and is no PostgreSQL."""
    started: list[Listener] = []

    def start(kind: str) -> Listener:
        started.append(impostor(listener_loop, kind))
        return started[-1]

    yield start
    for listener in started:
        listener.close()


@pytest.fixture
def faulty_proxy(listener_loop: Loop) -> Iterator[Callable[[str, int], FaultyProxy]]:
    """A proxy that drops, delays or goes deaf."""
    started: list[FaultyProxy] = []

    def start(host: str, port: int) -> FaultyProxy:
        started.append(FaultyProxy(listener_loop, host, port))
        return started[-1]

    yield start
    for proxy in started:
        proxy.close()


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses: bound, so that nobody takes it, and not listening."""
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        yield int(holder.getsockname()[1])


_FOREIGN = ("PG", "PGCONNS_", "XDG_", "SSH_", "TEXTUAL")
_ALSO_FOREIGN = ("CREDENTIALS_DIRECTORY", "DISPLAY", "WAYLAND_DISPLAY", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home: no test sees or changes anything of the person who runs it. Returns that folder."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name in _ALSO_FOREIGN:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    for name, place in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "XDG_CONFIG_DIRS": "etc-xdg",
        "XDG_RUNTIME_DIR": "run",
    }.items():
        monkeypatch.setenv(name, str(folder / place))
    # An address nobody answers at: keyring's backends would otherwise look for the session's bus by themselves.
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={folder}/no-bus")
    return folder
