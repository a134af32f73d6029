"""What is wrong with a running PgBouncer, by what its console shows. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from tui.bouncer import vulnerabilities
from tui.bouncer.caps import Room, Wanted, cap, entries, pools_of
from tui.bouncer.shown import CONSOLE, PoolState, State
from tui.postgres.finding import Finding
from tui.postgres.quoting import identifier
from tui.sockets.alerts import Thresholds

_SLOW_S, _STARVING_S = Thresholds().waits_s, Thresholds().starves_s
_NEARLY_FULL, _FULL = 0.8, 0.95
_OPEN_TO_ALL = frozenset({"any", "trust"})
_PREPARES = (1, 21, 0)


def judge(
    state: State, wanted: Sequence[Wanted], *, room: Room | None = None, local: bool = False
) -> tuple[Finding, ...]:
    """Return the findings in the order in which to read them. `local` says that clients come from this machine."""
    findings = [_version(state), *_authentication(state), *_encryption(state, local=local), *_databases(state, wanted),
                *_pausing(state), _pool_mode(state, wanted), _server_sockets(state, wanted, room),
                *_narrower(state, wanted, room), *_time_outs(state), _clients(state), _waiting(state)]  # fmt: skip
    return tuple(findings)


def _version(state: State) -> Finding:
    found = vulnerabilities.of(state)
    if state.number is None:
        return Finding("version", "warning", f"It names no version: {state.version or 'nothing'}",
                       "Another pooler with such a console, perhaps: this check knows PgBouncer")  # fmt: skip
    name = ".".join(map(str, state.number))
    if not found:
        return Finding("version", "ok", f"PgBouncer {name}, with no vulnerability known by "
                       f"{vulnerabilities.READ_ON} under these settings")  # fmt: skip
    count = f"{len(found)} known vulnerabilit{'ies' if len(found) > 1 else 'y'}"
    return Finding(
        "version",
        "warning",
        f"PgBouncer {name} has {count}, unless its distribution mended it without changing the number",
        f"Upgrade to PgBouncer {vulnerabilities.NEWEST_READ} or newer; what a Debian package mended stands in"
        " /usr/share/doc/pgbouncer/changelog.Debian.gz",
        "\n".join(f"{one.name}: {one.what}; fixed in {'.'.join(map(str, one.fixed))}" for one in found),
    )


def _authentication(state: State) -> Iterator[Finding]:
    kind = state.config.get("auth_type", "")
    if kind in _OPEN_TO_ALL:
        yield Finding("authentication", "failed", f"auth_type = {kind} lets anybody in without a password",
                      "auth_type = scram-sha-256 in pgbouncer.ini, and RELOAD")  # fmt: skip
    elif kind == "plain":
        yield Finding("authentication", "warning", "auth_type = plain has passwords travel as they are",
                      "auth_type = scram-sha-256 in pgbouncer.ini, and RELOAD")  # fmt: skip


def _encryption(state: State, *, local: bool) -> Iterator[Finding]:
    clients = state.config.get("client_tls_sslmode", "")
    if clients in {"disable", "allow", "prefer"} and not local:
        yield Finding(
            "encryption",
            "warning",
            f"client_tls_sslmode = {clients} lets clients in without TLS: password and data may travel in clear",
            "client_tls_sslmode = require, client_tls_cert_file and client_tls_key_file in pgbouncer.ini, and RELOAD",
        )
    weak = state.config.get("server_tls_sslmode", "") in {"disable", "allow", "prefer"}
    remote = sorted({one.host or "" for one in entries(state) if not _on_this_machine(one.host)})
    if weak and remote:
        yield Finding(
            "encryption",
            "warning",
            f"Between PgBouncer and {', '.join(remote)} TLS is not demanded"
            f" (server_tls_sslmode = {state.config['server_tls_sslmode']})",
            "server_tls_sslmode = verify-full and server_tls_ca_file in pgbouncer.ini, and RELOAD",
        )


def _on_this_machine(host: str | None) -> bool:
    return not host or host.startswith(("/", "127.")) or host in {"localhost", "::1"}


def _databases(state: State, wanted: Sequence[Wanted]) -> Iterator[Finding]:
    known = {one.name for one in entries(state)}
    missing = {one.database: one.connection for one in reversed(wanted) if one.database not in known}
    for database, connection in missing.items():
        yield Finding(
            "databases",
            "warning",
            f"No entry for the database {database} of {connection} is loaded; only a line * would serve it",
            f"Add to [databases]: {database} = host=... port=5432 dbname=..., and RELOAD",
        )
    if wanted and not missing:
        yield Finding("databases", "ok", f"There is an entry for {', '.join(sorted({w.database for w in wanted}))}")


def _pausing(state: State) -> Iterator[Finding]:
    for one in entries(state):
        name = identifier(one.name)
        if one.disabled:
            yield Finding("pausing", "failed", f"The entry {one.name} is disabled: new clients are refused",
                          f"ENABLE {name}; on the console")  # fmt: skip
        if one.paused:
            yield Finding("pausing", "failed", f"The entry {one.name} is paused: its clients wait",
                          f"RESUME {name}; on the console")  # fmt: skip
    if state.halted:
        yield Finding("pausing", "failed", f"The whole PgBouncer is {state.halted}: every client waits",
                      "RESUME; on the console")  # fmt: skip


def _pool_mode(state: State, wanted: Sequence[Wanted]) -> Finding:
    names = {one.database for one in wanted}
    modes = {
        one.name: one.pool_mode or state.config.get("pool_mode", "")
        for one in entries(state)
        if not names or one.name in names
    } or {"": state.config.get("pool_mode", "")}
    told = ", ".join(sorted(set(modes.values())))
    if "statement" in modes.values():
        return Finding("pool_mode", "failed", "pool_mode = statement takes no transactions, and CARTO needs them",
                       "pool_mode = transaction, or session, in pgbouncer.ini, and RELOAD")  # fmt: skip
    if "transaction" in modes.values() and not _prepares(state):
        old = state.number is not None and state.number < _PREPARES
        return Finding(
            "pool_mode",
            "warning",
            "In transaction mode this PgBouncer does not carry prepared statements from one transaction to the next:"
            " a client that names its statements fails",
            "Upgrade to PgBouncer 1.21 or newer, which does with max_prepared_statements = 200"
            if old
            else "max_prepared_statements = 200 in pgbouncer.ini, and RELOAD",
        )
    return Finding("pool_mode", "ok", f"pool_mode = {told or 'unknown'}")


def _prepares(state: State) -> bool:
    return bool(state.setting("max_prepared_statements"))


def _narrower(state: State, wanted: Sequence[Wanted], room: Room | None) -> Iterator[Finding]:
    """Yield which roles and databases may be led past a limit of their own, at which the server refuses."""
    if room is None:
        return
    own = {user.name: user.maximum for user in state.users}
    for database, limit in room.databases.items():
        for entry in (one for one in entries(state) if one.database == database and not one.disabled):
            most = min(sum(pools_of(entry, state, wanted).values()), entry.maximum or sys.maxsize)
            if most > limit:
                yield Finding("server_sockets", "warning", f"It may open {most} sockets to the database {database},"
                              f" which takes {limit}: clients then get its refusal instead of waiting",
                              f"max_db_connections={limit} in the entry {entry.name}, and RELOAD")  # fmt: skip
    for role, limit in room.roles.items():
        pools = [min(pools_of(one, state, wanted).get(role, 0), one.maximum or sys.maxsize) for one in entries(state)]
        most = min(sum(pools), own.get(role) or state.setting("max_user_connections") or sys.maxsize)
        if most > limit:
            yield Finding("server_sockets", "warning", f"It may open {most} sockets as {role}, who may have {limit}:"
                          " clients then get the server's refusal instead of waiting",
                          f"{role} = max_user_connections={limit} under [users], which versions before 1.24 do not"
                          " show, and take for roles in auth_file only")  # fmt: skip


def _server_sockets(state: State, wanted: Sequence[Wanted], room: Room | None) -> Finding:
    allowed = cap(state, wanted)
    open_now = sum(pool.servers for pool in state.pools if pool.database != CONSOLE)
    message = f"{open_now} server sockets are open, and its settings allow {allowed.sockets}"
    fix = "max_db_connections in pgbouncer.ini, or max_db_connections= in the entry, is the hard cap; then RELOAD"
    if room is not None and allowed.sockets > room.usable:
        return Finding("server_sockets", "warning",
                       f"{message}, which is more than the {room.usable} that the server takes of ordinary roles:"
                       " clients then get its refusal instead of waiting", fix)  # fmt: skip
    if not allowed.hard:
        more = "for the roles seen so far: each further role of a database adds a whole pool"
        return Finding("server_sockets", "warning", f"{message} {more}", fix)
    behind = f", of the {room.usable} that the server takes of ordinary roles" if room is not None else ""
    return Finding("server_sockets", "ok", message + behind)


def _time_outs(state: State) -> Iterator[Finding]:
    if state.setting("query_wait_timeout") == 0:
        yield Finding("time_outs", "warning", "query_wait_timeout = 0 has clients wait for ever when the pool is busy",
                      "query_wait_timeout = 120 in pgbouncer.ini, and RELOAD")  # fmt: skip
    if state.setting("server_idle_timeout") == 0:
        yield Finding("time_outs", "warning", "server_idle_timeout = 0 never gives idle server sockets back",
                      "server_idle_timeout = 600 in pgbouncer.ini, and RELOAD")  # fmt: skip


def _clients(state: State) -> Finding:
    most, now = state.setting("max_client_conn") or 0, state.clients
    message = f"{now} of {most} clients are in"
    fix = "Raise max_client_conn in pgbouncer.ini (and LimitNOFILE of its unit above it), and RELOAD"
    if most and now >= most * _FULL:
        return Finding("clients", "failed", f"{message}: the next ones are refused", fix)
    if most and now >= most * _NEARLY_FULL:
        return Finding("clients", "warning", f"{message}, which is nearly all", fix)
    return Finding("clients", "ok", message)


def _waiting(state: State) -> Finding:
    waiting = [pool for pool in state.pools if pool.clients_waiting and pool.maxwait_s >= _SLOW_S]
    if not waiting:
        still = sum(pool.clients_waiting for pool in state.pools)
        return Finding("waiting", "ok", "No client waits" if not still else f"{still} clients wait, none for a second")
    longest = max(waiting, key=lambda pool: pool.maxwait_s)
    return Finding(
        "waiting",
        "failed" if longest.maxwait_s >= _STARVING_S else "warning",
        f"{_clients_of(longest)} wait for a server socket as {longest.username} to {longest.database}, the first for"
        f" {longest.maxwait_s:.0f} s",
        _more(longest, state),
        "\n".join(
            f"{pool.username} to {pool.database}: {_clients_of(pool)} wait, {pool.maxwait_s:.0f} s at most,"
            f" {pool.servers_active} of {pool.servers} server sockets busy"
            for pool in sorted(waiting, key=lambda pool: -pool.maxwait_s)
        ),
    )


def _clients_of(pool: PoolState) -> str:
    return f"{pool.clients_waiting} client{'s' * (pool.clients_waiting != 1)}"


def _more(pool: PoolState, state: State) -> str:
    entry = next((one for one in state.databases if one.name == pool.database), None)
    size = entry.pool_size if entry else None
    if not pool.servers:
        return "It opens no socket to the server: look at its log, and whether the server is full or gone"
    if size is not None and pool.servers < size:
        return (
            f"Only {pool.servers} of the pool's {size} sockets are open: max_db_connections holds it, or the server"
            " refuses more; look at PgBouncer's log"
        )
    return (
        f"Raise the pool_size of {pool.database} as far as the server's limit lets you, or look for statements that"
        " hold a socket long (idle in transaction)"
    )
