"""Screens on a stage: the real app with one screen opened, what it answered, and what can be seen of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.widgets import Static

from tui.app import Console
from tui.connections.os_keyring import OsKeyring
from tui.connections.registry import Registry
from tui.connections.secrets import Secrets
from tui.postgres.finding import Finding
from tui.probe.report import Report, Server
from tui.screens.base import Base
from tui.screens.services import Services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion
    from textual.app import ComposeResult
    from textual.pilot import Pilot
    from textual.screen import Screen

    from tui.connections.model import Parameters
    from tui.connections.secret import Secret

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


class Backdrop(Base[None]):
    """What lies under the screen on stage."""

    def body(self) -> ComposeResult:
        """Yield nothing to see."""
        yield Static("")


class Stage(Console):
    """The console with one screen on a backdrop; `answers` are what it was dismissed with."""

    def __init__(self, services: Services, screen: Screen[Any]) -> None:
        super().__init__(services)
        self.opened = screen
        self.answers: list[Any] = []

    def get_default_screen(self) -> Screen[Any]:
        """Start with the backdrop."""
        return Backdrop(self.services)

    def on_mount(self) -> None:
        """Open the screen."""
        self.push_screen(self.opened, self.answers.append)


@asynccontextmanager
async def on_stage(
    services: Services, screen: Screen[Any], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[int]]:
    """Open a screen; `pilot.app` is the Stage."""
    async with Stage(services, screen).run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield pilot


async def until(pilot: Pilot[int], condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until a condition holds; fail where it does not in time, with what can be seen."""
    end = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > end:
            pytest.fail(f"waited {seconds} s in vain; on the screen:\n{seen(pilot)}")
        await pilot.pause(0.02)


def recorded(pilot: Pilot[int], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list that will hold whatever is sent to the terminal from now on."""
    sent: list[Any] = []
    display = pilot.app._display

    def remember(screen: Screen[Any], what: Any) -> None:
        if what is not None:
            sent.append(what)
        display(screen, what)

    monkeypatch.setattr(pilot.app, "_display", remember)
    return sent


async def quiet(pilot: Pilot[int], sent: list[Any]) -> None:
    """Wait until nothing is sent for a while; then forget what was."""
    still, before = 0, -1
    async with asyncio.timeout(20):
        while still < 10:
            await pilot.pause(0.02)
            still, before = (still + 1 if len(sent) == before else 0), len(sent)
    sent.clear()


def answers(pilot: Pilot[int]) -> list[Any]:
    """Return what the screen on stage was dismissed with."""
    assert isinstance(pilot.app, Stage)
    return pilot.app.answers


def top(pilot: Pilot[int]) -> object:
    """Return the screen that is on top just now."""
    return pilot.app.screen


def seen(pilot: Pilot[int]) -> str:
    """Return the text on the screen, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def prose(pilot: Pilot[int]) -> str:
    """Return the text on the screen in one line, without frames: a sentence may be broken anywhere between words."""
    return " ".join("".join(" " if "─" <= sign <= "╿" or sign == "▌" else sign for sign in seen(pilot)).split())


async def settled(pilot: Pilot[int]) -> str:
    """Return the text on the screen once it stays: a footer is made anew after its screen."""
    before = ""
    for _ in range(100):
        await pilot.pause(0.02)
        now = seen(pilot)
        if now == before and now.rpartition("\n")[2]:
            return now
        before = now
    return before


async def type_text(pilot: Pilot[int], text: str) -> None:
    """Type a text quickly, as the terminal's driver hands it on; `press` waits 50 ms after each key."""
    for character in text:
        pilot.app.post_message(events.Key(_character_to_key(character), character))
    await pilot.pause()


class ProbeBy(Protocol):
    """Makes a probe that finds these things."""

    def __call__(self, *findings: Finding) -> FakeProbe: ...


class FakeProbe:
    """A probe of no server: it finds what it was told, and remembers what it was asked with."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        self.asked: list[tuple[Parameters, Secret | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = False

    async def __call__(
        self, parameters: Parameters, password: Secret | None, on_finding: Callable[[Finding], None]
    ) -> Report:
        """Hand out the findings; wait at the gate before the last."""
        self.asked.append((parameters, password))
        for number, finding in enumerate(self.findings):
            if number == len(self.findings) - 1:
                try:
                    await self.gate.wait()
                except asyncio.CancelledError:
                    self.cancelled = True
                    raise
            on_finding(finding)
        return Report(self.findings, Server())


OK = (
    Finding("name_resolution", "ok", "db.example.com is 192.0.2.7 and 2001:db8::7", milliseconds=3.2),
    Finding("tcp", "ok", "192.0.2.7 and 2001:db8::7 answer on port 5432", milliseconds=11),
    Finding("authentication", "ok", "Logged in as carto", milliseconds=31),
    Finding("postgis", "warning", "PostGIS is missing in gis", fix="CREATE EXTENSION postgis;", milliseconds=2),
)
REFUSED = (
    *OK[:2],
    Finding(
        "authentication",
        "failed",
        'password authentication failed for user "carto"',
        fix="Type the password again, or set it on the server:\nALTER ROLE carto PASSWORD '...';",
        code="28P01",
        milliseconds=12,
    ),
    Finding("postgis", "skipped", "Nobody is logged in"),
)


@pytest.fixture
def probe_by() -> ProbeBy:
    """Fake probes, handed in as a parameter."""
    return lambda *findings: FakeProbe(findings)


@pytest.fixture
def services(home: Path, probe_by: ProbeBy) -> Services:
    """Services on an empty home, without a keyring, whose probe finds everything OK but PostGIS."""
    return Services(Registry(), Secrets(keyring=NoKeyring()), probe=probe_by(*OK))


class NoKeyring(OsKeyring):
    """A machine without a keyring, whatever the one that runs the tests has."""

    def status(self) -> tuple[str | None, str]:
        """Say that there is none."""
        return None, "no keyring here"


class Look(Protocol):
    """Compares what can be seen with the snapshot of that name."""

    async def __call__(self, pilot: Pilot[int], name: str) -> None: ...


@pytest.fixture
def look(snapshot: SnapshotAssertion) -> Look:
    """Snapshots of text, by name."""

    async def compare(pilot: Pilot[int], name: str) -> None:
        size = f"{pilot.app.size.width}x{pilot.app.size.height}"
        assert await settled(pilot) == snapshot(name=f"{name} {size}")

    return compare


@pytest.fixture(params=list(SIZES.values()), ids=list(SIZES))
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """The design size, and a large one."""
    width, height = request.param
    return width, height
