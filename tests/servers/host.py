"""What the servers of a session share on this machine: a folder, a user that is not root, ports, and their end."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import pytest

from tui.demo.janitor import Janitor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Taken before any test redirects HOME.
ENVIRONMENT = dict(os.environ)
_HOME = Path.home()
LOOPBACK = "127.0.0.1"
ROOT = os.geteuid() == 0
_NOBODY = pwd.getpwnam("nobody")


class Unavailable(Exception):
    """A server cannot be had here; says why."""


def demanded() -> bool:
    """Tell whether a missing server is a failure."""
    return ENVIRONMENT.get("CI") == "true" or ENVIRONMENT.get("PGTEST_REQUIRE") == "1"


def give_up(reason: str) -> NoReturn:
    """Skip the test, or fail it where servers are demanded."""
    if demanded():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def dropped() -> dict[str, Any]:
    """Return the arguments of Popen that make a child somebody whom PostgreSQL and PgBouncer accept."""
    return {"user": _NOBODY.pw_uid, "group": _NOBODY.pw_gid, "extra_groups": []} if ROOT else {}


def give(path: Path) -> None:
    """Hand a file or folder to the user that servers run as."""
    if ROOT:
        os.chown(path, _NOBODY.pw_uid, _NOBODY.pw_gid)


def traversable(path: Path) -> bool:
    """Tell whether the user that servers run as can get to `path`."""
    return not ROOT or all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents] if folder.exists())


def cache() -> Path:
    """Return the folder that keeps server binaries between sessions."""
    given = ENVIRONMENT.get("PGCONNS_TEST_CACHE")
    # Root's home is closed to the user that servers run as, and stays so.
    usual = Path("/var/cache") if ROOT else Path(ENVIRONMENT.get("XDG_CACHE_HOME") or _HOME / ".cache")
    folder = Path(given) if given else usual / "pgconns-tests"
    folder.mkdir(parents=True, exist_ok=True)
    if not traversable(folder):
        raise Unavailable(f"{folder} is closed to the user nobody: choose another PGCONNS_TEST_CACHE")
    return folder


def free_port() -> int:
    """Return a port of the loopback interface where nobody listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait for a condition; TimeoutError says what did not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)


class Running(Protocol):
    """A server's main process."""

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""

    def kill(self) -> None:
        """End it at once."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status when it has ended; subprocess.TimeoutExpired where it does not in time."""


class Host:
    """The folder and the processes of a session; both are gone at its end, even when it is killed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pgconns-tests-"))
        self.folder.chmod(0o711)
        self._janitor = Janitor()
        self._janitor.folder(self.folder)
        self._processes: list[subprocess.Popen[bytes]] = []

    def make_folder(self, name: str, within: Path | None = None) -> Path:
        """Make a folder that belongs to the user servers run as."""
        path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=within or self.folder))
        if within is not None:
            self._janitor.folder(path)
        give(path)
        return path

    def run(self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        """Run a command as the servers' user; CalledProcessError holds what it printed."""
        subprocess.run(
            command, check=True, env=environment or server_environment(), cwd="/", capture_output=True, **dropped()
        )

    def spawn(self, command: Sequence[str | Path], log: Path, end: signal.Signals) -> subprocess.Popen[bytes]:
        """Start a server, as its user and in a session of its own, so that Ctrl-C does not reach it before its turn."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                env=server_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **dropped(),
            )
        self._janitor.process(process.pid, end)
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End what runs and remove the folder."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGQUIT)
        for process in self._processes:
            end(process)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._janitor.close()


def end(process: Running, number: signal.Signals | None = None, seconds: float = 10.0) -> None:
    """Wait for a process to end, after a signal where one is given; kill it when it does not."""
    if number is not None and process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()


def server_environment() -> dict[str, str]:
    """Return the environment of servers: nothing of the person who runs the tests."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/nonexistent"}
