"""A real PgBouncer in front of a server of the session."""

from __future__ import annotations

import shutil
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

from tests.servers.host import ENVIRONMENT, LOOPBACK, Host, Unavailable, end, free_port, give, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.servers.certificates import Issued
    from tests.servers.postgres import Server


def given_program() -> str | None:
    """Return the PgBouncer to test with: PGTEST_PGBOUNCER names another than the system's."""
    return ENVIRONMENT.get("PGTEST_PGBOUNCER") or shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")


class Written:
    """A PgBouncer that runs on files which somebody wrote."""

    def __init__(self, host: Host, settings: Path, port: int) -> None:
        program = given_program()
        if program is None:
            raise Unavailable("PgBouncer is missing: apt-get install pgbouncer")
        self.host, self.port = LOOPBACK, port
        self.log = host.make_folder("pgbouncer") / "log"
        self._process = host.spawn([program, settings], self.log, signal.SIGTERM)
        wait_until(lambda: self._process.poll() is not None or listens(port), "PgBouncer listens")
        if self._process.poll() is not None:
            raise Unavailable(f"PgBouncer does not start: {self.log.read_text(errors='replace')[-500:]}")

    def stop(self) -> None:
        """Stop it at once."""
        end(self._process, signal.SIGTERM)


def listens(port: int) -> bool:
    """Tell whether anybody answers on a port of the loopback interface."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
        return True
    return False


class Bouncer:
    """Lets in every role of the server, to every database of it, and `console` to its admin console."""

    def __init__(
        self, host: Host, server: Server, *, pool_mode: str, settings: Mapping[str, str], tls: Issued | None
    ) -> None:
        program = given_program()
        if program is None:
            raise Unavailable("PgBouncer is missing: apt-get install pgbouncer")
        self.host = LOOPBACK
        self.port = free_port()
        self.admin, self.admin_password = "console", "the console of the tests"
        self._server = server
        folder = host.make_folder("pgbouncer")
        self.log = folder / "log"
        self._users = folder / "users.txt"
        values = {
            "listen_addr": LOOPBACK,
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self._users),
            "admin_users": self.admin,
            "pool_mode": pool_mode,
            "ignore_startup_parameters": "extra_float_digits",
            "server_login_retry": "1",
            "logfile": "",
            "pidfile": "",
        }
        if tls is not None:
            files = tls.write(folder)
            for file in files:
                give(file)
            values |= {
                "client_tls_sslmode": "require",
                "client_tls_cert_file": str(files[0]),
                "client_tls_key_file": str(files[1]),
            }
        configuration = folder / "pgbouncer.ini"
        lines = "".join(f"{name} = {value}\n" for name, value in (values | dict(settings)).items())
        configuration.write_text(f"[databases]\n* = host={server.host} port={server.port}\n[pgbouncer]\n{lines}")
        give(configuration)
        self._write_users()
        self._process = host.spawn([program, configuration], self.log, signal.SIGTERM)
        wait_until(self._answers, "PgBouncer listens")
        if self._process.poll() is not None:
            raise Unavailable(f"PgBouncer does not start: {self.log.read_text(errors='replace')[-500:]}")

    def dsn(self, dbname: str = "postgres", user: str | None = None, password: str | None = None, **more: Any) -> str:
        """Return a conninfo through this door, of the server's superuser where no other user is given."""
        if user is None:
            user, password = self._server.superuser, self._server.password
        return make_conninfo(host=self.host, port=self.port, dbname=dbname, user=user, password=password, **more)

    def console(self, statement: str) -> list[dict[str, Any]]:
        """Run a statement on its admin console, and return its rows by column."""
        dsn = self.dsn("pgbouncer", self.admin, self.admin_password)
        with psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor, prepare_threshold=None) as door:
            cursor = door.execute(statement.encode())
            if cursor.description is None:
                return []
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def refresh(self) -> None:
        """Learn of roles that the server got since."""
        self._write_users()
        self.console("RELOAD")

    def stop(self) -> None:
        """Stop it at once."""
        end(self._process, signal.SIGTERM)

    def _write_users(self) -> None:
        verifiers = dict(
            self._server.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
        )
        with self._server.connect() as connection:
            made = connection.pgconn.encrypt_password(
                self.admin_password.encode(), self.admin.encode(), b"scram-sha-256"
            )
        verifiers[self.admin] = made.decode()
        quoted = {name.replace('"', '""'): verifier for name, verifier in verifiers.items()}
        self._users.write_text("".join(f'"{name}" "{verifier}"\n' for name, verifier in quoted.items()))
        give(self._users)

    def _answers(self) -> bool:
        return self._process.poll() is not None or listens(self.port)
