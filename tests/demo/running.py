"""A demo as a real process, and what it leaves on the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Self

from tests.servers.host import wait_until


def children_of(pid: int) -> set[int]:
    """Return all processes that descend from `pid`."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(folder.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def runs(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def command_line(pid: int) -> str:
    """Return the words a process was started with."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


class RunningDemo:
    """`pgconns demo` without a terminal, its temporary files in a folder of the test."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "demo"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(scratch)},
            # A shell starts background jobs with Ctrl-C ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - takes no lock
        )
        self.processes: set[int] = set()
        self.registry = Path()
        self.printed: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=20)

    def started(self) -> Self:
        """Wait until it runs, and remember its processes."""
        assert self.process.stdout is not None
        while "check" not in (line := self.process.stdout.readline()):
            assert line, f"it ended: {self.process.communicate()[1]}"
            self.printed.append(line.rstrip("\n"))
        self.registry = Path(self.printed[0])
        self.processes = children_of(self.process.pid)
        return self

    @property
    def connections(self) -> list[dict[str, Any]]:
        """The Connections of its registry."""
        return list(tomllib.loads(self.registry.read_text("utf-8"))["connections"])

    def end(self, number: signal.Signals) -> int:
        """Send it a signal; return its exit status."""
        self.processes |= children_of(self.process.pid)
        self.process.send_signal(number)
        return self.process.wait(20)

    def wait_until_gone(self) -> None:
        """Wait until none of its processes runs and its folder is gone."""
        wait_until(lambda: not any(runs(pid) for pid in self.processes), "its processes have ended")
        wait_until(lambda: not list(self.scratch.iterdir()), f"{self.scratch} is empty")
