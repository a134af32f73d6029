"""Watches one server: its own task, never overlapping itself, patient when it fails, and holding one socket at most."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tui.connections.secret import Secret, SecretsError
from tui.postgres.errors import ServerError
from tui.sockets import queries
from tui.sockets.attribution import Attribution
from tui.sockets.counting import count, unseen
from tui.sockets.credentials import (
    Place,
    Refusal,
    better,
    is_full,
    is_of_the_place,
    is_passing,
    label,
    order,
    place,
    same_access,
)
from tui.sockets.errands import Errand, Errands
from tui.sockets.lookout import Arguments, Lookout
from tui.sockets.matching import like, valid_networks
from tui.sockets.model import Polls

if TYPE_CHECKING:
    from tui.connections.model import Connection
    from tui.sockets.lending import Lent
    from tui.sockets.model import Snapshot
    from tui.sockets.queries import Identity, Sight

# Of a server's Connections so many are tried in a row: a server that refuses all of a hundred is not to be stormed.
TRIES = 3
LONGEST_DELAY_S = 30.0
PASSES_AFTER_S = 60.0
# An errand takes the place of the one socket, but not where others might take that place.
_ROOM = 3

PasswordOf = Callable[["Connection"], Awaitable[Secret | None]]


@dataclass(slots=True)
class Circumstances:
    """What all servers of a watch share; the interval may change while they run."""

    password_of: PasswordOf
    interval_s: float
    region_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Unreachable(Exception):
    """No Connection of a server opens a session; the message says why, `full` whether too many others are open."""

    def __init__(self, sentence: str, *, full: bool = False) -> None:
        super().__init__(sentence)
        self.full = full


class ServerWatch:
    """One server as far as it is known, and the Connections that point to it, in the order of registration.

    `met` is told which server answered; it returns whether another watch, of the same server, takes over. `reported`
    is called whenever there is something new to show.
    """

    def __init__(
        self,
        connections: Sequence[Connection],
        circumstances: Circumstances,
        met: Callable[[ServerWatch, Identity], bool],
        reported: Callable[[], None],
    ) -> None:
        self.connections: tuple[Connection, ...] = ()
        self.identity: Identity | None = None
        self.done = 0  # the last beat that was seen to
        self.failures = 0
        self.polls = Polls()
        self._circumstances = circumstances
        self._met = met
        self._reported = reported
        self._delay_s = 0.0
        self._wake = asyncio.Event()
        self._pokes = 1
        self._pokes_seen_to = 0
        self._beat = 0
        self._not_before = 0.0
        self._refusals: dict[str, Refusal] = {}
        self._sight: dict[str, Sight] = {}
        self._lookout: Lookout | None = None
        self._errands = Errands()
        self._stale = False
        self._snapshot: Snapshot | None = None
        self._error, self._full = "", False
        self.replace(connections)

    @property
    def label(self) -> str:
        """host:port as people know it: the address of the Connection registered first."""
        return label(self.connections[0])

    @property
    def places(self) -> frozenset[Place]:
        """The addresses that lead to it."""
        return frozenset(map(place, self.connections))

    @property
    def place_in_use(self) -> Place | None:
        """The address through which it is polled."""
        return place(self._lookout.connection) if self._lookout else None

    @property
    def settled(self) -> bool:
        """Whether it has answered, or failed, since it was last poked."""
        return self.done > 0 and self._pokes_seen_to == self._pokes

    def lend(self) -> Lent | None:
        """Return the socket through which it is watched, for statements of others; None where none is open."""
        return self._lookout.lend() if self._lookout else None

    async def run_errand(self, errand: Errand) -> bool:
        """Have something done between two polls with a socket of its own, for which the one that watches is closed.

        Returns whether it was done: not where the server fails, or is so full that its place might be taken.
        """
        if self._error or (self.counted.server.headroom or 0) < _ROOM:
            return False
        done = self._errands.add(errand)
        self._wake.set()
        return await done

    def beat(self, number: int, delay_s: float = 0.0) -> None:
        """Poll after `delay_s`, unless a poll still runs or the server is given time to recover."""
        self._beat = number
        self._delay_s = delay_s
        self._wake.set()

    def poke(self) -> None:
        """Poll at once, whatever failed before."""
        self._not_before = 0.0
        self._pokes += 1
        self._wake.set()

    def replace(self, connections: Sequence[Connection]) -> None:
        """Take other Connections; what was seen last is counted anew."""
        before = {connection.id: connection for connection in self.connections}
        kept = {one.id for one in connections if one.id in before and same_access(one, before[one.id])}
        self.connections = tuple(connections)
        self._refusals = {id: refusal for id, refusal in self._refusals.items() if id in kept}
        self._stale = self._stale or (self._lookout is not None and self._lookout.connection.id not in kept)
        self._attribution = Attribution(connections)
        self._usernames = sorted({connection.parameters.username for connection in connections})
        self._databases = sorted({connection.parameters.database for connection in connections})
        self._arguments = self._poll_arguments()
        self._recount()

    def take_over(self, other: ServerWatch, connections: Sequence[Connection]) -> None:
        """Watch the Connections of another watch as well, which proved to be of the same server."""
        self.replace(connections)
        self._refusals |= other._refusals
        self.poke()

    def forget(self, connection_id: str) -> None:
        """Give a Connection's credentials another chance: its password may be another now."""
        self._refusals.pop(connection_id, None)
        if self._lookout is not None and self._lookout.connection.id == connection_id:
            self._stale = True
        self._recount()
        self.poke()

    def conclude(self, sentence: str) -> None:
        """Take a server that has not answered yet for one that does not; `sentence` says so."""
        if self._snapshot is None and not self._error:
            self._error = sentence
            self._recount()

    async def run(self) -> None:
        """Poll at each beat until another watch takes over; leaves no socket behind."""
        task = asyncio.current_task()
        try:
            # wait_for, which the pool uses, may swallow a cancellation until Python 3.12 (cpython issue 86296).
            while task is None or not task.cancelling():
                await self._wake.wait()
                self._wake.clear()
                if self._errands:
                    await self._leave()
                    await self._errands.see_to()
                    if self._beat == self.done and self._pokes == self._pokes_seen_to:
                        continue
                if self._delay_s and self._pokes == self._pokes_seen_to:
                    await asyncio.sleep(self._delay_s)
                beat, pokes = self._beat, self._pokes
                if self._now() >= self._not_before and not await self._look():
                    return
                self.done, self._pokes_seen_to = beat, pokes
                if self.settled:
                    self._wake.clear()  # a beat that came while the last poll ran is missed, not made up for
                self._reported()
        finally:
            self._errands.drop()
            await self._leave()

    async def _look(self) -> bool:
        """See to one beat; False where another watch takes over."""
        began = self._now()
        try:
            snapshot = await self._poll()
        except Unreachable as error:
            self.polls = self.polls.and_one(self._now() - began, failed=True)
            self._error, self._full = str(error), error.full
            self.failures += 1
            delay = min(LONGEST_DELAY_S, self._circumstances.interval_s * 2 ** min(self.failures - 1, 10))
            self._not_before = self._now() + delay * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        else:
            if snapshot is None:
                return False
            self.polls = self.polls.and_one(self._now() - began)
            self._snapshot, self._error, self._full, self.failures = snapshot, "", False, 0
            oldest = self._now() - PASSES_AFTER_S
            self._refusals = {id: r for id, r in self._refusals.items() if not r.passing or r.at > oldest}
        self._recount()
        return True

    async def _poll(self) -> Snapshot | None:
        """Return what the server holds, None where another watch takes over. Raises Unreachable."""
        if self._stale:
            await self._leave()
        while True:
            kept = self._lookout is not None
            try:
                lookout = await self._man()
                if lookout.identity != self.identity and self._met(self, lookout.identity):
                    return None
                snapshot = await lookout.poll(self._arguments, self._usernames, self._databases)
            except ServerError as error:
                await self._leave()
                if not kept:
                    raise Unreachable(error.finding.message, full=is_full(error.finding)) from None
                # A socket that was kept may just have been closed. Say so, and try another at once.
                self._error = error.finding.message
                self._recount()
                self._reported()
                continue
            if lookout.identity == self.identity:
                return snapshot

    async def _man(self) -> Lookout:
        """Return the lookout of the Connection that sees most; at no time are two open.

        Raises Unreachable, or ServerError where a socket that was kept is gone.
        """
        lookout = self._lookout or await self._open(self.connections)
        await lookout.learn(self._usernames)
        one = better(self.connections, lookout.sight, self._refusals, lookout.own_sight)
        if one is None or one.id == lookout.connection.id:
            return lookout
        await self._leave()
        try:
            return await self._open((one,))
        except Unreachable:
            return await self._open((lookout.connection, *self.connections))

    async def _open(self, connections: Sequence[Connection]) -> Lookout:
        """Try Connections until one opens a session. Raises Unreachable with the first reason."""
        silent: set[Place] = set()
        reasons: list[str] = []
        full = False
        for connection in order(connections, self._sight, self._refusals):
            if len(reasons) == TRIES or place(connection) in silent:
                continue
            try:
                password = await self._circumstances.password_of(connection)
                self._lookout = lookout = Lookout(connection, password)
                await lookout.learn(self._usernames)
            except SecretsError as error:
                reasons.append(str(error))
                self._refusals[connection.id] = Refusal(reasons[-1], self._now())
            except ServerError as error:
                await self._leave()
                reasons.append(error.finding.message)
                full = full or is_full(error.finding)
                self._refusals[connection.id] = Refusal(reasons[-1], self._now(), is_passing(error.finding))
                if is_of_the_place(error.finding):
                    silent.add(place(connection))
            else:
                self._sight = lookout.sight
                self._clear_refusals(connection)
                return lookout
        raise Unreachable(reasons[0] if reasons else "No Connection points to it any more", full=full)

    def _clear_refusals(self, opened: Connection) -> None:
        """Forget why it could not be reached, now that it was: that Connection's reason, and its address's."""
        there = {one.id for one in self.connections if place(one) == place(opened)}
        self._refusals = {
            id: refusal
            for id, refusal in self._refusals.items()
            if id != opened.id and not (refusal.passing and id in there)
        }

    async def _leave(self) -> None:
        lookout, self._lookout = self._lookout, None
        self._stale = False
        if lookout is not None:
            await lookout.close()

    def _poll_arguments(self) -> Arguments:
        parameters = [connection.parameters for connection in self.connections]
        regions = {p.region for p in parameters}
        networks = {network for p in parameters for network in p.match_client}
        networks.update(*(self._circumstances.region_addresses.get(region, ()) for region in regions))
        patterns = sorted({like(glob) for p in parameters for glob in p.match_application})
        return queries.STALE_AFTER_S, queries.MOST_GROUPS, patterns, list(valid_networks(networks))

    def _recount(self) -> None:
        errors = {id: refusal.sentence for id, refusal in self._refusals.items()}
        seen_at = self._snapshot.at if self._snapshot else None
        if self._error or self._snapshot is None:
            self.counted = unseen(self.label, self.connections, self._error, errors, seen_at, full=self._full)
        else:
            regions = self._circumstances.region_addresses
            self.counted = count(self.label, self._snapshot, self._attribution, errors, regions)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
