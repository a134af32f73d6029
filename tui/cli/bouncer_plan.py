"""pgconns bouncer plan: whether a PgBouncer is worth it before a server, and how large its pools must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import AsyncIterator, Sequence

    from tui.bouncer.facts import Facts
    from tui.bouncer.model import Plan, Prediction
    from tui.cli.output import Output
    from tui.postgres.session import Session

EXAMPLES = """
pgconns bouncer plan prod staging
pgconns bouncer plan prod --pool-size 20 --nodes 5
pgconns bouncer plan prod --pool-mode transaction --since 14d
pgconns bouncer plan prod --json > plan.json
"""
STATUSES = {
    Exit.DONE: "planned; whether it is worth it stands in the plan",
    Exit.USAGE: "no such Connection, or they are of several servers",
    Exit.CANNOT_CONNECT: "the server cannot be asked for its limits, and none were recorded",
    Exit.UNUSABLE_STORE: "the registry, a password or the history cannot be read",
}
_MOST = 10_000


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connections of one server, and what is known of CARTO's side."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="a Connection; all of one server")
    add_options(parser)


def add_options(parser: ArgumentParser) -> None:
    """Add what a plan is made by; `planned` takes it."""
    parser.add_argument(
        "--pool-size", metavar="N", help="CARTO's own pool size, MAPS_API_V3_POSTGRES_POOL_SIZE (assumed: 10)"
    )
    parser.add_argument("--nodes", metavar="N", help="CARTO's nodes that each hold such a pool (assumed: 5)")
    parser.add_argument(
        "--pool-mode", choices=("session", "transaction"), help="where it has to be this one (what fits best)"
    )
    parser.add_argument("--since", metavar="TIME", default="7d", help="how much of the recording to go by (7d)")


def run(arguments: Namespace, output: Output) -> int:
    """Plan, and print the plan."""
    facts, plan = planned(arguments, output)
    if facts.trouble:
        output.note(f"The server could not be asked: {facts.trouble}. Its limit is the one that was recorded last.")
    if facts.beside:
        output.note(f"Their sockets cannot be told from those of {', '.join(facts.beside)}, not in the plan by name.")
    if output.json:
        output.value(plan.to_json())
    else:
        show(plan, output)
    return Exit.DONE


def planned(arguments: Namespace, output: Output) -> tuple[Facts, Plan]:
    """Return what is known of the Connections that are named, and the plan for them. Raises Refused, HistoryError."""
    import asyncio
    from contextlib import asynccontextmanager

    from tui.bouncer.facts import collect, of_one_server
    from tui.bouncer.model import PlanError
    from tui.bouncer.worth import Ceiling
    from tui.cli import one_server
    from tui.cli.durations import seconds
    from tui.cli.names import pick_some
    from tui.connections.registry import Registry
    from tui.history.reader import History
    from tui.postgres.door import connect
    from tui.postgres.errors import CannotConnect, ServerError
    from tui.postgres.target import target

    ceiling = Ceiling(_number("--pool-size", arguments.pool_size), _number("--nodes", arguments.nodes))
    since = seconds("--since", arguments.since)
    registry = Registry()
    try:
        connections = of_one_server(pick_some(registry, arguments.names))
    except PlanError as error:
        raise Refused(str(error)) from None
    first, password, _ = one_server.chosen(connections[0].name)

    @asynccontextmanager
    async def session() -> AsyncIterator[Session]:
        async with await connect(target(first.parameters, password)) as opened:
            yield opened

    output.progress("Asking the server, and reading what was recorded ...")
    try:
        facts = asyncio.run(collect(connections, registry.load(), session, History(), since))
    except ServerError as error:
        fix = f"\nFix: {error.finding.fix}" if error.finding.fix else ""
        kind = "" if isinstance(error, CannotConnect) else " while it was asked for its limits"
        raise Refused(f"{error.finding.message}{kind}{fix}", Exit.CANNOT_CONNECT) from None
    output.progress("Replaying the recorded load ...")
    return facts, facts.plan(ceiling, arguments.pool_mode)


def _number(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= _MOST and len(text) < 6):
        raise Refused(f"{option} is a whole number from 1 to {_MOST}")
    return int(text)


def show(plan: Plan, output: Output) -> None:
    """Write a plan for people: the answer, why, the pools, the arithmetic, what it would have done, what to know."""
    output.line(f"{'Worth it' if plan.worth_it else 'Not worth it'}: a PgBouncer before {plan.server}")
    _list(plan.reasons, output)
    output.line()
    output.line(
        f"{'Pools' if plan.worth_it else 'Pools, if it has to be'}: {plan.pool_mode} pooling; {plan.mode_reason}."
    )
    of_database = {one.database: one.max_db_connections for one in plan.databases}
    output.table(
        ("DATABASE", "ROLE", "POOL SIZE", "RESERVE", "MAX DB CONNECTIONS"),
        [
            (one.database, one.username, str(one.pool_size), str(one.reserve), str(of_database[one.database]))
            for one in plan.pools
        ],
        right=frozenset({2, 3, 4}),
    )
    settings = [("max_client_conn", str(plan.max_client_conn), "all of CARTO's sockets, and some for people")]
    if plan.max_prepared_statements:
        settings.append(("max_prepared_statements", str(plan.max_prepared_statements), "from PgBouncer 1.21 on"))
    settings += [(one.setting, f"{one.seconds} s", one.why) for one in plan.time_outs]
    output.line()
    output.table(("SETTING", "", "WHY"), settings, right=frozenset({1}))
    output.line()
    output.table(
        ("ARITHMETIC", "SOCKETS", "FROM"),
        [(one.what, "–" if one.sockets is None else str(one.sockets), one.source) for one in plan.arithmetic],
        right=frozenset({1}),
    )
    if plan.what_if:
        output.line()
        output.table(
            ("THE BUSIEST DAY", "SERVER SOCKETS", "WAITING", "WAIT P50", "P95", "MAX", "SENT AWAY"),
            [
                ("as it was, without", str(plan.what_if[0].prediction.observed_peak), "–", "–", "–", "–", "–"),
                *((one.what, *cells(one.prediction)) for one in plan.what_if),
            ],
            right=frozenset(range(1, 7)),
        )
    output.line()
    output.line("To know:")
    _list(plan.cautions, output)


def cells(one: Prediction) -> tuple[str, ...]:
    """Return a prediction in short: peaks, waits and who was sent away."""
    waits = (f"{wait:.1f}s" if wait else "0" for wait in (one.wait_p50_s, one.wait_p95_s, one.wait_max_s))
    return str(one.peak_server_sockets), str(one.peak_waiting), *waits, str(one.refused)


def _list(sentences: Sequence[str], output: Output) -> None:
    from textwrap import wrap

    for sentence in sentences:
        lines = wrap(sentence + ".", (output.width or 120) - 2, break_on_hyphens=False) or [""]
        output.block("\n".join(f"{'- ' if not n else '  '}{line}" for n, line in enumerate(lines)))
