"""When a hook is told: once, whatever comes and goes, never in quiet hours, and of everything that stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hooks.given import alert, hook
from tui.connections.quiet import is_quiet, read
from tui.hooks.telling import Acknowledgement, step, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.connections.model import Hook
    from tui.hooks.telling import Event, Known
    from tui.sockets.alerts import Level

ZONES = ["UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]


class Told(NamedTuple):
    """What a hook was told, and when."""

    at: float
    event: Event


def run(
    one: Hook,
    looks: Sequence[tuple[float, Level | None]],
    acknowledged: Sequence[Acknowledgement] = (),
) -> list[Told]:
    """Return what a hook is told of an alert that stands, or not, look by look."""
    its, known = terms(one), None
    found = []
    for at, level in looks:
        said = [each for each in acknowledged if each.at <= at]
        known, event = step(its, known, alert(level) if level else None, at, said[-1] if said else None)
        if event is not None:
            found.append(Told(at, event))
    return found


def stretches(*lengths: tuple[float, Level | None], step_s: float = 2.0) -> list[tuple[float, Level | None]]:
    """Looks every two seconds: for so many seconds each, what stands."""
    looks: list[tuple[float, Level | None]] = []
    at = 1_000_000.0
    for length, level in lengths:
        for _ in range(int(length / step_s)):
            looks.append((at, level))
            at += step_s
    return looks


LEVELS: st.SearchStrategy[Any] = st.sampled_from([None, "warning", "critical"])
LOOKS = st.lists(st.tuples(st.sampled_from([2.0, 4.0, 20.0, 60.0, 400.0]), LEVELS), max_size=40).map(
    lambda lengths: stretches(*lengths)
)
HOOKS = st.builds(
    lambda stands, gone, level, remind: hook(
        stands_seconds=stands, gone_seconds=gone, level=level, remind_hours=remind
    ),
    st.sampled_from([0, 10, 30]),
    st.sampled_from([0, 30, 300]),
    st.sampled_from(["warning", "critical"]),
    st.sampled_from([0, 0.05]),
)


@given(HOOKS, LOOKS)
def test_each_is_raised_once_and_cleared_once_when_it_stood_and_was_gone_for_long(
    one: Hook, looks: list[tuple[float, Level | None]]
) -> None:
    known_to_stand = False
    worse = False
    for at, event in run(one, looks):
        before = [(then, level) for then, level in looks if then <= at]
        if event == "cleared":
            assert known_to_stand
            assert not any(level for then, level in before if at - then < max(one.gone_seconds, 1))
            known_to_stand = worse = False
            continue
        assert known_to_stand == (event != "raised")
        assert before[-1][1]
        lately = [level for then, level in before if at - then <= one.stands_seconds]
        assert all(lately) or event == "reminder"
        if event == "worsened":
            assert not worse
            assert set(lately) == {"critical"}
            worse = True
        assert one.level == "warning" or before[-1][1] == "critical"
        assert event != "reminder" or one.remind_hours
        known_to_stand = True


@given(HOOKS, LOOKS)
def test_what_stands_for_long_is_told(one: Hook, looks: list[tuple[float, Level | None]]) -> None:
    whole = [*looks, *[(at + 1e6, level) for at, level in stretches((400, "critical"), (400, None))]]
    events = [event for _, event in run(one, whole)]
    assert events[-1] == "cleared"
    assert events.count("raised") == events.count("cleared")
    last = len(events) - 1 - events[::-1].index("raised")
    if one.level == "warning":
        assert events[last] == "raised"


@given(st.lists(st.tuples(st.sampled_from([2.0, 40.0, 200.0]), st.sampled_from([2.0, 40.0, 200.0])), max_size=20))
def test_what_comes_and_goes_is_told_once(flaps: list[tuple[float, float]]) -> None:
    one = hook(stands_seconds=30, gone_seconds=300)
    lengths: list[tuple[float, Level | None]] = [(60.0, "warning")]
    for gone, stood in flaps:
        lengths += [(gone, None), (stood, "warning")]
    assert [event for _, event in run(one, stretches(*lengths))] == ["raised"]


def test_what_becomes_critical_is_told_once_more() -> None:
    one = hook(stands_seconds=10, gone_seconds=60)
    flapping = [(20.0, "warning"), (4.0, "critical"), (20.0, "warning"), *[(20.0, "critical"), (20.0, "warning")] * 3]
    events = [event for _, event in run(one, stretches(*flapping, (70.0, None)))]  # type: ignore[arg-type]
    assert events == ["raised", "worsened", "cleared"]


def test_a_clock_that_is_set_back_makes_nothing_wait() -> None:
    one = hook(stands_seconds=10, gone_seconds=10)
    looks: list[tuple[float, Level | None]] = [(10_000.0, "warning"), (5.0, "warning"), (16.0, "warning")]
    looks += [(9_000.0, None), (20.0, None), (31.0, None)]
    assert run(one, looks) == [Told(16.0, "raised"), Told(31.0, "cleared")]


WINDOWS = st.lists(
    st.builds(
        lambda days, start, end: f"{days}{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}",
        st.sampled_from(["", "Mon ", "Sat-Sun ", "Fri-Mon ", "Mon,Wed,Fri "]),
        st.integers(0, 1439),
        st.integers(0, 1440),
    ).filter(lambda text: text[-11:-6] != text[-5:]),
    min_size=1,
    max_size=3,
)
# Years that hold changes of the clock of all these zones, and the day that Apia left out.
MOMENTS = st.integers(
    int(datetime(2011, 12, 20, tzinfo=UTC).timestamp()), int(datetime(2026, 12, 31, tzinfo=UTC).timestamp())
)


@given(WINDOWS, MOMENTS, st.sampled_from(ZONES))
def test_quiet_is_what_the_clock_on_the_wall_says(texts: list[str], at: int, zone: str) -> None:
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    wall = datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None)

    def begins_on(text: str, day: int) -> bool:
        if not text[0].isalpha():
            return True
        for part in text.split(" ", maxsplit=1)[0].split(","):
            first, _, last = part.partition("-")
            start, end = days.index(first), days.index(last or first)
            if (day - start) % 7 <= (end - start) % 7:
                return True
        return False

    def holds(text: str) -> bool:
        start, end = text.rsplit(" ", maxsplit=1)[-1].split("-")
        now = f"{wall:%H:%M}"
        if start < end:
            return begins_on(text, wall.weekday()) and start <= now < end
        return (begins_on(text, wall.weekday()) and now >= start) or (
            begins_on(text, (wall.weekday() - 1) % 7) and now < end
        )

    assert is_quiet(at, map(read, texts), ZoneInfo(zone)) == any(map(holds, texts))


@given(
    WINDOWS, MOMENTS, st.sampled_from(ZONES), st.booleans(),
    st.lists(st.tuples(st.integers(1, 400), LEVELS), min_size=1, max_size=30),
)  # fmt: skip
def test_nothing_is_told_in_quiet_hours_and_what_stands_at_their_end_is(
    texts: list[str], start: int, zone: str, passes: bool, minutes: list[tuple[int, Level | None]]
) -> None:
    one = hook(quiet_hours=tuple(texts), time_zone=zone, critical_in_quiet_hours=passes)
    looks: list[tuple[float, Level | None]] = []
    at = float(start)
    for length, level in minutes:
        looks += [(at + 60 * minute, level) for minute in range(length)]
        at += 60 * length
    told = run(one, looks)
    windows, where = tuple(map(read, texts)), ZoneInfo(zone)
    levels = dict(looks)
    standing = False
    events = {each.at: each.event for each in told}
    for moment, level in looks:
        event = events.get(moment)
        quiet = is_quiet(moment, windows, where)
        if event in {"raised", "worsened"} and quiet:
            assert passes
            assert levels[moment] == "critical"
        standing = {"raised": True, "worsened": True, "cleared": False, None: standing}[event]
        if not quiet:  # whatever went before, what is known now is true
            assert standing == (level is not None)


def test_critical_passes_through_and_so_does_its_end() -> None:
    one = hook(quiet_hours=("00:00-24:00",), time_zone="UTC")
    looks = stretches((10, "warning"), (10, "critical"), (10, None))
    assert [event for _, event in run(one, looks)] == ["raised", "cleared"]
    assert run(one._replace(critical_in_quiet_hours=False), looks) == []


@pytest.mark.parametrize(("level", "reminded"), [("warning", 2), ("critical", 2)])
def test_who_sees_to_it_is_reminded_no_more(level: Level, reminded: int) -> None:
    one = hook(remind_hours=1)
    looks = stretches((7300, level), step_s=60)
    assert [event for _, event in run(one, looks)] == ["raised", *["reminder"] * reminded]
    start = looks[0][0]
    seen_to = Acknowledgement("level", "db:5432", level, "ada", start + 600)
    assert [event for _, event in run(one, looks, [seen_to])] == ["raised"]
    for_a_while = seen_to._replace(until=start + 5400)
    assert [round(at - start) for at, event in run(one, looks, [for_a_while]) if event == "reminder"] == [5400]
    without = hook()
    assert [round(at - start) for at, _ in run(without, looks, [for_a_while])] == [0, 5400]


def test_an_acknowledgement_is_of_one_alert_at_one_level() -> None:
    one = hook(gone_seconds=60)
    looks = stretches((60, "warning"), (60, "critical"), (120, None), (60, "warning"))
    start = looks[0][0]
    seen_to = Acknowledgement("level", "db:5432", "warning", "ada", start + 10)
    assert [event for _, event in run(one, looks, [seen_to])] == ["raised", "worsened", "cleared", "raised"]
    graver = seen_to._replace(level="critical")
    assert [event for _, event in run(one, looks, [graver])] == ["raised", "cleared", "raised"]


@given(HOOKS, LOOKS)
def test_nothing_is_told_twice_for_one_look(one: Hook, looks: list[tuple[float, Level | None]]) -> None:
    its = terms(one)
    known: Known | None = None
    for at, level in looks:
        known, event = step(its, known, alert(level) if level else None, at)
        if event is not None and known is not None:
            assert step(its, known, alert(level) if level else None, at) == (known, None)
