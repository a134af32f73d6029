"""The replay: what was on the screen then is on the screen now, by keys, and nothing takes it for now."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from tests.history.given import Traffic
from tests.screens.conftest import Look, Stage, answers, on_stage, seen, settled, top, type_text, until
from tests.screens.watching import FakeWatch, watching
from tests.widgets.given import HOSTILE, counted, sampled
from tui import paths
from tui.connections.model import Connection, Parameters
from tui.history.reader import History
from tui.history.recorder import Recorder
from tui.history.store import Store
from tui.history.tape import Tape
from tui.screens.help import keys
from tui.screens.jump import Jump
from tui.screens.live_panel import LivePanel
from tui.screens.past_alerts import PastAlerts
from tui.screens.past_connection import PastConnection
from tui.screens.replay import Replay, Start
from tui.sockets.alerts import Alert, judge
from tui.sockets.model import Group, Pooled, Sample
from tui.widgets.troubles import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.pilot import Pilot

    from tui.screens.services import Services

AT = 1_795_168_800.0  # 2026-11-20 10:00 UTC


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moments are told by the machine's clock: here it is UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def _traffic(number: int, full: range = range(20, 30)) -> list[Sample]:
    """Samples of two servers, one of which is nearly full for a while."""
    traffic = Traffic(connections=6, servers=2)
    traffic.at = AT
    samples = []
    for beat in range(number):
        sample = traffic.sample()
        if beat in full:
            server = replace(sample.servers[1], used=490, headroom=7)
            held = (replace(c, headroom=7) if c.server == server.server else c for c in sample.connections)
            sample = replace(sample, servers=(sample.servers[0], server), connections=tuple(held))
        samples.append(sample)
    return samples


def _through_a_pool(sample: Sample, beat: int) -> Sample:
    """A sample whose first Connection leads through a PgBouncer in which more and more clients wait."""
    first, *others = sample.connections
    pooled = Pooled("127.0.0.1:6432", 10 + beat, beat % 5, 0.7 * (beat % 5), 4, 4, "transaction")
    return replace(sample, connections=(replace(first, pooled=pooled), *others))


def _registered(services: Services, sample: Sample) -> None:
    for count in sample.connections:
        group = count.groups[0]
        host, _, port = count.server.partition(":")
        parameters = Parameters(count.name, host, group.username, group.database, int(port))
        services.registry.add(Connection(count.id, parameters))


def _record(*samples: Sample) -> History:
    """Record samples, with what is judged of them."""
    store = Store(paths.history_file())
    alerts: tuple[Alert, ...] = ()
    for sample in samples:
        alerts = judge(sample, alerts, THRESHOLDS)
        store.write(sample, alerts)
    store.close()
    return History()


def _parts(pilot: Pilot[int], above: int) -> list[str]:
    """Return the screen without what tells the replay from the live panel: what is above the table, and the keys."""
    return seen(pilot).split("\n")[above:-1]


async def _shows(pilot: Pilot[int], replay: Replay, at: float) -> None:
    await until(pilot, lambda: abs(replay.panel.at - at) < 0.002)
    await pilot.pause()


async def test_the_replay_equals_what_was_live_sample_by_sample(services: Services) -> None:
    samples = [_through_a_pool(sample, beat) for beat, sample in enumerate(_traffic(32, full=range(6, 12)))]
    _registered(services, samples[0])
    recorder = Recorder()
    recording = replace(services, recorder=recorder)
    live, alerts = [], []
    panel = LivePanel(recording, FakeWatch)
    async with on_stage(recording, panel, (100, 24)) as pilot:
        watch = await watching(pilot)
        for number, sample in enumerate(samples, 1):
            watch.count(sample)
            await pilot.pause()
            live.append(_parts(pilot, 1))
            alerts.append([(one.key, one.level, one.sentence) for one in panel.latest.alerts.standing])
            if number % 30 == 0:
                await until(pilot, lambda number=number: recorder.recording.seq == number)  # type: ignore[misc]
    assert recorder.close()
    assert any("490 of 497" in line for line in live[10])
    assert any("14 clients in" in line for line in live[4])
    assert len(set(map(tuple, alerts))) >= 3

    replay = Replay(services, History(), Start(samples[0].at))
    async with on_stage(services, replay, (100, 26)) as pilot:
        for number, sample in enumerate(samples):
            await _shows(pilot, replay, sample.at)
            assert _parts(pilot, 3) == live[number], number
            standing = [(one.key, one.level, one.sentence) for one in replay.panel.alerts.standing]
            assert standing == alerts[number], number
            await type_text(pilot, ".")
        await until(pilot, lambda: "the end" in seen(pilot))
        for number in range(len(samples) - 2, len(samples) - 9, -1):
            await type_text(pilot, ",")
            await _shows(pilot, replay, samples[number].at)
            assert _parts(pilot, 3) == live[number], number


async def test_in_the_middle_it_is_as_if_one_had_watched_from_the_start(services: Services) -> None:
    samples = _traffic(400)
    history = _record(*samples)
    replay = Replay(services, history, Start(samples[30].at))
    async with on_stage(services, replay) as pilot:
        await _shows(pilot, replay, samples[30].at)
        while replay.panel.at < samples[330].at - 1:
            await pilot.press("shift+right")
            await pilot.press("full_stop")
            await pilot.pause()
        stepped = replay.panel
        other = Replay(services, history, Start(stepped.at))
    async with on_stage(services, other) as pilot:
        await _shows(pilot, other, stepped.at)
        assert other.panel == stepped


async def test_it_is_marked_as_the_past_and_offers_nothing_that_acts(
    services: Services, size: tuple[int, int], look: Look
) -> None:
    samples = _traffic(60)
    replay = Replay(services, _record(*samples), Start(samples[29].at))
    async with on_stage(services, replay, size) as pilot:
        await until(pilot, lambda: "THE PAST · Fri 20 Nov 2026 10:01:00 · held still" in seen(pilot))
        await look(pilot, "replay")
        offered = {one.binding.action.partition("(")[0] for one in pilot.app.screen.active_bindings.values()}
        acting = {"edit", "check", "rename", "remove", "add", "unlock", "interval", "import", "apply", "act", "idle"}
        assert not offered & acting
        told = {said: key for key, said in keys(replay)}
        assert (told["Go to the next sample"], told["Go to the sample before"]) == (".", ",")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(top(pilot), PastAlerts))
        await until(pilot, lambda: "then, 20 Nov 10:01:00" in seen(pilot))
        await look(pilot, "alerts")
        await pilot.press("escape")
        await until(pilot, lambda: top(pilot) is replay)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(top(pilot), PastConnection) and "THE PAST" in seen(pilot))
        await look(pilot, "connection")
        await pilot.press("b", "b")
        await until(pilot, lambda: "carto_00" in seen(pilot))
        await pilot.press("full_stop", "plus")
        await until(pilot, lambda: "10:01:02 · held still, 2x" in seen(pilot))
        assert isinstance(top(pilot), PastConnection)


async def test_without_colour(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_stage(services, Replay(services, _record(*_traffic(5)))) as pilot:
        await until(pilot, lambda: "THE PAST" in seen(pilot))


async def test_alerts_and_moments_are_gone_to(services: Services) -> None:
    samples = _traffic(60)
    replay = Replay(services, _record(*samples))
    async with on_stage(services, replay) as pilot:
        await _shows(pilot, replay, samples[-1].at)
        raised = [kept.alert.since for kept in History().alerts(0, AT + 9999)]
        await pilot.press("a")
        await until(pilot, lambda: "No alert was raised after this" in seen(pilot))
        for at in sorted(set(raised), reverse=True):
            await pilot.press("A")
            await _shows(pilot, replay, at)
            assert any(abs(one.since - at) < 0.002 for one in replay.panel.alerts.standing)
        for typed, shown in (
            ("end", samples[-1]),
            ("10:00:20", samples[9]),
            ("-10s", samples[4]),
            ("start", samples[0]),
        ):
            await pilot.press("t")
            await until(pilot, lambda: isinstance(top(pilot), Jump) and isinstance(pilot.app.focused, Input))
            await pilot.press("ctrl+u")
            await type_text(pilot, typed)
            await pilot.press("enter")
            await until(pilot, lambda: top(pilot) is replay)
            moment = max(sample.at for sample in samples if sample.at <= shown.at + 0.9)
            await until(pilot, lambda moment=moment: abs(replay.panel.at - moment) < 2.1)  # type: ignore[misc]
        await pilot.press("t")
        await until(pilot, lambda: isinstance(top(pilot), Jump) and isinstance(pilot.app.focused, Input))
        await type_text(pilot, "x")
        await pilot.press("enter")
        await until(pilot, lambda: "Type a moment such as" in seen(pilot))


async def test_it_plays_over_gaps_to_the_end_and_stops(services: Services) -> None:
    first = [sampled(counted("analytics", n), at=AT + 2 * n) for n in range(5)]
    later = [sampled(counted("analytics", 50 + n), at=AT + 86_400 + 2 * n) for n in range(5)]
    replay = Replay(services, _record(*first, *later), Start(AT, 10.0))
    shown: list[str] = []
    async with on_stage(services, replay) as pilot:
        await until(pilot, lambda: "playing 10x" in seen(pilot))
        await until(pilot, lambda: replay.panel.at > AT)
        await pilot.press(*["plus"] * 4)
        await until(pilot, lambda: shown.append(seen(pilot)) or (not replay.playing and "the end" in seen(pilot)))  # type: ignore[func-returns-value]
        assert replay.panel.at == later[-1].at
        assert replay.speed == 600
        assert any("playing 600x" in text for text in shown)
        await pilot.press(*["comma"] * 4)
        await until(pilot, lambda: "after a gap of 23 h" in seen(pilot))
        assert replay.panel.series["analytics"].sockets[-2:] == (None, 50)


async def test_what_was_recorded_meanwhile_is_played_too(services: Services) -> None:
    samples = _traffic(12)
    history = _record(*samples[:10])
    replay = Replay(services, history)
    async with on_stage(services, replay) as pilot:
        await _shows(pilot, replay, samples[9].at)
        _record(*samples[10:])
        await pilot.press("right", "right")
        await _shows(pilot, replay, samples[11].at)
        await pilot.press("left")
        await _shows(pilot, replay, samples[10].at)


async def test_it_is_closed_while_it_reads(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    history = _record(*_traffic(5))
    reading, go_on, done = threading.Event(), threading.Event(), threading.Event()
    seek = Tape.seek

    def slow(tape: Tape, at: float) -> Sample | None:
        reading.set()
        go_on.wait(30)
        try:
            return seek(tape, at)
        finally:
            done.set()

    monkeypatch.setattr(Tape, "seek", slow)
    async with on_stage(services, Replay(services, history)) as pilot:
        await until(pilot, reading.is_set)
        await pilot.press("q")
        await until(pilot, lambda: answers(pilot) == [None])
        go_on.set()
        await until(pilot, done.is_set)
        await pilot.pause()
        assert isinstance(pilot.app, Stage)


async def test_hostile_names_from_elsewhere(services: Services) -> None:
    odd = Group("[/]", HOSTILE, HOSTILE, None, "idle", 3, feature=HOSTILE)
    replay = Replay(services, _record(sampled(counted(HOSTILE, 3, HOSTILE, groups=(odd,)), at=AT)))
    async with on_stage(services, replay, (120, 40)) as pilot:
        await until(pilot, lambda: "THE PAST" in seen(pilot) and "␛[31m[/]" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(top(pilot), PastConnection))
        assert "\x1b" not in await settled(pilot)


async def test_no_history_and_a_damaged_one_are_told(services: Services) -> None:
    async with on_stage(services, Replay(services, services.history())) as pilot:
        await until(pilot, lambda: "There is no history" in seen(pilot))
        await pilot.press("space", "full_stop", "a", "t", "enter", "exclamation_mark", "X")
    paths.history_file().parent.mkdir(parents=True, exist_ok=True)
    paths.history_file().write_bytes(b"damaged" * 1000)
    async with on_stage(services, Replay(services, services.history())) as pilot:
        await until(pilot, lambda: "or it is damaged" in seen(pilot))


async def test_the_live_panel_leads_to_it_and_goes_on_behind_it(services: Services) -> None:
    samples = _traffic(12)
    _registered(services, samples[0])
    _record(*samples[:10])
    panel = LivePanel(services, FakeWatch)
    async with on_stage(services, panel) as pilot:
        watch = await watching(pilot)
        await pilot.press("h")
        await until(pilot, lambda: "THE PAST · Fri 20 Nov 2026 10:00:20" in seen(pilot))
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(top(pilot), PastAlerts))
        watch.count(samples[11])
        await until(pilot, lambda: panel.panel.at == samples[11].at)
        assert "then, 20 Nov 10:00:20" in seen(pilot)
        await pilot.press("escape", "q")
        await until(pilot, lambda: top(pilot) is panel)


async def test_an_alert_leads_to_the_moment_when_it_was_raised(services: Services) -> None:
    samples = _traffic(30)
    _registered(services, samples[0])
    _record(*samples)
    async with on_stage(services, LivePanel(services, FakeWatch)) as pilot:
        watch = await watching(pilot)
        for sample in samples:
            watch.count(sample)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "98 % of 497" in seen(pilot))
        await pilot.press("h")
        await until(pilot, lambda: "THE PAST · Fri 20 Nov 2026 10:01:00" in seen(pilot))
        await until(pilot, lambda: "490 of 497 used" in seen(pilot))
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(top(pilot), PastAlerts))
        await pilot.press("h")
        await pilot.pause()
        assert isinstance(top(pilot), PastAlerts)
