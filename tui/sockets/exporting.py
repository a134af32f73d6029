"""A sample as text for a file: JSON as `sockets --json` prints it, or one CSV table of the same fields. Pure."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from tui.text import safe

if TYPE_CHECKING:
    from tui.sockets.model import Sample

# What spreadsheets take for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_json(sample: Sample) -> str:
    """Return a sample as JSON, in ASCII: whatever names hold, no terminal obeys them."""
    return json.dumps(sample.to_json(), indent=2) + "\n"


def as_csv(sample: Sample) -> str:
    """Return a sample as CSV: its Connections, servers and strangers, told apart by `kind`; unseen is empty."""
    told = sample.to_json()
    kinds = {"connection": told["connections"], "server": told["servers"], "unregistered": told["unregistered"]}
    rows = [{"at": told["at"], "kind": kind, **_flat(each)} for kind, all_of in kinds.items() for each in all_of]
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


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
