"""The recorder: nobody waits for it, little is lost, and one records."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.servers.host import wait_until
from tests.widgets.given import counted, sampled
from tui.connections.registry import Registry
from tui.history import database, recorder
from tui.history.errors import HistoryError
from tui.history.reader import History
from tui.history.recorder import MOST_WAITING, Recorder, settings_of
from tui.history.settings import Settings, parse
from tui.history.store import Store
from tui.sockets.model import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history is to be."""
    return tmp_path / "history.db"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon."""
    monkeypatch.setattr(recorder, "RETRY_S", 0.05)
    monkeypatch.setattr(database, "BUSY_S", 0.05)


@pytest.fixture
def recording(path: Path) -> Iterator[Recorder]:
    """A recorder that has opened its history."""
    one = Recorder(path)
    one.start()
    assert one.opened().state == "recording"
    yield one
    assert one.close()


def _sample(at: float) -> Sample:
    return sampled(counted("a"), at=at)


def _moments(path: Path) -> list[float]:
    return [sample.at for sample in History(path).samples(0, 1e9)]


def test_what_it_took_is_written_when_it_is_closed(path: Path) -> None:
    one = Recorder(path)
    one.take(_sample(1.0))  # before it is started, and while it opens, samples wait
    one.start()
    for at in range(2, 20):
        one.take(_sample(at))
    assert one.close()
    one.take(_sample(99.0))
    assert _moments(path) == list(range(1, 20))
    assert (one.recording.state, one.recording.seq, one.recording.at, one.recording.lost) == ("stopped", 19, 19.0, 0)


def test_a_sample_of_nothing_is_none(recording: Recorder, path: Path) -> None:
    recording.take(Sample(1.0, (), (), ()))
    recording.take(_sample(2.0))
    wait_until(lambda: recording.recording.seq == 1, "written")
    assert _moments(path) == [2.0]


def test_while_it_cannot_write_nobody_waits_and_the_last_samples_are_kept(recording: Recorder, path: Path) -> None:
    recording.take(_sample(1.0))
    wait_until(lambda: recording.recording.seq == 1, "written")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.process_time()
        for at in range(2, 2 + MOST_WAITING + 5):
            recording.take(_sample(at))
        assert time.process_time() - began < 1
        wait_until(lambda: recording.recording.state == "paused", "it says so")
        assert "another program keeps it locked" in recording.recording.sentence
        assert recording.recording.lost >= 4
        other.execute("ROLLBACK")
    wait_until(lambda: recording.recording.at == 1 + MOST_WAITING + 5, "the rest is written")
    assert recording.recording.state == "recording"
    assert recording.recording.sentence == ""
    assert _moments(path) == [1.0, *range(2 + recording.recording.lost, 2 + MOST_WAITING + 5)]


def test_another_process_records_and_then_it_does(path: Path) -> None:
    other = Store(path)
    one = Recorder(path)
    one.start()
    assert one.opened().state == "reading"
    assert "records into" in one.recording.sentence
    one.take(_sample(1.0))
    other.write(_sample(2.0))
    other.close()
    wait_until(lambda: one.recording.state == "recording", "it takes over")
    one.take(_sample(3.0))
    assert one.close()
    assert _moments(path) == [2.0, 3.0]


def test_a_damaged_file_is_told_of(path: Path) -> None:
    path.write_bytes(b"damaged" * 1000)
    one = Recorder(path)
    one.start()
    assert one.opened().state == "recording"
    assert "history.db.damaged-" in one.recording.aside
    one.take(_sample(1.0))
    assert one.close()
    assert _moments(path) == [1.0]


def test_a_place_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    one = Recorder(tmp_path / "file" / "history.db")
    one.start()
    assert one.opened().state == "paused"
    assert "cannot be written" in one.recording.sentence
    one.take(_sample(1.0))
    assert one.close()
    assert one.recording.waiting == 1


def test_settings_are_a_table_of_the_registry(home: Path) -> None:
    registry = Registry()
    assert settings_of(registry)() == Settings()
    registry.path.parent.mkdir(parents=True)
    registry.path.write_text("[history]\nraw_days = 3\nlargest_mb = 50\n")
    assert settings_of(registry)() == Settings(raw_days=3, largest_mb=50)
    registry.path.write_text("history = 'prometheus:http://localhost:9090'\n")
    assert registry.settings("history") == {"source": "prometheus:http://localhost:9090"}
    registry.path.write_text("[history\n")
    assert settings_of(registry)() == Settings()  # what is wrong with the registry is told elsewhere
    for wrong in ({"raw_days": "7"}, {"hour_years": -1}, {"largest_mb": 0}, {"minute_weeks": True}):
        with pytest.raises(HistoryError, match="under \\[history\\] in the registry"):
            parse(wrong)


def test_settings_that_are_read_again_hold_at_once(recording: Recorder, path: Path) -> None:
    def take(first: int) -> None:
        for at in range(first, first + 150, 3):
            recording.take(_sample(at))
        wait_until(lambda: not recording._waiting, "written")

    take(1000)
    take(2000)
    assert _moments(path)[0] == 1000.0
    recording.set_settings(Settings(raw_days=0))
    take(3000)
    take(4000)
    assert _moments(path)[0] >= 2000.0
