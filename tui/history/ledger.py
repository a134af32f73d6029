"""The ledger of temporary tables: when each was first seen, kept in the history.

Like notices, it is written beside the samples: each call opens the file, and makes its changes in one transaction.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tui.history.database import open_to_change, open_to_read, transaction
from tui.history.errors import HistoryError
from tui.history.store import storable
from tui.workflows.tables import Kept, Ledger, Spot, Table

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from tui.workflows.tables import Look

# Where nobody looked for so long, nobody will.
_FORGOTTEN_S = 90 * 86_400.0


def keep(path: Path, spot: Spot, look: Look | None, at: float, error: str = "") -> None:
    """Keep what was seen in a location, or why nothing could be. Raises HistoryError.

    A table is the one that it was while its oid is the same, whatever its name.
    """
    with open_to_change(path) as database, transaction(database):
        key = tuple(map(storable, spot))
        found = database.execute(
            "SELECT id, looked, left_out FROM temp_location WHERE server = ? AND database = ? AND location = ?", key
        ).fetchone()
        id, before, left_out = found or (_new(database, key), None, 0)
        if look is None:
            database.execute("UPDATE temp_location SET error = ? WHERE id = ?", (storable(error), id))
            return
        left_out_now = look.total - len(look.tables)
        database.execute(
            "UPDATE temp_location SET in_database = ?, schema = ?, found = ?, total = ?, left_out = ?, looked = ?,"
            " error = '' WHERE id = ?",
            (storable(look.database), storable(look.schema), look.found, look.total, left_out_now, at, id),
        )
        # What was beyond the ones that are listed may be old.
        _keep_tables(database, id, look.tables, at, None if left_out else before)
        database.execute("DELETE FROM temp_location WHERE looked < ?", (at - _FORGOTTEN_S,))
        database.execute("DELETE FROM temp_table WHERE location NOT IN (SELECT id FROM temp_location)")


def _new(database: sqlite3.Connection, key: tuple[str, ...]) -> int:
    id: int = database.execute(
        "INSERT INTO temp_location (server, database, location, in_database, schema, found, total, left_out, error)"
        " VALUES (?, ?, ?, '', '', 0, 0, 0, '') RETURNING id",
        key,
    ).fetchone()[0]
    return id


def _keep_tables(
    database: sqlite3.Connection, location: int, tables: tuple[Table, ...], at: float, before: float | None
) -> None:
    known: dict[int, tuple[str, str, int, int]] = {
        oid: tuple(rest)
        for oid, *rest in database.execute(
            "SELECT oid, name, kind, bytes, estimated FROM temp_table WHERE location = ?", (location,)
        )
    }
    now = {one.oid: (storable(one.name), one.kind, one.bytes, int(one.estimated)) for one in tables}
    database.executemany(
        "DELETE FROM temp_table WHERE location = ? AND oid = ?", [(location, oid) for oid in known.keys() - now.keys()]
    )
    database.executemany(
        "INSERT INTO temp_table VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(location, oid, *told, at, before) for oid, told in now.items() if oid not in known],
    )
    database.executemany(
        "UPDATE temp_table SET name = ?, kind = ?, bytes = ?, estimated = ? WHERE location = ? AND oid = ?",
        [(*told, location, oid) for oid, told in now.items() if oid in known and known[oid] != told],
    )


def read(path: Path, spot: Spot) -> Ledger | None:
    """Return what is known of a location; None where nobody looked yet. Raises HistoryError."""
    with open_to_read(path) as database:
        found = database.execute(
            "SELECT id, in_database, schema, found, total, looked, error FROM temp_location"
            " WHERE server = ? AND database = ? AND location = ?",
            tuple(map(storable, spot)),
        ).fetchone()
        if found is None:
            return None
        id, in_database, schema, is_there, total, looked, error = found
        rows = database.execute(
            "SELECT oid, name, kind, bytes, estimated, first_seen, created_after FROM temp_table WHERE location = ?"
            " ORDER BY first_seen, oid",
            (id,),
        )
        tables = tuple(
            Kept(Table(oid, name, kind, size, bool(estimated)), first_seen, created_after)
            for oid, name, kind, size, estimated, first_seen, created_after in rows
        )
        return Ledger(spot, in_database, schema, bool(is_there), total, looked, error, tables)


class LedgerKeeper:
    """Keeps what rounds see in a history; what cannot be kept is left out, and looked at again in the next round."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def looked(self, spot: Spot) -> float | None:
        """Return when a location was looked at last."""
        try:
            with open_to_read(self._path) as database:
                found = database.execute(
                    "SELECT looked FROM temp_location WHERE server = ? AND database = ? AND location = ?",
                    tuple(map(storable, spot)),
                ).fetchone()
        except HistoryError:
            return None
        return found[0] if found else None

    def keep(self, spot: Spot, look: Look | None, at: float, error: str = "") -> None:
        """Keep what was seen, or why nothing could be."""
        with suppress(HistoryError):
            keep(self._path, spot, look, at, error)
