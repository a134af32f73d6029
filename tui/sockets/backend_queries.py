"""What the server is asked about single backends, 12 to 18. Everything is in pg_catalog."""

from __future__ import annotations

from typing import Final, LiteralString

# What stands in both statements, the list's and that which acts, so that what was listed is what is judged.
STATE_OF: Final[LiteralString] = """
CASE WHEN backend_type IS NULL THEN 'unknown' WHEN state IN ('active', 'idle') THEN state
     WHEN state IN ('idle in transaction', 'idle in transaction (aborted)') THEN 'idle_in_transaction'
     ELSE 'other' END"""
# Times as microseconds: their text follows the role's settings. 12 and 13 extract a float, which holds them exactly.
STARTED: Final[LiteralString] = "(extract(epoch FROM backend_start) * 1000000)::bigint"
QUERY_STARTED: Final[LiteralString] = "(extract(epoch FROM query_start) * 1000000)::bigint"
# What pg_signal_backend() in signalfuncs.c asks for, so that a refusal is known beforehand.
RIGHT: Final[LiteralString] = """
CASE WHEN current_setting('is_superuser') = 'on' THEN 'yes'
     WHEN coalesce((SELECT rolsuper FROM pg_roles WHERE oid = usesysid), true) THEN 'superuser'
     WHEN pg_has_role(usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE') THEN 'yes'
     WHEN NOT pg_has_role('pg_signal_backend', 'MEMBER') THEN 'no_grant'
     WHEN current_setting('server_version_num')::int < 160000 THEN 'role_not_inheriting'
     ELSE 'grant_not_inherited' END"""

# Queries are read as bytes: a database whose encoding is another's, or none, may have left any bytes in them, over
# which functions of text stumble. Parameters: those of Filter, how many at most, bytes of each query.
LIST: Final[LiteralString] = f"""
WITH wanted AS (
  SELECT %s::text AS database, %s::text AS username, %s::text AS application, %s::text AS client,
    %s::text AS state, %s::float8 AS least_s, %s::int[] AS pids
), seen AS (
  SELECT a.*, coalesce(datname, '') AS database, coalesce(pg_get_userbyid(usesysid), '') AS username,
    coalesce(application_name, '') AS application, coalesce(host(client_addr), '') AS client, {STATE_OF} AS kind,
    extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_s
  FROM pg_stat_get_activity(NULL) AS a LEFT JOIN pg_database ON pg_database.oid = datid
  WHERE backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL
), listed AS (
  SELECT seen.*, count(*) OVER () AS total
  FROM seen, wanted
  WHERE (wanted.database IS NULL OR seen.database = wanted.database)
    AND (wanted.username IS NULL OR seen.username = wanted.username)
    AND (wanted.application IS NULL OR seen.application = wanted.application)
    AND (wanted.client IS NULL OR seen.client = wanted.client)
    AND (wanted.state IS NULL OR kind = wanted.state)
    AND (wanted.least_s IS NULL OR state_s >= wanted.least_s)
    AND (wanted.pids IS NULL OR pid = ANY (wanted.pids))
  ORDER BY state_change NULLS LAST, pid LIMIT %s
)
SELECT pid, {STARTED} AS started, {QUERY_STARTED} AS query_started, database, username, application, client,
  kind AS state, state_s, extract(epoch FROM clock_timestamp() - backend_start)::float8 AS age_s,
  extract(epoch FROM clock_timestamp() - query_start)::float8 AS query_s,
  extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction_s,
  coalesce(wait_event_type || ': ' || wait_event, '') AS wait_event,
  substring(textsend(query) FROM 1 FOR %s) AS query, octet_length(textsend(query)) AS query_bytes,
  pid = pg_backend_pid() AS own, {RIGHT} AS right, total::int
FROM listed ORDER BY state_change NULLS LAST, pid
"""  # noqa: S608 - made of constants
