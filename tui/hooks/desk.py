"""Tells hooks of alerts, each from a task of its own: one that hangs or fails delays neither others nor the counting.

What was decided is kept before it is sent, and what was sent is kept after: a process that is killed in between sends
a message once more, under the same id, and loses none. Where it cannot be kept, it is sent all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from typing import TYPE_CHECKING

from tui.connections.parameters import Problem
from tui.hooks.keeping import NotKept, Outcome
from tui.hooks.message import message
from tui.hooks.sending import NotDelivered, send
from tui.hooks.telling import step, terms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from tui.connections.model import Hook
    from tui.hooks.keeping import Keeper, Standing
    from tui.hooks.message import Message
    from tui.hooks.telling import Key, Known, Terms
    from tui.sockets.alerts import Alert

    Send = Callable[[Hook, Message], Awaitable[None]]

MOST_WAITING = 1000
RETRY_S, LONGEST_RETRY_S = 2.0, 600.0
GIVEN_UP_AFTER_S = 86_400.0
# Who acknowledged what is read again so often.
LOOK_S = 5.0
# What is decided waits no longer than that for a disk before it is sent.
_KEPT_WITHIN_S = 10.0


class Desk:
    """Takes alerts as they are judged, and tells hooks; `say` is told of each failure.

    It goes on from what stood when it was kept last. `set_hooks` comes before `take`.
    """

    def __init__(
        self,
        keeper: Keeper,
        say: Callable[[str], None],
        standing: Standing,
        send: Send = send,
    ) -> None:
        self._keeper = keeper
        self._say = say
        self._send = send
        self._known = dict(standing.known)
        self._kept_before = list(standing.waiting)
        self._acknowledged = standing.acknowledged
        self._terms: dict[str, Terms] = {}
        self._queues: dict[str, _Queue] = {}
        self._changed: dict[tuple[str, Key], Known | None] = {}
        self._new: list[Message] = []
        self._outcomes: list[Outcome] = []
        self._wake = asyncio.Event()
        self._keeping = asyncio.Lock()  # who closes waits for what is being kept
        self._told_of_keeping = ""
        self._closing = False

    def set_hooks(self, hooks: Sequence[Hook]) -> None:
        """Tell these from now on; what others were to be told is given up."""
        self._terms = {}
        for hook in hooks:
            try:
                self._terms[hook.name] = terms(hook)
            except Problem as problem:  # the machine's time zones are others now
                self._say(f"Hook {hook.name}: {problem}. It is not told")
        for name in self._queues.keys() - self._terms.keys():
            gone = self._queues.pop(name)
            gone.stop()
            self._give_up(gone.waiting, "The hook was taken out of the registry")
        for name, its in self._terms.items():
            queue = self._queues.get(name)
            if queue is None or queue.hook != its.hook:
                waiting = queue.waiting if queue else [one for one in self._kept_before if one.hook == name]
                if queue is not None:
                    queue.stop()
                self._queues[name] = _Queue(its.hook, waiting, self._send, self._settle)
        self._give_up([one for one in self._kept_before if one.hook not in self._terms], "The hook is not there")
        self._kept_before = []
        for key in [key for key in self._known if key[0] not in self._terms]:
            self._learn(key, None)
        self._wake.set()

    def take(self, alerts: Iterable[Alert], at: float, names: Mapping[str, str]) -> None:
        """Decide what is to be told now that these stand; returns at once. `names` are of Connections by id."""
        standing: dict[Key, Alert] = {alert.key: alert for alert in alerts}
        keys = {name: dict.fromkeys(standing) for name in self._terms}
        for name, known in self._known:
            keys[name].setdefault(known)
        for name, its in self._terms.items():
            for key in keys[name]:
                before = self._known.get((name, key))
                acknowledged = self._acknowledged.get(key)
                after, event = step(its, before, standing.get(key), at, acknowledged)
                if after != before:
                    self._learn((name, key), after, worth=_is_worth_keeping(before, after))
                about = after or before
                if event is not None and about is not None:
                    told = message(f"msg_{uuid.uuid4().hex}", name, event, about, at, names, acknowledged)
                    self._new.append(told)
                    self._wake.set()

    def _learn(self, key: tuple[str, Key], value: Known | None, *, worth: bool = True) -> None:
        if value is None:
            self._known.pop(key, None)
        else:
            self._known[key] = value
        if worth:
            self._changed[key] = value
            self._wake.set()

    async def run(self) -> None:
        """Keep and send until cancelled; nothing that is being sent is left running."""
        try:
            while True:
                self._wake.clear()
                await self._keep()
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self._wake.wait()
                except TimeoutError:
                    await self._look()
        finally:
            for queue in self._queues.values():
                queue.stop()

    async def close(self, within_s: float = 3.0) -> None:
        """Let what is being sent arrive, for a moment, and keep what became of it; what waits is sent after a restart.

        `run` is to be ended after it.
        """
        sending = [queue.finish() for queue in self._queues.values()]
        tasks = {task for task in sending if task is not None}
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        await self._keep()

    async def _keep(self) -> None:
        """Keep what is new, then hand new messages to their queues."""
        async with self._keeping:
            await self._keep_changes()

    async def _keep_changes(self) -> None:
        changed, new, outcomes = self._changed, self._new, self._outcomes
        self._changed, self._new, self._outcomes = {}, [], []
        if changed or new or outcomes:
            try:
                async with asyncio.timeout(_KEPT_WITHIN_S):
                    await asyncio.to_thread(self._keeper.keep, changed, new, outcomes)
                self._told_of_keeping = ""
            except (NotKept, TimeoutError) as error:
                self._changed = {**changed, **self._changed}
                self._outcomes = [*outcomes, *self._outcomes][-MOST_WAITING:]
                self._tell_of_keeping(str(error) or "The disk does not answer")
        for one in new:
            queue = self._queues.get(one.hook)
            if queue is not None and (dropped := queue.add(one)):
                self._give_up([dropped], f"More than {MOST_WAITING} wait")

    def _tell_of_keeping(self, sentence: str) -> None:
        if sentence != self._told_of_keeping:
            self._told_of_keeping = sentence
            self._say(f"{sentence}. Hooks are told all the same; after a restart they may be told once more")

    async def _look(self) -> None:
        """See what was acknowledged meanwhile."""
        if self._known:
            try:
                async with asyncio.timeout(_KEPT_WITHIN_S):
                    self._acknowledged = await asyncio.to_thread(self._keeper.acknowledged)
            except (NotKept, TimeoutError) as error:
                self._tell_of_keeping(str(error) or "The disk does not answer")

    def _settle(self, outcome: Outcome, again_s: float) -> None:
        self._outcomes.append(outcome)
        self._wake.set()
        if not outcome.delivered:
            then = "given up" if outcome.given_up else f"tried again in {again_s:.0f} s"
            self._say(f"Hook {outcome.message.hook}: {outcome.error}; {then}: {outcome.message.sentence}")

    def _give_up(self, messages: Iterable[Message], why: str) -> None:
        for one in messages:
            self._settle(Outcome(one, time.time(), delivered=False, given_up=True, error=why), 0.0)


def _is_worth_keeping(before: Known | None, after: Known | None) -> bool:
    """Tell whether a restart must know of it: not of each look at an alert that simply stands on."""
    if before is None or after is None:
        return True
    same = before._replace(alert=after.alert) == after
    return not same or before.alert.level != after.alert.level


class _Queue:
    """What one hook is to be told, and the task that does: of one alert in order, each tried again until it arrives."""

    def __init__(
        self, hook: Hook, waiting: Sequence[Message], send: Send, settled: Callable[[Outcome, float], None]
    ) -> None:
        self.hook = hook
        self.waiting = list(waiting)
        self._not_before: dict[str, float] = {}
        self._send = send
        self._settled = settled
        self._more = asyncio.Event()
        self._sending: str | None = None
        self._ending = False
        self._task = asyncio.create_task(self._run(), name=f"hook {hook.name}")

    def add(self, one: Message) -> Message | None:
        """Have one more told; return the oldest that waits where there are too many."""
        dropped = None
        if len(self.waiting) >= MOST_WAITING:
            number = next(n for n, each in enumerate(self.waiting) if each.id != self._sending)
            dropped = self.waiting.pop(number)
        self.waiting.append(one)
        self._more.set()
        return dropped

    def stop(self) -> None:
        """End it, and what it is sending."""
        self._task.cancel()

    def finish(self) -> asyncio.Task[None] | None:
        """Send nothing more; return the task where something is being sent still."""
        self._ending = True
        self._more.set()
        return self._task if self._sending is not None else None

    async def _run(self) -> None:
        while not self._ending:
            self._more.clear()
            now = asyncio.get_running_loop().time()
            one, wait_s = self._next(now)
            if one is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._more.wait()
                continue
            self._sending = one.id
            try:
                await self._try(one)
            finally:
                self._sending = None

    def _next(self, now: float) -> tuple[Message | None, float | None]:
        """Return what is to be sent now; where there is nothing, in how many seconds there will be."""
        met: set[Key] = set()
        waits: list[float] = []
        for one in self.waiting:
            if one.key in met:
                continue
            met.add(one.key)
            left = self._not_before.get(one.id, 0.0) - now
            if left <= 0:
                return one, None
            waits.append(left)
        return None, min(waits, default=None)

    async def _try(self, one: Message) -> None:
        try:
            await self._send(self.hook, one)
        except NotDelivered as error:
            now = time.time()
            tried = one._replace(attempts=one.attempts + 1)
            if not error.passing or now - one.made >= GIVEN_UP_AFTER_S:
                self._done(one)
                self._settled(Outcome(tried, now, delivered=False, given_up=True, error=str(error)), 0.0)
                return
            again_s = min(LONGEST_RETRY_S, RETRY_S * 2 ** min(one.attempts, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
            again_s = max(again_s, min(error.wait_s, LONGEST_RETRY_S))
            self.waiting[self.waiting.index(one)] = tried
            self._not_before[one.id] = asyncio.get_running_loop().time() + again_s
            self._settled(Outcome(tried, now, delivered=False, error=str(error)), again_s)
        else:
            self._done(one)
            self._settled(Outcome(one._replace(attempts=one.attempts + 1), time.time(), delivered=True), 0.0)

    def _done(self, one: Message) -> None:
        self.waiting.remove(one)
        self._not_before.pop(one.id, None)
