"""One real PostgreSQL server: started, stopped and asked."""

from __future__ import annotations

import shutil
import signal
import subprocess
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.servers.binaries import locked
from tests.servers.host import LOOPBACK, Host, Running, Unavailable, end, free_port, give, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.servers.certificates import Issued

SUPERUSER = "postgres"
PASSWORD = "superuser of the tests"
# Nothing here outlives the session, so nothing has to reach the disk.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
_TRIES = 5


class Programs(Protocol):
    """Runs `initdb` and `postgres` of one build on folders of this machine."""

    @property
    def label(self) -> str:
        """The name of the build."""

    def initdb(self, host: Host, arguments: Sequence[str | Path]) -> None:
        """Run initdb to its end."""

    def postgres(self, host: Host, arguments: Sequence[str | Path], log: Path) -> Running:
        """Start a server."""


class Local(NamedTuple):
    """Programs in a folder of this machine."""

    label: str
    folder: Path

    def initdb(self, host: Host, arguments: Sequence[str | Path]) -> None:
        """Run initdb to its end."""
        host.run([self.folder / "bin/initdb", *arguments])

    def postgres(self, host: Host, arguments: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
        """Start a server; its fast shutdown is SIGINT."""
        return host.spawn([self.folder / "bin/postgres", *arguments], log, signal.SIGQUIT)


def _initialise(host: Host, programs: Programs, data: Path) -> None:
    password = data.with_name(f"{data.name}.password")
    password.touch(0o600)
    password.write_text(PASSWORD)
    give(password)
    data.mkdir(mode=0o700)
    give(data)
    arguments: list[str | Path] = [
        "-D",
        data,
        "-U",
        SUPERUSER,
        "-A",
        "scram-sha-256",
        f"--pwfile={password}",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    try:
        programs.initdb(host, arguments)
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"initdb of {programs.label}: {error.stderr.decode(errors='replace')[-500:]}") from error
    finally:
        password.unlink()


def _template(host: Host, programs: Programs) -> Path:
    """Return a data folder that nobody has used yet, kept between sessions."""
    with locked(f"template-{programs.label}") as folder:
        template = folder / f"template-{programs.label}"
        if not template.exists():
            scratch = host.make_folder("template")
            _initialise(host, programs, scratch / "data")
            made = template.with_suffix(".partial")
            shutil.rmtree(made, ignore_errors=True)
            subprocess.run(["cp", "-a", scratch / "data", made], check=True)
            made.rename(template)
            shutil.rmtree(scratch)
    return template


class Server:
    """A server of the session. Methods that change it are for tests that have it to themselves."""

    def __init__(
        self,
        host: Host,
        programs: Programs,
        *,
        settings: Mapping[str, str],
        hba: str | None = None,
        tls: Issued | None = None,
        fresh: bool = False,
    ) -> None:
        self.host = LOOPBACK
        self.superuser = SUPERUSER
        self.password = PASSWORD
        self._machine = host
        self._programs = programs
        self._process: Running | None = None
        self._made: list[tuple[str, str]] = []
        folder = host.make_folder(f"pg-{programs.label}")
        self.data = folder / "data"
        self.log = folder / "log"
        if fresh:
            _initialise(host, programs, self.data)
        else:
            subprocess.run(["cp", "-a", _template(host, programs), self.data], check=True)
        given = dict(SETTINGS)
        if tls is not None:
            files = tls.write(self.data)
            for file in files:
                give(file)
            given |= {"ssl": "on", "ssl_cert_file": files[0].name, "ssl_key_file": files[1].name}
        self._write_settings(given | dict(settings))
        if hba is not None:
            self._write_hba(hba)
        self.port = free_port()
        for _ in range(_TRIES):
            if self._launch():
                return
            self.port = free_port()  # somebody took it in between
        raise Unavailable(f"{programs.label} finds no free port")

    def dsn(self, dbname: str = "postgres", user: str | None = None, password: str | None = None, **more: Any) -> str:
        """Return a conninfo, of the superuser where no other user is given."""
        if user is None:
            user, password = self.superuser, self.password
        return make_conninfo(host=self.host, port=self.port, dbname=dbname, user=user, password=password, **more)

    def connect(self, dbname: str = "postgres", **more: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a socket as the superuser, or as the user given; autocommit."""
        return psycopg.connect(self.dsn(dbname, **more), autocommit=True, connect_timeout=10)

    def execute(
        self, statement: str | sql.Composed, parameters: Sequence[object] = (), dbname: str = "postgres"
    ) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, and return its rows."""
        with self.connect(dbname) as connection:
            # Without parameters a percent sign means itself.
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def database(self, name: str | None = None, owner: str | None = None, options: str = "") -> str:
        """Create a database, with a unique name where none is given; it is dropped when the test ends."""
        name = name or f"d_{uuid.uuid4().hex[:12]}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if owner is not None:
            statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
        self.execute(statement + sql.SQL(" " + options))
        self._made.append(("DATABASE", name))
        return name

    def role(
        self,
        password: str | None = None,
        attributes: str = "LOGIN",
        name: str | None = None,
        member_of: Sequence[str] = (),
    ) -> str:
        """Create a role, with a unique name where none is given; it is dropped when the test ends."""
        name = name or f"r_{uuid.uuid4().hex[:12]}"
        statement = sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(name))
        if password is not None:
            statement += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
        self.execute(statement)
        self._made.append(("ROLE", name))
        for group in member_of:
            self.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(name)))
        return name

    def configure(self, settings: Mapping[str, str]) -> None:
        """Change settings and reload them; some need a restart to act."""
        self._write_settings(settings)
        self.reload()

    def hba(self, text: str) -> None:
        """Replace pg_hba.conf, the superuser's line excepted, and reload it."""
        self._write_hba(text)
        self.reload()

    def reload(self) -> None:
        """Have the configuration read again, and wait until it is in force."""
        before = self.execute("select pg_conf_load_time()")
        self._running().send_signal(signal.SIGHUP)
        wait_until(lambda: self.execute("select pg_conf_load_time()") != before, "the configuration is read again")

    def start(self) -> None:
        """Start it again on the same port."""
        if not self.running and not self._launch():
            raise Unavailable(f"somebody took port {self.port}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop it: fast by default; SIGQUIT is a crash, SIGTERM waits until the last socket has closed."""
        if self._process is not None:
            end(self._process, number)
        self._process = None

    def restart(self) -> None:
        """Stop and start it on the same port."""
        self.stop()
        self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Have it stopped for a while."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def running(self) -> bool:
        """Whether its main process runs."""
        return self._process is not None and self._process.poll() is None

    def mark(self) -> int:
        """Return how many databases and roles were made so far."""
        return len(self._made)

    def clean(self, mark: int = 0) -> None:
        """Drop the databases and roles made since the mark."""
        made, self._made = self._made[mark:], self._made[:mark]
        if not made or not self.running:
            return
        with suppress(psycopg.Error), self.connect() as connection:
            for kind, name in sorted(made, key=lambda thing: thing[0]):
                if kind == "DATABASE":
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
                    )
                statement = sql.SQL("DROP " + kind + " IF EXISTS {}").format(sql.Identifier(name))
                with suppress(psycopg.Error):
                    if kind == "ROLE":
                        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
                    connection.execute(statement)

    def _running(self) -> Running:
        if self._process is None:
            raise RuntimeError("the server is stopped")
        return self._process

    def _write_settings(self, settings: Mapping[str, str]) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            for name, value in settings.items():
                quoted = value.replace("'", "''")
                file.write(f"{name} = '{quoted}'\n")

    def _write_hba(self, text: str) -> None:
        line = f"host all {SUPERUSER} {LOOPBACK}/32 scram-sha-256"
        (self.data / "pg_hba.conf").write_text(f"{line}\n{text}\n")

    def _launch(self) -> bool:
        """Start it; False where the port is taken."""
        size = self.log.stat().st_size if self.log.exists() else 0
        process = self._programs.postgres(self._machine, ["-D", self.data, "-p", str(self.port)], self.log)
        state = self.data / "postmaster.pid"

        def ready() -> bool:
            if process.poll() is not None:
                return True
            with suppress(OSError):
                lines = state.read_text().splitlines()
                return len(lines) > 7 and lines[3] == str(self.port) and lines[7].strip() in {"ready", "standby"}
            return False

        wait_until(ready, f"{self._programs.label} is ready", 60)
        if process.poll() is None:
            self._process = process
            return True
        words = self.log.read_text(errors="replace")[size:]
        if "could not bind" in words or "Address already in use" in words:
            return False
        raise Unavailable(f"{self._programs.label} does not start: {words[-800:]}")
