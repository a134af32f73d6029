"""pgconns forecast: where a recorded series of socket counts leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output
    from tui.sockets.growth import Trend

EXAMPLES = """
pgconns forecast --input sockets.csv --limit 97
pgconns forecast --input - --limit 97 --json < sockets.csv
"""
STATUSES = {
    Exit.DONE: "steady or shrinking, or too little is known",
    Exit.BAD_NEWS: "growing, leaking or surging",
    Exit.USAGE: "the file cannot be read, or is not such a series",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the series and the limit."""
    parser.add_argument(
        "--input",
        required=True,
        metavar="FILE.csv",
        help="columns at (ISO 8601, or seconds since 1970) and sockets; others are left alone; - reads stdin",
    )
    parser.add_argument("--limit", required=True, type=int, metavar="N", help="how many sockets may be open")


def run(arguments: Namespace, output: Output) -> int:
    """Say where the series leads."""
    from tui.cli.output import Refused
    from tui.sockets.growth import trend
    from tui.sockets.series_file import SeriesError, read_series

    if arguments.limit < 1:
        raise Refused("--limit is the number of sockets that may be open: 1 or more")
    try:
        points = read_series(_text(arguments.input))
    except SeriesError as error:
        raise Refused(f"{arguments.input}: {error}") from None
    found = trend(points, arguments.limit)
    if output.json:
        output.value(found.to_json())
    else:
        for line in _sentences(found, arguments.limit):
            output.line(line)
    return Exit.BAD_NEWS if found.verdict in {"growing", "leaking", "surging"} else Exit.DONE


def _text(name: str) -> str:
    import sys
    from pathlib import Path

    from tui.cli.output import Refused

    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise Refused(f"{name} cannot be read: {error.strerror}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{name} is not UTF-8 text: write the series as CSV in UTF-8") from None


def _sentences(found: Trend, limit: int) -> list[str]:
    from datetime import UTC, datetime

    if found.verdict == "unknown":
        return [f"unknown: {found.samples} samples are too few to tell; a dozen over some minutes are needed"]
    lines = [
        f"{found.verdict}: {found.per_minute:+.2f} sockets a minute "
        f"({found.low_per_minute:+.2f} to {found.high_per_minute:+.2f}), "
        f"seen in {found.samples} samples over {_span(found.window_s)}"
    ]
    moments = [
        f"{word} {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"
        for word, at in (
            ("earliest", found.exhausted_earliest),
            ("likely", found.exhausted_at),
            ("latest", found.exhausted_latest),
        )
        if at is not None
    ]
    if moments:
        lines.append(f"{limit} sockets are reached (UTC): {', '.join(moments)}")
    return lines


def _span(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
