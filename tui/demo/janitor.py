"""Clears up after a process that died without doing so itself, kill -9 included.

The parent holds the write end of a pipe. When that closes, however the parent ended, the processes it named are ended
and the folders it named removed. Run as a script, it knows nothing but the standard library.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 5.0


def birth(pid: int) -> str:
    """Return when a process started, so that a reused pid is not taken for it; empty where /proc is missing."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    return ""


def alive(pid: int, born: str) -> bool:
    """Tell whether the process `pid` that started at `born` still runs."""
    if Path("/proc/self/stat").exists():
        return bool(born) and birth(pid) == born
    with suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


class Janitor:
    """A process that outlives its parent just long enough to clear up."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def process(self, pid: int, end: int = signal.SIGTERM) -> None:
        """Have the process ended by the signal `end`, and by SIGKILL when that does not help in a few seconds.

        The signal 0 leaves it those seconds to end by itself.
        """
        self._say(f"process {pid} {int(end)} {birth(pid)}")

    def folder(self, path: Path) -> None:
        """Have the folder removed."""
        self._say(f"folder {path}")

    def close(self) -> None:
        """Have everything cleared up now, and wait for it."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with suppress(OSError):
                self._process.stdin.close()
        self._process.wait()

    def _say(self, line: str) -> None:
        if self._process.stdin is None or self._process.stdin.closed:
            raise RuntimeError("the janitor has gone home")
        self._process.stdin.write(os.fsencode(line) + b"\n")
        self._process.stdin.flush()


def _main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    processes: list[tuple[int, int, str]] = []
    folders: list[str] = []
    for raw in sys.stdin.buffer:
        kind, _, rest = os.fsdecode(raw.rstrip(b"\n")).partition(" ")
        if kind == "folder":
            folders.append(rest)
        else:
            named, number, born = rest.split(" ")
            processes.append((int(named), int(number), born))
    for pid, end, born in reversed(processes):
        if alive(pid, born):
            with suppress(OSError):
                os.kill(pid, end)
    deadline = time.monotonic() + PATIENCE_S
    while any(alive(pid, born) for pid, _, born in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid, _, born in processes:
        if alive(pid, born):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main()
