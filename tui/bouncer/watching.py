"""Watches PgBouncers beside their servers: clients in and sockets out of each pool, through one socket to each console.

A console that does not open, because the role is no stats user perhaps, is asked again ever more rarely, and its reason
stands where the numbers would.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace

from tui.bouncer.admin import Console, console, console_target
from tui.bouncer.shown import DatabaseState, PoolState, databases
from tui.connections.connectors import BY_KEY
from tui.connections.model import Connection
from tui.connections.secret import SecretsError
from tui.postgres.errors import ServerError
from tui.postgres.target import target
from tui.sockets import sampler
from tui.sockets.bell import Bell
from tui.sockets.credentials import Place, label, place, same_access
from tui.sockets.model import Pooled, Sample
from tui.sockets.past import Trends
from tui.sockets.server import PasswordOf

LONGEST_DELAY_S = 300.0
# Entries change with a RELOAD: they are read again this often.
_LEARN_EVERY_S = 30.0
_TRIES = 3
# Old ones never answer a role that they would have to look up: that is not waited for as a server is.
_CONSOLE_S, _SETTLE_S = 5.0, 3.0


def leads_to_a_console(connection: Connection) -> bool:
    """Whether a Connection's door may be a PgBouncer with a console: by its connector, or Azure's built-in one."""
    parameters = connection.parameters
    return parameters.connector == "pgbouncer" or (
        parameters.connector == "azure" and parameters.port == BY_KEY["pgbouncer"].port
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What a console last showed, or why it did not."""

    pools: tuple[PoolState, ...] = ()
    entries: tuple[DatabaseState, ...] = ()
    error: str = ""

    def of(self, connection: Connection) -> Pooled:
        """Return a Connection's part of it; a pool that nobody has used yet has no clients and no sockets."""
        where = label(connection)
        if self.error:
            return Pooled(where, error=self.error)
        parameters = connection.parameters
        entry = next((one for one in self.entries if one.name == parameters.database), None)
        role = (entry.force_user if entry else None) or parameters.username
        pool = next((one for one in self.pools if (one.database, one.username) == (parameters.database, role)), None)
        sizes = [entry.pool_size + (entry.reserve or 0)] if entry and entry.pool_size else []
        sizes += [entry.maximum] if entry and entry.maximum else []
        return Pooled(
            where,
            pool.clients if pool else 0,
            pool.clients_waiting if pool else 0,
            pool.maxwait_s if pool else 0.0,
            pool.servers if pool else 0,
            min(sizes) if sizes else None,
            (pool.pool_mode if pool else None) or (entry.pool_mode if entry else None),
        )


class Pools:
    """The pools of all PgBouncers that Connections lead to, as they were last seen; `run` keeps looking."""

    def __init__(self, password_of: PasswordOf, interval_s: Callable[[], float]) -> None:
        self._interval_s = interval_s
        self._password_of = password_of
        self._members: dict[Place, tuple[Connection, ...]] = {}
        self._seen: dict[Place, Seen] = {}
        self._tasks: dict[Place, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._news = Bell()

    def set_connections(self, connections: Sequence[Connection]) -> None:
        """Look at the PgBouncers of these from now on; what stays as it was is not disturbed."""
        before, self._members = self._members, _by_place(connections)
        for there, members in before.items():
            if not _open_alike(members, self._members.get(there, ())):
                self._forget(there)
        self._start()

    def retry(self, connection_id: str) -> None:
        """Ask again at once where a Connection leads: its password was changed."""
        for there, members in self._members.items():
            if any(one.id == connection_id for one in members):
                self._forget(there)
        self._start()

    def complete(self, sample: Sample) -> Sample:
        """Return a sample with what is known of the pools in it."""
        pooled = {
            one.id: self._seen[there].of(one)
            for there, members in self._members.items()
            if there in self._seen
            for one in members
        }
        if not pooled:
            return sample
        counts = tuple(replace(count, pooled=pooled.get(count.id)) for count in sample.connections)
        return replace(sample, connections=counts)

    async def settled(self) -> None:
        """Wait until every console has answered or failed."""
        while not set(self._members) <= set(self._seen):
            await self._news.after(self._news.rung)

    async def run(self) -> None:
        """Look until cancelled; leaves no socket behind."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._start()
                await asyncio.Event().wait()
        finally:
            self._group = None
            self._tasks.clear()

    def _start(self) -> None:
        if self._group is None:
            return
        for there in self._members:
            if there not in self._tasks:
                self._tasks[there] = self._group.create_task(self._look(there), name="PgBouncer's console")

    def _forget(self, there: Place) -> None:
        self._seen.pop(there, None)
        if (task := self._tasks.pop(there, None)) is not None:
            task.cancel()

    async def _look(self, there: Place) -> None:
        failures = 0
        while True:
            try:
                async with AsyncExitStack() as stack:
                    opened = await self._open(there, stack)
                    failures = 0
                    await self._follow(there, opened)
            except (ServerError, SecretsError) as error:
                self._tell(there, Seen(error=_sentence(error)))
            failures += 1
            delay = min(LONGEST_DELAY_S, self._interval_s() * 2 ** min(failures, 10))
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    async def _follow(self, there: Place, opened: Console) -> None:
        """Look at an open console at each interval. Raises ServerError when it is gone."""
        now = asyncio.get_running_loop().time
        entries: tuple[DatabaseState, ...] = ()
        learn_at = 0.0
        while True:
            if now() >= learn_at:
                entries = databases(await opened.show("DATABASES"))
                learn_at = now() + _LEARN_EVERY_S
            self._tell(there, Seen(await opened.pools(), entries))
            await asyncio.sleep(self._interval_s())

    async def _open(self, there: Place, stack: AsyncExitStack) -> Console:
        """Open the console as the first of the roles that may look at it. Raises why the first one may not."""
        by_role = {one.parameters.username: one for one in reversed(self._members[there])}
        reasons: list[ServerError | SecretsError] = []
        for connection in list(reversed(by_role.values()))[:_TRIES]:
            try:
                password = await self._password_of(connection)
                return await stack.enter_async_context(console(console_target(target(connection.parameters, password))))
            except (ServerError, SecretsError) as error:
                reasons.append(error)
                if isinstance(error, ServerError) and error.finding.code == "ETIMEDOUT":
                    break
        raise reasons[0]

    def _tell(self, there: Place, seen: Seen) -> None:
        if there in self._members:
            self._seen[there] = seen
        self._news.ring()


def _by_place(connections: Sequence[Connection]) -> dict[Place, tuple[Connection, ...]]:
    found: dict[Place, tuple[Connection, ...]] = {}
    for connection in filter(leads_to_a_console, connections):
        found[place(connection)] = (*found.get(place(connection), ()), connection)
    return found


def _open_alike(before: Sequence[Connection], after: Sequence[Connection]) -> bool:
    """Whether the same roles would open a console in the same way."""
    return len(before) == len(after) and all(same_access(*pair) for pair in zip(before, after, strict=True))


def _sentence(error: ServerError | SecretsError) -> str:
    if isinstance(error, SecretsError):
        return str(error)
    return ". ".join(part for part in (error.finding.message, error.finding.fix) if part)


class Watch(sampler.Watch):
    """Counts sockets as sampler.Watch does, and tells of the PgBouncers that Connections lead to."""

    def __init__(
        self,
        connections: Sequence[Connection],
        password_of: PasswordOf,
        interval_s: float = 2.0,
        region_addresses: Mapping[str, tuple[str, ...]] | None = None,
        on_sample: Callable[[Sample], None] | None = None,
        trends: Trends | None = None,
    ) -> None:
        self._pools = Pools(password_of, lambda: self.interval_s)
        super().__init__(
            connections, password_of, interval_s, region_addresses, on_sample, trends, self._pools.complete
        )

    def set_connections(self, connections: Sequence[Connection]) -> None:
        """Watch other Connections from now on; what stays as it was is not disturbed."""
        self._pools.set_connections(connections)
        super().set_connections(connections)

    def retry(self, connection_id: str) -> None:
        """Try a Connection's credentials again, at once: its password was changed."""
        self._pools.retry(connection_id)
        super().retry(connection_id)

    async def run(self) -> None:
        """Watch until closed or cancelled; leaves no socket behind."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pools.run())
            await super().run()

    async def settled(self) -> None:
        """Wait until every server has answered or failed, and not long for consoles that do not."""
        await super().settled()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await self._pools.settled()
