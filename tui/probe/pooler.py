"""Whether a pooler stands between, and which.

A pooler has to invent the process that it names at start-up, so that differs from pg_backend_pid(). PgBouncer gives
itself away before anyone has logged in: it refuses start-up parameters that it does not know, while PostgreSQL looks
at them only afterwards.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Literal

from tui.postgres.finding import Finding
from tui.postgres.session import Session
from tui.postgres.target import Target
from tui.probe.wire import Wire

Kind = Literal[
    "PgBouncer",
    "Azure's built-in PgBouncer",
    "RDS Proxy",
    "Cloud SQL's managed connection pooling",
    "AlloyDB's managed connection pooling",
    "a pooler",
]

_ASK_S = 3.0
_UNKNOWN_PARAMETER = "pgconns_who_answers"
_RDS_PROXY = re.compile(r"[^.]+(\.endpoint)?\.proxy-[^.]+\.[^.]+\.rds\.amazonaws\.com(\.cn)?", re.IGNORECASE)
# Services that run a pooler of their own before their servers, on this port.
_BUILT_IN_PORT = 6432
_BUILT_IN: dict[str, Kind] = {
    "azure": "Azure's built-in PgBouncer",
    "cloudsql": "Cloud SQL's managed connection pooling",
    "alloydb": "AlloyDB's managed connection pooling",
}
_EXPECTED_OF: dict[Kind, frozenset[str]] = {
    "RDS Proxy": frozenset({"rds", "aurora"}),
    **{kind: frozenset({key}) for key, kind in _BUILT_IN.items()},
}
_THROUGH = (
    "Seen through it, as the server has them: versions, PostGIS, locations, read-only, its limits, and what the role"
    " may do. Not seen: who may come in to it, and what its pg_hba rules would say of CARTO's addresses"
)
# What is known of each, and where the rest is to be looked up. Sources: PgBouncer's usage.md; the services' own pages
# on Azure's PgBouncer, RDS Proxy and Managed Connection Pooling, read in November 2026 (not tried against them).
_MORE: dict[Kind, str] = {
    "PgBouncer": "Its own settings, caps and queues are in its console: pgconns bouncer check",
    "Azure's built-in PgBouncer": "Its settings are the server parameters pgbouncer.*; its console opens to the roles"
    " in pgbouncer.stats_users: pgconns bouncer check",
    "RDS Proxy": "It has no console: ClientConnections and DatabaseConnections in CloudWatch show its queues,"
    " MaxConnectionsPercent caps it, and a session with settings or temporary tables of its own is pinned to a socket",
    "Cloud SQL's managed connection pooling": "It opens no console: its pool sizes and queues are in the instance's"
    " settings and metrics",
    "AlloyDB's managed connection pooling": "It opens no console: its pool sizes and queues are in the instance's"
    " settings and metrics",
    "a pooler": "Which one it is could not be told: look at its own settings and console",
}


async def find_pooler(session: Session, backend_pid: int, provider: str) -> Kind | None:
    """Return what stands between; None where nothing does.

    `backend_pid` is the process that really serves the session, `provider` the key of the service that runs it.
    """
    target = session.target
    if _RDS_PROXY.fullmatch(target.host):
        return "RDS Proxy"
    if backend_pid == session.backend_pid:
        return None
    if target.port == _BUILT_IN_PORT and provider in _BUILT_IN:
        return _BUILT_IN[provider]
    try:
        async with asyncio.timeout(_ASK_S):
            return "PgBouncer" if await _is_pgbouncer(target, session.address) else "a pooler"
    except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError):
        return "a pooler"


async def _is_pgbouncer(target: Target, address: str) -> bool:
    async with await Wire.open(address, target.port) as wire:
        if target.sslmode != "disable" and await wire.ask_for_tls() == b"S":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing secret is said, so nothing is verified
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            await wire.start_tls(context, target.host)
        kind, fields = await wire.start_up(
            {"user": target.username, "database": target.database, _UNKNOWN_PARAMETER: "1"}
        )
    return kind == "E" and _UNKNOWN_PARAMETER in fields.get("M", "")


def judge(target: Target, kind: Kind | None) -> Finding:
    """Return what a pooler, or none, means for the connector that was picked. Pure."""
    if kind is None:
        if target.connector == "pgbouncer":
            return Finding(
                "pooler",
                "warning",
                "No pooler answers here, but PostgreSQL itself: nothing holds its sockets down",
                "Give PgBouncer's own port (6432), or pick the connector of the server itself",
            )
        return Finding("pooler", "ok", "None: PostgreSQL itself answers")
    seen = (
        f"{kind[0].upper()}{kind[1:]} stands in between: the server sees its address, and its pool bounds the sockets"
    )
    detail = f"{_THROUGH}. {_MORE[kind]}"
    if target.connector == "pgbouncer" or target.connector in _EXPECTED_OF.get(kind, ()):
        return Finding("pooler", "ok", seen, detail=detail)
    return Finding("pooler", "warning", seen, "Pick the connector PgBouncer, so that hints and limits fit this door",
                   detail)  # fmt: skip
