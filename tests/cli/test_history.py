"""pgconns history: what was recorded, for people, programs and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.widgets.given import HOSTILE, counted, sampled
from tui import paths
from tui.history.store import Store
from tui.sockets.alerts import Alert

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

SINCE, UNTIL = "2026-11-20T10:00:00+00:00", "2026-11-20T12:00:00+00:00"
AT = 1_795_168_800.0  # that moment
SPAN = ("--since", SINCE, "--until", UNTIL)


@pytest.fixture(autouse=True)
def recorded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an hour of two Connections, nothing for half an hour, and half an hour that was not seen."""
    assert home.is_dir()
    monkeypatch.setenv("TZ", "UTC")
    store = Store(paths.history_file())
    alert = Alert("leak", "warning", "prod", f"prod {HOSTILE} leaks", AT + 60, AT + 120)
    for minute in range(30):
        for second in (0, 30):
            at = AT + 60 * minute + second
            sockets = 10 + minute + (second > 0)
            counts = (counted("prod", sockets, headroom=60), counted("=1+1", 3))
            store.write(sampled(*counts, at=at), [alert] if minute == 1 else [])
    for minute in range(60, 90):
        store.write(sampled(counted("prod", None, error="gone"), counted("=1+1", 3), at=AT + 60 * minute))
    store.close()


def test_a_table_of_what_was_counted(pgconns: Program) -> None:
    done = pgconns("history", "prod", *SPAN)
    assert (done.status, done.err) == (0, "")
    header, *lines = done.out.splitlines()
    assert header.split() == ["AT", "SOCKETS", "LEAST", "MEAN", "MOST", "ACTIVE", "IDLE", "IN", "TX", "OF", "LIMIT"]
    assert lines[0].split() == ["11-20", "10:00", "15", "10", "12.5", "15", "1", "14", "0", "15%", "of", "97"]
    assert "11-20 10:30        –" in lines[6]
    assert lines[6].endswith("not recorded until 11-20 11:00")
    assert lines[7].endswith("not seen")
    assert "\x1b" not in done.out
    assert any("leaks" in line and line.startswith("11-20 10:01:00  11-20 10:02:00  warning") for line in lines)
    assert max(map(len, lines)) <= 100


def test_each_single_count(pgconns: Program) -> None:
    done = pgconns("history", "prod", "--since", SINCE, "--until", "2026-11-20T10:01", "--step", "0s")
    assert [line.split()[:2] for line in done.out.splitlines()[1:3]] == [["10:00:00", "10"], ["10:00:30", "11"]]


def test_json(pgconns: Program) -> None:
    value = pgconns("history", "prod", *SPAN, "--json").json
    assert (value["name"], value["id"], value["step_s"]) == ("prod", "prod", 60)
    first, last = value["samples"][0], value["samples"][-1]
    assert {key: first[key] for key in ("at", "sockets", "active", "idle", "idle_in_transaction", "limit")} == {
        "at": "2026-11-20T10:00:00.000+00:00",
        "sockets": 11,
        "active": 1,
        "idle": 10,
        "idle_in_transaction": 0,
        "limit": 97,
    }
    assert (first["minimum"], first["mean"], first["maximum"], first["samples"]) == (10, 10.5, 11, 2)
    assert (last["sockets"], last["samples"], last["unseen"]) == (None, 0, 1)
    assert len(value["samples"]) == 60
    (alert,) = value["alerts"]
    assert (alert["kind"], alert["since"]) == ("leak", "2026-11-20T10:01:00.000+00:00")
    assert alert["ended"] == "2026-11-20T10:02:00.000+00:00"


def test_a_day_has_a_peak_and_percentiles(pgconns: Program) -> None:
    (day,) = pgconns("history", "prod", *SPAN, "--per-day", "--json").json["days"]
    assert (day["day"], day["peak"], day["peak_at"]) == ("2026-11-20", 40, "2026-11-20T10:29:00.000+00:00")
    assert (day["p50"], day["p95"], day["p99"], day["minimum"], day["unseen"]) == (25, 39, 40, 10, 30)
    header, line = pgconns("history", "prod", *SPAN, "--per-day").out.splitlines()
    assert line.split()[:3] == ["2026-11-20", "40", "10:29"]
    assert len(header) <= 80


def test_an_export_is_computed_by_no_spreadsheet_and_read_by_forecast(pgconns: Program, tmp_path: Path) -> None:
    file = tmp_path / "series.csv"
    done = pgconns("history", "=1+1", *SPAN, "--export", str(file))
    assert (done.status, done.out) == (0, "")
    assert "60 lines were written" in done.err
    assert file.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert {row["sockets"] for row in rows} == {"3"}
    assert pgconns("forecast", "--input", str(file), "--limit", "97", "--json").json["verdict"] == "steady"
    again = pgconns("history", "prod", *SPAN, "--export", str(file))
    assert again.status == 2
    assert "is there already" in again.err
    assert pgconns("history", "prod", *SPAN, "--export", "-").out.splitlines()[-1].split(",")[2] == ""
    whole = tmp_path / "series.json"
    assert pgconns("history", "prod", *SPAN, "--export", str(whole)).status == 0
    assert json.loads(whole.read_text())["samples"][0]["sockets"] == 11
    assert pgconns("history", "prod", "--export", "series.txt").status == 2


def test_a_server_by_its_label(pgconns: Program) -> None:
    value = pgconns("history", "db.example.com:5432", *SPAN, "--step", "1h", "--json").json
    assert [(one["sockets"], one["active"], one["samples"]) for one in value["samples"]] == [
        (47, None, 60),
        (47, None, 30),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["nobody"],
        ["prod", "--since", "yesterday"],
        ["prod", "--since", "1h", "--until", "2h"],
        ["prod", "--step", "30s"],
        ["prod", "--step", "1h", "--per-day"],
    ],
)
def test_what_is_wrong_is_said(pgconns: Program, words: list[str]) -> None:
    done = pgconns("history", *words)
    assert (done.status, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1


def test_nothing_in_that_time(pgconns: Program) -> None:
    done = pgconns("history", "prod", "--since", "1m")
    assert (done.status, done.out) == (0, "")
    assert "Nothing was recorded of prod in that time" in done.err


def test_no_history_and_a_damaged_one(pgconns: Program, tmp_path: Path) -> None:
    done = pgconns("history", "prod", env={"PGCONNS_HISTORY": str(tmp_path / "none.db")})
    assert done.status == 5
    assert "pgconns watch records" in done.err
    paths.history_file().write_bytes(b"damaged" * 1000)
    done = pgconns("history", "prod")
    assert (done.status, done.out) == (5, "")
    assert "is damaged" in done.err
