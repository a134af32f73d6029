"""pgconns end: ends sockets of a Connection, or cancels their queries, after showing exactly which."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.one_server import Own
    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.sockets.control import Action, Plan, Result
    from tui.sockets.model import State

EXAMPLES = """
pgconns end prod --idle --older-than 10m --dry-run     only shows which
pgconns end prod --idle --older-than 10m
pgconns end prod --idle-in-transaction --older-than 1h --yes --json
pgconns end prod --pid 4711 --pid 4712
pgconns end prod --pid 4711 --cancel                   its query only
pgconns end prod --cancel --older-than 5m              all queries that run so long
"""
STATUSES = {
    Exit.DONE: "all of them are ended or cancelled, or there were none",
    Exit.BAD_NEWS: "some could not be ended, or the answer was no",
    Exit.USAGE: "no such Connection, or --yes is missing where nobody can be asked",
    Exit.CANNOT_CONNECT: "its server cannot be connected to",
    Exit.UNUSABLE_STORE: "the registry cannot be read, or its password cannot be had",
}
_LARGEST_PID = 2**31 - 1
_DOING = {"cancel": "Cancelling", "end": "Ending"}
_DONE = {"cancel": "cancelled", "end": "ended"}


class _Wish(NamedTuple):
    """Which sockets are to be hit, and how."""

    action: Action
    pids: tuple[int, ...] = ()
    state: State | None = None
    least_s: float | None = None


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connection, and say which of its sockets."""
    parser.add_argument("name", metavar="NAME", help="the Connection; sockets of others are never touched")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pid", action="append", metavar="PID", help="this socket; may be given several times")
    which.add_argument("--idle", action="store_true", help="all that are idle, and still are when their turn comes")
    which.add_argument(
        "--idle-in-transaction", action="store_true", help="all that hold a transaction open and do nothing"
    )
    parser.add_argument("--cancel", action="store_true", help="cancel the query that runs, and leave the socket open")
    parser.add_argument("--older-than", metavar="AGE", help="only those in that state for so long: 90s, 10m, 2h, 1d")
    parser.add_argument("--dry-run", action="store_true", help="only show which")
    parser.add_argument("--yes", action="store_true", help="do not ask; what is done is logged either way")


def run(arguments: Namespace, output: Output) -> int:
    """List who is hit, ask, and act on those only."""
    import asyncio

    from tui.cli import one_server, prompts
    from tui.sockets.control import Done, carry_out

    wish = _wish(arguments)
    if not (arguments.yes or arguments.dry_run) and (output.json or not prompts.can_ask()):
        raise Refused("This asks first, and nobody can be asked here: add --yes, or --dry-run to see which")
    connection, password, neighbours = one_server.chosen(arguments.name)
    # One loop, left while a person thinks: Ctrl-C ends a prompt only outside of it. The session stays, because a
    # server that fills up may have no room for another.
    with asyncio.Runner() as runner:
        session = runner.run(one_server.session(connection, password))
        try:
            own = runner.run(one_server.own(session, connection, neighbours))
            plan, missing = _planned(wish, own)
            if not output.json:
                _show(plan, missing, own, connection, output)
            if plan.targets and not (arguments.dry_run or arguments.yes) and not prompts.confirmed(_question(plan)):
                output.note("Nothing was done.")
                return Exit.BAD_NEWS
            done = Done(())
            if plan.targets and not arguments.dry_run:
                say = (lambda _: None) if output.json else lambda result: _say(result, output)
                output.progress(f"{_DOING[plan.action]} {len(plan.targets)}")
                done = runner.run(carry_out(session, plan, say))
        finally:
            runner.run(session.close())
    if output.json:
        output.value(
            one_server.to_json(connection, own)
            | {
                "action": plan.action,
                "dry_run": arguments.dry_run,
                "targets": [one.to_json() for one in plan.targets],
                "spared": [result.to_json() for result in plan.spared],
                "missing": missing,
                "results": [result.to_json() for result in done.results],
                **({"log_trouble": done.log_trouble} if done.log_trouble else {}),
            }
        )
    if done.log_trouble:
        output.error(done.log_trouble)
    for fix in dict.fromkeys(result.fix for result in done.results if result.fix):
        output.note(f"Fix: {fix}")
    if arguments.dry_run:
        return Exit.DONE
    return Exit.DONE if not (plan.spared or missing) and all(one.good for one in done.results) else Exit.BAD_NEWS


def _wish(arguments: Namespace) -> _Wish:
    """Return what the arguments ask for. Raises Refused."""
    from tui.cli.durations import seconds

    action: Action = "cancel" if arguments.cancel else "end"
    least_s = None if arguments.older_than is None else seconds("--older-than", arguments.older_than)
    if arguments.pid:
        if least_s is not None:
            raise Refused("--older-than goes with --idle, --idle-in-transaction or --cancel, and not with --pid")
        return _Wish(action, tuple(dict.fromkeys(map(_pid, arguments.pid))))
    idle = arguments.idle or arguments.idle_in_transaction
    if idle and arguments.cancel:
        raise Refused("An idle socket runs no query: leave out --cancel, which would end nothing")
    if not (idle or arguments.cancel):
        raise Refused("Say which sockets: --pid PID, --idle, --idle-in-transaction, or --cancel for those with a query")
    state: State = "idle" if arguments.idle else "idle_in_transaction" if idle else "active"
    return _Wish(action, (), state, least_s)


def _pid(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _LARGEST_PID):
        raise Refused("--pid is the number of a backend's process, as pgconns backends lists it")
    return int(text)


def _planned(wish: _Wish, own: Own) -> tuple[Plan, list[int]]:
    """Return the plan, and the pids asked for that are no sockets of the Connection."""
    from tui.sockets.control import plan

    found = own.listing.backends
    if wish.pids:
        candidates = [one for one in found if one.pid in wish.pids]
        missing = sorted(set(wish.pids) - {one.pid for one in candidates})
        return plan(wish.action, candidates, own.listing.username), missing
    candidates = [
        one
        for one in found
        if one.state in {wish.state, "unknown"}
        and (wish.least_s is None or one.state_s is None or one.state_s >= wish.least_s)
    ]
    chosen = plan(wish.action, candidates, own.listing.username, state=wish.state, least_s=wish.least_s)
    return chosen, []


def _show(plan: Plan, missing: list[int], own: Own, connection: Connection, output: Output) -> None:
    """Write who is hit, and who is left alone though asked for."""
    from tui.cli import one_server

    if plan.targets:
        one_server.table(plan.targets, connection, output)
        one_server.notes(own, output)
    else:
        output.note(f"No socket of {connection.name} is to be {_DONE[plan.action]}.")
    for result in plan.spared:
        _say(result, output)
    for fix in dict.fromkeys(result.fix for result in plan.spared if result.fix):
        output.note(f"Fix: {fix}")
    for pid in missing:
        output.note(f"{pid}: {connection.name} has no such socket (any more)")


def _question(plan: Plan) -> str:
    number = len(plan.targets)
    what = ("Cancel the quer" + ("y" if number == 1 else "ies") + " of") if plan.action == "cancel" else "End"
    return f"{what} {'this socket' if number == 1 else f'these {number} sockets'}?"


def _say(result: Result, output: Output) -> None:
    """Write what became of one."""
    line = f"{result.backend.pid}: {result.message}"
    (output.line if result.good else output.note)(line)
