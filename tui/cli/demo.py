"""pgconns demo: an embedded server with Connections and traffic, and the console opened on it."""

from __future__ import annotations

import shlex
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from types import FrameType

    from tui.cli.output import Output
    from tui.demo.running import Demo

EXAMPLES = """
pgconns demo
pgconns demo | cat
"""
STATUSES = {
    Exit.DONE: "the console was left, or a signal asked for the end",
    Exit.CANNOT_CONNECT: "there is no PostgreSQL to start, or it does not start",
    Exit.INTERRUPTED: "Ctrl-C",
}


class _Stopped(BaseException):
    """A signal asked for the end. Not an Exception: nothing in between is to handle it."""


def add_arguments(parser: ArgumentParser) -> None:
    """Take nothing."""


def run(arguments: Namespace, output: Output) -> int:
    """Start everything, open the console on a terminal or wait, and leave nothing behind."""
    from tui.demo.programs import DemoError
    from tui.demo.running import Demo

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        with Demo(lambda words: output.progress(f"demo: {words} …")) as demo:
            return _console(demo) if _on_terminal() else _wait(demo, output)
    except DemoError as error:
        raise Refused(str(error), Exit.CANNOT_CONNECT) from None
    except _Stopped:
        return Exit.DONE


def _console(demo: Demo) -> int:
    from tui.demo.running import apply

    apply(demo.environment())
    from tui.cli.sockets import interval

    seconds = interval()
    from tui.app import run_console

    return run_console(seconds)


def _wait(demo: Demo, output: Output) -> int:
    """Say how to use the demo from another shell, and wait for a signal."""
    registry = f"PGCONNS_REGISTRY={shlex.quote(str(demo.registry))}"
    output.line(str(demo.registry))
    for command in ("list", "sockets", "sockets --follow --json", "check Workflows"):
        output.line(f"{registry} pgconns {command}")
    output.flush()
    output.note("The demo runs until Ctrl-C, or a signal to end; then it removes all of this.")
    while True:
        signal.pause()


def _on_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for other in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)  # once is enough: what follows is clearing up
    raise _Stopped
