"""Programs as they are measured: in a terminal nobody draws, their time of CPU, their memory, their sockets."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from types import TracebackType

# What every terminal answers: where the cursor is, and what kind of terminal it is. pg_activity waits for it.
_ANSWERS = {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[c": b"\x1b[?62;22c"}


def cpu_s(pid: int) -> float:
    """Return how long the threads of a process have been on a CPU."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident(pid: int) -> int:
    """Return how many bytes of memory a process has to itself or shares."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sockets_to(ports: Collection[int], pid: int) -> dict[int, int]:
    """Return how many open sockets of a process lead to each port of this machine."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            kind, _, inode = descriptor.readlink().name.partition(":")
            if kind == "socket":
                inodes.add(inode.strip("[]"))
    found = dict.fromkeys(ports, 0)
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        port = int(fields[2].partition(":")[2], 16)
        if fields[9] in inodes and port in found:
            found[port] += 1
    return found


class Screenless:
    """A program in a pseudo-terminal whose output is only counted, and searched for a text."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], columns: int = 160, rows: int = 50, user: str = ""
    ) -> None:
        self.octets = 0
        self.tail = b""
        self.times: dict[bytes, float] = {}
        self._wanted: tuple[bytes, ...] = ()
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
            user=user or None,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # what reading says once every other end is closed
            while data := os.read(self._master, 1 << 16):
                now = time.perf_counter() - self.started
                self.octets += len(data)
                self.tail = (self.tail + data)[-200_000:]
                for question, answer in _ANSWERS.items():
                    if question in data:
                        os.write(self._master, answer)
                for wanted in self._wanted:
                    if wanted not in self.times and wanted in self.tail:
                        self.times[wanted] = now

    def seen_after(self, *texts: str, limit_s: float = 30.0) -> list[float]:
        """Return when each text was first painted, in seconds since the start; each must stand in one run of cells."""
        self._wanted = tuple(text.encode() for text in texts)
        while not all(wanted in self.times for wanted in self._wanted):
            self._still_runs(limit_s, f"{texts} painted")
            for wanted in self._wanted:
                if wanted not in self.times and wanted in self.tail:
                    self.times[wanted] = time.perf_counter() - self.started
            time.sleep(0.001)
        return [self.times[wanted] for wanted in self._wanted]

    def _still_runs(self, limit_s: float, what: str) -> None:
        if self.process.poll() is not None or time.perf_counter() - self.started > limit_s:
            tail = repr(self.tail[-3000:])
            raise RuntimeError(f"{self.process.args!r}: no {what}; it ended with {self.process.poll()}\n{tail}")

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def cpu_s(self) -> float:
        """Return how long it has been on a CPU."""
        return cpu_s(self.process.pid)

    def end(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        os.close(self._master)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()
