"""Runs a program for a hook: something on its stdin, a bound to its time, and an end to all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING, NamedTuple

from tui.connections.files import reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LARGEST = 4096
_REST_S = 0.5


class NotRun(Exception):
    """The program could not be started, or did not end in time; a sentence that says so."""


class Ended(NamedTuple):
    """How a program ended, and the end of what it wrote to stderr."""

    status: int
    said: str


async def run(words: Sequence[str], content: bytes, environment: Mapping[str, str], within_s: float) -> Ended:
    """Run a program with `content` on its stdin. Raises NotRun.

    Its group is killed when it has ended, or is not waited for any more: its children do not outlive it.
    """
    said = _Said()
    try:
        process = await said.start(words, {**os.environ, **environment})
    except OSError as error:
        raise NotRun(f"{words[0]} cannot be run: {reason(error)}") from None
    feeding = asyncio.create_task(_feed(process, content))
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except TimeoutError:
        raise NotRun(f"{words[0]} did not end within {within_s:g} seconds and was killed") from None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        feeding.cancel()
        await process.wait()
        await said.close()
    return Ended(process.returncode or 0, said.text)


class _Said:
    """The last of what a program writes to stderr: a pipe of ours, since asyncio's waits for all who hold it open."""

    def __init__(self) -> None:
        self._last = bytearray()
        self._hearing: asyncio.Task[None] | None = None

    @property
    def text(self) -> str:
        return self._last.decode("utf-8", "replace")

    async def start(self, words: Sequence[str], environment: Mapping[str, str]) -> asyncio.subprocess.Process:
        """Start the program. Raises OSError."""
        reading, writing = os.pipe()
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=writing,
                env=environment,
                start_new_session=True,
            )
        except OSError:
            self._transport.close()
            raise
        finally:
            os.close(writing)
        self._hearing = asyncio.create_task(self._hear(reader))
        return process

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while part := await reader.read(_LARGEST):
            self._last += part
            del self._last[:-_LARGEST]

    async def close(self) -> None:
        """Hear the rest, which is there already unless somebody left the group with the pipe open."""
        if self._hearing is not None:
            await asyncio.wait({self._hearing}, timeout=_REST_S)
            self._hearing.cancel()
        self._transport.close()


async def _feed(process: asyncio.subprocess.Process, content: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not read
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()
