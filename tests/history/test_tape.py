"""The tape: every sample forward and back as it was recorded, wherever one begins, while others record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history.given import Traffic, as_kept
from tests.widgets.given import counted, sampled
from tui.history import store as stores
from tui.history.errors import HistoryError
from tui.history.store import Store
from tui.history.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tui.sockets.model import Sample


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Sample]]]:
    """A history of some closed runs and an open one, that is written to still; what was recorded."""
    path = tmp_path_factory.mktemp("history") / "history.db"
    traffic = Traffic(connections=4, servers=2)
    store = Store(path)
    recorded = []
    for _ in range(stores.CHUNK_BEATS * 3 + 20):
        sample = traffic.sample()
        store.write(sample)
        recorded.append(as_kept(sample))
    yield path, recorded
    store.close()


def test_forward_and_back_it_is_what_was_recorded(taped: tuple[Path, list[Sample]]) -> None:
    path, recorded = taped
    tape = Tape(path)
    assert tape.seek(0) == recorded[0]
    forward = [recorded[0]]
    while (sample := tape.forward()) is not None:
        forward.append(sample)
        assert tape.sample == sample
    assert forward == recorded
    assert tape.next_at() is None
    backward = [forward[-1]]
    while (sample := tape.back()) is not None:
        backward.append(sample)
    assert backward == recorded[::-1]
    assert tape.next_at() == recorded[1].at
    assert tape.sample == recorded[0]
    assert tape.seek(0) == recorded[0]


@settings(max_examples=40, deadline=None)
@given(moment=st.floats(-10, 420), number=st.integers(0, 100))
def test_a_moment_is_shown_as_it_stood(taped: tuple[Path, list[Sample]], moment: float, number: int) -> None:
    path, recorded = taped
    tape = Tape(path)
    at = recorded[0].at + moment
    index = max((i for i, sample in enumerate(recorded) if sample.at <= at), default=0)
    assert tape.seek(at) == recorded[index]
    assert list(tape.before(number)) == recorded[max(0, index - number) : index]
    assert tape.sample == recorded[index]


def test_what_is_recorded_meanwhile_is_on_it(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    store = Store(path)
    store.write(sampled(counted("a", 1), at=1000.0))
    tape = Tape(path)
    assert tape.seek(2000.0) == sampled(counted("a", 1), at=1000.0)
    assert tape.forward() is None
    for number in range(1, stores.CHUNK_BEATS + 5):
        store.write(sampled(counted("a", number), at=1000.0 + 2 * number))
    seen = []
    while (sample := tape.forward()) is not None:
        seen.append(sample.connections[0].sockets)
    assert seen == list(range(1, stores.CHUNK_BEATS + 5))
    store.close()


def test_a_clock_that_was_set_back_does_not_change_the_order(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    store = Store(path)
    moments = [1000.0, 1002.0, 990.0, 992.0, 1004.0]
    for at in moments:
        store.write(sampled(counted("a"), at=at))
    store.close()
    tape = Tape(path)
    tape.seek(1002.0)
    while tape.back() is not None:
        pass
    assert [tape.sample.at if tape.sample else None, *(s.at for s in iter(tape.forward, None))] == moments


def test_when_somebody_recorded(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    for start in (1000.0, 1400.0, 9000.0):
        store = Store(path)
        for number in range(3):
            store.write(sampled(counted("a"), at=start + 2 * number))
        store.close()
    assert Tape(path).stretches(600.0) == [(1000.0, 1404.0), (9000.0, 9004.0)]


def test_nothing_recorded_and_no_history(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with pytest.raises(HistoryError, match="pgconns watch records"):
        Tape(path).seek(0)
    Store(path).close()
    tape = Tape(path)
    assert tape.seek(0) is None
    assert tape.sample is None
