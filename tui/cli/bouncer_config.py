"""pgconns bouncer config: writes PgBouncer's files, tries them on a real one, and leads Connections through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Mapping, Sequence

    from tui.bouncer.configuration import Proxy
    from tui.bouncer.model import Plan
    from tui.cli.output import Output
    from tui.cli.probing import Candidate
    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.connections.secret import Secret
    from tui.postgres.finding import Finding

EXAMPLES = """
pgconns bouncer config prod tiles --output /etc/pgconns-pgbouncer
pgconns bouncer plan prod --json | pgconns bouncer config --plan - --output ./pgbouncer
pgconns bouncer config prod --output ./pgbouncer --pool-size 10 --max-server-sockets 12
pgconns bouncer config prod --switch pooler.example.com:6432
"""
STATUSES = {
    Exit.DONE: "written, and tried where a PgBouncer is installed; switched where that was asked",
    Exit.BAD_NEWS: "the files do not work, or a check through the proxy failed: no Connection was changed",
    Exit.USAGE: "no such Connection, they are of different servers, or files are there already",
    Exit.CANNOT_CONNECT: "a Connection does not get through the proxy: none was changed",
    Exit.UNUSABLE_STORE: "the registry cannot be read, or a password cannot be had",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connections, where the files go, and what they are to say."""
    from tui.cli.proxying import CLIENTS_EACH, POOL_SIZE

    parser.add_argument("names", nargs="*", metavar="NAME", help="Connections of one server; those of the plan if none")
    parser.add_argument("--output", metavar="DIR", help="the folder that PgBouncer will read its files in")
    parser.add_argument("--overwrite", action="store_true", help="write over files that are there")
    parser.add_argument("--plan", metavar="FILE", help="what bouncer plan --json printed; - reads stdin")
    sizes = parser.add_argument_group("the pools, without a plan")
    sizes.add_argument("--pool-mode", choices=("transaction", "session"), help="transaction where not given")
    sizes.add_argument("--pool-size", type=int, metavar="N", help=f"sockets of each pool (default {POOL_SIZE})")
    sizes.add_argument("--max-server-sockets", type=int, metavar="N", help="hard cap of each database (default: all)")
    sizes.add_argument("--max-clients", type=int, metavar="N", help=f"default {CLIENTS_EACH} for each Connection")
    place = parser.add_argument_group("where it runs")
    place.add_argument("--listen", metavar="ADDRESS:PORT", help="where it listens (default *:6432)")
    place.add_argument("--user", help="whom it runs as; root gives the files to it (default postgres)")
    place.add_argument("--certificate", metavar="FILE", help="its certificate for clients; else one is made for --host")
    place.add_argument("--key", metavar="FILE", help="the key of that certificate")
    place.add_argument("--host", action="append", metavar="NAME", help="a name that clients know it by; several times")
    place.add_argument(
        "--auth",
        choices=("auth_query", "verifiers", "passwords"),
        help="how it learns passwords: a function at the server (default), SCRAM verifiers copied from the server now,"
        " or the passwords of the Connections (default for managed services)",
    )
    switch = parser.add_argument_group("leading the Connections through it")
    switch.add_argument("--switch", metavar="HOST:PORT", help="check each Connection through it, then change them all")
    switch.add_argument("--sslmode", metavar="MODE", help="the TLS mode of the Connections from then on")
    switch.add_argument("--sslrootcert", metavar="FILE", help="and the root certificate that they verify with")


def run(arguments: Namespace, output: Output) -> int:
    """Write, try, say what comes next; switch where that is asked for."""
    from tui.cli import prompts
    from tui.cli.places import read_place
    from tui.cli.switching import switch, tls
    from tui.connections.registry import Registry

    if not arguments.output and not arguments.switch:
        raise Refused("Say where the files go with --output DIR, or which proxy the Connections lead to with --switch")
    registry = Registry()
    plan = read_plan(arguments.plan) if arguments.plan else None
    connections = _connections(
        registry, arguments.names or (plan.connections if plan else ()), writes=bool(arguments.output)
    )
    place = read_place(arguments.switch, "--switch") if arguments.switch else None
    answer: dict[str, Any] = {"connections": [connection.name for connection in connections]}
    status = Exit.DONE
    if arguments.output:
        written, status = _written(arguments, connections, plan, output)
        answer |= written
        if status is Exit.DONE and place is None and not output.json and prompts.can_ask():
            typed = prompts.line("Does it run already? Its HOST:PORT, to lead the Connections there (empty: later): ")
            place = read_place(typed, "HOST:PORT") if typed else None
    if place is not None and status is Exit.DONE:
        switched = switch(registry, connections, place, tls(arguments), output)
        status = switched.status
        answer["switch"] = {"server": place[0], "port": place[1], **switched.to_json()}
        if switched.changed and not output.json:
            lead = "leads" if len(connections) == 1 else "lead"
            output.line(f"{', '.join(answer['connections'])} now {lead} to {_told(place)}.")
            output.note("Do the same in CARTO: edit the Connection there, and give it this Server and Port.")
    if output.json:
        output.value(answer)
    return status


def read_plan(file: str) -> Plan:
    """Return the plan in a file, or on stdin. Raises Refused."""
    import json

    from tui.bouncer.model import Plan
    from tui.cli.prompts import content_of

    try:
        return Plan.from_json(json.loads(content_of(file)))
    except (ValueError, RecursionError) as error:
        raise Refused(f"--plan {file}: {error}; it takes what pgconns bouncer plan --json prints") from None


def _connections(registry: Registry, names: Sequence[str], *, writes: bool) -> tuple[Connection, ...]:
    from tui.cli.names import pick_some
    from tui.sockets.credentials import label, place

    if not names:
        raise Refused("Name the Connections that are to share the PgBouncer, or give a plan with --plan")
    chosen = pick_some(registry, names)
    places = {place(connection): label(connection) for connection in chosen}
    through = [connection.name for connection in chosen if connection.parameters.connector == "pgbouncer"]
    if through and writes:
        raise Refused(f"{', '.join(through)} leads to a PgBouncer already, and not to the server: change its"
                      " pgbouncer.ini, and RELOAD")  # fmt: skip
    if len(places) > 1:
        raise Refused(f"They are of different servers, which need a PgBouncer each: {', '.join(places.values())}")
    return chosen


def _told(place: tuple[str, int]) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _written(
    arguments: Namespace, connections: Sequence[Connection], plan: Plan | None, output: Output
) -> tuple[dict[str, Any], Exit]:
    """Write the files, try them, and tell; return the answer's part and the status."""
    import asyncio
    from pathlib import Path

    from tui.bouncer import configuration, trial, writing
    from tui.cli import probing, prompts
    from tui.cli.proxying import files_of, names_of, planned

    secrets = prompts.open_secrets()
    candidates = [probing.candidate(connection, secrets) for connection in connections]
    program = trial.program()
    user = arguments.user or writing.default_user()
    folder = Path(arguments.output).expanduser().absolute()
    proxy = planned(arguments, candidates, plan, str(folder), trial.installed_version(program))
    made, passwords = files_of(arguments, proxy, candidates, program or "/usr/sbin/pgbouncer", user)
    _refuse_taken(folder, writing.taken(folder, made), overwrite=arguments.overwrite, output=output)
    try:
        owned = writing.write(folder, made, user)
    except writing.NotWritten as error:
        raise Refused(str(error), Exit.UNUSABLE_STORE) from None
    output.progress("Trying the files on a PgBouncer")
    findings = (
        *asyncio.run(_tried(proxy, program, passwords, candidates)),
        *_beyond(proxy),
        *_too_many(proxy, candidates),
    )
    if not output.json:
        output.line(f"Written to {folder}: {', '.join(made)}.")
        for finding in findings:
            output.finding(finding, data=True)
    steps = _next(proxy, folder, connections, user, names_of(arguments)[0], owned=owned)
    failed = any(finding.status == "failed" for finding in findings)
    if not output.json:
        first = "Next, once that is mended" if failed else "Next"
        output.note(f"{first}:\n" + "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, 1)))
    answer = {
        "folder": str(folder),
        "files": list(made),
        "authentication": proxy.authentication,
        "pool_mode": proxy.pool_mode,
        "max_client_conn": proxy.max_client_conn,
        "server_sockets": proxy.sockets,
        "entries": [{name: getattr(entry, name) for name in configuration.Entry.__slots__} for entry in proxy.entries],
        "findings": [finding.to_json() for finding in findings],
        "next": steps,
    }
    return answer, Exit.BAD_NEWS if failed else Exit.DONE


def _refuse_taken(folder: Any, there: Sequence[str], *, overwrite: bool, output: Output) -> None:
    from tui.cli import prompts

    if not there or overwrite:
        return
    what = f"{folder} holds {', '.join(there)} already"
    if not output.json and prompts.can_ask():
        if prompts.confirmed(f"{what}. Write over them? Its passwords change with them."):
            return
        raise Refused("Nothing was written")
    raise Refused(f"{what}: take another folder, or --overwrite, which changes its passwords as well")


async def _tried(
    proxy: Proxy, program: str | None, passwords: Mapping[str, Secret], candidates: Sequence[Candidate]
) -> tuple[Finding, ...]:
    from tui.bouncer import trial
    from tui.postgres.finding import Finding

    if program is None:
        return (Finding("validation", "skipped", "Not validated: there is no PgBouncer here",
                        "Install it (apt-get install pgbouncer) and run this again with --overwrite"),)  # fmt: skip
    clients: dict[tuple[str, str], Secret | None] = {}
    if proxy.authentication != "auth_query":  # whose function a superuser is still to make
        for chosen in candidates:
            parameters = chosen.connection.parameters
            if not chosen.problem:
                clients[parameters.database, parameters.username] = chosen.secret
    return await trial.try_out(proxy, program, passwords, clients)


def _beyond(proxy: Proxy) -> Iterator[Finding]:
    """Say which roles may hold more sockets than the plan gives them: nothing that can be written keeps them back."""
    from tui.postgres.finding import Finding

    beyond = [f"{role} {most}" for role, most in proxy.shares.items() if role not in proxy.kept_shares]
    if beyond:
        yield Finding(
            "role_limits",
            "warning",
            f"The plan gives fewer sockets to some roles than a pool has here: {', '.join(beyond)}. Each database is"
            " held to its cap; these roles are not",
            "With --auth verifiers or passwords, or PgBouncer 1.24 or newer, [users] holds roles of plain names to"
            " their share; at the server, ALTER ROLE ... CONNECTION LIMIT refuses what is above it",
        )


def _too_many(proxy: Proxy, candidates: Sequence[Candidate]) -> Iterator[Finding]:
    """Say where the server takes fewer sockets than the files let PgBouncer open; nothing where it does not answer."""
    import asyncio

    from tui.cli.bouncer_check import passages
    from tui.postgres.finding import Finding

    room, _ = asyncio.run(passages(candidates))
    if room is None:
        return
    fix = "Size them by pgconns bouncer plan, or with --pool-size and --max-server-sockets"
    bounds = [("", proxy.sockets, room.usable)]
    bounds += [
        (f" to {entry.database}", entry.cap, room.databases[entry.database])
        for entry in proxy.entries
        if entry.database in room.databases
    ]
    for where, most, limit in bounds:
        if most > limit:
            yield Finding("server_sockets", "warning", f"These files let it open {most} sockets{where}, where the"
                          f" server takes {limit}: clients then get its refusal instead of waiting", fix)  # fmt: skip


def _next(
    proxy: Proxy, folder: Any, connections: Sequence[Connection], user: str, host: str, *, owned: bool
) -> list[str]:
    """Return what is left to do, in its order; clients know the proxy as `host`."""
    from shlex import quote

    from tui.bouncer import configuration as written

    names = " ".join(quote(connection.name) for connection in connections)
    steps = []
    if not owned:
        steps.append(f"chown -R {quote(user)}: {quote(str(folder))}")
    if proxy.authentication == "auth_query":
        where = f"psql -h {quote(proxy.host)} -p {proxy.port} -U postgres"
        steps += [
            f"As a superuser: {where} -d {quote(entry.database)} -f {quote(str(folder / written.LOOKUP))}"
            for entry in (proxy.entries[:1] if proxy.opens_to_roles else proxy.entries)
        ]
    unit = f"/etc/systemd/system/pgconns-{written.UNIT}"
    steps.append(f"cp {quote(str(folder / written.UNIT))} {unit} && systemctl daemon-reload"
                 " && systemctl enable --now pgconns-pgbouncer")  # fmt: skip
    secret = quote(f"file:{folder / written.ADMIN_PASSWORD}")
    there = _told((host, proxy.listen_port))
    made = proxy.tls[0] == proxy.place(written.CERTIFICATE)
    trust = f" --sslmode verify-full --sslrootcert {quote(proxy.tls[0])}" if made else ""
    if made:
        steps.append("Who runs pgconns must be able to read its certificate, which is no secret: else"
                     f" install -m 0644 {quote(proxy.tls[0])} where they can, and name that one below")  # fmt: skip
    steps.append(f"pgconns bouncer check {names} --at {there} --username {written.ADMIN}"
                 f" --password-from {secret}{trust}")  # fmt: skip
    steps.append(f"pgconns bouncer config {names} --switch {there}{trust}")
    steps.append(f"In CARTO, give these Connections the Server {host} and the Port {proxy.listen_port}")
    return steps
