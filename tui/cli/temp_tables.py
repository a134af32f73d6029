"""pgconns temp-tables: what workflows left behind in a Connection's location for it, and how old that is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.workflows.tables import Kept, Ledger

EXAMPLES = """
pgconns temp-tables prod
pgconns temp-tables prod --older-than 7d
pgconns temp-tables prod --older-than 7d --sql > clean.sql
pgconns temp-tables prod --json
"""
STATUSES = {
    Exit.DONE: "printed; nothing was dropped",
    Exit.USAGE: "no such Connection, or wrong usage",
    Exit.UNUSABLE_STORE: "there is no history, or nobody looked at these tables yet",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connection and the age."""
    parser.add_argument("name", metavar="NAME", help="the Connection")
    parser.add_argument("--older-than", metavar="AGE", help="only tables that certainly are older, such as 7d")
    parser.add_argument(
        "--sql", action="store_true", help="write the statements that drop them, to read and run by hand"
    )


def run(arguments: Namespace, output: Output) -> int:
    """List the tables, or write the statements that drop them; neither connects to the server."""
    from tui import paths
    from tui.cli.durations import seconds
    from tui.connections.files import followed
    from tui.connections.registry import Registry
    from tui.history.ledger import read
    from tui.workflows.cleaning import script
    from tui.workflows.tables import spot

    if arguments.sql and (output.json or arguments.older_than is None):
        raise Refused("--sql goes with --older-than, which says which tables to drop, and not with --json")
    older_s = 0.0 if arguments.older_than is None else seconds("--older-than", arguments.older_than)
    connection = Registry().get(arguments.name)
    ledger = read(followed(paths.history_file()), spot(connection))
    if ledger is None or ledger.looked is None:
        why = f": {ledger.error}" if ledger is not None and ledger.error else ""
        raise Refused(
            f"Nobody could look at the temporary tables of {connection.name} yet{why}. pgconns watch looks every"
            " ten minutes, and so does the console while it records", Exit.UNUSABLE_STORE,
        )  # fmt: skip
    now = time.time()
    chosen = ledger.older(older_s, now)
    if output.json:
        output.value(_to_json(connection, ledger, chosen, now))
        return Exit.DONE
    if arguments.sql:
        output.block(script(ledger, chosen, now))
    else:
        _show(ledger, chosen, now, output)
    _note(ledger, now, output)
    return Exit.DONE


def _show(ledger: Ledger, chosen: Sequence[Kept], now: float, output: Output) -> None:
    from tui.cli.durations import words
    from tui.workflows.tables import size

    rows = [
        (
            kept.table.name,
            "~" * kept.table.estimated + size(kept.table.bytes),
            "≥ " * kept.is_vague + words(kept.age_s(now)),
            time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.first_seen)),
        )
        for kept in chosen
    ]
    if rows:
        output.table(("TABLE", "SIZE", "AGE", "FIRST SEEN"), rows, right=frozenset({1, 2}))


def _note(ledger: Ledger, now: float, output: Output) -> None:
    from tui.cli.durations import words
    from tui.workflows.tables import size

    where = f"{ledger.schema} of {ledger.database}"
    if not ledger.found:
        output.note(f"There is no schema {where} yet.")
        return
    number = "1 table" if ledger.total == 1 else f"{ledger.total} tables"
    about = "about " * ledger.estimated
    output.note(
        f"{number} in {where}, {about}{size(ledger.bytes)}, seen {words(now - (ledger.looked or now))} ago."
        + " PostgreSQL keeps no time of creation: an age with ≥ may be more." * any(k.is_vague for k in ledger.tables)
    )
    left_out = ledger.total - len(ledger.tables)
    if left_out:
        output.note(f"{left_out} more, which mostly are younger, are counted and not listed.")
    if ledger.error:
        output.note(f"The last look failed: {ledger.error}")


def _to_json(connection: Connection, ledger: Ledger, chosen: Sequence[Kept], now: float) -> dict[str, Any]:
    return {
        "name": connection.name,
        "id": connection.id,
        "server": ledger.spot.server,
        "database": ledger.database,
        "schema": ledger.schema,
        "found": ledger.found,
        "looked_at": _iso(ledger.looked),
        "error": ledger.error,
        "total": ledger.total,
        "left_out": ledger.total - len(ledger.tables),
        "bytes": ledger.bytes,
        "tables": [
            {
                "table": kept.table.name,
                "oid": kept.table.oid,
                "kind": {"r": "table", "p": "partitioned", "m": "materialized view"}[kept.table.kind],
                "bytes": kept.table.bytes,
                "estimated": kept.table.estimated,
                "first_seen": _iso(kept.first_seen),
                "created_after": _iso(kept.created_after),
                "age_at_least_s": round(kept.age_s(now)),
            }
            for kept in chosen
        ],
    }


def _iso(at: float | None) -> str | None:
    return None if at is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
