"""The list of alerts: each raised once, kept for a while when it ends, drawn as wide as the screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.given import HOSTILE
from tui.sockets.alerts import Alert, Level
from tui.text import cells
from tui.widgets.alert_log import KEPT_S, AlertLog, Ended, alert_spans


def alert(subject: str, level: Level = "warning", since: float = 0.0) -> Alert:
    return Alert("level", level, subject, f"{subject}: {HOSTILE}", since, since)


A, B = alert("a"), alert("b", since=5.0)


def test_each_is_raised_once_and_again_when_it_becomes_critical() -> None:
    log = AlertLog().take((A,), 0.0)
    assert log.raised == (A,)
    log = log.take((A, B), 5.0)
    assert log.raised == (B,)
    log = log.take((alert("a", "critical"), B), 6.0)
    assert [one.level for one in log.raised] == ["critical"]
    assert log.take(log.standing, 7.0).raised == ()


def test_one_that_ended_is_listed_for_an_hour_below_those_that_stand() -> None:
    log = AlertLog().take((A, B), 5.0).take((B,), 60.0)
    assert [line.value for line in log.lines()] == [Ended(B, 0.0), Ended(A, 60.0)]
    assert log.take((B,), 59.0 + KEPT_S).ended
    assert not log.take((B,), 60.0 + KEPT_S).ended
    assert log.take((A, B), 61.0).ended == ()


def test_the_panels_line_tells_the_gravest_and_of_those_the_newest() -> None:
    log = AlertLog().take((A, alert("c", "critical", 1.0), alert("d", "critical", 2.0)), 2.0)
    words, tone = log.summary()
    assert words.startswith("✗ 3 alerts (press !)")
    assert " d: ␛[31m[/]" in words
    assert tone == "failed"
    assert AlertLog().summary() == ("", "plain")


def test_who_sees_to_it_is_said() -> None:
    log = AlertLog().take((A, B), 5.0)
    seen_to, other = (line.value for line in log.lines({B.key: "ada"}))
    spans = alert_spans(seen_to, False, 80, 10.0)
    assert "ada sees to it · b: " in "".join(span.text for span in spans)
    assert spans[1].tone == "muted"
    assert other == Ended(A, 0.0)


@given(st.integers(40, 200), st.booleans(), st.text(), st.sampled_from(["", "ada"]))
def test_a_line_fills_the_width(width: int, ended: bool, sentence: str, by: str) -> None:
    one = Ended(Alert("leak", "warning", "x", sentence, 100_000.0, 0.0), 200_000.0 * ended, by)
    spans = alert_spans(one, True, width, 400_000.0)
    assert cells("".join(span.text for span in spans)) == width
    assert "\x1b" not in "".join(span.text for span in spans)
