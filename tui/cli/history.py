"""pgconns history: what was recorded of a Connection or a server, printed or exported."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from tui.cli.output import Output
    from tui.history.days import Day
    from tui.history.reader import History, KeptAlert, Kind, Past, Restart
    from tui.history.rollup import Rollup
    from tui.history.sources import Source

EXAMPLES = """
pgconns history prod
pgconns history prod --since 7d --per-day
pgconns history prod --since 2026-11-22T19:00 --until 2026-11-22T21:00
pgconns history prod --since 1d --export prod.csv
pgconns history db.example.com:5432 --since 30m --json
pgconns history prod --from night.pgconns
"""
STATUSES = {
    Exit.DONE: "printed; where nothing was recorded, nothing",
    Exit.USAGE: "nothing of that name, or the file is there already",
    Exit.UNUSABLE_STORE: "there is no history, or it cannot be read",
}
# So many steps are printed for people, and at most so many for programs, unless --step says how long they are.
_LINES, _POINTS = 48, 2000
_HOUR_S, _DAY_S = 3600.0, 86_400.0
_LONGEST_S = 36_525 * _DAY_S


class _Asked(NamedTuple):
    """What is asked for."""

    kind: Kind
    key: str
    name: str
    start: float
    end: float


def add_arguments(parser: ArgumentParser) -> None:
    """Name what, the span, and the form."""
    parser.add_argument(
        "name", metavar="NAME", help="a Connection, also one that was removed, or a server as host:port"
    )
    parser.add_argument("--since", metavar="WHEN", help="how long ago, such as 2h or 7d, or a moment (2h)")
    parser.add_argument("--until", metavar="WHEN", help="how long ago, or a moment (now)")
    parser.add_argument(
        "--from", dest="file", metavar="FILE", help="of a recording, which pgconns replay --export wrote"
    )
    parser.add_argument("--step", metavar="TIME", help="one line for so long, such as 1m or 1h; 0s for each count")
    parser.add_argument("--per-day", action="store_true", help="a line per day: peak, mean and percentiles (of 7 days)")
    parser.add_argument("--export", metavar="FILE", help="write FILE.csv or FILE.json; - is CSV on stdout")


def run(arguments: Namespace, output: Output) -> int:
    """Print or export it."""
    from tui.connections.registry import Registry
    from tui.history.sources import open_source

    history: Source
    if arguments.file is None:
        history, now = open_source(Registry()), time.time()
    else:
        history, now = opened(arguments.file)
    status = _tell(history, now, arguments, output)
    for note in history.notes:
        output.note(note)
    return status


def _tell(history: Source, now: float, arguments: Namespace, output: Output) -> int:
    from tui.history.events import events

    start = moment("--since", arguments.since or ("7d" if arguments.per_day else "2h"), now)
    end = moment("--until", arguments.until, now) if arguments.until else now + 1
    if start >= end:
        raise Refused("--since is before --until")
    step = _step(arguments.step, arguments.per_day)
    asked = _Asked(*_named(history, arguments.name), start, end)
    if arguments.export:
        return _export(history, asked, step, arguments, output)
    if arguments.per_day:
        return _per_day(history, asked, output)
    past = _past(history, asked, step, _POINTS if output.json else _LINES)
    alerts, restarts = events(history, asked.key, asked.kind, asked.start, asked.end)
    if output.json:
        output.value(_value(asked, past, alerts, restarts))
        return Exit.DONE
    _print(past, asked, output)
    _print_events(alerts, restarts, output)
    return Exit.DONE


def opened(file: str | None) -> tuple[History, float]:
    """Return the history to read, and from when on a length of time is counted back: a recording's from its end."""
    from pathlib import Path

    from tui.history.reader import History

    if file is None:
        return History(), time.time()
    path = Path(file).expanduser()
    if not path.is_file():
        raise Refused(f"There is no file {path}", Exit.UNUSABLE_STORE)
    history = History(path)
    span = history.span()
    if span is None:
        raise Refused(f"Nothing was recorded in {path}", Exit.UNUSABLE_STORE)
    return history, span.end


def _named(history: Source, name: str) -> tuple[Kind, str, str]:
    """Return the kind, the key and the name of what is meant; a Connection that was removed is known by its last."""
    from tui.connections.registry import Registry, UnknownConnection

    try:
        connection = Registry().get(name)
    except UnknownConnection:
        connections = history.names()
        for key, known in connections.items():
            if name in {known, key}:
                return "connection", key, known
        if name in history.names("server"):
            return "server", name, name
        raise
    return "connection", connection.id, connection.name


def moment(option: str, text: str, now: float) -> float:
    """Return a moment: so long ago, or as ISO 8601 by the clock of this machine where it names no offset."""
    from datetime import datetime

    from tui.cli.durations import seconds

    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    try:
        ago = seconds(option, text)
    except Refused:
        raise Refused(f"{option} is how long ago, such as 90s, 30m, 2h or 7d, or a moment: 2026-11-22T19:00") from None
    return now - min(ago, _LONGEST_S)


def _step(text: str | None, per_day: bool) -> int | None:
    from tui.cli.durations import seconds

    if text is None:
        return None
    if per_day:
        raise Refused("--per-day and --step exclude each other")
    step = seconds("--step", text)
    if step and (step < 60 or step % 60):
        raise Refused("--step is whole minutes, such as 1m, 15m or 1h; or 0s for each single count")
    return int(step)


def _past(history: Source, asked: _Asked, step: int | None, points: int) -> Past:
    if step is None:
        return history.series(asked.key, asked.start, asked.end, points, asked.kind)
    return history.series_by(step, asked.key, asked.start, asked.end, asked.kind)


def _days(history: Source, asked: _Asked) -> list[Day]:
    from tui.history.days import days

    return days(one for one in history.all_steps(asked.key, asked.start, asked.end, asked.kind))


def _value(asked: _Asked, past: Past, alerts: Sequence[KeptAlert], restarts: Sequence[Restart]) -> dict[str, Any]:
    from tui.history.exporting import alert_json, restart_json, sample_json

    return {
        "name": asked.name,
        "id": asked.key,
        "step_s": past.seconds,
        "samples": [sample_json(one) for one in past.rollups if one.samples or one.unseen],
        "alerts": [alert_json(one) for one in alerts],
        "restarts": [restart_json(one) for one in restarts],
    }


def _export(history: Source, asked: _Asked, step: int | None, arguments: Namespace, output: Output) -> int:
    """Write the series, or its days, into a file."""
    from pathlib import Path

    from tui.connections import files
    from tui.history.events import events
    from tui.history.exporting import day_json, sample_json
    from tui.sockets.exporting import csv_text, json_text

    file = Path(arguments.export).expanduser()
    ending = ".csv" if arguments.export == "-" else file.suffix.lower()
    if ending not in {".csv", ".json"}:
        raise Refused("--export is a file whose name ends in .csv or .json")
    if arguments.export != "-" and file.exists():
        raise Refused(f"{file} is there already: name another file, or remove it")
    if arguments.per_day:
        rows = [day_json(one) for one in _days(history, asked)]
        value: dict[str, Any] = {"name": asked.name, "id": asked.key, "days": rows}
    else:
        past = _past(history, asked, step, _POINTS)
        rows = [sample_json(one) for one in past.rollups if one.samples or one.unseen]
        value = _value(asked, past, *events(history, asked.key, asked.kind, asked.start, asked.end))
    text = csv_text(rows) if ending == ".csv" else json_text(value)
    if arguments.export == "-":
        output.block(text)
        return Exit.DONE
    try:
        files.write_private(file, text.encode())
    except OSError as error:
        raise Refused(f"{file} cannot be written: {files.reason(error)}") from None
    output.note(f"{len(rows)} lines were written to {file}, readable by you alone")
    return Exit.DONE


def _print(past: Past, asked: _Asked, output: Output) -> None:
    """Write the steps for people; those in which nothing was recorded together in one line."""
    from itertools import groupby

    rollups = list(past.rollups)
    while rollups and not (rollups[0].samples or rollups[0].unseen):
        rollups.pop(0)
    while rollups and not (rollups[-1].samples or rollups[-1].unseen):
        rollups.pop()
    if not rollups:
        output.note(f"Nothing was recorded of {asked.name} in that time")
        return
    states = asked.kind == "connection"
    single = past.seconds == 0
    shape = "%H:%M:%S" if single or past.seconds < 60 else "%m-%d %H:%M" if past.seconds < _DAY_S else "%Y-%m-%d"
    headers = ["AT", "SOCKETS"]
    headers += [] if single else ["LEAST", "MEAN", "MOST"]
    headers += ["ACTIVE", "IDLE", "IN TX"] if states else []
    headers.append("OF LIMIT")
    rows: list[list[str]] = []
    for empty, group in groupby(rollups, key=lambda one: not (one.samples or one.unseen)):
        ones = list(group)
        if empty:
            until = _local(ones[-1].at + past.seconds, shape)
            rows.append([_local(ones[0].at, shape), "–", *[""] * (len(headers) - 3), f"not recorded until {until}"])
        else:
            rows += ([_local(one.at, shape), *_cells(one, single=single, states=states)] for one in ones)
    output.table(headers, rows, right=frozenset(range(1, len(headers) - 1)))


def _cells(one: Rollup, *, single: bool, states: bool) -> list[str]:
    counts: list[float | None] = [one.last] if single else [one.last, one.minimum, one.mean, one.maximum]
    if states:
        counts += (one.states or (None,) * 3)[:3]
    share = "–" if one.last is None or not one.limit else f"{one.last / one.limit:.0%} of {one.limit}"
    if one.last is None:
        share = "not seen"
    return [*("–" if n is None else f"{n:.1f}" if isinstance(n, float) else str(n) for n in counts), share]


def _print_events(alerts: Sequence[KeptAlert], restarts: Sequence[Restart], output: Output) -> None:
    rows: list[tuple[float, str, str, str]] = [
        (
            kept.alert.since,
            "stands" if kept.ended is None else _local(kept.ended, "%m-%d %H:%M:%S"),
            kept.alert.level,
            kept.alert.sentence,
        )
        for kept in alerts
    ]
    rows += ((one.started, "", "restart", f"{one.server} was started") for one in restarts)
    if rows:
        output.line()
        output.table(
            ("SINCE", "UNTIL", "", "WHAT"),
            [(_local(since, "%m-%d %H:%M:%S"), *rest) for since, *rest in sorted(rows, key=lambda row: row[0])],
        )


def _per_day(history: Source, asked: _Asked, output: Output) -> int:
    """Print a line per day."""
    from tui.history.exporting import day_json

    found = _days(history, asked)
    if output.json:
        output.value({"name": asked.name, "id": asked.key, "days": [day_json(one) for one in found]})
        return Exit.DONE
    if not found:
        output.note(f"Nothing was recorded of {asked.name} in that time")
        return Exit.DONE
    rows = []
    for one in found:
        whole = one.whole
        share = f"{whole.maximum / whole.limit:.0%} of {whole.limit}" if whole.maximum and whole.limit else "–"
        numbers = [whole.maximum, None if whole.mean is None else round(whole.mean, 1), *one.percentiles, whole.unseen]
        peak, *rest = ("–" if number is None else str(number) for number in numbers)
        at = "–" if one.peak_at is None else _local(one.peak_at, "%H:%M")
        rows.append((one.day.isoformat(), peak, at, *rest, share))
    headers = ("DAY", "PEAK", "AT", "MEAN", "P50", "P95", "P99", "NOT SEEN", "PEAK OF LIMIT")
    output.table(headers, rows, right=frozenset({1, *range(3, 8)}))
    return Exit.DONE


def _local(at: float, shape: str) -> str:
    return time.strftime(shape, time.localtime(at))
