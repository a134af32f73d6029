"""What the last check of each Connection found, kept for the screens: one JSON file a Connection."""

from __future__ import annotations

import contextlib
import datetime
import json
from typing import TYPE_CHECKING, Any

from tui import paths
from tui.connections import files

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 4 * 1024 * 1024


def save(connection_id: str, report: dict[str, Any]) -> bool:
    """Keep a report's JSON with the time; return whether it could be kept: nothing depends on it."""
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    path = _place(connection_id)
    try:
        files.make_private_folder(path.parent)
        files.write_private(path, json.dumps({**report, "at": at}).encode())
    except OSError:
        return False
    return True


def load(connection_id: str) -> dict[str, Any] | None:
    """Return what the last check found, None where there was none or its file cannot be used."""
    try:
        report = json.loads(files.read_regular(_place(connection_id), _LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(report, dict) or not isinstance(report.get("findings"), list):
        return None
    return report if all(isinstance(finding, dict) for finding in report["findings"]) else None


def delete(connection_id: str) -> None:
    """Forget what the last check found."""
    with contextlib.suppress(OSError):
        _place(connection_id).unlink()


def _place(connection_id: str) -> Path:
    return paths.state_folder() / "checks" / f"{connection_id}.json"
