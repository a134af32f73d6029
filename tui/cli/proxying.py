"""Makes of arguments, of a plan and of Connections what PgBouncer's files are to say, for `bouncer config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from tui.bouncer.configuration import Authentication, Proxy
    from tui.bouncer.model import Plan
    from tui.cli.probing import Candidate
    from tui.connections.model import Parameters
    from tui.connections.secret import Secret

# CARTO's services pool ten sockets each, and are up to 13 processes under load, by its documentation for self-hosting.
CLIENTS_EACH = 130
POOL_SIZE = 20
_SIZES = ("pool_mode", "pool_size", "max_server_sockets", "max_clients")


def planned(
    arguments: Namespace,
    candidates: Sequence[Candidate],
    plan: Plan | None,
    folder: str,
    version: tuple[int, int, int] | None,
) -> Proxy:
    """Return the PgBouncer that arguments and plan ask for, before the candidates' server. Raises Refused."""
    from tui.bouncer import configuration as written
    from tui.cli.places import read_listen
    from tui.postgres.target import target

    parameters = [chosen.connection.parameters for chosen in candidates]
    first = parameters[0]
    if plan is not None and any(getattr(arguments, name) is not None for name in _SIZES):
        raise Refused("With --plan the pools are the plan's: change it there, or give --pool-size and the like alone")
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
    entries = written.entries_of(sizes)
    return written.Proxy(
        tuple(chosen.connection.name for chosen in candidates),
        target(first, None).host,
        first.port,
        entries,
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
        written.shares_of(sizes, entries),
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

    size = arguments.pool_size if arguments.pool_size is not None else POOL_SIZE
    most = arguments.max_server_sockets or 0
    clients = arguments.max_clients or CLIENTS_EACH * len(candidates)
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


def files_of(
    arguments: Namespace, proxy: Proxy, candidates: Sequence[Candidate], program: str, user: str
) -> tuple[dict[str, bytes], dict[str, Secret]]:
    """Return what is in each file, and the passwords of the console's two users."""
    import os
    import secrets
    from pathlib import Path

    from tui.bouncer import configuration as written
    from tui.bouncer import credentials
    from tui.bouncer.self_signed import self_signed
    from tui.bouncer.unit import unit
    from tui.connections.secret import Secret

    passwords = {name: Secret(secrets.token_urlsafe(24)) for name in (written.ADMIN, written.STATS, written.AUTH)}
    verifiers = {name: credentials.scram_verifier(one.reveal(), os.urandom(16)) for name, one in passwords.items()}
    listed = {name: verifiers[name] for name in (written.ADMIN, written.STATS)}
    made: dict[str, bytes] = {}
    try:
        made[written.SETTINGS] = written.settings(proxy).encode()
        if proxy.authentication == "auth_query":
            # PgBouncer itself logs in with this one, for which a verifier is not enough.
            listed[written.AUTH] = passwords[written.AUTH].reveal()
            made[written.LOOKUP] = credentials.lookup(proxy.roles, verifiers[written.AUTH]).encode()
        else:
            listed |= _role_secrets(proxy.authentication, candidates)
        made[written.USERS] = credentials.users(listed).encode()
    except ValueError as error:
        raise Refused(f"{error}") from None
    made[written.ADMIN_PASSWORD] = f"{passwords[written.ADMIN].reveal()}\n".encode()
    made[written.STATS_PASSWORD] = f"{passwords[written.STATS].reveal()}\n".encode()
    if not arguments.certificate:
        made[written.CERTIFICATE], made[written.KEY] = self_signed(names_of(arguments))
    if proxy.server_root:
        parameters = next(
            one.connection.parameters for one in candidates if one.connection.parameters.sslmode == proxy.server_sslmode
        )
        made[written.SERVER_ROOT] = Path(_root(parameters)).read_bytes()
    made[written.UNIT] = unit(proxy, program, user).encode()
    return made, passwords


def names_of(arguments: Namespace) -> list[str]:
    """Return the names that clients know it by, for its certificate."""
    import socket

    from tui.cli.places import read_listen

    listens = read_listen(arguments.listen)[0]
    own = socket.gethostname() if listens in {"*", "0.0.0.0", "::"} else listens  # noqa: S104 - compared with
    return list(dict.fromkeys([*(arguments.host or [own]), "localhost", "127.0.0.1", "::1"]))


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
