"""The panel's lines: they fill any width exactly, whatever names and errors hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.given import HOSTILE, REFUSED, connection, counted, sampled
from tui.sockets.growth import Trend
from tui.sockets.model import Sample, ServerCount
from tui.sockets.series import Series
from tui.text import cells
from tui.widgets.live_table import Spans
from tui.widgets.panel import Panel
from tui.widgets.socket_lines import Row, columns, connection_spans, edges, heading, server_spans
from tui.widgets.troubles import Trouble

widths = st.integers(30, 260)


def text(spans: Spans) -> str:
    return "".join(span.text for span in spans)


@given(widths)
def test_columns_fill_the_width(width: int) -> None:
    assert cells(text(heading(width))) == width


@given(st.integers(30, 259))
def test_a_wider_terminal_never_loses_a_column(width: int) -> None:
    narrow, wide = columns(width), columns(width + 1)
    assert all(after > 0 for before, after in zip(narrow, wide, strict=True) if before)


@given(widths, st.text(), st.text(), st.booleans())
def test_a_line_fills_the_width_whatever_the_names(width: int, name: str, error: str, seen: bool) -> None:
    count = counted("x", 5 if seen else None, error=error)
    row = Row(connection(name, username=error), count, Series((1.0,), (5,)), (Trouble("failed", "no", error),))
    assert cells(text(connection_spans(row, True, width))) == width
    line = server_spans(name, ServerCount(name, error=error), 1000.0, width)
    assert cells(text(line)) <= width


def test_hostile_text_reaches_no_terminal() -> None:
    row = Row(connection(HOSTILE), counted("x", None, error=HOSTILE), Series(), (Trouble("failed", "no", HOSTILE),))
    drawn = text(connection_spans(row, False, 120)) + text(
        server_spans(HOSTILE, ServerCount("x", error=HOSTILE), 0, 120)
    )
    assert "[/]" in drawn
    assert not set("\x1b\u202e\n") & set(drawn)


def test_not_seen_is_a_dash_and_the_reason() -> None:
    row = Row(connection("a"), counted("a", None), Series(), (Trouble("failed", "not seen", "Not seen: no route"),))
    drawn = text(connection_spans(row, False, 80))
    assert "—" in drawn
    assert "Not seen: no route" in drawn
    assert "0" not in drawn


def test_a_server_tells_its_use_and_what_it_hides() -> None:
    seen = ServerCount("db:5432", 97, 3, 63, 34, 1, 60, 2, "own", 1000.0)
    drawn = text(server_spans("db:5432", seen, 1000.0, 90))
    assert "63 of 97 used · 34 free · own sockets only · 2 not registered" in drawn


def test_a_server_that_is_not_seen_tells_since_when() -> None:
    drawn = text(server_spans("db:5432", ServerCount("db:5432", seen_at=880.0, error=REFUSED), 1000.0, 120))
    assert f"✗ not seen for 2 min: {REFUSED}" in drawn


@pytest.mark.parametrize(("seen_at", "told"), [(1006.1, False), (1004.0, False), (1001.0, True)])
def test_a_server_that_is_slow_to_answer_tells_how_old_its_numbers_are(seen_at: float, told: bool) -> None:
    sample = Sample(1006.0, (ServerCount("db:5432", 97, 3, 63, 34, 1, seen_at=seen_at),), (counted("a", 3),), ())
    beats = Series((1000.0, 1002.0, 1004.0, 1006.0), (3, 3, 3, 3))
    drawn = text(Panel((connection("a"),), sample, {"a": beats}).draw("db:5432", False, 100))
    assert ("! slow, 5 s old · 63 of 97 used" in drawn) == told
    assert ("slow" in drawn) == told


def test_shared_sockets_are_summed_once() -> None:
    members = (connection("a"), connection("b"), connection("c"))
    sample = sampled(counted("a", shared_with=("b",)), counted("b", shared_with=("a",)), counted("c", 3))
    assert "8 sockets: 2 active, 6 idle" in Panel(members, sample).totals("every 2 s", 120)


def test_totals_fit_the_width_and_tell_what_was_not_seen() -> None:
    panel = Panel((connection("a"), connection("b")), sampled(counted("a"), counted("b", None, error="x")))
    for width in (30, 60, 120):
        assert cells(panel.totals("every 2 s", width)) <= max(width, 40)
        assert "✗ 1 not seen" in panel.totals("every 2 s", width)


def test_where_it_leads_stands_in_the_line_at_any_width() -> None:
    shrinking = Trend("shrinking", -12.3, -14.0, -10.0)
    leaking = Trend("leaking", 1.0, 0.8, 1.2, 1000.0 + 42 * 60)
    for trend, narrow, wide in (
        (leaking, "↗ +1.0/m 42 min", "↗ leaking +1.0/m   42 min"),
        (shrinking, "↘ −12/m", "↘ shrinking −12/m"),
    ):
        row = Row(connection("a"), counted("a", trend=trend), Series(), (), at=1000.0)
        assert narrow in text(connection_spans(row, False, 80))
        assert wide in text(connection_spans(row, False, 120))


def test_at_80_columns_a_line_tells_states_share_past_trend_and_trouble() -> None:
    assert " ".join(text(heading(80)).split()) == "Connection Sockets Trend Full Share Act Idle Tx Past Trouble"
    trend = Trend("leaking", 1.0, 0.8, 1.2, 1000.0 + 42 * 60)
    count = counted("a", 40, trend=trend, states=(3, 35, 2, 0, 0), limit=97, headroom=57)
    row = Row(
        connection("a"), count, Series((1.0, 3.0), (38, 40)), (Trouble("warning", "leaking", "It leaks"),), 0, 1000.0
    )
    drawn = text(connection_spans(row, False, 80))
    assert re.fullmatch(r" ! a +40/97 +↗ \+1\.0/m 42 min ██·*· +3 +35 +2 +[▁-█]+ leaking +", drawn), drawn


def test_a_server_tells_where_it_leads_and_by_whom_before_what_is_not_registered() -> None:
    seen = ServerCount(
        "db:5432", 97, 3, 63, 34, 1, 60, 2, "full", 1000.0, trend=Trend("growing", 3.0, 2.0, 4.0, 1720.0)
    )
    said = {width: text(server_spans("db.example.com:5432", seen, 1000.0, width, "tiles")) for width in (76, 90, 120)}
    assert "· ↗ growing +3.0/m, full in 12 min, most by tiles · 2 not registered ─" in said[120]
    assert "· ↗ +3.0/m, full in 12 min, most by tiles ─" in said[90]
    assert all("db.example.com:5432" in each and "↗ +3.0/m, full in 12 min ─" in said[76] for each in said.values())


def test_columns_begin_where_cells_do() -> None:
    for width in (80, 120, 200):
        assert all(text(heading(width))[edge] == " " for edge in edges(width)[1:])
