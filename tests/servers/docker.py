"""PostgreSQL programs out of a Docker image, run on folders and ports of this machine.

The container shares the network and the folder of the session, and runs as the user that owns the data, so that such a
server is configured, reached and seen (addresses in pg_hba.conf included) exactly as one from local binaries.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.servers.host import ROOT, Host, Unavailable, dropped, server_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def _container(image: str, host: Host, command: Sequence[str | Path]) -> Any:
    from testcontainers.core.container import DockerContainer

    who = (dropped()["user"], dropped()["group"]) if ROOT else (os.getuid(), os.getgid())
    container = DockerContainer(image)
    # initdb looks up the name of the user it runs as.
    container.with_volume_mapping("/etc/passwd", "/etc/passwd", "ro")
    container.with_volume_mapping(str(host.folder), str(host.folder), "rw")
    container.with_command([str(part) for part in command])
    container.with_kwargs(network_mode="host", user=f"{who[0]}:{who[1]}", entrypoint=[])
    for name in ("LC_ALL", "TZ"):
        container.with_env(name, server_environment()[name])
    return container.start()


class RunningContainer:
    """A container whose main process is a server."""

    def __init__(self, container: Any, log: Path) -> None:
        self._container = container.get_wrapped_container()
        self._log = log

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs."""
        self._container.reload()
        if self._container.status in {"created", "running"}:
            return None
        self._log.write_bytes(self._container.logs())
        return int(self._container.attrs["State"]["ExitCode"])

    def send_signal(self, sig: int) -> None:
        """Send its main process a signal."""
        self._container.kill(signal.Signals(sig).name)

    def kill(self) -> None:
        """End it at once."""
        self._container.kill()

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status when it has ended; subprocess.TimeoutExpired where it does not in time."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a server in a container", timeout or 0)
            time.sleep(0.02)
        return status


class Image(NamedTuple):
    """The programs of a Docker image."""

    label: str
    image: str

    def initdb(self, host: Host, arguments: Sequence[str | Path]) -> None:
        """Run initdb to its end."""
        container = _container(self.image, host, ["initdb", *arguments]).get_wrapped_container()
        if container.wait()["StatusCode"]:
            raise Unavailable(f"initdb of {self.image}: {container.logs().decode(errors='replace')[-500:]}")

    def postgres(self, host: Host, arguments: Sequence[str | Path], log: Path) -> RunningContainer:
        """Start a server."""
        return RunningContainer(_container(self.image, host, ["postgres", *arguments]), log)
