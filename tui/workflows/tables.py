"""The tables in a Connection's location for temporary ones: what is asked, and what is known of them. Pure.

PostgreSQL keeps no time at which a table was made: its age is known from when it was first seen, and is at least that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tui.sockets.credentials import label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.connections.model import Connection

# So many tables are looked at one by one, those with the lowest oids, which mostly are the oldest.
MOST = 10_000
# Asking for the size opens the table and its indexes: with more tables than that it is told from the statistics.
MOST_SIZED = 2_000

FOUND = "SELECT nspname::text AS name FROM pg_namespace WHERE nspname = ANY(%s::text[])"
# A table under an ACCESS EXCLUSIVE lock is not waited for: its size is told from the statistics.
TABLES = """
WITH listed AS (
  SELECT c.oid, c.relname, c.relkind, c.relpages, count(*) OVER () AS total
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = %s AND c.relkind IN ('r', 'm', 'p')
   ORDER BY c.oid LIMIT %s)
SELECT l.oid::bigint AS oid, l.relname::text AS name, l.relkind::text AS kind, l.total,
       l.relpages::bigint * current_setting('block_size')::bigint AS estimated, {size} AS bytes
  FROM listed l ORDER BY l.oid
"""
SIZED = TABLES.format(
    size="""
       CASE WHEN l.total <= %s AND l.oid NOT IN (
              SELECT relation FROM pg_locks
               WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL)
            THEN pg_total_relation_size(l.oid) END"""
)
UNSIZED = TABLES.format(size="NULL::bigint")


class Spot(NamedTuple):
    """A location as it is registered: the server, the Connection's database, and a schema or database.schema."""

    server: str
    database: str
    location: str


class Table(NamedTuple):
    """A table as it was seen; `kind` is r, m (a materialized view) or p (partitioned).

    `bytes` are those of its indexes and TOAST as well; where they are `estimated`, of the table alone, as ANALYZE
    found it last.
    """

    oid: int
    name: str
    kind: str
    bytes: int
    estimated: bool


class Look(NamedTuple):
    """What lies in a location: its `schema` and the `database` that holds it; `total` counts all tables there."""

    database: str
    schema: str
    found: bool
    tables: tuple[Table, ...] = ()
    total: int = 0


class Elsewhere(NamedTuple):
    """The location is in another database, which has to be looked into from there."""

    database: str
    schema: str


class Kept(NamedTuple):
    """A table as the ledger has it; it was not there at `created_after`, None where that is not known."""

    table: Table
    first_seen: float
    created_after: float | None

    def age_s(self, now: float) -> float:
        """How old it is at least, in seconds."""
        return max(0.0, now - self.first_seen)

    @property
    def is_vague(self) -> bool:
        """Whether it may be much older than it was seen: nobody had looked for an hour before."""
        return self.created_after is None or self.first_seen - self.created_after > 3600


class Ledger(NamedTuple):
    """What is known of a location, the oldest tables first; moments in seconds since the epoch.

    `looked` is when it was looked at last, and `error` why a look since then failed.
    """

    spot: Spot
    database: str
    schema: str
    found: bool
    total: int
    looked: float | None
    error: str
    tables: tuple[Kept, ...]

    @property
    def bytes(self) -> int:
        """How many bytes the tables that are listed take."""
        return sum(kept.table.bytes for kept in self.tables)

    @property
    def estimated(self) -> bool:
        """Whether some sizes are estimates."""
        return any(kept.table.estimated for kept in self.tables)

    def older(self, seconds: float, now: float) -> tuple[Kept, ...]:
        """Return the tables that certainly are older than that."""
        return tuple(kept for kept in self.tables if kept.age_s(now) >= seconds)


def spot(connection: Connection) -> Spot:
    """Return where a Connection's temporary tables lie."""
    parameters = connection.parameters
    return Spot(label(connection), parameters.database, parameters.workflows_temp)


def read(rows: Iterable[dict[str, Any]]) -> tuple[tuple[Table, ...], int]:
    """Return the tables of the answer, and how many there are in all."""
    tables, total = [], 0
    for row in rows:
        estimated = row["bytes"] is None
        size = row["estimated"] if estimated else row["bytes"]
        tables.append(Table(row["oid"], row["name"], row["kind"], int(size), estimated))
        total = row["total"]
    return tuple(tables), total


def size(count: int) -> str:
    """Return a number of bytes for people.

    >>> size(512), size(3 * 1024 * 1024)
    ('512 B', '3.0 MB')
    """
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"
