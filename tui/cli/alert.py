"""pgconns alert: the answer of a monitoring plugin, for Nagios, Icinga, Sensu and their kin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.sockets.alerts import Alert, Thresholds
    from tui.sockets.model import Sample
    from tui.sockets.server import PasswordOf

# The plugins' own statuses: not those of the other commands.
OK, WARNING, CRITICAL, UNKNOWN = range(4)
EXAMPLES = """
pgconns alert
pgconns alert prod --warning 70% --critical 90% --within 2h
pgconns alert --json
"""
STATUSES = {
    OK: "OK: nothing to look at",
    WARNING: "WARNING: see the line that is printed",
    CRITICAL: "CRITICAL: nearly full, full, or a server that does not answer",
    UNKNOWN: "UNKNOWN: wrong usage, no such Connection, registry or secrets unusable",
    Exit.INTERRUPTED: "ended by Ctrl-C",
}
REFUSED = UNKNOWN
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_TIMEOUT_S = 8.0  # what runs plugins gives them ten seconds
_MOST_SENTENCES = 5


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connections and the thresholds."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="the Connections to judge; all where none is named")
    parser.add_argument("--warning", default="80%", metavar="SHARE", help="of the limit that binds (80%%)")
    parser.add_argument("--critical", default="95%", metavar="SHARE", help="of the limit that binds (95%%)")
    parser.add_argument(
        "--within",
        default="30m",
        metavar="TIME",
        help="warn of a limit that will be reached within (30m); known once this was run for a quarter of an hour",
    )


def run(arguments: Namespace, output: Output) -> int:
    """Count once, judge, and answer in one line."""
    import asyncio

    from tui.cli.output import Refused
    from tui.connections.parameters import Problem
    from tui.connections.registry import Refused as NotRegistered
    from tui.connections.registry import RegistryError
    from tui.connections.secret import SecretsError
    from tui.sockets.alerts import judge
    from tui.sockets.model import of_connections

    try:
        thresholds = _thresholds(arguments)
        chosen, watched, password_of = _chosen(arguments.names)
    except (Refused, NotRegistered, Problem, RegistryError, SecretsError) as error:
        return _answer(UNKNOWN, [str(error)], "", output)
    whole = asyncio.run(_sample(watched, password_of))
    sample = of_connections(whole, frozenset(connection.id for connection in chosen))
    alerts = judge(sample, (), thresholds)
    status = CRITICAL if any(alert.level == "critical" for alert in alerts) else WARNING if alerts else OK
    if output.json:
        at = sample.to_json()["at"]
        output.value({"at": at, "status": _WORDS[status].lower(), "alerts": [alert.to_json() for alert in alerts]})
        return status
    return _answer(status, _sentences(alerts, sample), " ".join(_performance(sample, thresholds)), output)


def _chosen(names: Sequence[str]) -> tuple[Sequence[Connection], Sequence[Connection], PasswordOf]:
    """Return the Connections to judge, those to count with them, and what fetches passwords."""
    from tui.cli import prompts
    from tui.cli.names import pick_some
    from tui.cli.output import Refused
    from tui.cli.sockets import neighbours, passwords
    from tui.connections.registry import Registry

    registry = Registry()
    chosen = pick_some(registry, names)
    if not chosen:
        raise Refused("No Connection is registered")
    return chosen, neighbours(chosen, registry.load()), passwords(chosen, prompts.open_secrets())


async def _sample(connections: Sequence[Connection], password_of: PasswordOf) -> Sample:
    """Return what is counted now, with the trends of what earlier runs counted."""
    from dataclasses import replace

    from tui.bouncer.watching import Watch
    from tui.regions.directory import addresses
    from tui.sockets import kept
    from tui.sockets.growth import Point, Trend, trend
    from tui.sockets.sampler import take_sample

    sample = await take_sample(connections, password_of, addresses(), _TIMEOUT_S, Watch)
    kept.forget_old(sample.at)

    def judged(name: str, sockets: int | None, stale: int | None, headroom: int | None) -> Trend | None:
        if sockets is None:
            return None
        limit = None if headroom is None else sockets + headroom
        return trend(kept.add(name, Point(sample.at, sockets, stale)), limit)

    return replace(
        sample,
        servers=tuple(replace(s, trend=judged(s.server, s.used, s.stale, s.headroom)) for s in sample.servers),
        connections=tuple(replace(c, trend=judged(c.id, c.sockets, c.stale, c.headroom)) for c in sample.connections),
    )


def _thresholds(arguments: Namespace) -> Thresholds:
    from tui.cli.durations import seconds
    from tui.cli.output import Refused
    from tui.sockets.alerts import Thresholds

    warning, critical = (_share(name, getattr(arguments, name)) for name in ("warning", "critical"))
    if warning > critical:
        raise Refused("--warning is the lower share, --critical the higher")
    return Thresholds(warning, critical, seconds("--within", arguments.within))


def _share(name: str, text: str) -> float:
    from tui.cli.output import Refused

    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,4})?)%?", text.strip(), re.ASCII)
    share = float(found[1]) / 100 if found else 0.0
    if not 0 < share <= 1:
        raise Refused(f"--{name} is a share of the limit, such as 80%")
    return share


def _sentences(alerts: Sequence[Alert], sample: Sample) -> list[str]:
    if not alerts:
        number = len(sample.connections)
        sockets = sum(server.used or 0 for server in sample.servers)
        return [f"{number} {'Connection' if number == 1 else 'Connections'}, {sockets} sockets on their servers"]
    more = len(alerts) - _MOST_SENTENCES
    return [alert.sentence for alert in alerts[:_MOST_SENTENCES]] + ([f"and {more} more"] if more > 0 else [])


def _performance(sample: Sample, thresholds: Thresholds) -> Iterator[str]:
    """Yield 'label'=value;warn;crit;min;max for each server and Connection that could be seen."""
    for server in sample.servers:
        if server.used is not None and server.limit is not None:
            yield _performed(server.server, server.used, server.limit, thresholds)
    for count in sample.connections:
        if count.sockets is not None:
            own = count.limit if count.bounded_by in {"role", "database"} else None
            yield _performed(count.name, count.sockets, own, thresholds)


def _performed(name: str, value: int, limit: int | None, thresholds: Thresholds) -> str:
    label = "'" + re.sub("[='|]", "_", name) + "'"
    if limit is None:
        return f"{label}={value};;;0"
    return f"{label}={value};{limit * thresholds.warning:.0f};{limit * thresholds.critical:.0f};0;{limit}"


def _answer(status: int, sentences: Sequence[str], performance: str, output: Output) -> int:
    """Print the plugin's line; a bar parts words from numbers, so no sentence keeps one."""
    if output.json:
        output.value({"status": _WORDS[status].lower(), "alerts": [], "error": "; ".join(sentences)})
        return status
    said = " ".join("; ".join(sentences).split()).replace("|", "/")
    output.line(f"PGCONNS {_WORDS[status]} - {said}" + (f" | {performance}" if performance else ""))
    return status
