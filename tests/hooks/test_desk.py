"""The desk: nobody waits for a hook, nothing is told twice, and nothing is lost by a restart."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.hooks.given import HOSTILE, alert, hook
from tui.history.notices import Notices, deliveries, load
from tui.history.store import Store
from tui.hooks import desk as module
from tui.hooks.desk import Desk
from tui.hooks.keeping import NotKept, Standing
from tui.hooks.sending import NotDelivered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from tui.connections.model import Hook
    from tui.hooks.message import Message

OPS, CHAT = hook(), hook("chat")
NOW = time.time()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A history, empty."""
    place = tmp_path / "history.db"
    Store(place).close()
    return place


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again, and look again, soon."""
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    monkeypatch.setattr(module, "LOOK_S", 0.05)


class Post:
    """Takes messages, hook by hook, after a failure for each exception it is given."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.failures: list[NotDelivered] = []
        self.hanging: set[str] = set()

    async def send(self, one: Hook, message: Message) -> None:
        """Take one."""
        self.ids.append(message.id)
        if one.name in self.hanging:
            await asyncio.Event().wait()
        if self.failures:
            raise self.failures.pop(0)
        self.told.append((one.name, f"{message.event} {message.content['data']['subject']}"))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, within a bound."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - files change without an event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def opened(
    keeper: Any, post: Post, standing: Standing | None = None, hooks: tuple[Hook, ...] = (OPS, CHAT)
) -> AsyncIterator[tuple[Desk, list[str]]]:
    """A desk that runs, and what it says."""
    said: list[str] = []
    one = Desk(keeper, said.append, standing or Standing(), post.send)
    one.set_hooks(hooks)
    running = asyncio.create_task(one.run())
    try:
        yield one, said
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_each_hook_is_told_once_and_a_restart_changes_nothing(path: Path) -> None:
    post = Post()
    async with opened(Notices(path), post) as (one, _):
        one.take([alert(), alert(subject=f"x {HOSTILE}")], NOW, {})
        one.take([alert(), alert(subject=f"x {HOSTILE}")], NOW + 2, {})
        await until(lambda: len(post.told) == 4)
        await one.close()
    again = Post()
    async with opened(Notices(path), again, load(path)) as (one, _):
        one.take([alert()], NOW + 4, {})
        await until(lambda: len(again.told) == 2)
        assert set(again.told) == {("ops", f"cleared x {HOSTILE}"), ("chat", f"cleared x {HOSTILE}")}
        await one.close()
    assert load(path).waiting == ()
    assert {key for _, key in load(path).known} == {("level", "db:5432")}


async def test_one_that_hangs_delays_no_other_and_is_told_after_a_restart(path: Path) -> None:
    post = Post()
    post.hanging.add("ops")
    async with opened(Notices(path), post) as (one, _):
        for number in range(5):
            one.take([alert(subject=f"server {number}")], NOW + number, {})
        await until(lambda: len([name for name, _ in post.told if name == "chat"]) == 9)
        assert not [name for name, _ in post.told if name == "ops"]
        await until(lambda: {one.hook for one in load(path).waiting} == {"ops"})
        first = load(path).waiting[0].id
    # Killed here: nothing was closed.
    again = Post()
    async with opened(Notices(path), again, load(path)) as (one, _):
        await until(lambda: len(again.told) == 9)
        assert [event for _, event in again.told][:3] == ["raised server 0", "raised server 1", "cleared server 0"]
        assert again.ids[0] == first
        await one.close()
    assert load(path).waiting == ()


async def test_what_fails_is_tried_again_under_the_same_id_and_told_of(path: Path) -> None:
    post = Post()
    post.failures = [NotDelivered("It is down"), NotDelivered("It is down")]
    async with opened(Notices(path), post, hooks=(OPS,)) as (one, said):
        one.take([alert()], NOW, {})
        await until(lambda: bool(post.told) and not load(path).waiting)
        assert len(set(post.ids)) == 1
        assert [line.partition(";")[0] for line in said] == ["Hook ops: It is down"] * 2
        assert deliveries(path)["ops"].error == ""  # what went wrong before it arrived is past
        post.failures = [NotDelivered("It refuses", passing=False)]
        one.take([], NOW + 2, {})
        await until(lambda: "given up" in said[-1])
        await until(lambda: deliveries(path)["ops"].error == "It refuses")
        assert load(path).waiting == ()


async def test_an_answer_that_asks_for_patience_gets_it(path: Path) -> None:
    post = Post()
    post.failures = [NotDelivered("Too many", wait_s=500.0)]
    async with opened(Notices(path), post, hooks=(OPS,)) as (one, said):
        one.take([alert()], NOW, {})
        await until(lambda: bool(said))
        assert "tried again in 500 s" in said[0]
        one.take([alert(), alert(subject="other")], NOW + 2, {})  # another alert does not wait for it
        await until(lambda: post.told == [("ops", "raised other")])


async def test_too_many_are_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    post = Post()
    post.hanging.add("ops")
    async with opened(Notices(path), post, hooks=(OPS,)) as (one, said):
        one.take([alert(subject="0")], NOW, {})
        await until(lambda: bool(post.ids))
        one.take([alert(subject=str(number)) for number in range(6)], NOW + 2, {})
        await until(lambda: len(said) == 3)
        assert all("More than 3 wait; given up" in line for line in said)
        await until(lambda: len(load(path).waiting) == 3)
        assert post.ids[0] in {one.id for one in load(path).waiting}


async def test_hooks_come_and_go(path: Path) -> None:
    post = Post()
    post.hanging.add("ops")
    async with opened(Notices(path), post) as (one, said):
        one.take([alert()], NOW, {})
        await until(lambda: bool(post.told))
        await until(lambda: any(one.hook == "ops" for one in load(path).waiting))
        one.set_hooks((CHAT, hook("new")))
        assert "taken out of the registry" in said[-1]
        one.take([alert()], NOW + 2, {})
        await until(lambda: ("new", "raised db:5432") in post.told)
        await until(lambda: not load(path).waiting)
        assert {name for name, _ in load(path).known} == {"chat", "new"}


class Broken:
    """Keeps nothing."""

    def keep(self, *what: Any) -> None:
        """Fail."""
        raise NotKept("The disk is full")

    def acknowledged(self) -> Mapping[Any, Any]:
        """Fail."""
        raise NotKept("The disk is full")


async def test_what_cannot_be_kept_is_told_all_the_same() -> None:
    post = Post()
    async with opened(Broken(), post, hooks=(OPS,)) as (one, said):
        one.take([alert()], NOW, {})
        await until(lambda: bool(post.told))
        one.take([], NOW + 2, {})
        await until(lambda: len(post.told) == 2)
        await one.close()
    assert len([line for line in said if line.startswith("The disk is full")]) == 1
