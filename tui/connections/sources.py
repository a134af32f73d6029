"""Passwords that others keep: in an environment variable, in a file, in what a command prints. Read, never written."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import IO, cast

from tui.connections.files import reason
from tui.connections.secret import Secret, SecretsError

COMMAND_LIMIT_S = 10.0
_LARGEST = 64 * 1024


def read(source: str) -> Secret:
    """Return the secret of a source: env:VARIABLE, file:/path or command:program args. Raises SecretsError."""
    kind, _, rest = source.partition(":")
    match kind:
        case "env":
            return from_environment(rest)
        case "file":
            return from_file(rest)
        case _:
            return from_command(rest)


def from_environment(variable: str) -> Secret:
    """Return the password in an environment variable."""
    value = os.environ.get(variable)
    if value is None:
        raise SecretsError(f"The variable {variable}, where the password should be, is not set")
    if not value:
        raise SecretsError(f"The variable {variable}, where the password should be, is empty")
    return Secret(value)


def from_file(path: str) -> Secret:
    """Return the first line of a file: systemd credentials, mounted secrets."""
    place = expanded(path)
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for somebody to write into it.
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(_LARGEST + 1) or b""
    except OSError as error:
        raise SecretsError(f"The password file {place} cannot be read: {reason(error)}") from None
    return _first_line(content, f"The password file {place}")


def others_read(path: str) -> bool:
    """Return whether a password file may be read by more than its owner."""
    try:
        return bool(stat.S_IMODE(expanded(path).stat().st_mode) & 0o077)
    except OSError:
        return False


def expanded(path: str) -> Path:
    """Return a path with ~ replaced by the home folder."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises where there is no home


def from_command(text: str) -> Secret:
    """Return the first line that a command prints, run without a shell and without a terminal, 10 seconds at most.

    Its error output is thrown away: some programs print there what they were asked to keep.
    """
    words = shlex.split(text)
    what = f"The password command {words[0]}"
    program = os.path.expanduser(words[0])  # noqa: PTH111
    if "/" not in program and shutil.which(program) is None:
        raise SecretsError(f"{what} is not found: install it, or write its whole path")
    try:
        process = subprocess.Popen(
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise SecretsError(f"{what} cannot be run: {reason(error)}") from None
    try:
        content, status = _outcome(process, time.monotonic() + COMMAND_LIMIT_S)
    finally:
        # Its children share its group, which lives on when only the leader has ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()
    if status is None:
        raise SecretsError(f"{what} gave no answer within {COMMAND_LIMIT_S:.0f} s: does it wait for a person?")
    if status:
        raise SecretsError(f"{what} failed with exit status {status}: run it by hand to see why")
    return _first_line(content, what)


def _outcome(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, int | None]:
    """Return what a process printed and its exit status; None when it did not end in time."""
    descriptor = cast("IO[bytes]", process.stdout).fileno()
    content = b""
    while (left := deadline - time.monotonic()) > 0 and len(content) <= _LARGEST:
        if not select.select([descriptor], [], [], left)[0]:
            break
        chunk = os.read(descriptor, _LARGEST)
        if not chunk:
            break
        content += chunk
    if len(content) > _LARGEST:
        return content, 0
    try:
        return content, process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return content, None


def _first_line(content: bytes, what: str) -> Secret:
    if len(content) > _LARGEST:
        raise SecretsError(f"{what} gave more than {_LARGEST // 1024} KB: a password is its first line")
    line = content.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        raise SecretsError(f"{what} gave nothing in its first line, where the password should be")
    if b"\0" in line:
        raise SecretsError(f"{what} gave a NUL byte, which no password can hold")
    try:
        return Secret(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise SecretsError(f"{what} gave text that is not UTF-8") from None
