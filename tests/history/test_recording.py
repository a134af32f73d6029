"""A recording: a part of the history in one file, whole, private, and readable anywhere."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.history.given import Traffic, as_kept
from tests.widgets.given import counted, sampled
from tui.history.errors import HistoryError
from tui.history.reader import History
from tui.history.recording import export
from tui.history.store import CHUNK_BEATS, Store
from tui.sockets.alerts import Alert

if TYPE_CHECKING:
    from pathlib import Path

    from tui.sockets.model import Sample


def _history(path: Path, number: int, *, close: bool = True) -> list[Sample]:
    traffic = Traffic(connections=3, servers=2, every_s=3.0)
    store = Store(path)
    recorded = []
    for _ in range(number):
        sample = traffic.sample()
        store.write(sample, [Alert("level", "warning", "x", "x is nearly full", sample.at, sample.at)])
        recorded.append(as_kept(sample))
    if close:
        store.close()
    else:
        store.abandon()
    return recorded


def test_it_holds_what_was_recorded_then_and_nothing_else(tmp_path: Path) -> None:
    recorded = _history(tmp_path / "history.db", CHUNK_BEATS * 4, close=False)  # the last run is open still
    part, file = recorded[CHUNK_BEATS - 7 : 2 * CHUNK_BEATS + 11], tmp_path / "night.pgconns"
    span = export(tmp_path / "history.db", file, part[0].at - 1, part[-1].at + 1)
    assert span == (part[0].at, part[-1].at)
    there, here = History(tmp_path / "history.db"), History(file)
    assert list(here.samples(0, 2e9)) == part
    assert here.names() == there.names()
    minutes = here.series_by(60, Traffic.id(0), span.start + 60, span.end - 60)
    assert minutes == there.series_by(60, Traffic.id(0), span.start + 60, span.end - 60)
    assert [kept.alert.kind for kept in here.alerts(0, 2e9)] == ["level"]
    assert len(here.restarts(0, 2e9)) == 0
    whole = tmp_path / "whole.pgconns"
    export(tmp_path / "history.db", whole, None, 2e9)
    assert list(History(whole).samples(0, 2e9)) == recorded
    assert History(whole).restarts(0, 2e9) == there.restarts(0, 2e9)
    until = recorded[-1].at + 1
    minutes = there.series_by(60, Traffic.id(1), 1.8e9, until)
    assert History(whole).series_by(60, Traffic.id(1), 1.8e9, until) == minutes


@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 5), (0, 59), (59, 61), (100, 239), (190, 230), (200, 239)])
def test_it_begins_and_ends_where_it_is_to(tmp_path: Path, first: int, last: int) -> None:
    recorded = _history(tmp_path / "history.db", CHUNK_BEATS * 4, close=False)
    file = tmp_path / "night.pgconns"
    export(tmp_path / "history.db", file, recorded[first].at, recorded[last].at + 0.001)
    there, here = History(tmp_path / "history.db"), History(file)
    assert list(here.samples(0, 2e9)) == recorded[first : last + 1]
    minutes = [one for one in here.series_by(60, Traffic.id(0), 1.8e9, recorded[-1].at).rollups if one.samples]
    known = {one.at: one for one in there.series_by(60, Traffic.id(0), 1.8e9, recorded[-1].at + 1).rollups}
    assert all(one.samples <= known[one.at].samples for one in minutes)
    whole = [one for one in minutes if recorded[first].at <= one.at and one.at + 60 <= recorded[last].at]
    assert whole == [known[one.at] for one in whole]
    assert len(whole) >= (recorded[last].at - recorded[first].at) // 60 - 1
    hours = here.series_by(3600, Traffic.id(0), 1.8e9, recorded[-1].at).rollups
    assert sum(one.samples for one in hours) == sum(one.samples for one in minutes)


def test_it_is_one_private_file_that_needs_nothing_beside_it(tmp_path: Path) -> None:
    _history(tmp_path / "history.db", 10)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    export(tmp_path / "history.db", folder / "night.pgconns", None, 2e9)
    assert [one.name for one in folder.iterdir()] == ["night.pgconns"]
    assert (folder / "night.pgconns").stat().st_mode & 0o777 == 0o600
    (folder / "night.pgconns").chmod(0o400)
    folder.chmod(0o500)
    try:
        assert len(list(History(folder / "night.pgconns").samples(0, 2e9))) == 10
        assert [one.name for one in folder.iterdir()] == ["night.pgconns"]
    finally:
        folder.chmod(0o700)


def test_what_is_there_stays_and_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _history(tmp_path / "history.db", 10)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    file = folder / "night.pgconns"
    file.write_text("mine")
    with pytest.raises(HistoryError, match="is there already"):
        export(tmp_path / "history.db", file, None, 2e9)
    assert file.read_text() == "mine"
    with pytest.raises(HistoryError, match="No sample is kept"):
        export(tmp_path / "history.db", folder / "other", None, 1.0)
    with pytest.raises(HistoryError, match="cannot be written"):
        export(tmp_path / "history.db", folder / "none" / "other", None, 2e9)

    def without_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", without_links)
    with pytest.raises(HistoryError, match="is there already"):
        export(tmp_path / "history.db", file, None, 2e9)
    export(tmp_path / "history.db", folder / "copied", None, 2e9)
    assert len(list(History(folder / "copied").samples(0, 2e9))) == 10
    assert sorted(one.name for one in folder.iterdir()) == ["copied", "night.pgconns"]


def test_a_run_that_is_damaged_is_told_of(tmp_path: Path) -> None:
    _history(tmp_path / "history.db", 10)
    file = tmp_path / "night.pgconns"
    export(tmp_path / "history.db", file, None, 2e9)
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE chunk SET lines = substr(lines, 1, length(lines) - 9)")
        database.commit()
    with pytest.raises(HistoryError, match="is damaged"):
        list(History(file).samples(0, 2e9))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a letter, not a recording\n" * 99, "is no history of pgconns, or it is damaged"),
        (b"", "Nothing was recorded"),
    ],
)
def test_what_is_no_recording_is_told_of(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "foreign"
    file.write_bytes(content)
    with pytest.raises(HistoryError, match=said):
        History(file).span()


def test_the_database_of_another_program_is_told_of(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "foreign")) as database:
        database.execute("CREATE TABLE chunk (lines)")
    with pytest.raises(HistoryError, match=r"no history of pgconns$"):
        History(tmp_path / "foreign").span()


def test_a_recorder_goes_on_while_it_is_exported(tmp_path: Path) -> None:
    store = Store(tmp_path / "history.db")
    for number in range(5):
        store.write(sampled(counted("a", number), at=1000.0 + number))
    export(tmp_path / "history.db", tmp_path / "night.pgconns", None, 2e9)
    store.write(sampled(counted("a", 5), at=1005.0))
    store.close()
    assert len(list(History(tmp_path / "night.pgconns").samples(0, 2e9))) == 5
    assert len(list(History(tmp_path / "history.db").samples(0, 2e9))) == 6
