"""The panel's value: order, filter, what is wrong, and the recent past."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.given import REFUSED, connection, counted, sampled
from tui.sockets.model import ServerCount
from tui.sockets.series import Series
from tui.widgets.panel import Panel
from tui.widgets.recent import recent_columns
from tui.widgets.troubles import troubles

A, B, C = connection("a"), connection("B"), connection("c", "eu.example.com")


def keys(panel: Panel) -> list[str | None]:
    return [line.key for line in panel.lines]


def test_connections_of_one_server_stand_together_by_name() -> None:
    assert keys(Panel((C, B, A))) == [None, "a", "B", None, "c"]


def test_servers_that_proved_to_be_one_stand_together() -> None:
    sample = sampled(counted("a"), counted("B"), counted("c"))
    assert keys(Panel((C, B, A), sample)) == [None, "a", "B", "c"]


def test_order_by_sockets_and_by_trouble() -> None:
    sample = sampled(counted("a", 3), counted("B", 9, headroom=0), counted("c", 30, "eu.example.com:5432"))
    assert keys(Panel((A, B, C), sample, order="sockets"))[1:3] == ["B", "a"]
    assert keys(Panel((A, B, C), sample, order="trouble")) == [None, "B", "a", None, "c"]


def test_the_filter_looks_at_names_servers_databases_and_roles() -> None:
    panel = Panel((A, B, C))
    assert keys(replace(panel, wanted="EU.")) == [None, "c"]
    assert keys(replace(panel, wanted="carto")) == keys(panel)
    assert keys(replace(panel, wanted="nothing of this")) == []


def test_what_is_wrong_comes_worst_first() -> None:
    count = counted("a", 90, headroom=2, oldest_idle_in_transaction_s=700.0, shared_with=("b",))
    wrong = troubles(count, None, kept_warnings=2)
    assert [trouble.level for trouble in wrong] == ["failed", "warning", "note", "note"]
    assert [trouble.short for trouble in wrong] == ["98% used", "in tx 11 min", "shared by 2", "2 warnings"]


def test_nothing_is_wrong_with_a_quiet_connection() -> None:
    assert troubles(counted("a"), ServerCount("x", used=5), 0) == ()
    assert troubles(None, None, 0) == ()


def test_an_error_of_the_server_is_told_once_and_one_of_its_own_in_full() -> None:
    server = ServerCount("x", error=REFUSED)
    assert troubles(counted("a", None, error=REFUSED), server, 0)[0].short == "not seen, like its server"
    own = troubles(counted("a", None, error="wrong password"), server, 0)[0]
    assert (own.short, own.sentence) == ("not seen", "Not seen: wrong password")


def test_counted_although_it_cannot_log_in() -> None:
    (trouble,) = troubles(counted("a", 5, error="wrong password"), ServerCount("x"), 0)
    assert trouble.short == "cannot log in"


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 99)), max_size=120), st.integers(0, 60), st.sampled_from((1, 2, 60))
)
def test_the_recent_past_fits_and_keeps_its_peak(counts: list[int | None], width: int, interval_s: int) -> None:
    series = Series(tuple(1_000_000.0 + interval_s * n for n in range(len(counts))), tuple(counts))
    shown = recent_columns(series, width)
    assert len(shown) <= width
    if shown and counts[-1] is not None:
        assert shown[-1] is not None
        assert shown[-1] >= counts[-1]


@given(st.integers(1, 60), st.sampled_from((1.0, 2.0, 5.0, 60.0)))
def test_a_steady_past_is_drawn_the_same_again(width: int, interval_s: float) -> None:
    """Otherwise an unchanged panel would send bytes."""
    series = Series()
    for number in range(240):
        shown = recent_columns(series, width)
        assert shown == (7,) * min(number, width)
        series = series.add(1000.0 + interval_s * number + 0.03 * (number % 3), 7)
