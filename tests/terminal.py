"""A program in a pseudo-terminal, as a person sees it: keys go in, a screen comes out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from tests.servers.postgres import Server

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "f10": "\x1b[21~",
    "ctrl+c": "\x03",
    "ctrl+q": "\x11",
    "ctrl+s": "\x13",
    "ctrl+u": "\x15",
}


class Terminal:
    """Runs a program; what it prints is drawn on `screen` and kept whole in `output`."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        kind: str = "xterm-256color",
    ) -> None:
        self.output = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": kind},
            # Its own session, with this as its controlling terminal: closing it sends SIGHUP, as a lost SSH line does.
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - takes no lock
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.hang_up()

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def restored(self) -> bool:
        """Whether the terminal is as it was: its settings, the main screen, a visible cursor, no mouse reports."""
        left = self.output.rfind(b"\x1b[?1049l") > self.output.rfind(b"\x1b[?1049h")
        mouse = self.output.rfind(b"\x1b[?1000l") >= self.output.rfind(b"\x1b[?1000h")
        visible = self.output.rfind(b"\x1b[?25h") >= self.output.rfind(b"\x1b[?25l")
        return left and mouse and visible and termios.tcgetattr(self._slave) == self.before

    def read(self, seconds: float) -> bool:
        """Take in what comes within that time; return whether anything came."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # every other end is closed
            return False
        self.output += data
        self._stream.feed(data)
        return bool(data)

    def wait_for(self, condition: str | Callable[[str], bool], seconds: float = 15.0) -> str:
        """Wait until the screen shows a text, or meets a condition; return the screen."""
        meets = condition if callable(condition) else lambda text: condition in text
        deadline = time.monotonic() + seconds
        while not meets(self.text):
            if time.monotonic() > deadline or self.process.poll() is not None:
                ended = f"it ended with {self.process.poll()}; " if self.process.poll() is not None else ""
                raise AssertionError(f"{ended}not seen within {seconds:g} s: {condition}\n{self.text}")
            self.read(0.1)
        return self.text

    def press(self, *keys: str) -> None:
        """Press keys by their names; other text is typed."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())
            while self.read(0.05):
                pass

    def type_in(self, text: str, shown: str | None = None) -> None:
        """Type a text, and wait until the screen shows it, or `shown` where it shows another, as for passwords."""
        self.press(text)
        self.wait_for(text if shown is None else shown)

    def end(self, seconds: float = 10.0) -> int:
        """Wait for the program to end; return its exit status."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"it still runs after {seconds:g} s\n{self.text}")
            self.read(0.05)
        while self.read(0.05):
            pass
        return int(self.process.returncode)

    def hang_up(self) -> None:
        """Close the terminal under the program."""
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
        self._master = self._slave = -1


def fill_in_a_form(terminal: Terminal, server: Server, role: str, password: str, database: str) -> None:
    """From an empty panel, pick PostgreSQL, fill in the six parameters with the name Prod, and press Connect."""
    terminal.wait_for("No Connection is registered yet", 30)
    terminal.press("a")
    terminal.wait_for("Which kind of server?")
    terminal.press("1")
    terminal.wait_for("Root certificate")
    for text in ("Prod", server.host, role):
        terminal.type_in(text)
        terminal.press("tab")
    terminal.type_in(password, "•" * len(password))
    terminal.press("tab")
    terminal.type_in(database)
    terminal.press("tab", "ctrl+u")
    terminal.wait_for(lambda text: "▌5432 " not in text.replace("\n", " "))
    terminal.type_in(str(server.port))
    terminal.press("ctrl+s")
