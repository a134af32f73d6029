"""PgBouncer's settings: pgbouncer.ini as it is to be. Pure.

Source: PgBouncer's config.md, 1.18 to 1.25. Settings that 1.18 does not know are written as comments unless the
PgBouncer at hand knows them: an unknown one keeps it from starting.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tui.bouncer.model import Plan, Pool
from tui.postgres.quoting import entry_name

Authentication = Literal["auth_query", "verifiers", "passwords"]

ADMIN, STATS, AUTH = "pgconns_admin", "pgconns_stats", "pgbouncer_auth"
SETTINGS, USERS, LOOKUP, UNIT = "pgbouncer.ini", "userlist.txt", "auth_query.sql", "pgbouncer.service"
ADMIN_PASSWORD, STATS_PASSWORD = "admin.password", "stats.password"
CERTIFICATE, KEY, SERVER_ROOT = "client-tls.crt", "client-tls.key", "server-root.crt"

_PREPARES, _ASKS_ELSEWHERE, _LIMITS_WHOM_IT_ASKS_FOR = (1, 21, 0), (1, 19, 0), (1, 24, 0)
_QUERY = "SELECT uname, phash FROM pgbouncer.user_lookup($1)"


@dataclass(frozen=True, slots=True)
class Entry:
    """A database of the server, with the size of each role's pool, its reserve, and the cap over all of them."""

    database: str
    pool_size: int
    reserve: int
    cap: int


@dataclass(frozen=True, slots=True)
class Proxy:
    """A PgBouncer to be: what stands before it, behind it, and how its pools are cut.

    `server_root` is whether a root certificate for the server lies in `folder`; `tls` are the files of the certificate
    that it shows to clients, and of its key. `version` is the PgBouncer at hand, None where there is none. `shares` are
    how many sockets a role may hold in all databases together, where the entries alone would let it have more.
    """

    names: tuple[str, ...]
    host: str
    port: int
    entries: tuple[Entry, ...]
    roles: tuple[str, ...]
    pool_mode: str
    max_client_conn: int
    authentication: Authentication
    folder: str
    tls: tuple[str, str]
    listen_address: str = "*"
    listen_port: int = 6432
    server_sslmode: str = "prefer"
    server_root: bool = False
    version: tuple[int, int, int] | None = None
    time_outs: Mapping[str, int] = field(default_factory=dict)
    prepared: int = 0
    shares: Mapping[str, int] = field(default_factory=dict)

    @property
    def sockets(self) -> int:
        """How many sockets to the server there will ever be."""
        return sum(entry.cap for entry in self.entries)

    @property
    def opens_to_roles(self) -> bool:
        """Whether its console can know the Connections' own roles, so that they may look at it.

        It asks auth_query for nobody unless auth_dbname says where: tried, 1.18 then lets who is listed hang.
        """
        return self.authentication != "auth_query" or _knows(self, _ASKS_ELSEWHERE)

    @property
    def kept_shares(self) -> dict[str, int]:
        """The shares that [users] can hold.

        Tried: 1.18 lets nobody of [users] in whom auth_query would have to find (PgBouncer's issue 484; config.md says
        from 1.24 on that it asks), and reads no quotes there.
        """
        if self.authentication == "auth_query" and not _knows(self, _LIMITS_WHOM_IT_ASKS_FOR):
            return {}
        return {role: most for role, most in self.shares.items() if re.fullmatch(r"[A-Za-z0-9_.-]+", role)}

    def place(self, name: str) -> str:
        """Return where one of its files is."""
        return f"{self.folder}/{name}"


def default_authentication(connectors: Iterable[str]) -> Authentication:
    """Return how PgBouncer learns passwords best: managed services let nobody read pg_authid, so no function does.

    Source: PgBouncer's config.md, "Note on managed servers".
    """
    managed = {"rds", "aurora", "cloudsql", "alloydb", "azure"}
    return "passwords" if managed & set(connectors) else "auth_query"


def entries_of(plan: Plan) -> tuple[Entry, ...]:
    """Return the entries that hold a plan: PgBouncer's sizes are per database, for each role's pool alike.

    The cap of an entry is the plan's for that database, and never more than its pools add up to.
    """
    caps = {one.database: one.max_db_connections for one in plan.databases}
    by_database: dict[str, list[Pool]] = {}
    for pool in plan.pools:
        by_database.setdefault(pool.database, []).append(pool)
    entries = []
    for database, pools in by_database.items():
        total = sum(pool.pool_size + pool.reserve for pool in pools)
        cap = min(total, caps.get(database, plan.max_db_connections) or total)
        size = min(max(pool.pool_size for pool in pools), cap)
        entries.append(Entry(database, size, max(pool.reserve for pool in pools), cap))
    return tuple(entries)


def shares_of(plan: Plan, entries: Sequence[Entry]) -> dict[str, int]:
    """Return what a plan gives each role in all databases together, where the entries would let it have more.

    An entry has one size for the pools of all roles, which is that of the largest.
    """
    planned: Counter[str] = Counter()
    allowed: Counter[str] = Counter()
    by_database = {one.database: min(one.pool_size + one.reserve, one.cap) for one in entries}
    for pool in plan.pools:
        planned[pool.username] += pool.pool_size + pool.reserve
        allowed[pool.username] += by_database[pool.database]
    return {role: most for role, most in planned.items() if allowed[role] > most}


def time_outs_of(plan: Plan | None) -> dict[str, int]:
    """Return the time-outs to write: the usual ones, and a plan's over them. Raises ValueError for an unknown one."""
    found = dict(_TIME_OUTS)
    for one in plan.time_outs if plan else ():
        if one.setting not in _KNOWN_TIME_OUTS:
            raise ValueError(f"PgBouncer knows no time-out {one.setting}")
        found[one.setting] = one.seconds
    return found


# Who waits longer than query_wait_timeout is told so. The rest is PgBouncer's own default, written to be seen.
_TIME_OUTS = {
    "query_wait_timeout": 120,
    "reserve_pool_timeout": 5,
    "server_idle_timeout": 600,
    "server_lifetime": 3600,
    "server_connect_timeout": 15,
    "client_login_timeout": 60,
}
_KNOWN_TIME_OUTS = frozenset(_TIME_OUTS) | {
    "query_timeout", "idle_transaction_timeout", "client_idle_timeout", "server_login_retry", "server_check_delay",
    "autodb_idle_timeout", "suspend_timeout",
}  # fmt: skip


def settings(proxy: Proxy) -> str:
    """Return pgbouncer.ini. Raises ValueError where a name cannot stand in it."""
    entries = "\n".join(_entry(proxy, entry) for entry in proxy.entries)
    asks = _asking(proxy) if proxy.authentication == "auth_query" else ""
    stats = [STATS, *(_listable(proxy.roles) if proxy.opens_to_roles else [])]
    root = f"server_tls_ca_file = {_value(proxy.place(SERVER_ROOT))}\n" if proxy.server_root else ""
    prepares = (
        "" if _knows(proxy, _PREPARES) else "; from 1.21 on, for named prepared statements in transaction mode:\n;"
    )
    shares = "".join(f"{role} = max_user_connections={most}\n" for role, most in proxy.kept_shares.items())
    users = f"; What each role may hold in all databases together.\n[users]\n{shares}\n" if shares else ""
    certificate, key = proxy.tls
    time_outs = "\n".join(f"{name} = {seconds}" for name, seconds in (proxy.time_outs or _TIME_OUTS).items())
    return f"""\
; Written by pgconns bouncer config for {_comment(", ".join(proxy.names))}.
; At most {proxy.sockets} sockets to the server, {proxy.max_client_conn} clients.

[databases]
{entries}

{users}[pgbouncer]
listen_addr = {_value(proxy.listen_address)}
listen_port = {proxy.listen_port}
unix_socket_dir =

; Who may come in. stats_users may SHOW on the console (database pgbouncer), and change nothing.
auth_type = scram-sha-256
auth_file = {_value(proxy.place(USERS))}
{asks}admin_users = {ADMIN}
stats_users = {", ".join(stats)}
client_tls_sslmode = require
client_tls_cert_file = {_value(certificate)}
client_tls_key_file = {_value(key)}

; The way to the server.
server_tls_sslmode = {proxy.server_sslmode}
{root}
; How far. max_db_connections of an entry is the hard cap on its sockets to the server.
pool_mode = {proxy.pool_mode}
max_client_conn = {proxy.max_client_conn}
default_pool_size = {max(entry.pool_size for entry in proxy.entries)}
{prepares}max_prepared_statements = {proxy.prepared or 200}

; How long, in seconds.
{time_outs}

; Clients name these at start-up, and PgBouncer would refuse them.
ignore_startup_parameters = extra_float_digits, options
; The server then shows which client a socket works for.
application_name_add_host = 1

; To stderr, which the unit hands to the journal.
logfile =
pidfile =
syslog = 0
log_connections = 1
log_disconnections = 1
log_pooler_errors = 1
stats_period = 60
"""


def _knows(proxy: Proxy, since: tuple[int, int, int]) -> bool:
    return proxy.version is not None and proxy.version >= since


def _asking(proxy: Proxy) -> str:
    """Return how passwords are looked up: in one database where PgBouncer can, else in each that a client comes to."""
    where = f"auth_dbname = {one_line(proxy.entries[0].database)}\n"
    if not _knows(proxy, _ASKS_ELSEWHERE):
        where = f"; from 1.19 on, to ask in one database, and for roles among stats_users:\n;{where}"
    return f"auth_user = {AUTH}\nauth_query = {_QUERY}\n{where}"


def _entry(proxy: Proxy, entry: Entry) -> str:
    if entry.database == "pgbouncer":
        raise ValueError("PgBouncer keeps the database name pgbouncer for its console: it cannot serve one")
    where = f"host={_quoted(proxy.host)} port={proxy.port} dbname={_quoted(entry.database)}"
    sizes = f"pool_size={entry.pool_size} reserve_pool={entry.reserve} max_db_connections={entry.cap}"
    return f"{entry_name(entry.database)} = {where} {sizes}"


def _quoted(value: str) -> str:
    return "'" + one_line(value).replace("'", "''") + "'"


def _value(value: str) -> str:
    if value != value.strip():
        raise ValueError(f"A setting of PgBouncer cannot begin or end with a space: {value!r}")
    return one_line(value)


def one_line(value: str) -> str:
    """Return a text that a line of PgBouncer's files can hold. Raises ValueError."""
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError(f"A line of PgBouncer's files cannot hold {value!r}")
    return value


def _comment(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def _listable(roles: Sequence[str]) -> list[str]:
    """Return the roles that a comma-separated list can name: it knows no quotes."""
    return [role for role in roles if re.fullmatch(r"[^\s,'\"]+", role)]
