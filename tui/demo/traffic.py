"""The demo's clients, in a process of their own: real sockets that open, work, idle and close.

python -m tui.demo.traffic PORT FOLDER     FOLDER holds a file with the password of each role
"""

from __future__ import annotations

import asyncio
import math
import random
import signal
import sys
import time
import uuid
from pathlib import Path

from tui.connections.secret import Secret
from tui.demo.scenario import ACTORS, Actor
from tui.demo.server import HOST
from tui.postgres.client import Client
from tui.postgres.errors import ServerError
from tui.postgres.target import Target

LEAK_EVERY_S = 15.0
# A new pulse every half a second is enough to look alive, and costs next to nothing.
_PULSE_S = 0.5
_HOLD_S = (15.0, 40.0)


def wanted(actor: Actor, at_s: float) -> int:
    """Return how many sockets an actor wants at a time: a wave between its least and its most.

    >>> tide = ACTORS[0]._replace(least=2, most=10, rhythm_s=40)
    >>> [wanted(tide, at) for at in (0, 10, 20, 40)]
    [2, 6, 10, 2]
    """
    height = (1 - math.cos(2 * math.pi * at_s / actor.rhythm_s)) / 2
    return actor.least + round(height * (actor.most - actor.least))


def comment(feature: str, connection_id: uuid.UUID) -> str:
    """Return the comment with which CARTO begins its SQL, as its audit documentation shows it."""
    return (
        f"/* CARTO/3.0 (GPN:demo; ACCID:ac_demo; USERID:auth0|demo; CM:{feature}; "
        f"connectionId:{connection_id}; mapId:{uuid.UUID(int=connection_id.int ^ 1)}) */ "
    )


class Program:
    """One actor at work."""

    def __init__(self, actor: Actor, target: Target, chance: random.Random) -> None:
        self._actor = actor
        self._target = target
        self._chance = chance
        self._idle: list[Client] = []
        self._working = 0
        self._tasks: set[asyncio.Task[None]] = set()
        marked = actor.feature is not None
        self._prefix = comment(actor.feature or "", uuid.UUID(int=chance.getrandbits(128), version=4)) if marked else ""

    async def run(self) -> None:
        """Open, use and close sockets until cancelled."""
        offset = self._chance.uniform(0, self._actor.rhythm_s)
        while True:
            await self._pulse(wanted(self._actor, time.monotonic() + offset))
            await asyncio.sleep(_PULSE_S * self._chance.uniform(0.6, 1.4))

    async def leak(self) -> None:
        """Open a socket now and then, use it once, and forget it; stop short of bringing the server down."""
        forgotten: list[Client] = []
        while len(forgotten) < self._actor.leaks_up_to:
            await asyncio.sleep(LEAK_EVERY_S * self._chance.uniform(0.8, 1.2))
            try:
                client = await Client.open(self._target)
                forgotten.append(client)
                await client.execute(self._statement())
            except ServerError:
                continue
        await asyncio.Event().wait()

    async def _pulse(self, want: int) -> None:
        self._idle = [client for client in self._idle if not client.closed]
        have = len(self._idle) + self._working
        try:
            if have < want:
                self._idle.append(await Client.open(self._target))
            elif have > want and self._idle:
                await self._idle.pop(0).close()
        except ServerError:
            await asyncio.sleep(2)  # the server is full, or stopped by whoever plays with it
        for _ in range(math.ceil(len(self._idle) / 3)):
            if self._chance.random() < 0.5:
                task = asyncio.create_task(self._use(self._idle.pop()))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _use(self, client: Client) -> None:
        self._working += 1
        try:
            if self._actor.holds_transactions and self._chance.random() < 0.06:
                await client.execute(self._prefix + "BEGIN")
                await client.execute(self._statement())
                await asyncio.sleep(self._chance.uniform(*_HOLD_S))
                await client.execute("COMMIT")
            else:
                await client.execute(self._statement())
        except ServerError:
            await client.close()
        finally:
            self._working -= 1
            self._idle.append(client)

    def _statement(self) -> str:
        return self._prefix + self._chance.choice(self._actor.statements)


async def _main(port: int, passwords: Path) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    tasks = []
    for seed, actor in enumerate(ACTORS):
        secret = Secret((passwords / actor.username).read_text("utf-8").rstrip("\n"))
        target = Target(HOST, port, actor.database, actor.username, secret, application_name=actor.application)
        program = Program(actor, target, random.Random(seed))  # noqa: S311 - decides nothing that is secret
        tasks.append(asyncio.create_task(program.run()))
        if actor.leaks_up_to:
            tasks.append(asyncio.create_task(program.leak()))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), Path(sys.argv[2])))
