"""The last counts of a Connection, and the order in which credentials are tried."""

from __future__ import annotations

from tests.sockets.test_attribution import connection
from tui.postgres.finding import Finding
from tui.sockets.credentials import Refusal, better, is_of_the_place, is_passing, label, order, same_access
from tui.sockets.queries import Sight
from tui.sockets.series import LONGEST, Series


def test_a_series_forgets_its_oldest() -> None:
    series = Series()
    for number in range(LONGEST + 5):
        series = series.add(float(number), number)
    assert len(series.at) == len(series.sockets) == LONGEST
    assert (series.sockets[0], series.sockets[-1]) == (5, LONGEST + 4)


def test_credentials_that_see_most_come_first_and_refused_ones_last() -> None:
    blind, pooled = connection("blind", username="a"), connection("pooled", username="m", connector="pgbouncer")
    keen, half = connection("keen", username="m"), connection("half", username="h")
    sight = {"m": Sight(sees_all=True), "h": Sight(sees=2), "a": Sight(sees=1)}
    everybody = [blind, pooled, half, keen]
    assert order(everybody, sight, {}) == [keen, pooled, half, blind]
    refusals = {"keen": Refusal("no", 2.0), "half": Refusal("no", 1.0)}
    assert order(everybody, sight, refusals) == [pooled, blind, half, keen]
    assert better(everybody, sight, {}, sight["h"]) == keen
    assert better(everybody, sight, {}, sight["m"]) is None
    assert better([blind, keen], sight, {"keen": Refusal("no", 1.0)}, sight["a"]) is None


def test_a_rename_keeps_the_access_and_another_port_does_not() -> None:
    one = connection("one")
    assert same_access(one, one._replace(parameters=one.parameters._replace(name="other", match_client=("10.0.0.1",))))
    assert not same_access(one, one._replace(parameters=one.parameters._replace(port=1)))
    assert label(one._replace(parameters=one.parameters._replace(server="::1"))) == "[::1]:5432"


def test_what_says_nothing_of_credentials_passes() -> None:
    assert is_of_the_place(Finding("tcp", "failed", "refused", code="ECONNREFUSED"))
    assert is_passing(Finding("authentication", "failed", "full", code="53300"))
    assert is_passing(Finding("authentication", "failed", "starting", code="57P03"))
    assert not is_passing(Finding("authentication", "failed", "wrong password", code="28P01"))
    assert not is_passing(Finding("tls", "failed", "refused"))
