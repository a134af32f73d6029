"""Looks at a location for temporary tables: in one short statement that waits for nobody's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.connections.locations import place
from tui.postgres.errors import QueryFailed
from tui.workflows.tables import FOUND, MOST, MOST_SIZED, SIZED, UNSIZED, Elsewhere, Look, read

if TYPE_CHECKING:
    from tui.sockets.lending import Asked

_SIZED_S = 4.0


async def look(asked: Asked, location: str) -> Look | Elsewhere:
    """Return what lies in a location, a schema or database.schema, or where else it is. Raises ServerError."""
    names = sorted({location, place(location).schema})
    there = frozenset(row["name"] for row in await asked.rows(FOUND, (names,)))
    spot = place(location, there)
    own = asked.target.database
    if spot.database and spot.database != own:
        return Elsewhere(spot.database, spot.schema)
    if spot.schema not in there:
        return Look(own, spot.schema, found=False)
    return await look_into(asked, spot.schema)


async def look_into(asked: Asked, schema: str) -> Look:
    """Return the tables of a schema of the database that is asked. Raises ServerError."""
    try:
        rows = await asked.rows(SIZED, (schema, MOST, MOST_SIZED), timeout_s=_SIZED_S)
    except QueryFailed:
        if asked.closed:
            raise
        # A size waited for a lock, or all of them took too long: the statistics tell them nearly as well.
        rows = await asked.rows(UNSIZED, (schema, MOST))
    tables, total = read(rows)
    return Look(asked.target.database, schema, True, tables, total)
