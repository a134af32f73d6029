"""Writes the SQL that removes temporary tables. It is for people to read and to run; nothing here runs it. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tui.postgres.quoting import identifier, literal
from tui.text import safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.workflows.tables import Kept, Ledger

_KINDS = {"r": "TABLE", "p": "TABLE", "m": "MATERIALIZED VIEW"}


def script(ledger: Ledger, chosen: Sequence[Kept], now: float) -> str:
    """Return statements that drop tables of a ledger, the oldest first, in one transaction.

    It stops where a name has been given to another table meanwhile, or somebody keeps one locked; what depends on a
    table keeps all of them.
    """
    schema = _name(ledger.schema)
    head = [
        f"-- {len(chosen)} of {ledger.total} tables in {safe(ledger.schema)} of the database {safe(ledger.database)}"
        f" on {safe(ledger.spot.server)},",
        f"-- as they were seen at {_moment(ledger.looked or now)}. Connect to that database, and read before you run.",
        "BEGIN;",
        "SET LOCAL lock_timeout = '5s';",
    ]
    drops = [
        f"DROP {_KINDS[kept.table.kind]} IF EXISTS {schema}.{_name(kept.table.name)};"
        f"  -- first seen {_moment(kept.first_seen)}"
        for kept in chosen
    ]
    return "\n".join([*head, *_guard(ledger, chosen), *drops, "COMMIT;"]) if chosen else "\n".join(head[:2])


def _guard(ledger: Ledger, chosen: Sequence[Kept]) -> list[str]:
    """Return a statement that fails where one of the names belongs to another table than was seen."""
    seen = ",\n".join(f"    ({kept.table.oid}, {_text(kept.table.name)})" for kept in chosen)
    schema, tag = _text(ledger.schema), "$pgconns$"
    while tag in seen or tag in schema:
        tag = tag[:-1] + "_$"
    where = f"  WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema}))"  # noqa: S608
    return [
        f"DO {tag} BEGIN",
        "  IF EXISTS (SELECT FROM pg_catalog.pg_class c JOIN (VALUES",
        seen,
        "  ) AS seen (oid, name) ON c.relname = seen.name AND c.oid <> seen.oid",
        where,
        "  THEN RAISE EXCEPTION 'a table was made anew since this was written: write it again'; END IF;",
        f"END {tag};",
    ]


def _name(name: str) -> str:
    """Return an identifier that a terminal shows as it is: what it would obey, or not show, is told by its number."""
    return identifier(name) if safe(name) == name else "U&" + identifier(_escaped(name))


def _text(text: str) -> str:
    """Return a string constant, in the same way."""
    return literal(text) if safe(text) == text else "U&'" + _escaped(text).replace("'", "''") + "'"


def _escaped(text: str) -> str:
    r"""Return a text with Unicode escapes, as PostgreSQL reads them after U&.

    >>> _escaped("a\x1bb\\")
    'a\\+00001bb\\\\'
    """
    letters = (one if safe(one) == one else f"\\+{ord(one):06x}" for one in text.replace("\\", "\\\\"))
    return "".join(letters)


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
