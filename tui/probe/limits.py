"""Socket limits, sockets in use, and what the role may see of them: one round trip."""

from __future__ import annotations

from typing import Any

from tui.postgres.finding import Finding
from tui.postgres.quoting import identifier
from tui.postgres.session import Session
from tui.postgres.target import Target

# CARTO's services pool sockets, ten in each process by the default of their driver.
_POOL = 10

# Rows of other roles keep database and role and hide their backend_type from a role that may not see them.
LIMITS = """
SELECT current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int AS superuser_reserved,
       coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
       coalesce(nullif(current_setting('rds.rds_superuser_reserved_connections', true), ''), '0')::int AS rds_reserved,
       r.rolsuper AS superuser,
       r.rolconnlimit AS role_limit,
       d.datconnlimit AS database_limit,
       a.used, a.by_role, a.in_database,
       pg_has_role(r.oid, 'pg_monitor', 'USAGE') OR pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE') AS sees,
       pg_has_role(r.oid, 'pg_monitor', 'MEMBER') OR pg_has_role(r.oid, 'pg_read_all_stats', 'MEMBER') AS member,
       current_setting('server_version_num')::int / 10000 AS major
  FROM pg_roles r, pg_database d,
       (SELECT count(*) AS used,
               count(*) FILTER (WHERE usename = current_user) AS by_role,
               count(*) FILTER (WHERE datname = current_database()) AS in_database
          FROM pg_stat_activity
         WHERE backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL)) AS a
 WHERE r.rolname = current_user AND d.datname = current_database()
"""


async def ask(session: Session) -> dict[str, Any]:
    """Return limits and counts. Raises QueryFailed."""
    rows = await session.rows(LIMITS)
    return rows[0]


def socket_limits(target: Target, row: dict[str, Any], *, pooled: bool) -> Finding:
    """Return how many sockets may still open before the nearest limit, and whether that is enough."""
    kept = row["reserved"] + row["rds_reserved"]
    reserved = 0 if row["superuser"] else row["superuser_reserved"] + kept
    usable = row["max_connections"] - reserved
    bounds = [(usable - row["used"], usable, row["used"], "the server")]
    if row["role_limit"] >= 0 and not row["superuser"]:
        bounds.append(
            (row["role_limit"] - row["by_role"], row["role_limit"], row["by_role"], f"the role {target.username}")
        )
    if row["database_limit"] >= 0 and not row["superuser"]:
        bounds.append(
            (row["database_limit"] - row["in_database"], row["database_limit"], row["in_database"],
             f"the database {target.database}")
        )  # fmt: skip
    headroom, limit, used, whose = min(bounds, key=lambda bound: bound[0])
    detail = f"max_connections {row['max_connections']}"
    detail += f", {row['superuser_reserved']} of them kept for superusers"
    detail += f", {kept} for other reserved roles" if kept else ""
    detail += "; behind the pooler, these are the server's own" if pooled else ""
    left = f"{headroom} more may open" if headroom > 0 else "no more may open"
    message = f"{used} of {limit} sockets of {whose} are open: {left}"
    if headroom >= _POOL:
        return Finding("socket_limits", "ok", message, detail=detail)
    role, database = identifier(target.username), identifier(target.database)
    fix = {
        "the server": "Raise max_connections (a restart), close sockets nobody uses, or put PgBouncer in between",
        f"the role {target.username}": f"ALTER ROLE {role} CONNECTION LIMIT {row['role_limit'] + 50};",
    }.get(whose, f"ALTER DATABASE {database} CONNECTION LIMIT {row['database_limit'] + 50};")
    return Finding(
        "socket_limits", "warning", f"{message}, and one of CARTO's pools alone can open {_POOL}", fix, detail
    )


def visibility(target: Target, row: dict[str, Any]) -> Finding:
    """Return whether the role sees the sockets of others, or only its own."""
    role = identifier(target.username)
    if row["superuser"]:
        return Finding("visibility", "ok", f"Everything: {target.username} is a superuser, which CARTO does not need")
    if row["sees"]:
        return Finding("visibility", "ok", "Every socket, with its state and client")
    message = f"{target.username} sees only its own sockets in full; of others, how many there are"
    if row["member"]:
        how = f"GRANT pg_monitor TO {role} WITH INHERIT TRUE;" if row["major"] >= 16 else f"ALTER ROLE {role} INHERIT;"
        return Finding("visibility", "warning", f"{message}: it is in pg_monitor, and does not inherit from it", how)
    return Finding("visibility", "warning", message, f"GRANT pg_monitor TO {role};")
