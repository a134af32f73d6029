"""Collects what a plan rests on: the server's limits, asked for by one short session, and what was recorded."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from tui.bouncer.evidence import Evidence, recorded
from tui.bouncer.limits import ServerLimits, ask
from tui.bouncer.model import PlanError
from tui.bouncer.planning import plan
from tui.bouncer.watching import leads_to_a_console
from tui.bouncer.worth import Ceiling, Member, Question
from tui.postgres.errors import ServerError
from tui.sockets.attribution import claim
from tui.sockets.credentials import label, place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from tui.bouncer.model import Plan, PoolMode
    from tui.connections.model import Connection
    from tui.history.reader import History
    from tui.sockets.lending import Asked

    Open = Callable[[], AbstractAsyncContextManager[Asked]]

SINCE_S = 7 * 86_400.0


class Facts(NamedTuple):
    """What is known of some Connections of one server. `trouble` says why the server itself could not be asked.

    `beside` are the names of others whose sockets cannot be told from theirs.
    """

    connections: tuple[Connection, ...]
    limits: ServerLimits
    evidence: Evidence | None
    trouble: str = ""
    beside: tuple[str, ...] = ()

    def plan(self, ceiling: Ceiling, mode: PoolMode | None = None) -> Plan:
        """Return the plan for them: seconds of work where much was recorded."""
        members = tuple(Member(one.name, one.parameters.database, one.parameters.username) for one in self.connections)
        behind = tuple(one.name for one in self.connections if leads_to_a_console(one))
        question = Question(label(self.connections[0]), members, ceiling, mode, behind)
        return plan(question, self.limits, self.evidence)


def of_one_server(connections: Sequence[Connection]) -> tuple[Connection, ...]:
    """Return the Connections, which are all of one server. Raises PlanError."""
    if not connections:
        raise PlanError("A plan is for one Connection at least")
    first = connections[0]
    stranger = next((one for one in connections if place(one) != place(first)), None)
    if stranger is not None:
        raise PlanError(
            f"{first.name} is of {label(first)}, {stranger.name} of {label(stranger)}: a plan is for one server"
        )
    return tuple(connections)


async def collect(
    connections: Sequence[Connection],
    registered: Sequence[Connection],
    open_session: Open,
    history: History,
    since_s: float = SINCE_S,
) -> Facts:
    """Ask the server and read the history of the last `since_s` seconds.

    `registered` are all Connections, of whatever server. Raises PlanError, HistoryError, and ServerError where the
    server cannot be asked and nothing was recorded of its limit either.
    """
    chosen = of_one_server(connections)
    there = [one for one in registered if place(one) == place(chosen[0])]
    claims, ids = set(map(claim, chosen)), {one.id for one in chosen}
    beside = tuple(one.name for one in there if claim(one) in claims and one.id not in ids)
    now = time.time()
    evidence = await asyncio.to_thread(recorded, history, chosen, there, now - since_s, now + 1)
    try:
        async with open_session() as session:
            return Facts(chosen, await ask(session), evidence, beside=beside)
    except ServerError as error:
        if evidence is None or evidence.limit is None:
            raise
        return Facts(chosen, ServerLimits(evidence.limit, asked=False), evidence, error.finding.message, beside)
