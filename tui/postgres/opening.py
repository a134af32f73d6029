"""Drives libpq through one attempt to connect, and keeps what it tells on the way.

psycopg's own connect says only that it failed. Driven by hand, libpq also tells how far it came, and, asked for
verbose errors between its first and its second step, the SQLSTATE and the server's function that refused: no second
attempt, no guessing from words that may be in any language.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import re
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from psycopg import pq

from tui.postgres import conninfo
from tui.postgres.errors import Failure, Stage
from tui.postgres.explain_pooler import by_words
from tui.postgres.target import Target

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_VERBOSE = 2  # PQERRORS_VERBOSE

_STAGES: dict[int, Stage] = {
    pq.ConnStatus.NEEDED: "tcp",
    pq.ConnStatus.STARTED: "tcp",
    pq.ConnStatus.MADE: "startup",
    pq.ConnStatus.SSL_STARTUP: "tls",
    pq.ConnStatus.AWAITING_RESPONSE: "startup",
    pq.ConnStatus.AUTH_OK: "authenticated",
}
_TRY = re.compile(r"^connection to server at .*?, port \d+ failed: ", re.MULTILINE)
# "FATAL:  28P01: password authentication failed ...": the severity is in the server's language, the rest is libpq's.
_SERVER_SAYS = re.compile(r"\A[^\n]{1,60}?:  (?P<code>[0-9A-Z]{5}): (?P<text>.*)\Z", re.DOTALL)
_PART = re.compile(r"^(DETAIL|HINT|CONTEXT|LOCATION):  ", re.MULTILINE)


class NotOpened(Exception):
    """An attempt failed; `failure` holds the facts."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


async def open_socket(target: Target, address: str, timeout_s: float) -> PGconn:
    """Return libpq's connection to `address`, authenticated and ready. Raises NotOpened; leaves no socket behind."""
    password = target.password
    if password is not None and "\0" in password.reveal():
        raise NotOpened(Failure("authenticated", "NUL in the password", "NUL", address=address))
    connection = _start(target, address)
    stages: list[Stage] = ["tcp"]
    try:
        async with asyncio.timeout(timeout_s):
            await _drive(connection, stages)
    except TimeoutError:
        stage = "authenticated" if connection.used_password else stages[-1]
        connection.finish()
        raise NotOpened(Failure(stage, code="ETIMEDOUT", address=address, timeout_s=timeout_s)) from None
    except BaseException:
        connection.finish()
        raise
    if connection.status == pq.ConnStatus.OK:
        connection.nonblocking = 1
        return connection
    text = connection.error_message.decode("utf-8", "replace")
    needs_password = bool(connection.needs_password)
    connection.finish()
    raise NotOpened(_failure(text, stages, address, needs_password))


def _start(target: Target, address: str) -> PGconn:
    # The password stands in no variable: crash reports show those.
    connection = pq.PGconn.connect_start(conninfo.write(target.options(address), target.password))
    be_verbose = _verbosity()
    pointer = getattr(connection, "pgconn_ptr", None)  # documented for exactly this, and missing in psycopg's types
    if be_verbose is not None and pointer:
        be_verbose(pointer, _VERBOSE)
    return connection


async def _drive(connection: PGconn, stages: list[Stage]) -> None:
    """Take libpq's steps until it is connected or has failed; note in `stages` how far it came."""
    while connection.status not in {pq.ConnStatus.OK, pq.ConnStatus.BAD}:
        stage = _STAGES.get(connection.status)
        if stage and stage != stages[-1]:
            stages.append(stage)
        step = connection.connect_poll()
        if step not in {pq.PollingStatus.READING, pq.PollingStatus.WRITING}:
            return
        await _ready(connection.socket, writing=step == pq.PollingStatus.WRITING)


async def _ready(descriptor: int, *, writing: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    watch, forget = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    watch(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        forget(descriptor)


@cache
def _verbosity() -> Callable[[int, int], int] | None:
    """Return PQsetErrorVerbosity of the very libpq that psycopg uses, which psycopg does not wrap; None if unseen.

    dlsym on a module searches what the module is linked with. Without it, texts alone tell failures apart.
    """
    try:
        library = ctypes.CDLL(sys.modules[pq.PGconn.__module__].__file__)
        function = library.PQsetErrorVerbosity
    except (OSError, AttributeError, KeyError, TypeError):
        return None
    function.argtypes = (ctypes.c_void_p, ctypes.c_int)
    function.restype = ctypes.c_int
    return lambda pointer, level: int(function(pointer, level))


def tells_sqlstates() -> bool:
    """Whether failures to connect come with their SQLSTATE, or have to be told apart by their words."""
    return _verbosity() is not None


def _failure(text: str, stages: list[Stage], address: str, needs_password: bool) -> Failure:
    """Return the facts in libpq's message; it holds one text for each try that TLS modes prefer and allow made."""
    tries = [part.strip() for part in _TRY.split(text) if part.strip()] or [text.strip()]
    failure: Failure | None = None
    for part in tries:
        failure = read_failure(part, stages[-1], address=address, needs_password=needs_password, before=failure)
    return failure or Failure(stages[-1], address=address)


def read_failure(
    text: str, stage: Stage, *, address: str = "", needs_password: bool = False, before: Failure | None = None
) -> Failure:
    """Return the facts in one text of libpq's: the server's verbose error, or words of libpq's own."""
    said = _SERVER_SAYS.match(text)
    if said is None:
        said_plainly = re.match(r"(?:FATAL|ERROR|PANIC):\s+", text)
        if said_plainly:
            text = text[said_plainly.end() :]
        code = by_words(text) if said_plainly else _errno(text)
        return Failure(stage, text, code, address=address, needs_password=needs_password, before=before)
    primary, *rest = _PART.split(said["text"])
    parts = dict(zip(rest[::2], rest[1::2], strict=True))
    message = "\n".join(piece.strip() for piece in (primary, parts.get("DETAIL", "")) if piece.strip())
    return Failure(
        "authenticated" if stage == "authenticated" else "startup",
        message,
        said["code"],
        where=parts.get("LOCATION", "").partition(",")[0].strip(),
        address=address,
        needs_password=needs_password,
        hint=parts.get("HINT", "").strip(),
        before=before,
    )


def _errno(text: str) -> str:
    return next((name for words, name in _system_errors().items() if words in text), "")


@cache
def _system_errors() -> dict[str, str]:
    """Return errno names by the system's words for them, in the language in which libpq writes them too."""
    numbers = (
        errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNRESET, errno.ENETDOWN,
        errno.EHOSTDOWN, errno.EACCES, errno.EPERM, errno.EPIPE, errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENOBUFS,
    )  # fmt: skip
    return {os.strerror(number): errno.errorcode[number] for number in numbers}
