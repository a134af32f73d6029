"""pgconns replay: the live panel over recorded time, and a recording as one file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output
    from tui.history.reader import History

EXAMPLES = """
pgconns replay
pgconns replay --since 8h --speed 60
pgconns replay --at 2026-11-22T03:10
pgconns replay --since 12h --until 2h --export night.pgconns
pgconns replay --from night.pgconns
pgconns replay --since 10m --json
"""
STATUSES = {
    Exit.DONE: "it was left, printed or written",
    Exit.USAGE: "wrong usage, no terminal, or the file is there already",
    Exit.UNUSABLE_STORE: "there is no history or recording, or it cannot be read",
}
_SLOWEST, _FASTEST = 0.1, 3600.0


def add_arguments(parser: ArgumentParser) -> None:
    """Name what, where to begin, and how fast."""
    parser.add_argument("--from", dest="file", metavar="FILE", help="of a recording, which --export wrote")
    parser.add_argument("--at", metavar="WHEN", help="hold still at this moment: how long ago, such as 2h, or a moment")
    parser.add_argument("--since", metavar="WHEN", help="play from this moment on")
    parser.add_argument("--until", metavar="WHEN", help="for --export and --json: the end (now)")
    parser.add_argument("--speed", metavar="N", help="how many times as fast as it was (1)")
    parser.add_argument(
        "--export", metavar="FILE", help="write what was recorded in that time as one file, to be opened elsewhere"
    )


def run(arguments: Namespace, output: Output) -> int:
    """Open the replay; or write, or print, what it would play."""
    from tui.cli.history import moment, opened

    if arguments.at and (arguments.since or arguments.until):
        raise Refused("--at holds still at a moment: --since and --until are for playing, --export and --json")
    if arguments.until and not (arguments.export or output.json):
        raise Refused("--until is for --export and --json: a replay is left with q")
    speed = _speed(arguments.speed)
    history, now = opened(arguments.file)
    since = moment("--since", arguments.since, now) if arguments.since else None
    if arguments.export or output.json:
        until = moment("--until", arguments.until, now) if arguments.until else now + 1
        if since is not None and since >= until:
            raise Refused("--since is before --until")
        return (_export if arguments.export else _print)(history, since, until, arguments, output)
    return _play(history, since, moment("--at", arguments.at, now) if arguments.at else None, speed, arguments)


def _speed(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not _SLOWEST <= speed <= _FASTEST:
        raise Refused("--speed is how many times as fast as it was: a number from 0.1 to 3600, such as 10")
    return speed


def _play(history: History, since: float | None, at: float | None, speed: float | None, arguments: Namespace) -> int:
    """Open the console on it."""
    from tui.app import run_replay
    from tui.screens.replay import Start

    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise Refused(
            "A replay needs a terminal. Here, --json prints the samples, and --export writes them into a file"
        )
    span = history.span()
    if span is None:
        raise Refused(f"Nothing was recorded in {history.path} yet", Exit.UNUSABLE_STORE)
    if at is not None or (since is None and speed is None and arguments.file is None):
        return run_replay(history.path, Start(at, 0.0))
    return run_replay(history.path, Start(span.start if since is None else since, speed or 1.0))


def _print(history: History, since: float | None, until: float, arguments: Namespace, output: Output) -> int:
    """Print each sample as `sockets --json` does, one per line."""
    for sample in history.samples(0.0 if since is None else since, until):
        output.value(sample.to_json())
    return Exit.DONE


def _export(history: History, since: float | None, until: float, arguments: Namespace, output: Output) -> int:
    """Write a recording."""
    from pathlib import Path

    from tui.history.exporting import iso
    from tui.history.recording import export

    file = Path(arguments.export).expanduser()
    if file.exists():
        raise Refused(f"{file} is there already: name another file, or remove it")
    output.progress(f"writing {file} …")
    written = export(history.path, file, since, until)
    if output.json:
        output.value({"file": str(file), "since": iso(written.start), "until": iso(written.end)})
    else:
        output.note(f"What was recorded from {_local(written.start)} to {_local(written.end)} was written to {file}, "
                    "readable by you alone. No password is in it")  # fmt: skip
    return Exit.DONE


def _local(at: float) -> str:
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
