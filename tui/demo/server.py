"""The demo's PostgreSQL server: made, started, and stopped."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tui.connections.secret import Secret
from tui.demo import programs
from tui.demo.programs import DemoError
from tui.demo.scenario import MAX_CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
SUPERUSER = "postgres"
# initdb that is ended halfway leaves shared memory behind, which outlives it.
_LET_IT_END = 0
_PATIENCE_S = 60.0
_PORTS_TRIED = 5
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "32MB",
    "max_parallel_workers_per_gather": "0",  # shared memory is short in containers
    # It is thrown away at the end.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


def new_password() -> Secret:
    """Return a password that nobody knows yet."""
    return Secret(secrets.token_urlsafe(18))


def write_private(path: Path, secret: Secret) -> None:
    """Write a password into a file for its owner alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret.reveal() + "\n")


class Server:
    """A PostgreSQL server on a free port of the loopback interface, in a folder, for as long as the demo runs."""

    def __init__(self, folder: Path, watch: Callable[[int, int], None]) -> None:
        """Keep everything in `folder`, and tell `watch` the pid of each process and the signal that ends it."""
        self.password = new_password()
        self.port = 0
        self._data = folder / "data"
        self._log = folder / "server.log"
        self._folder = folder
        self._watch = watch
        self._process: subprocess.Popen[bytes] | None = None

    def make(self, found: Path) -> None:
        """Make its data folder with the programs found. Raises DemoError."""
        self._bin = programs.reachable(found, self._folder)
        self._data.mkdir(mode=0o700)
        programs.give(self._data)
        secret = self._folder / "superuser"
        write_private(secret, self.password)
        programs.give(secret)
        options = [
            "-U",
            SUPERUSER,
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]
        process = self._spawn("initdb", options, _LET_IT_END)
        try:
            status = process.wait()
        except BaseException:
            process.wait()
            raise
        finally:
            secret.unlink()
        if status:
            raise DemoError(f"PostgreSQL could not set up its data: {self._said()}")
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())

    def start(self) -> None:
        """Start it on a free port. Raises DemoError."""
        for _ in range(_PORTS_TRIED):
            self.port = _free_port()
            self._process = self._spawn("postgres", ["-p", str(self.port)], signal.SIGQUIT)
            if self._wait_until_ready():
                return
        raise DemoError(f"PostgreSQL does not start: {self._said()}")

    def stop(self) -> None:
        """Stop it at once: its data is of no more use."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _spawn(self, program: str, options: list[str], end: int) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            try:
                process = subprocess.Popen(
                    [self._bin / program, "-D", self._data, *options],
                    env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C in the terminal is for the demo, which ends the server when it is done with it.
                    start_new_session=True,
                    **programs.identity(),
                )
            except OSError as error:
                raise DemoError(f"{self._bin / program} cannot be run: {error.strerror}") from None
        self._watch(process.pid, end)
        return process

    def _said(self) -> str:
        return self._log.read_text("utf-8", "replace").strip()[-600:] or "it does not say why"

    def _wait_until_ready(self) -> bool:
        """Wait until it takes connections; return False when it ended instead, as it does where a port was taken."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._process is not None and self._process.poll() is None:
            with suppress(OSError):
                # Line 8 of this file is the server's state: src/include/utils/pidfile.h.
                lines = (self._data / "postmaster.pid").read_text("utf-8").splitlines()
                if len(lines) > 7 and lines[7].strip() == "ready":
                    return True
            if time.monotonic() > deadline:
                raise DemoError(f"PostgreSQL is not ready after {_PATIENCE_S:.0f} s: {self._said()}")
            time.sleep(0.02)
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
