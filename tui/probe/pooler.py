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

Kind = Literal["PgBouncer", "RDS Proxy", "a pooler"]

_ASK_S = 3.0
_UNKNOWN_PARAMETER = "pgconns_who_answers"
_RDS_PROXY = re.compile(r"[^.]+(\.endpoint)?\.proxy-[^.]+\.[^.]+\.rds\.amazonaws\.com(\.cn)?", re.IGNORECASE)


async def find_pooler(session: Session, backend_pid: int) -> Kind | None:
    """Return what stands between, given the process that really serves the session; None where nothing does."""
    if backend_pid == session.backend_pid:
        return None
    target = session.target
    if _RDS_PROXY.fullmatch(target.host):
        return "RDS Proxy"
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
    expected = (
        target.connector == "pgbouncer"
        or (target.connector in {"rds", "aurora"} and kind == "RDS Proxy")
        or (target.connector == "azure" and target.port == 6432)
    )
    if expected:
        return Finding("pooler", "ok", seen)
    return Finding("pooler", "warning", seen, "Pick the connector PgBouncer, so that hints and limits fit this door")
