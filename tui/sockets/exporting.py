"""What is seen as text for a file: JSON as the commands print it, or one CSV table of the same fields. Pure."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from tui.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.sockets.model import Sample

# What spreadsheets take for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def json_text(value: Any) -> str:
    """Return a value as JSON, in ASCII: whatever names hold, no terminal obeys them."""
    return json.dumps(value, indent=2) + "\n"


def csv_text(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as one CSV table with the fields of all of them, in their order; unseen is empty."""
    flat = [_flat(row) for row in rows]
    if not flat:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in flat for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in flat)
    return out.getvalue()


def sample_rows(sample: Sample) -> list[dict[str, Any]]:
    """Return a sample as rows: its Connections, servers and strangers, told apart by `kind`."""
    told = sample.to_json()
    kinds = {"connection": told["connections"], "server": told["servers"], "unregistered": told["unregistered"]}
    return [{"at": told["at"], "kind": kind, **each} for kind, all_of in kinds.items() for each in all_of]


def cell(value: Any) -> Any:
    """Return what stands in a cell: text that no spreadsheet computes and no terminal obeys.

    >>> cell("=1+1"), cell(-2.5), cell("\\x1b[31m"), cell(None)
    ("'=1+1", -2.5, '␛[31m', None)
    """
    if not isinstance(value, str):
        return value
    return ("'" if value.startswith(_FORMULA) else "") + safe(value)


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{part}": inner for part, inner in value.items()}
        elif isinstance(value, list):
            flat[name] = "; ".join(map(str, value))
        else:
            flat[name] = value
    return flat
