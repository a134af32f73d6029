"""Counts that `alert` keeps from run to run, a day of them: one CSV a series, which `forecast` reads as well."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from tui import paths
from tui.connections import files
from tui.sockets.growth import Point

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400.0
SHORTEST_S = 20.0
_HEADER = "at,sockets,stale"
_LARGEST = 4 * 1024 * 1024


def add(name: str, point: Point) -> list[Point]:
    """Add a count to a series and return the series; a place that cannot be written to keeps nothing."""
    path = _place(name)
    points = [kept for kept in _read(path) if point.at - DAY_S < kept.at < point.at]
    if not points or point.at - points[-1].at >= SHORTEST_S:
        lines = (f"{p.at:.1f},{p.sockets},{'' if p.stale is None else p.stale}" for p in (*points, point))
        try:
            files.make_private_folder(path.parent)
            files.write_private(path, "\n".join((_HEADER, *lines, "")).encode())
        except OSError:
            return [point]
    return [*points, point]


def forget_old(at: float) -> None:
    """Remove the series that nobody added to for a day: of Connections that were removed, for one."""
    with contextlib.suppress(OSError):
        for path in _folder().glob("*.csv"):
            if path.stat().st_mtime < at - DAY_S:
                path.unlink()


def _read(path: Path) -> list[Point]:
    """Return what is kept; nothing where that is damaged, since nothing depends on it."""
    try:
        header, *lines = files.read_regular(path, _LARGEST).decode().splitlines()
        rows = [line.split(",") for line in lines]
        points = [Point(float(at), int(sockets), int(stale) if stale else None) for at, sockets, stale in rows]
    except (OSError, ValueError):
        return []
    return sorted(points, key=lambda point: point.at) if header == _HEADER else []


def _place(name: str) -> Path:
    return _folder() / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.csv"


def _folder() -> Path:
    return paths.state_folder() / "counts"
