"""What the console asks a server, 12 to 18: one grouped poll, and what changes slowly. Everything is in pg_catalog.

Poll: `pg_stat_get_activity` is what pg_stat_activity is made of; names are joined after grouping, which halves the
cost of a poll. A role that may not see a row still sees its database, role and application; everything else of it
is NULL, backend_type included: such rows cannot be told from parallel workers and walsenders of a database, and are
counted. Where there are more groups than a cap, the smallest ones are folded by what matchers and regions say of them,
so that sums and attribution stay exact however many kinds of sockets there are. Few servers have so many, and to fold
costs as much as to join: it is only asked for where it is needed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple

from tui.sockets.model import Group, Limits, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_GROUPS = 200
STALE_AFTER_S = 60.0
CONSOLE = "pgconns"

# Parameters of all polls: how long idle is stale, the cap of groups. A comment of CARTO's is cut before what differs
# from query to query. Only functions that go by bytes read queries: those that count letters fail over text that
# another database's encoding left there. One of them per socket is what a poll's budget bears.
_TOLD: Final[LiteralString] = """
WITH seen AS (
  SELECT datid, usesysid, application_name, client_addr, state COLLATE "C" AS state, backend_type IS NULL AS masked,
    CASE WHEN starts_with(query, '/* CARTO/') THEN split_part(query, '; mapId:', 1) END AS opening,
    count(*) AS sockets, min(state_change) AS since, bool_or(pid = (SELECT pg_backend_pid())) AS own,
    count(*) FILTER (WHERE state_change < (SELECT now() - %s * interval '1 second')) AS unchanged
  FROM pg_stat_get_activity(NULL)
  WHERE backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL
  GROUP BY 1, 2, 3, 4, 5, 6, 7
), told AS (
  SELECT datid, usesysid, application_name, client_addr, state, masked,
    CASE WHEN octet_length(split_part(opening, '*/', 1)) < 400 THEN split_part(opening, '*/', 1) END AS comment,
    sum(sockets)::int AS sockets, min(since) AS since, bool_or(own) AS own,
    CASE WHEN state = 'idle' THEN sum(unchanged)::int ELSE 0 END AS stale
  FROM seen
  GROUP BY 1, 2, 3, 4, 5, 6, 7
)"""
_NAMED: Final[LiteralString] = """
SELECT coalesce(datname, '') AS database, coalesce(pg_get_userbyid(usesysid), '') AS username,
  coalesce(application_name, '') AS application, host(client_addr) AS client, state, masked, comment, sockets, stale,
  kinds, own,
  CASE WHEN starts_with(state, 'idle in') THEN extract(epoch FROM clock_timestamp() - since)::float8 END AS since_s
FROM grouped LEFT JOIN pg_database ON pg_database.oid = datid
"""
# One row more than the cap says that there are too many groups.
POLL: Final[LiteralString] = (
    _TOLD + ", grouped AS (SELECT told.*, 1 AS kinds FROM told LIMIT %s + 1)" + _NAMED  # noqa: S608 - all of it is here
)
# Further parameters: LIKE patterns of applications, networks of clients.
POLL_FOLDED: Final[LiteralString] = (
    _TOLD  # noqa: S608 - all of it is here
    + """, ranked AS (
  SELECT told.*, row_number() OVER (ORDER BY sockets DESC) > %s
    AND left(application_name, 7) IS DISTINCT FROM 'pgconns' AND NOT own AS folded
  FROM told
), marked AS (
  SELECT ranked.*,
    CASE WHEN folded THEN ARRAY(SELECT n FROM unnest(%s::text[]) WITH ORDINALITY AS p (pattern, n)
                                WHERE application_name LIKE pattern)::text
         ELSE application_name END COLLATE "C" AS application_kind,
    CASE WHEN folded THEN ARRAY(SELECT n FROM unnest(%s::inet[]) WITH ORDINALITY AS p (network, n)
                                WHERE client_addr <<= network)::text
         ELSE client_addr::text END COLLATE "C" AS client_kind,
    CASE WHEN NOT folded THEN comment END COLLATE "C" AS comment_kind
  FROM ranked
), grouped AS (
  SELECT datid, usesysid, state, masked, min(application_name COLLATE "C") AS application_name,
    min(client_addr) AS client_addr, comment_kind AS comment, sum(sockets)::int AS sockets, sum(stale)::int AS stale,
    count(*)::int AS kinds, min(since) AS since, bool_or(own) AS own
  FROM marked
  GROUP BY datid, usesysid, state, masked, folded, application_kind, client_kind, comment_kind
)"""
    + _NAMED
)


def without_comments(poll: LiteralString) -> LiteralString:
    """Return a poll for a server whose encoding cannot hand out what stands in a query."""
    return poll.replace("starts_with(query, '/* CARTO/')", "false")


# How many sockets were ever opened, by whomever, in some databases and in all others; counted from 14 on.
OPENED: Final[LiteralString] = """
SELECT CASE WHEN datname = ANY (%s::text[]) THEN datname ELSE '' END AS database,
  sum(pg_stat_get_db_sessions(oid))::bigint AS sockets
FROM pg_database GROUP BY 1
"""
OPENED_SINCE: Final = 140000

# Times are read as microseconds: their text follows the role's DateStyle, TimeZone and extra_float_digits.
IDENTITY: Final[LiteralString] = """
SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint AS started,
  current_setting('port')::int AS port, current_user AS username, pg_backend_pid() AS pid,
  current_setting('server_version_num')::int AS version
"""
SYSTEM: Final[LiteralString] = "SELECT system_identifier::text AS system FROM pg_control_system()"

SETTINGS: Final[LiteralString] = """
SELECT 'maximum' AS kind, '' AS name, current_setting('max_connections')::int AS value
UNION ALL SELECT 'reserved', setting, current_setting(setting, true)::int
  FROM unnest(ARRAY['superuser_reserved_connections', 'reserved_connections',
                    'rds.rds_superuser_reserved_connections']) AS setting
  WHERE current_setting(setting, true) <> ''
UNION ALL SELECT 'superuser', rolname, 0 FROM pg_roles WHERE rolsuper
UNION ALL SELECT 'role', rolname, rolconnlimit FROM pg_roles WHERE rolconnlimit >= 0
UNION ALL SELECT 'database', datname, datconnlimit FROM pg_database WHERE datconnlimit >= 0
"""

# Which roles see all rows of pg_stat_activity, and of how many others they see the rows. Until 14 membership was
# enough (HAS_PGSTAT_PERMISSIONS in pgstatfuncs.c), since then the privilege must be inherited.
SIGHT: Final[LiteralString] = """
SELECT one.rolname AS username, one.rolname = current_user AS own,
  pg_has_role(one.oid, 'pg_read_all_stats',
    CASE WHEN current_setting('server_version_num')::int < 150000 THEN 'MEMBER' ELSE 'USAGE' END) AS sees_all,
  (SELECT count(*) FROM pg_roles AS other
   WHERE other.rolname = ANY (%s::text[]) AND pg_has_role(one.oid, other.oid, 'USAGE'))::int AS sees
FROM pg_roles AS one
WHERE one.rolname = ANY (%s::text[]) OR one.rolname = current_user
"""

_STATES: Final[Mapping[str | None, State]] = {
    "active": "active",
    "idle": "idle",
    "idle in transaction": "idle_in_transaction",
    "idle in transaction (aborted)": "idle_in_transaction",
}


class Identity(NamedTuple):
    """Which server this is. A standby or a restored copy shares the system identifier, not the time of its start."""

    system: str
    started: int
    port: int


class Sight(NamedTuple):
    """How much of the others a role sees."""

    sees_all: bool = False
    sees: int = 0


def read_groups(rows: Iterable[Mapping[str, Any]], *, pooled: bool = False) -> tuple[Group, ...]:
    """Return the groups that POLL found; `pooled` says that it went through a pooler."""
    return tuple(_group(row, pooled) for row in rows)


def _group(row: Mapping[str, Any], pooled: bool) -> Group:
    state: State = "unknown" if row["masked"] else _STATES.get(row["state"], "other")
    application, sockets = row["application"], row["sockets"]
    # A pooler's idle sockets keep the name of whom they served last: behind one, only the poll's own is the console's.
    # PgBouncer's application_name_add_host makes it "pgconns - 10.0.0.1:43210".
    console = application == CONSOLE and not pooled
    said = read_comment(row["comment"]) if row["comment"] else {}
    return Group(
        row["database"],
        row["username"],
        application,
        row["client"],
        state,
        sockets,
        max(0.0, row["since_s"] or 0.0) if state == "idle_in_transaction" else None,
        sockets if console else int(row["own"]),
        row["kinds"],
        None if state == "unknown" else row["stale"],
        said.get("CM"),
        said.get("USERID"),
        said.get("connectionId"),
    )


@lru_cache(maxsize=4096)
def read_comment(comment: str) -> Mapping[str, str]:
    """Return what CARTO's comment says, by the names that it uses; it may be cut anywhere.

    >>> read_comment("/* CARTO/3.0 (GPN:acme; USERID:auth0|1; CM:builder; connectionId:5bc8")
    {'GPN': 'acme', 'USERID': 'auth0|1', 'CM': 'builder', 'connectionId': '5bc8'}
    """
    parts = (part.partition(":") for part in comment.partition("(")[2].partition(")")[0].split(";"))
    return {name.strip(): value.strip() for name, _, value in parts if value.strip()}


def read_limits(rows: Iterable[Mapping[str, Any]]) -> Limits:
    """Return the limits that SETTINGS found."""
    kinds: dict[str, dict[str, int]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], {})[row["name"]] = row["value"]
    return Limits(
        kinds["maximum"][""],
        sum(kinds.get("reserved", {}).values()),
        kinds.get("role", {}),
        kinds.get("database", {}),
        frozenset(kinds.get("superuser", {})),
    )


def read_sight(rows: Sequence[Mapping[str, Any]]) -> dict[str, Sight]:
    """Return by role what SIGHT found."""
    return {row["username"]: Sight(row["sees_all"], row["sees"]) for row in rows}
