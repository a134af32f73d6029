"""pgconns replay: samples for programs, a recording as one file, and the screen for people."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.terminal import Terminal
from tests.widgets.given import HOSTILE, counted, sampled
from tui import paths
from tui.history.reader import History
from tui.history.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

AT = 1_795_168_800.0  # 2026-11-20T10:00:00+00:00
_LIMIT_S = 60.0


@pytest.fixture(autouse=True)
def recorded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes of a Connection, and another hour later."""
    assert home.is_dir()
    monkeypatch.setenv("TZ", "UTC")
    store = Store(paths.history_file())
    for minute in (*range(10), *range(60, 70)):
        store.write(sampled(counted(f"prod {HOSTILE}", 10 + minute), at=AT + 60 * minute))
    store.close()


def test_json_prints_each_sample_as_it_was_counted(pgconns: Program) -> None:
    done = pgconns("replay", "--since", "2026-11-20T10:05", "--until", "2026-11-20T11:03", "--json")
    assert (done.status, done.err) == (0, "")
    samples = [json.loads(line) for line in done.out.splitlines()]
    assert [one["connections"][0]["sockets"] for one in samples] == [15, 16, 17, 18, 19, 70, 71, 72]
    recorded = next(History().samples(AT + 300, AT + 301))
    assert samples[0] == recorded.to_json()
    assert "\x1b" not in done.out


def test_a_recording_is_exported_and_opened_elsewhere(pgconns: Program, tmp_path: Path) -> None:
    file = tmp_path / "night.pgconns"
    done = pgconns("replay", "--since", "2026-11-20T10:30", "--export", str(file))
    assert (done.status, done.out) == (0, "")
    assert f"was written to {file}, readable by you alone" in done.err
    assert file.stat().st_mode & 0o777 == 0o600
    again = pgconns("replay", "--export", str(file))
    assert (again.status, again.out) == (2, "")
    assert "is there already" in again.err

    paths.history_file().unlink()
    name = f"prod {HOSTILE}"
    value = pgconns("history", name, "--from", str(file), "--since", "5m", "--step", "0s", "--json").json
    assert [one["sockets"] for one in value["samples"]] == [74, 75, 76, 77, 78, 79]
    played = pgconns("replay", "--from", str(file), "--json").out.splitlines()
    assert json.loads(played[-1])["connections"][0]["sockets"] == 79
    value = pgconns("replay", "--from", str(file), "--export", str(tmp_path / "again"), "--json").json
    assert value["file"] == str(tmp_path / "again")
    assert value["until"] == "2026-11-20T11:09:00.000+00:00"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "1h", "--since", "2h"], "--at holds still"),
        (["--until", "1h"], "--until is for"),
        (["--speed", "fast"], "--speed is how many times"),
        (["--speed", "nan"], "--speed is how many times"),
        (["--since", "1h", "--until", "2h", "--json"], "--since is before --until"),
        (["--since", "yesterday", "--json"], "--since is how long ago"),
        ([], "needs a terminal"),
    ],
)
def test_what_is_wrong_is_said(pgconns: Program, words: list[str], said: str) -> None:
    done = pgconns("replay", *words)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_a_file_that_is_missing_foreign_or_damaged_is_told_of(pgconns: Program, tmp_path: Path) -> None:
    file = tmp_path / "night.pgconns"
    for command in (["replay", "--json"], ["history", "prod"]):
        done = pgconns(*command, "--from", str(file))
        assert (done.status, done.out) == (5, "")
        assert f"There is no file {file}" in done.err
    file.write_text("a letter\n" * 99)
    done = pgconns("replay", "--from", str(file), "--json")
    assert (done.status, done.out) == (5, "")
    assert "is no history of pgconns, or it is damaged" in done.err
    done = pgconns("replay", "--json", env={"PGCONNS_HISTORY": str(tmp_path / "none.db")})
    assert (done.status, done.out) == (5, "")
    assert "pgconns watch records" in done.err


def test_on_a_terminal_the_past_is_shown_and_left() -> None:
    command = [sys.executable, "-m", "tui", "replay", "--at", "2026-11-20T10:05:30"]
    with Terminal(command, {**os.environ, "NO_COLOR": "1"}) as terminal:
        terminal.wait_for(lambda text: "THE PAST" in text and "10:05:00" in text and "15/97" in text, _LIMIT_S)
        terminal.press("q")
        assert terminal.end(_LIMIT_S) == 0
        assert terminal.restored
