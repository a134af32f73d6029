"""pgconns bouncer config: writes PgBouncer's files, tries them on a real one, and leads Connections through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping, Sequence

    from tui.bouncer.configuration import Authentication, Proxy
    from tui.bouncer.model import Plan
    from tui.cli.output import Output
    from tui.cli.probing import Candidate
    from tui.connections.model import Connection, Parameters
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

# CARTO's services pool ten sockets each, and are up to 13 processes under load, by its documentation for self-hosting.
_CLIENTS_EACH = 130
_POOL_SIZE = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connections, where the files go, and what they are to say."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="Connections of one server; those of the plan if none")
    parser.add_argument("--output", metavar="DIR", help="the folder that PgBouncer will read its files in")
    parser.add_argument("--overwrite", action="store_true", help="write over files that are there")
    parser.add_argument("--plan", metavar="FILE", help="what bouncer plan --json printed; - reads stdin")
    sizes = parser.add_argument_group("the pools, without a plan")
    sizes.add_argument("--pool-mode", choices=("transaction", "session"), help="transaction where not given")
    sizes.add_argument("--pool-size", type=int, metavar="N", help=f"sockets of each pool (default {_POOL_SIZE})")
    sizes.add_argument("--max-server-sockets", type=int, metavar="N", help="hard cap of each database (default: all)")
    sizes.add_argument("--max-clients", type=int, metavar="N", help=f"default {_CLIENTS_EACH} for each Connection")
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

    secrets = prompts.open_secrets()
    candidates = [probing.candidate(connection, secrets) for connection in connections]
    program = trial.program()
    user = arguments.user or writing.default_user()
    folder = Path(arguments.output).expanduser().absolute()
    proxy = _proxy(arguments, candidates, plan, str(folder), trial.installed_version(program))
    made, passwords = _files(arguments, proxy, candidates, program or "/usr/sbin/pgbouncer", user)
    _refuse_taken(folder, writing.taken(folder, made), overwrite=arguments.overwrite, output=output)
    try:
        owned = writing.write(folder, made, user)
    except writing.NotWritten as error:
        raise Refused(str(error), Exit.UNUSABLE_STORE) from None
    output.progress("Trying the files on a PgBouncer")
    findings = asyncio.run(_tried(proxy, program, passwords, candidates))
    if not output.json:
        output.line(f"Written to {folder}: {', '.join(made)}.")
        for finding in findings:
            output.finding(finding, data=True)
    steps = _next(proxy, folder, connections, user, _names(arguments)[0], owned=owned)
    if not output.json:
        output.note("Next:\n" + "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, 1)))
    failed = any(finding.status == "failed" for finding in findings)
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


def _proxy(
    arguments: Namespace,
    candidates: Sequence[Candidate],
    plan: Plan | None,
    folder: str,
    version: tuple[int, int, int] | None,
) -> Proxy:
    from tui.bouncer import configuration as written
    from tui.cli.places import read_listen
    from tui.postgres.target import target

    parameters = [chosen.connection.parameters for chosen in candidates]
    first = parameters[0]
    sizes = plan or _default_plan(arguments, candidates)
    _refuse_unplanned(sizes, candidates)
    modes = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
    strictest = max(parameters, key=lambda one: modes.index(one.sslmode))
    verifies = strictest.sslmode.startswith("verify")
    root = _root(strictest) if verifies else ""
    if verifies and not root:
        raise Refused(f"{strictest.name} verifies its server, and its root certificate is not there: mend that first")
    own = bool(arguments.certificate)
    if own != bool(arguments.key):
        raise Refused("--certificate and --key belong together")
    address, port = read_listen(arguments.listen)
    try:
        time_outs = written.time_outs_of(sizes)
    except ValueError as error:
        raise Refused(f"The plan: {error}") from None
    tls = (_absolute(arguments.certificate), _absolute(arguments.key)) if own else (
        f"{folder}/{written.CERTIFICATE}", f"{folder}/{written.KEY}")  # fmt: skip
    return written.Proxy(
        tuple(chosen.connection.name for chosen in candidates),
        target(first, None).host,
        first.port,
        written.entries_of(sizes),
        tuple(dict.fromkeys(one.username for one in parameters)),
        sizes.pool_mode,
        sizes.max_client_conn,
        arguments.auth or written.default_authentication(one.connector for one in parameters),
        folder,
        tls,
        address,
        port,
        strictest.sslmode,
        bool(root),
        version,
        time_outs,
        sizes.max_prepared_statements,
    )


def _root(parameters: Parameters) -> str:
    """Return the root certificate that a Connection verifies with; empty where it cannot be read."""
    import os

    from tui.postgres.target import target
    from tui.probe.tls import roots_of

    place = roots_of(target(parameters, None))
    return place if os.access(place, os.R_OK) else ""


def _absolute(path: str) -> str:
    from pathlib import Path

    return str(Path(path).expanduser().absolute())


def _default_plan(arguments: Namespace, candidates: Sequence[Candidate]) -> Plan:
    from tui.bouncer.model import Plan, Pool
    from tui.sockets.credentials import label

    size = arguments.pool_size if arguments.pool_size is not None else _POOL_SIZE
    most = arguments.max_server_sockets or 0
    clients = arguments.max_clients or _CLIENTS_EACH * len(candidates)
    if size < 1 or most < 0 or clients < 1:
        raise Refused("--pool-size, --max-server-sockets and --max-clients are numbers from 1 on")
    pairs = dict.fromkeys((one.connection.parameters.database, one.connection.parameters.username)
                          for one in candidates)  # fmt: skip
    pools = tuple(Pool(database, username, size) for database, username in pairs)
    return Plan(
        server=label(candidates[0].connection),
        connections=tuple(one.connection.name for one in candidates),
        worth_it=True,
        reasons=(),
        merge=(),
        pool_mode=arguments.pool_mode or "transaction",
        max_client_conn=clients,
        max_db_connections=most,
        pools=pools,
        databases=(),
        time_outs=(),
        arithmetic=(),
        evidence="ceiling",
    )


def _refuse_unplanned(plan: Plan, candidates: Sequence[Candidate]) -> None:
    planned = {(pool.database, pool.username) for pool in plan.pools}
    for chosen in candidates:
        parameters = chosen.connection.parameters
        if (parameters.database, parameters.username) not in planned:
            raise Refused(f"The plan has no pool for {parameters.username} to {parameters.database}, which"
                          f" {chosen.connection.name} needs: make the plan with it")  # fmt: skip


def _files(
    arguments: Namespace, proxy: Proxy, candidates: Sequence[Candidate], program: str, user: str
) -> tuple[dict[str, bytes], dict[str, Secret]]:
    """Return what is in each file, and the passwords of the console's two users."""
    import os
    import secrets
    from pathlib import Path

    from tui.bouncer import configuration as written
    from tui.bouncer.self_signed import self_signed
    from tui.bouncer.unit import unit
    from tui.connections.secret import Secret

    passwords = {name: Secret(secrets.token_urlsafe(24)) for name in (written.ADMIN, written.STATS, written.AUTH)}
    verifiers = {name: written.scram_verifier(one.reveal(), os.urandom(16)) for name, one in passwords.items()}
    listed = {name: verifiers[name] for name in (written.ADMIN, written.STATS)}
    made: dict[str, bytes] = {}
    try:
        made[written.SETTINGS] = written.settings(proxy).encode()
        if proxy.authentication == "auth_query":
            # PgBouncer itself logs in with this one, for which a verifier is not enough.
            listed[written.AUTH] = passwords[written.AUTH].reveal()
            made[written.LOOKUP] = written.lookup(proxy.roles, verifiers[written.AUTH]).encode()
        else:
            listed |= _role_secrets(proxy.authentication, candidates)
        made[written.USERS] = written.users(listed).encode()
    except ValueError as error:
        raise Refused(f"{error}") from None
    made[written.ADMIN_PASSWORD] = f"{passwords[written.ADMIN].reveal()}\n".encode()
    made[written.STATS_PASSWORD] = f"{passwords[written.STATS].reveal()}\n".encode()
    if not arguments.certificate:
        made[written.CERTIFICATE], made[written.KEY] = self_signed(_names(arguments))
    if proxy.server_root:
        parameters = next(
            one.connection.parameters for one in candidates if one.connection.parameters.sslmode == proxy.server_sslmode
        )
        made[written.SERVER_ROOT] = Path(_root(parameters)).read_bytes()
    made[written.UNIT] = unit(proxy, program, user).encode()
    return made, passwords


def _names(arguments: Namespace) -> list[str]:
    """Return the names that clients know it by, for its certificate."""
    import socket

    return [*(arguments.host or [socket.gethostname()]), "localhost", "127.0.0.1", "::1"]


def _role_secrets(authentication: Authentication, candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return what opens the server for each role: its password, or the verifier that the server keeps of it."""
    for chosen in candidates:
        if chosen.problem:
            raise Refused(chosen.problem, Exit.UNUSABLE_STORE)
    if authentication == "verifiers":
        import asyncio

        return asyncio.run(_verifiers(candidates))
    found = {}
    for chosen in candidates:
        if chosen.secret is None:
            raise Refused(f"No password of {chosen.connection.name} is kept: --auth passwords needs one")
        found[chosen.connection.parameters.username] = chosen.secret.reveal()
    return found


async def _verifiers(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return the SCRAM verifiers of the roles, from the first Connection that may read them. Raises Refused."""
    from tui.cli import one_server
    from tui.postgres.errors import QueryFailed

    roles = list(dict.fromkeys(one.connection.parameters.username for one in candidates))
    why = ""
    for chosen in candidates:
        async with await one_server.session(chosen.connection, chosen.secret) as session:
            try:
                rows = await session.rows(
                    "SELECT rolname::text AS role, rolpassword AS verifier FROM pg_authid"
                    " WHERE rolname = ANY (%s::text[]) AND rolpassword LIKE 'SCRAM-SHA-256$%%'",
                    (roles,),
                )
            except QueryFailed as error:
                why = error.finding.message
                continue
        found = {row["role"]: row["verifier"] for row in rows}
        missing = [role for role in roles if role not in found]
        if missing:
            raise Refused(f"The server keeps no SCRAM verifier of {', '.join(missing)}: set the password again with"
                          " password_encryption = 'scram-sha-256'")  # fmt: skip
        return found
    raise Refused(f"No Connection's role may read the verifiers ({why}): only a superuser may."
                  " Take --auth auth_query, or --auth passwords", Exit.BAD_NEWS)  # fmt: skip


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
    clients: dict[str, tuple[str, Secret | None]] = {}
    if proxy.authentication != "auth_query":  # whose function a superuser is still to make
        for chosen in candidates:
            parameters = chosen.connection.parameters
            if not chosen.problem:
                clients[parameters.database] = parameters.username, chosen.secret
    return await trial.try_out(proxy, program, passwords, clients)


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
    there = f"{host}:{proxy.listen_port}"
    made = proxy.tls[0] == proxy.place(written.CERTIFICATE)
    trust = f" --sslmode verify-full --sslrootcert {quote(proxy.tls[0])}" if made else ""
    steps.append(f"pgconns bouncer check {names} --at {there} --username {written.ADMIN}"
                 f" --password-from {secret}{trust}")  # fmt: skip
    steps.append(f"pgconns bouncer config {names} --switch {there}{trust}")
    steps.append(f"In CARTO, give these Connections the Server {host} and the Port {proxy.listen_port}")
    return steps
