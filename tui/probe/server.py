"""The server itself, in one round trip: who serves us, over what, which version, and whether it takes writes."""

from __future__ import annotations

import re
from typing import Any

from tui.postgres.finding import Finding
from tui.postgres.quoting import identifier
from tui.postgres.session import Session
from tui.postgres.target import Target
from tui.probe.provider import MARKS, recognise

MINIMUM = 12

FACTS = """
SELECT pg_backend_pid() AS pid,
       current_setting('server_version') AS version,
       current_setting('server_version_num')::int AS version_num,
       pg_is_in_recovery() AS in_recovery,
       (SELECT setting FROM pg_settings WHERE name = 'default_transaction_read_only') AS read_only,
       (SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only') AS read_only_source,
       (SELECT concat_ws(', ', s.version, s.cipher) FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid() AND s.ssl) AS tls,
       ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY (%s::text[])) AS roles,
       ARRAY(SELECT datname::text FROM pg_database WHERE datname = ANY (%s::text[])) AS databases,
       EXISTS (SELECT FROM pg_proc WHERE proname = 'aurora_version') AS aurora,
       EXISTS (SELECT FROM pg_settings WHERE name LIKE 'rds.%%') AS rds_settings
"""


async def ask(session: Session) -> dict[str, Any]:
    """Return the facts. Raises QueryFailed."""
    rows = await session.rows(FACTS, (list(MARKS), list(MARKS)))
    return rows[0]


def provider_of(facts: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the connector's key of the service, and the marks that it was recognised by."""
    roles, databases = facts["roles"], facts["databases"]
    marks = sorted({*roles, *databases})
    if facts["aurora"]:
        marks.append("aurora_version()")
    if facts["rds_settings"]:
        marks.append("rds.* settings")
    return recognise(roles, databases, aurora=facts["aurora"], rds_settings=facts["rds_settings"]), marks


def encryption(target: Target, facts: dict[str, Any], *, encrypted: bool, pooled: bool, local: bool) -> Finding:
    """Return whether the session is under TLS, on each leg of its way that can be seen."""
    inner = facts["tls"]
    behind = ""
    if pooled:
        behind = f"; from there to the server {inner}" if inner else "; from there to the server nothing is encrypted"
    if encrypted:
        seen = "TLS is in force up to the pooler" if pooled else f"{inner or 'TLS'} is in force"
        return Finding("encryption", "ok", seen + behind)
    if local:
        return Finding("encryption", "ok", f"None, and nothing leaves this machine{behind}")
    return Finding(
        "encryption",
        "warning",
        f"Nothing is encrypted: password and data travel in clear{behind}",
        "Choose the TLS mode require, and turn TLS on at the server where it offers none",
    )


def number(version: str) -> int:
    """Return a server's reported version as server_version_num has it; 0 where it makes no sense.

    >>> number("15.20 (Debian 15.20-0+deb12u1)"), number("9.6.24"), number("18beta1")
    (150020, 90624, 180000)
    """
    match = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    if not match:
        return 0
    major, minor, patch = (int(part or 0) for part in match.groups())
    return major * 10000 + (minor * 100 + patch if major < 10 else minor)


def version(reported: str) -> Finding:
    """Return whether CARTO supports the server's version."""
    words = reported.split(" ", 1)[0] or "of an unknown version"
    if number(reported) // 10000 >= MINIMUM:
        return Finding("server_version", "ok", f"PostgreSQL {words}", detail=reported if " " in reported else "")
    return Finding(
        "server_version",
        "failed",
        f"This is PostgreSQL {words}, and CARTO supports {MINIMUM} and newer",
        f"Upgrade the server (pg_upgrade, or the service's own upgrade) to PostgreSQL {MINIMUM} or newer",
        reported if " " in reported else "",
    )


def read_only(target: Target, facts: dict[str, Any]) -> Finding:
    """Return whether the server takes writes: Workflows, Create Tileset and the toolbox's set-up need them."""
    lost = "CARTO can read, but Workflows cannot make its tables"
    if facts["in_recovery"]:
        reader = target.connector == "aurora" or "rds.amazonaws.com" in target.host.lower()
        where = "the writer endpoint (.cluster-, not .cluster-ro-)" if reader else "the primary"
        return Finding("read_only", "warning", f"The server is a standby, which takes no writes: {lost}",
                       f"Give {where} as Server, where Workflows is to be used")  # fmt: skip
    if facts["read_only"] == "on":
        role, database = identifier(target.username), identifier(target.database)
        off = "SET default_transaction_read_only = off;"
        fix = {
            "user": f"ALTER ROLE {role} {off}",
            "database": f"ALTER DATABASE {database} {off}",
            "database user": f"ALTER ROLE {role} IN DATABASE {database} {off}",
            "global": f"ALTER ROLE ALL {off}",
        }.get(facts["read_only_source"] or "", "default_transaction_read_only = off in the server's configuration")
        return Finding("read_only", "warning", f"Transactions are read-only by default here: {lost}", fix)
    return Finding("read_only", "ok", "A primary, which takes writes")
