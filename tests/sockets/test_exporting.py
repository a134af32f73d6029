"""What is seen as text for a file: all of it, computed by no spreadsheet, obeyed by no terminal."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.given import HOSTILE, counted, sampled
from tui.sockets.exporting import cell, csv_text, json_text, sample_rows
from tui.sockets.growth import Trend
from tui.sockets.model import Sample, ServerCount, Unregistered

GROWING = Trend("growing", -1.5, -2.0, 1.0, 2000.0)
SAMPLE = Sample(
    1000.0,
    (ServerCount("db:5432", error="=1+1"),),
    (counted("=cmd|' /C calc'!A0", 5, trend=GROWING, shared_with=("@b", "c")), counted(HOSTILE, None)),
    (Unregistered("db:5432", "+x", "-y", 3),),
)


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(sample_rows(SAMPLE)))))


def test_a_row_for_each_connection_server_and_stranger() -> None:
    first, second, server, stranger = rows()
    assert [row["kind"] for row in rows()] == ["connection", "connection", "server", "unregistered"]
    assert (first["sockets"], first["trend_verdict"], first["trend_per_minute"]) == ("5", "growing", "-1.5")
    assert second["sockets"] == ""  # not seen is not zero
    assert stranger["sockets"] == "3"
    assert server["at"].startswith("1970-01-01T00:16:40")


def test_no_formula_and_no_escape_sequence() -> None:
    first, _, server, stranger = rows()
    assert first["name"] == "'=cmd|' /C calc'!A0"
    assert (server["error"], first["shared_with"]) == ("'=1+1", "'@b; c")
    assert (stranger["database"], stranger["username"]) == ("'+x", "'-y")
    assert not set("\x1b\u202e") & set(csv_text(sample_rows(SAMPLE)) + json_text(SAMPLE.to_json()))


def test_json_is_that_of_the_command() -> None:
    assert json.loads(json_text(SAMPLE.to_json())) == SAMPLE.to_json()
    assert json.loads(json_text(sampled().to_json()))["connections"] == []


@given(st.text())
def test_no_text_begins_as_a_formula_does(text: str) -> None:
    assert not str(cell(text)).startswith(("=", "+", "-", "@", "\t", "\r"))
