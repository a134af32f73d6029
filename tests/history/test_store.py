"""The file: what was acknowledged stays, whatever happens to the process, the disk or the clock."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from tests.history.given import Traffic, as_kept
from tests.widgets.given import counted, sampled
from tui.history.database import Busy
from tui.history.errors import HistoryError
from tui.history.reader import History
from tui.history.schema import VERSION
from tui.history.settings import Settings
from tui.history.store import CHUNK_BEATS, Store
from tui.sockets.alerts import Alert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tui.sockets.model import Sample

HOUR = 1.7e9 - 800  # when an hour begins
WRITER = Path(__file__).with_name("writer.py")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Where the history is to be: in memory, where that can be; a disk is waited for at each sample."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder) / "data" / "history.db"


def _sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _write(path: Path, samples: list[Sample], **settings: Any) -> None:
    store = Store(path, Settings(**settings))
    for sample in samples:
        store.write(sample)
    store.close()


def _count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_every_sample_is_read_back_as_it_was(path: Path) -> None:
    traffic = Traffic(4, 2)
    wanted = [traffic.sample() for _ in range(3 * CHUNK_BEATS + 7)]
    store = Store(path)
    for number, sample in enumerate(wanted, 1):
        assert store.write(sample) == number
    history = History(path)
    assert list(history.samples(0, 4e9)) == [as_kept(sample) for sample in wanted]
    store.close()
    assert list(history.samples(0, 4e9)) == [as_kept(sample) for sample in wanted]
    middle = wanted[100].at
    assert next(history.samples(middle - 0.001, 4e9)) == as_kept(wanted[100])
    assert history.span() is not None


def test_the_counts_of_some_connections_are_those_of_the_samples(path: Path) -> None:
    traffic = Traffic(4, 2)
    _write(path, [traffic.sample() for _ in range(CHUNK_BEATS + 7)])
    ids, label = [Traffic.id(number) for number in (2, 0, 1, 9)], "db-0.example.com:5432"
    history = History(path)
    for sample, tally in zip(history.samples(0, 4e9), history.tallies(ids, label, 0, 4e9), strict=True):
        counts = {count.id: count for count in sample.connections}
        there = [counts[id] for id in ids[:2]]
        assert tally.at == sample.at
        assert tally.used == sample.servers[0].used
        assert tally.states == (there[0].states, there[1].states, None, None)  # one is elsewhere, one is unknown
        assert tally.opened_per_minute[:2] == (there[0].opened_per_minute, there[1].opened_per_minute)


def test_it_is_for_its_owner_only(path: Path) -> None:
    store = Store(path)
    store.write(Traffic(1).sample())
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    store.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a choice of owners")
def test_what_root_records_in_somebodys_home_is_theirs(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 1234)
    path = tmp_path / "data" / "history.db"
    store = Store(path)
    store.write(Traffic(1).sample())
    assert {file.stat().st_uid for file in (path.parent, *path.parent.iterdir())} == {1234}
    store.close()


def test_kill_at_any_moment_loses_nothing_that_was_acknowledged(path: Path) -> None:
    acknowledged = 0
    for run in range(6):
        writer = subprocess.Popen([sys.executable, WRITER, path, str(run)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(10 + 37 * run):
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split(b"\n")
        acknowledged = max([acknowledged, *map(int, filter(None, rest[:-1]))])
        writer.wait()
        assert _sound(path)
        assert len(list(History(path).samples(0, 4e9))) >= acknowledged
    store = Store(path)
    assert acknowledged <= store.seq <= acknowledged + 1
    assert len(list(History(path).samples(0, 4e9))) == store.seq
    assert sum(one.samples for one in History(path).series(Traffic.id(0), 1.7e9, 2.9e9).rollups) == store.seq
    store.close()


def test_two_recorders_of_one_history(path: Path, tmp_path: Path) -> None:
    store = Store(path)
    with pytest.raises(Busy, match=f"process {os.getpid()} records into") as busy:
        Store(path)
    assert busy.value.pid == os.getpid()
    Store(tmp_path / "other.db").close()
    store.close()
    Store(path).close()


def test_it_is_read_while_it_is_written(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, WRITER, path, "0"], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    program = (
        "import sys; from pathlib import Path; from tui.history.reader import History\n"
        "history, last = History(Path(sys.argv[1])), 0.0\n"
        "for _ in range(20):\n"
        "    before, last = last, history.span().end\n"
        "    seen = [sample.at for sample in history.samples(last - 30, last + 1)]\n"
        "    assert last >= before and seen[0] < last <= seen[-1] and len(seen) > 9, (before, last, seen)\n"
    )
    first = int(writer.stdout.readline())
    assert [int(writer.stdout.readline()) for _ in range(40)] == list(range(first + 1, first + 41))
    readers = [subprocess.Popen([sys.executable, "-c", program, path]) for _ in range(3)]
    assert [reader.wait() for reader in readers] == [0, 0, 0]
    writer.kill()
    writer.communicate()


def test_a_clock_that_jumps_back(path: Path) -> None:
    wanted = [sampled(counted("a", n), at=at) for n, at in enumerate((1000.0, 1002.0, 1004.0, 500.0, 502.0, 1003.0))]
    store = Store(path)
    assert [store.write(sample) for sample in wanted] == [1, 2, 3, 4, 5, 6]
    assert [sample.at for sample in History(path).samples(0, 2000)] == [1000.0, 1002.0, 1004.0, 500.0, 502.0, 1003.0]
    assert [sample.at for sample in History(path).samples(1003, 2000)] == [1004.0, 1003.0]
    store.close()
    minutes = History(path).series_by(60, "a", 0, 2000).rollups
    assert {one.at: (one.minimum, one.maximum, one.samples) for one in minutes if one.samples} == {
        480.0: (3, 4, 2),
        960.0: (0, 5, 4),
    }


def test_minutes_and_hours_are_what_the_samples_were(path: Path) -> None:
    traffic = Traffic(2, 1, every_s=20)
    wanted = [traffic.sample() for _ in range(500)]
    store = Store(path)
    for sample in wanted:
        store.write(sample)
    key = wanted[0].connections[1].id
    counts = [sample.connections[1].sockets or 0 for sample in wanted]
    for closed in (False, True):
        if closed:
            store.close()
        for seconds in (60, 300, 3600):
            past = History(path).series_by(seconds, key, 0 + wanted[0].at, wanted[-1].at + 1)
            assert sum(one.samples for one in past.rollups) == 500
            assert sum(one.total for one in past.rollups) == sum(counts)
            assert max(one.maximum or 0 for one in past.rollups) == max(counts)
            assert past.rollups[-1].last == counts[-1]
        server = History(path).series(wanted[0].servers[0].server, wanted[0].at, wanted[-1].at + 1, kind="server")
        assert server.rollups[-1].last == wanted[-1].servers[0].used


def test_what_was_not_seen_is_no_zero(path: Path) -> None:
    _write(path, [sampled(counted("a", None, error="gone"), at=1000.0 + n) for n in range(3)])
    (minute,) = (one for one in History(path).series_by(60, "a", 900, 1100).rollups if one.unseen)
    assert (minute.samples, minute.unseen, minute.last, minute.mean) == (0, 3, None, None)


def test_a_year_of_hours_is_few_rows(path: Path) -> None:
    store = Store(path, Settings(raw_days=0.5, minute_weeks=1))
    chunks = 0
    for hour in range(0, 365 * 24, 12):
        for beat in range(2):
            store.write(sampled(counted("a", hour % 97), at=HOUR + hour * 3600 + beat * 60))
        store.close_chunk()
        chunks = max(chunks, _count(path, "chunk"))
    store.close()
    assert chunks <= 4
    assert _count(path, "hour") == 2 * 365 * 2  # of the Connection and of its server
    assert _count(path, "minute") <= 2 * (7 * 2 * 2 + 2)
    year = History(path).series("a", HOUR, HOUR + 365 * 86400, points=400)
    assert len(year.rollups) <= 400
    assert sum(one.samples for one in year.rollups) == 365 * 2 * 2
    week = History(path).series("a", HOUR, HOUR + 7 * 86400, points=5000)
    assert (week.seconds, sum(one.samples for one in week.rollups)) == (3600, 7 * 2 * 2)


def test_what_was_begun_lately_is_told_by_the_minute_over_any_span(path: Path) -> None:
    store = Store(path)
    for beat in range(60):
        store.write(sampled(counted("a", beat), at=HOUR + 100 + 2 * beat))
    past = History(path).series("a", HOUR + 219 - 3600, HOUR + 219, points=200)
    assert past.seconds == 60
    assert [one.last for one in past.rollups if one.samples] == [9, 39, 59]
    assert (History(path).names(), list(History(path).names("server"))) == ({"a": "a"}, ["db.example.com:5432"])
    store.close()


def test_it_grows_no_larger_than_it_may(path: Path) -> None:
    traffic = Traffic(20)
    store = Store(path, Settings(largest_mb=0.2))
    first = as_kept(traffic.sample())
    for _ in range(1200):
        store.write(traffic.sample())
    assert store.size() < 0.3e6
    store.close()
    assert path.stat().st_size < 0.4e6
    span = History(path).span()
    assert span is not None
    assert span.start > first.at + 300
    assert span.end == as_kept(replace(first, at=traffic.at)).at


def test_a_damaged_file_is_kept_aside(path: Path) -> None:
    _write(path, [sampled(counted("a"), at=1000.0)])
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(HistoryError, match="is damaged"):
        History(path).span()
    store = Store(path)
    assert store.aside is not None
    assert store.aside.read_bytes().startswith(b"no database at all")
    assert store.write(sampled(counted("a"), at=2000.0)) == 1
    store.close()
    path.write_bytes(b"again")
    again = Store(path)
    assert again.aside not in {None, store.aside}
    again.close()


def test_a_page_that_is_damaged_is_noticed(path: Path) -> None:
    traffic = Traffic(5)
    _write(path, [traffic.sample() for _ in range(130)])
    content = bytearray(path.read_bytes())
    content[2 * 4096 : 12 * 4096] = os.urandom(10 * 4096)
    path.write_bytes(content)
    store = Store(path)
    assert store.aside is not None
    assert store.aside.read_bytes() == content
    store.close()


def test_other_files_are_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    for use in (Store, lambda path: History(path).span()):
        with pytest.raises(HistoryError, match="no history of pgconns"):
            use(path)
    assert path.read_bytes() == before


def test_a_newer_file_is_refused(path: Path) -> None:
    _write(path, [sampled(counted("a"))])
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    for use in (Store, lambda path: History(path).span()):
        with pytest.raises(HistoryError, match="newer pgconns: upgrade"):
            use(path)


def test_no_history_yet(path: Path) -> None:
    with pytest.raises(HistoryError, match="pgconns watch records"):
        History(path).span()
    Store(path).close()
    assert History(path).span() is None


LEAK = Alert("leak", "warning", "a", "a leaks", 1000.0, 1000.0)


def _standing(at: float, **more: object) -> Alert:
    return Alert(LEAK.kind, more.get("level", "warning"), "a", LEAK.sentence, 1000.0, at)  # type: ignore[arg-type]


def test_alerts_are_kept_with_when_they_began_and_ended(path: Path) -> None:
    store = Store(path)
    for at, alerts in ((1000.0, [LEAK]), (1002.0, [_standing(1002.0, level="critical")]), (1004.0, [])):
        store.write(sampled(counted("a"), at=at), alerts)
    store.write(sampled(counted("a"), at=1006.0), [Alert("full", "critical", "b", "b is full", 1006.0, 1006.0)])
    leak, full = History(path).alerts(0, 2000)
    assert (leak.alert.level, leak.alert.since, leak.ended) == ("critical", 1000.0, 1004.0)
    assert (full.alert.subject, full.ended) == ("b", None)
    assert History(path).alerts(1005, 1006) == ()
    assert [alert.subject for alert in History(path).standing(1100.0)] == ["b"]
    store.close()


def test_an_alert_that_nobody_resumed_ended_when_it_was_seen_last(path: Path) -> None:
    for _ in range(2):
        store = Store(path)
        store.write(sampled(counted("a"), at=1000.0), [LEAK])
        store.close()
    assert len(History(path).alerts(0, 9000)) == 1
    store = Store(path)
    store.write(sampled(counted("a"), at=5000.0), [])
    assert [kept.ended for kept in History(path).alerts(0, 9000)] == [None]
    store.write(sampled(counted("a"), at=5040.0), [])
    assert [kept.ended for kept in History(path).alerts(0, 9000)] == [1000.0]
    store.close()


def test_restarts_are_kept_once(path: Path) -> None:
    store = Store(path)
    for at, started in ((1000.0, 900.0), (1002.0, 900.0), (1004.0, None), (1010.0, 1009.5), (1012.0, 1009.5)):
        sample = sampled(counted("a"), at=at)
        store.write(replace(sample, servers=(replace(sample.servers[0], started_at=started),)))
    store.close()
    assert [(one.started, one.seen) for one in History(path).restarts(0, 2000)] == [(900.0, 1000.0), (1009.5, 1010.0)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with little room: a tmpfs where this is root."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k,mode=700", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts; test_no_room_by_a_limit tries it without")
def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    path = small_disk / "history.db"
    traffic = Traffic(20, every_s=30)
    store = Store(path)
    acknowledged = 0
    with pytest.raises(HistoryError, match="the disk is full"):
        for _ in range(5000):
            acknowledged = store.write(traffic.sample())
    store.abandon()
    assert acknowledged > 10
    assert _readable(path) == acknowledged
    ballast = small_disk / "ballast"
    assert not ballast.exists()
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    again = Store(path)
    assert again.seq == acknowledged
    assert again.write(traffic.sample()) == acknowledged + 1
    again.close()
    assert _sound(path)
    assert _readable(path) == acknowledged + 1


def test_no_room_by_a_limit(path: Path) -> None:
    """A limit on the size of files stands for a full disk where nobody may mount one."""
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from tests.history.given import Traffic\nfrom tui.history.errors import HistoryError\n"
        "from tui.history.store import Store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = Store(Path(sys.argv[1])); traffic = Traffic(20, every_s=30)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "try:\n"
        "    while True: print(store.write(traffic.sample()), flush=True)\n"
        "except HistoryError as error: store.abandon(); sys.exit(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    acknowledged = int(done.stdout.split()[-1])
    assert acknowledged > 10
    assert _sound(path)
    assert _readable(path) == acknowledged
    store = Store(path)
    assert store.write(Traffic(1).sample()) == acknowledged + 1
    store.close()


def _readable(path: Path) -> int:
    return len(list(History(path).samples(0, 4e9)))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts; test_a_file_that_may_not_be_written tries it without")
def test_a_read_only_file_system(small_disk: Path) -> None:
    path = small_disk / "history.db"
    store = Store(path)
    traffic = Traffic(3)
    for _ in range(5):
        store.write(traffic.sample())
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(HistoryError, match="read-only"):
        Store(path)
    assert _readable(path) == 5


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match="cannot be written: a file stands where a folder should be"):
        Store(tmp_path / "file" / "history.db")
