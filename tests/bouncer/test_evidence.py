"""What is read from a recorded history: peaks, the load of the busiest day, and what others held."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.bouncer.given import record
from tests.widgets.given import connection
from tui import paths
from tui.bouncer.evidence import read, recorded
from tui.bouncer.load import UNSEEN
from tui.history.decoding import Tally
from tui.history.reader import History

if TYPE_CHECKING:
    from pathlib import Path

    from tui.bouncer.evidence import Evidence

END = 1_800_000_000.0
PROD, STAGING = connection("prod"), connection("staging")
TILES = connection("tiles", username="maps")
ALL = (PROD, STAGING, TILES)
LABEL = "db.example.com:5432"


@pytest.fixture
def path(home: Path) -> Path:
    """A history of 40 minutes in which each of three Connections held 5, and for a minute 12; two share theirs."""
    assert home.is_dir()
    counts = [(2, 3)] * 120 + [(8, 4)] * 6 + [(2, 3)] * 114
    record(paths.history_file(), ALL, LABEL, counts, END, every_s=10)
    return paths.history_file()


def found(path: Path) -> Evidence | None:
    """What was recorded of all three in a day."""
    return recorded(History(path), ALL, ALL, END - 86_400, END + 1)


def test_connections_that_share_their_sockets_are_counted_once(path: Path) -> None:
    evidence = found(path)
    assert evidence is not None
    assert (evidence.peak, evidence.p95, evidence.limit, evidence.full) == (24, 10, 97, False)
    assert [(one.database, one.username) for one in evidence.load.series] == [("gis", "carto"), ("gis", "maps")]
    assert (max(evidence.load.held), max(evidence.load.busy)) == (24, 16)
    assert len(evidence.load.at) == 240
    assert evidence.load.interval_s == pytest.approx(10)
    assert evidence.others == 4 + 12  # the third's, counted anew here, are others'
    alone = recorded(History(path), (TILES,), ALL, END - 86_400, END + 1)
    assert alone is not None
    assert (alone.peak, alone.others) == (12, 28)


def test_what_was_not_recorded_is_no_evidence(path: Path) -> None:
    assert recorded(History(path), ALL, ALL, END + 100, END + 200) is None
    stranger = connection("stranger", "other.example.com")
    assert recorded(History(path), (stranger,), (stranger,), END - 86_400, END + 1) is None
    assert recorded(History(path.with_name("none.db")), ALL, ALL, 0, END) is None


def test_minutes_alone_cannot_be_replayed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM chunk")
        database.execute("DELETE FROM beat")
    assert found(path) is None


def test_counts_that_were_not_seen_stay_unseen_and_the_clock_goes_on() -> None:
    def tally(at: float, *states: tuple[int, ...] | None, used: int | None = 9) -> Tally:
        return Tally(at, used, states, tuple(None if one is None else 6.0 for one in states))

    pools = [("gis", "carto"), ("gis", "carto"), ("gis", "maps")]
    load = read(
        [
            tally(1, (1, 2, 3, 4, 5), (1, 0, 0, 0, 0), None),
            tally(0.5, (9, 9, 9, 9, 9), None, None),  # the clock was set back
            tally(3, None, (2, 2, 0, 0, 0), (0, 1, 0, 0, 0), used=None),
        ],
        pools,
    )
    assert list(load.at) == [1, 3]
    assert list(load.used) == [9, UNSEEN]
    assert [list(one.held) for one in load.series] == [[16, 4], [UNSEEN, 1]]
    assert [list(one.busy) for one in load.series] == [[14, 2], [UNSEEN, 0]]
    assert [list(one.opened) for one in load.series] == [[6, 6], [UNSEEN, 6]]
    assert load.held == [16, 5]
