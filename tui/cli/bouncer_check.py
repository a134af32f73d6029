"""pgconns bouncer check: says what is wrong with a running PgBouncer, and proves its cap by load if asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from tui.bouncer.admin import Console
    from tui.bouncer.caps import Room
    from tui.bouncer.load_test import Outcome
    from tui.bouncer.model import Plan
    from tui.bouncer.shown import State
    from tui.cli.output import Output
    from tui.cli.probing import Candidate
    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.connections.secrets import Secrets
    from tui.postgres.finding import Finding
    from tui.postgres.target import Target

EXAMPLES = """
pgconns bouncer check prod tiles
pgconns bouncer check prod --username pgconns_admin --password-from file:/etc/pgconns-pgbouncer/admin.password
pgconns bouncer check prod --at pooler.example.com:6432 --plan plan.json --json
pgconns bouncer check prod --load-test --clients 60
"""
STATUSES = {
    Exit.DONE: "nothing is wrong, perhaps with warnings",
    Exit.BAD_NEWS: "a check failed, or the cap did not hold",
    Exit.USAGE: "no such Connection, or the load test does not run there",
    Exit.CANNOT_CONNECT: "its console cannot be connected to",
    Exit.UNUSABLE_STORE: "the registry cannot be read, or a password cannot be had",
}
_LOAD_S = 30.0


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connections behind it, who looks at its console, and the load test."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="Connections that lead, or are to lead, through it")
    parser.add_argument("--at", metavar="HOST:PORT", help="where it is, if the Connections do not lead there yet")
    parser.add_argument(
        "--plan", metavar="FILE", help="hold it against what bouncer plan --json printed; - reads stdin"
    )
    console = parser.add_argument_group("who looks at its console (one of its stats_users or admin_users)")
    console.add_argument("--username", metavar="USER", help="the first Connection's own role where not given")
    console.add_argument("--password-from", metavar="SOURCE", help="its password: env:NAME, file:/path, command:...")
    console.add_argument("--password-stdin", action="store_true", help="or stdin's first line; else it is asked for")
    console.add_argument("--sslmode", metavar="MODE", help="the TLS mode, if not the Connection's")
    console.add_argument("--sslrootcert", metavar="FILE", help="the root certificate, if not the Connection's")
    load = parser.add_argument_group("load test, of servers of this machine only")
    load.add_argument("--load-test", action="store_true", help="let many clients in, and count the server's sockets")
    load.add_argument("--clients", type=int, metavar="N", help="how many (default: three times the cap)")
    load.add_argument("--seconds", type=float, metavar="S", default=_LOAD_S, help=f"at most (default {_LOAD_S:.0f})")


class Found(NamedTuple):
    """What a check found."""

    findings: tuple[Finding, ...]
    state: State | None = None
    outcome: Outcome | None = None
    unreachable: bool = False


def run(arguments: Namespace, output: Output) -> int:
    """Look at the console, pass through as each Connection, and judge."""
    import asyncio

    from tui.bouncer.load_test import LONGEST_S
    from tui.cli import prompts
    from tui.cli.bouncer_config import read_plan
    from tui.cli.names import pick_some
    from tui.connections.registry import Registry

    if (arguments.clients is not None or arguments.seconds != _LOAD_S) and not arguments.load_test:
        raise Refused("--clients and --seconds are about the load test: add --load-test")
    if not 1 <= arguments.seconds <= LONGEST_S:
        raise Refused(f"--seconds is a number from 1 to {LONGEST_S:.0f}")
    if arguments.plan == "-" and arguments.password_stdin:
        raise Refused("--plan - and --password-stdin both read stdin: put the plan into a file")
    plan = read_plan(arguments.plan) if arguments.plan else None
    registry, secrets = Registry(), prompts.open_secrets()
    candidates = _candidates(registry, pick_some(registry, arguments.names), arguments, secrets)
    admin = _admin(candidates[0], arguments, secrets)
    output.progress(f"Looking at the console of {admin.place}")
    found = asyncio.run(_check(admin, candidates, plan, arguments))
    if output.json:
        output.value(_answer(candidates, admin, found))
    else:
        for finding in found.findings:
            output.finding(finding, data=True)
    if found.unreachable:
        return Exit.CANNOT_CONNECT
    return Exit.BAD_NEWS if any(finding.status == "failed" for finding in found.findings) else Exit.DONE


def _candidates(
    registry: Registry, connections: Sequence[Connection], arguments: Namespace, secrets: Secrets
) -> list[Candidate]:
    """Return the Connections as they lead through the PgBouncer, with their passwords."""
    from tui.cli import fields, probing
    from tui.cli.places import read_place
    from tui.cli.switching import tls
    from tui.connections.parameters import write
    from tui.sockets.credentials import label, place

    changes: dict[str, str] = {}
    if arguments.at:
        host, port = read_place(arguments.at, "--at")
        changes = {"server": host, "port": str(port)}
    changes |= tls(arguments)
    through = [
        one._replace(parameters=fields.read({**write(one.parameters), **changes})) if changes else one
        for one in connections
    ]
    places = {place(one): label(one) for one in through}
    if len(places) > 1:
        raise Refused(f"They lead to different places, which are checked one by one: {', '.join(places.values())}")
    return [probing.candidate(one, secrets) for one in through]


def _admin(first: Candidate, arguments: Namespace, secrets: Secrets) -> Target:
    """Return where the console is, and who looks."""
    from tui.bouncer.admin import console_target
    from tui.cli import fields, probing, prompts
    from tui.connections.parameters import write
    from tui.postgres.target import target

    parameters = first.connection.parameters
    if arguments.password_from and arguments.password_stdin:
        raise Refused("--password-from and --password-stdin exclude each other")
    if arguments.password_from:
        if arguments.password_from.partition(":")[0] not in {"env", "file", "command"}:
            raise Refused("--password-from takes env:NAME, file:/path or command:... here")
        draft = {**write(parameters), "password_from": arguments.password_from}
        chosen = probing.candidate(first.connection._replace(parameters=fields.read(draft)), secrets)
    elif arguments.password_stdin:
        chosen = first._replace(secret=prompts.password_from_stdin(), problem="")
    elif arguments.username and arguments.username != parameters.username:
        if not prompts.can_ask():
            raise Refused(f"How does {arguments.username} log in? Give --password-from or --password-stdin")
        chosen = first._replace(secret=prompts.password(f"Password of {arguments.username}: "), problem="")
    else:
        chosen = first
    if chosen.problem:
        raise Refused(chosen.problem, Exit.UNUSABLE_STORE)
    return console_target(target(parameters, chosen.secret), arguments.username)


async def _check(admin: Target, candidates: Sequence[Candidate], plan: Plan | None, arguments: Namespace) -> Found:
    from tui.bouncer.admin import console
    from tui.bouncer.caps import Wanted
    from tui.bouncer.checking import judge
    from tui.bouncer.comparing import against
    from tui.postgres.errors import ServerError
    from tui.postgres.finding import Finding
    from tui.probe.tls import is_local

    try:
        async with console(admin) as opened:
            room, passed = await passages(candidates)
            state = await opened.state()
            wanted = [Wanted(p.name, p.database, p.username) for p in (one.connection.parameters for one in candidates)]
            findings = [Finding("console", "ok", f"{admin.username} looks at the console of {admin.place}"), *passed]
            findings += judge(state, wanted, room=room, local=is_local(opened.address))
            findings += against(plan, state) if plan else ()
            outcome = await _load(opened, state, candidates[0], arguments) if arguments.load_test else None
            if outcome is not None:
                findings.append(outcome.finding())
            return Found(tuple(findings), state, outcome)
    except ServerError as error:
        return Found((error.finding,), unreachable=True)


async def passages(candidates: Sequence[Candidate]) -> tuple[Room | None, list[Finding]]:
    """Go through as each Connection; return what the server behind takes, and whether each gets there."""
    import asyncio
    from dataclasses import replace

    from tui.cli.probing import AT_ONCE

    gate = asyncio.Semaphore(AT_ONCE)

    async def in_turn(chosen: Candidate) -> tuple[Room | None, Finding]:
        async with gate:
            return await _pass_as(chosen)

    passed = await asyncio.gather(*map(in_turn, candidates))
    rooms = [room for room, _ in passed if room]
    roles = {role: limit for room in rooms for role, limit in room.roles.items()}
    databases = {name: limit for room in rooms for name, limit in room.databases.items()}
    room = replace(rooms[0], roles=roles, databases=databases) if rooms else None
    return room, [finding for _, finding in passed]


async def _pass_as(chosen: Candidate) -> tuple[Room | None, Finding]:
    from dataclasses import replace

    from tui.bouncer.caps import Room
    from tui.postgres.door import connect
    from tui.postgres.errors import ServerError
    from tui.postgres.finding import Finding
    from tui.postgres.target import target
    from tui.probe import limits

    parameters = chosen.connection.parameters
    who = f"{parameters.username} to {parameters.database}"
    if chosen.problem:
        return None, Finding("passage", "warning", f"Not tried for {parameters.name}: {chosen.problem}")
    try:
        async with await connect(target(parameters, chosen.secret)) as session:
            row = await limits.ask(session)
    except ServerError as error:
        why = f"{who} does not get through: {error.finding.message}"
        return None, replace(error.finding, check="passage", message=why)
    kept = row["superuser_reserved"] + row["reserved"] + row["rds_reserved"]
    found = Finding("passage", "ok", f"{who} gets through to the server")
    bound = {} if row["superuser"] else {"role": row["role_limit"], "database": row["database_limit"]}
    roles = {parameters.username: bound["role"]} if bound.get("role", -1) >= 0 else {}
    databases = {parameters.database: bound["database"]} if bound.get("database", -1) >= 0 else {}
    return Room(row["max_connections"] - kept, row["used"], roles, databases), found


async def _load(opened: Console, state: State, chosen: Candidate, arguments: Namespace) -> Outcome:
    """Run the load test as the first Connection. Raises Refused."""
    from tui.bouncer import load_test
    from tui.postgres.target import target

    door = target(chosen.connection.parameters, chosen.secret, "pgconns load test")
    entry = load_test.entry_of(state, door.database)
    if entry is None:
        raise Refused(f"The load test has no entry for {door.database} to run against")
    try:
        await load_test.refuse_others(door, entry)
        clients, cap = load_test.size(state, entry, arguments.clients)
    except load_test.NotHere as refusal:
        raise Refused(str(refusal)) from None
    return await load_test.run(door, opened, clients, cap, arguments.seconds)


def _answer(candidates: Sequence[Candidate], admin: Target, found: Found) -> dict[str, Any]:
    from dataclasses import asdict

    statuses = {finding.status for finding in found.findings}
    answer: dict[str, Any] = {
        "connections": [chosen.connection.name for chosen in candidates],
        "pgbouncer": admin.place,
        "version": found.state.version if found.state else None,
        "verdict": "failed" if "failed" in statuses else "warning" if "warning" in statuses else "ok",
        "findings": [finding.to_json() for finding in found.findings],
        "pools": [asdict(pool) for pool in found.state.pools] if found.state else [],
    }
    return answer | ({"load_test": asdict(found.outcome)} if found.outcome else {})
