"""Counts kept from run to run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tui import paths
from tui.sockets import kept
from tui.sockets.growth import Point

if TYPE_CHECKING:
    from pathlib import Path


def test_a_day_is_kept_privately_and_close_counts_once(home: Path) -> None:
    assert home.is_dir()
    kept.add("a", Point(1e9, 1, None))
    kept.add("a", Point(1e9 + 90_000, 2, 0))
    assert kept.add("a", Point(1e9 + 90_005, 3, 1)) == [Point(1e9 + 90_000, 2, 0), Point(1e9 + 90_005, 3, 1)]
    assert kept.add("a", Point(1e9 + 90_060, 4, 1)) == [Point(1e9 + 90_000, 2, 0), Point(1e9 + 90_060, 4, 1)]
    (path,) = (paths.state_folder() / "counts").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_damage_and_a_place_that_cannot_be_written_to_lose_the_past_only(home: Path) -> None:
    kept.add("a", Point(1e9, 1, None))
    (path,) = (paths.state_folder() / "counts").iterdir()
    for damage in (b"", b"\xff\xfe", b"at,sockets,stale\nsoon,1,\n", b"at,sockets,stale\n1,2\n"):
        path.write_bytes(damage)
        assert kept.add("a", Point(1e9 + 60, 2, None)) == [Point(1e9 + 60, 2, None)]
    path.unlink()
    path.mkdir()
    assert kept.add("a", Point(1e9 + 90, 2, None)) == [Point(1e9 + 90, 2, None)]


def test_what_nobody_added_to_for_a_day_is_removed(home: Path) -> None:
    kept.add("a", Point(1e9, 1, None))
    kept.add("b", Point(1e9, 1, None))
    folder = paths.state_folder() / "counts"
    old = sorted(folder.iterdir())[0]
    os.utime(old, (0, 0))
    kept.forget_old(90_000.0)
    assert old not in list(folder.iterdir())
    assert len(list(folder.iterdir())) == 1
