"""pgconns sockets: counts the open sockets of Connections, now or as a stream."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tui.cli.output import NONE_YET, Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import AsyncGenerator, Sequence

    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.connections.secrets import Secrets
    from tui.sockets.alerts import Alert, Changes
    from tui.sockets.model import ConnectionCount, Sample, ServerCount
    from tui.sockets.server import PasswordOf

EXAMPLES = """
pgconns sockets
pgconns sockets prod staging --json
pgconns sockets --follow --interval 10 --json     one JSON value a line
pgconns sockets --count 30 > half-a-minute.txt
"""
STATUSES = {
    Exit.DONE: "counted",
    Exit.USAGE: "no such Connection",
    Exit.CANNOT_CONNECT: "no server could be reached",
    Exit.UNUSABLE_STORE: "the registry cannot be read, or a password cannot be had",
    Exit.INTERRUPTED: "ended by Ctrl-C",
}
_SHORTEST_S, _LONGEST_S = 0.1, 86_400.0
_DEFAULT_S = 2.0
_HEADERS = ("SERVER, CONNECTION", "SOCKETS", "ACTIVE", "IDLE", "IN TX", "OTHER", "UNSEEN", "OF LIMIT")


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connections, and say how often to count."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="the Connections to count; all where none is named")
    parser.add_argument("--follow", action="store_true", help="go on counting until interrupted")
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        help=f"seconds between two counts; PGCONNS_INTERVAL, or {_DEFAULT_S:g}, where it is not given",
    )
    parser.add_argument("--count", metavar="N", help="end after N counts")


def run(arguments: Namespace, output: Output) -> int:
    """Count once, or follow; the answer is whether any server could be reached."""
    import asyncio

    from tui.cli import prompts
    from tui.cli.names import pick_some
    from tui.connections.registry import Registry

    interval_s, times = interval(arguments.interval), _times(arguments)
    registry = Registry()
    chosen = pick_some(registry, arguments.names)
    if not chosen and not output.json:
        output.note(NONE_YET)
        return Exit.DONE
    watched = neighbours(chosen, registry.load())
    password_of = passwords(chosen, prompts.open_secrets())
    return asyncio.run(_count(chosen, watched, password_of, interval_s, times, output))


async def _count(
    chosen: Sequence[Connection],
    watched: Sequence[Connection],
    password_of: PasswordOf,
    interval_s: float,
    times: int | None,
    output: Output,
) -> int:
    from contextlib import aclosing

    from tui.sockets.alerts import Thresholds, changes, judge
    from tui.sockets.model import of_connections

    reached = not chosen
    alerts: tuple[Alert, ...] = ()
    told: set[str] = set()
    ids = frozenset(connection.id for connection in chosen)
    if times != 1:
        output.progress(f"Counting every {interval_s:g} seconds")
    done = 0
    async with aclosing(_samples(watched, password_of, interval_s, times)) as samples:
        async for whole in samples:
            sample = of_connections(whole, ids)
            reached = reached or any(server.limit is not None for server in sample.servers)
            if output.json:
                output.value(sample.to_json())
            else:
                _show(sample, output, told, follow=times != 1)
                before, alerts = alerts, judge(sample, alerts, Thresholds())
                _tell(changes(before, alerts), output)
            done += 1
            if done == times:
                break
    return Exit.DONE if reached else Exit.CANNOT_CONNECT


async def _samples(
    connections: Sequence[Connection], password_of: PasswordOf, interval_s: float, times: int | None
) -> AsyncGenerator[Sample]:
    """Yield one sample in which every server has answered or failed, or one per interval."""
    import asyncio

    from tui.bouncer.watching import Watch
    from tui.regions.directory import addresses
    from tui.sockets.sampler import take_sample

    regions = addresses()
    if times == 1:
        yield await take_sample(connections, password_of, regions, kind=Watch)
        return
    watch = Watch(connections, password_of, interval_s, regions)
    samples = watch.samples()
    running = asyncio.create_task(watch.run())
    try:
        while True:
            coming = asyncio.ensure_future(anext(samples))
            await asyncio.wait({running, coming}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                coming.cancel()
                await running  # raises what went wrong
            yield await coming
    finally:
        await watch.close()


def neighbours(chosen: Sequence[Connection], registered: Sequence[Connection]) -> list[Connection]:
    """Return the chosen Connections and the others of their servers, whose sockets are not to count as a stranger's."""
    from tui.sockets.credentials import place

    places = {place(connection) for connection in chosen}
    return [connection for connection in registered if place(connection) in places]


def passwords(chosen: Sequence[Connection], secrets: Secrets) -> PasswordOf:
    """Return what fetches passwords. Whatever asks a person asks now: later the terminal belongs to the counts."""
    import asyncio

    from tui.cli import prompts
    from tui.connections.secret import SecretsError

    sources = {connection.id: connection.parameters.password_from for connection in chosen}
    in_vault = [connection for connection in chosen if sources[connection.id] == "vault"]
    if in_vault:
        secrets.get(in_vault[0])
    for connection in chosen:
        if sources[connection.id] == "ask" and prompts.can_ask():
            typed = prompts.password(f"Password of {connection.parameters.username} for {connection.name}: ")
            if typed is not None:
                secrets.remember(connection.id, typed)

    async def password_of(connection: Connection) -> Secret | None:
        source = connection.parameters.password_from
        if source == "vault" and not in_vault:
            raise SecretsError(f"The vault with the password of {connection.name} was not opened")
        return await asyncio.to_thread(secrets.get, connection)

    return password_of


def _show(sample: Sample, output: Output, told: set[str], *, follow: bool) -> None:
    """Write a sample for people: under each server its Connections, strangers and the console, which add up to it."""
    if follow:
        from datetime import datetime

        output.line(datetime.fromtimestamp(sample.at).astimezone().strftime("%Y-%m-%d %H:%M:%S"))
    unseen = any(connection.states and connection.states[4] for connection in sample.connections)
    rows: list[tuple[str, ...]] = [_HEADERS]
    for server in sample.servers:
        rows.append((server.server, _number(server.used), *[""] * 5, _share(server.used, server.limit)))
        for each in sample.connections:
            if each.server == server.server:
                rows += [_row(each), *_pool_row(each)]
        for label, number in (("not registered", server.unregistered), ("pgconns itself", server.console)):
            if number:
                rows.append((f"  {label}", str(number), *[""] * 6))
    if not unseen:
        rows = [row[:6] + row[7:] for row in rows]
    output.table(rows[0], rows[1:], right=frozenset(range(1, 7 if unseen else 6)))
    if follow:
        output.line()
    for sentence in _troubles(sample):
        if sentence not in told:
            output.note(sentence)
            told.add(sentence)


def _tell(news: Changes, output: Output) -> None:
    """Say what is to be looked at, and that it is over. What cannot be reached is told with the counts."""
    for words, alerts in (("", news.raised), ("Over: ", news.cleared)):
        for alert in alerts:
            if alert.kind != "unreachable":
                output.note(f"{words or alert.level.capitalize() + ': '}{alert.sentence}")


def _row(count: ConnectionCount) -> tuple[str, ...]:
    states = [_number(number) for number in count.states or (None,) * 5]
    shared = f" = {', '.join(count.shared_with)}" if count.shared_with else ""
    by = f" {count.bounded_by}" if count.bounded_by in {"role", "database"} else ""
    return f"  {count.name}{shared}", _number(count.sockets), *states, _share(count.sockets, count.limit) + by


def _pool_row(count: ConnectionCount) -> list[tuple[str, ...]]:
    """Return the line on the clients that come in to a Connection's PgBouncer; none where it has none, or is unseen."""
    pooled = count.pooled
    if pooled is None or pooled.error:
        return []
    waiting = f"{pooled.waiting} wait, {pooled.maxwait_s or 0.0:.1f} s" if pooled.waiting else ""
    return [("    clients of its PgBouncer", _number(pooled.clients), *[""] * 5, waiting)]


def _number(number: int | None) -> str:
    return "–" if number is None else str(number)


def _share(sockets: int | None, limit: int | None) -> str:
    if sockets is None or limit is None:
        return "–"
    return f"{sockets / limit:.0%} of {limit}" if limit else "none are let in"


def _troubles(sample: Sample) -> list[str]:
    """Return a sentence for all that could not be seen, and why."""
    of_servers = [
        sentence if sentence.startswith(server.server) else f"{server.server}: {sentence}"
        for server in sample.servers
        if (sentence := _trouble(server))
    ]
    errors = {server.server: server.error for server in sample.servers}
    return [
        *of_servers,
        *(
            f"{count.name}: {count.error}"
            for count in sample.connections
            if count.error and count.error != errors[count.server]
        ),
        *(f"{c.name}: {c.pooled.error}" for c in sample.connections if c.pooled is not None and c.pooled.error),
    ]


def _trouble(server: ServerCount) -> str:
    if server.visibility == "own":
        return "No role here may see the states of other roles' sockets: GRANT pg_monitor to one of them"
    if server.limit is None and not server.error:
        return "It has not answered yet"
    return server.error


def interval(given: str | None = None) -> float:
    """Return how often sockets are counted, in seconds: as given, or else as PGCONNS_INTERVAL says; raise Refused."""
    name = "--interval" if given is not None else "PGCONNS_INTERVAL"
    text = given if given is not None else os.environ.get("PGCONNS_INTERVAL", "")
    if not text:
        return _DEFAULT_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not _SHORTEST_S <= seconds <= _LONGEST_S:
        raise Refused(f"{name} is a number of seconds from {_SHORTEST_S:g} to {_LONGEST_S:g}")
    return seconds


def _times(arguments: Namespace) -> int | None:
    """Return how many counts are asked for; None for no end."""
    if arguments.count is None:
        return None if arguments.follow else 1
    if not (arguments.count.isascii() and arguments.count.isdigit() and 0 < int(arguments.count) <= 10**9):
        raise Refused("--count is a whole number from 1 on")
    return int(arguments.count)
