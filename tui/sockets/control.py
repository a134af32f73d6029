"""Cancels queries and ends backends: exactly those that a plan lists, each judged again by the statement that acts.

A plan is made of a list (pure), shown and confirmed, and then carried out through a session, one statement for each
backend. That statement acts only if, at that moment, the pid still has its `backend_start`, is a client backend, is
not of pgconns, still is what made it a target, and the role has the right; otherwise it says why not. A role always
has the right over backends of its own: a Connection's own credentials can end its own sockets without any grant.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString

from tui.postgres.errors import CannotConnect, ServerError
from tui.postgres.quoting import identifier
from tui.sockets import actions_log
from tui.sockets.backend_queries import QUERY_STARTED, RIGHT, STARTED, STATE_OF
from tui.sockets.backends import iso

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable

    from tui.sockets.backends import Backend
    from tui.sockets.lending import Asked
    from tui.sockets.model import State

Action = Literal["cancel", "end"]
Outcome = Literal[
    "done",  # the backend is gone, or its query is
    "gone",  # it was gone already
    "changed",  # it is not what was listed any more: left alone
    "spared",  # of pgconns, or no client backend: left alone
    "no_right",  # the fix says which grant is missing
    "unseen",  # the role may not see enough to know it again
    "still_there",  # it was told to, and has not obeyed yet
    "failed",  # the statement failed
    "not_tried",  # the session was gone before its turn
]
GOOD: Final[frozenset[Outcome]] = frozenset({"done", "gone"})
SETTLES_WITHIN_S = 3.0
_LOOK_AGAIN_S = 0.1
_NOT_PERMITTED = "42501"

# Parameters: pid, its start, the state it must be in, since when at least, and the start of the query to cancel.
_ACT: Final[LiteralString] = f"""
WITH wanted AS (
  SELECT %s::int AS pid, %s::bigint AS started, %s::text AS state, %s::float8 AS least_s, %s::bigint AS query_started
), judged AS MATERIALIZED (
  SELECT wanted.pid, CASE
    WHEN a.pid IS NULL THEN 'gone'
    WHEN a.backend_start IS NULL THEN 'unseen'
    WHEN {STARTED} <> wanted.started THEN 'gone'
    WHEN a.backend_type IS DISTINCT FROM 'client backend' OR a.pid = pg_backend_pid()
      OR a.application_name = 'pgconns' OR a.application_name LIKE 'pgconns - %%' THEN 'spared'
    WHEN wanted.state IS NOT NULL AND kind <> wanted.state
      OR wanted.least_s IS NOT NULL
        AND NOT coalesce(extract(epoch FROM clock_timestamp() - a.state_change) >= wanted.least_s, false)
      OR wanted.query_started IS NOT NULL AND {QUERY_STARTED} IS DISTINCT FROM wanted.query_started THEN 'changed'
    ELSE {RIGHT} END AS verdict
  FROM wanted LEFT JOIN (SELECT seen.*, {STATE_OF} AS kind FROM pg_stat_get_activity(%s) AS seen) AS a
    ON a.pid = wanted.pid
)
SELECT verdict, current_user AS username, CASE WHEN verdict = 'yes' THEN """  # noqa: S608 - made of constants
_FUNCTIONS: Final[dict[Action, LiteralString]] = {
    "cancel": "pg_cancel_backend(pid)",
    "end": "pg_terminate_backend(pid)",
}
_FROM: Final[LiteralString] = " END AS sent FROM judged"

# Which of the backends are still what they were: there, or at the same query.
_LEFT: Final[LiteralString] = f"""
SELECT told.pid, told.started
FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS told (pid, started, query_started)
  JOIN pg_stat_get_activity(NULL) AS a ON a.pid = told.pid AND (backend_start IS NULL OR {STARTED} = told.started)
WHERE told.query_started IS NULL OR a.state = 'active' AND {QUERY_STARTED} = told.query_started
"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one backend, in a sentence; `fix` is a statement or advice, where there is one."""

    backend: Backend
    outcome: Outcome
    message: str
    fix: str = ""

    @property
    def good(self) -> bool:
        """Whether what was wanted is so."""
        return self.outcome in GOOD

    def to_json(self) -> dict[str, Any]:
        """Return its part of the JSON shape of `end`."""
        return {
            "pid": self.backend.pid,
            "backend_start": None if self.backend.started is None else iso(self.backend.started),
            "outcome": self.outcome,
            "message": self.message,
            **({"fix": self.fix} if self.fix else {}),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly who is hit, and what must still be true of each when its turn comes: its state, and for how long.

    `spared` are those that are left alone, and why.
    """

    action: Action
    targets: tuple[Backend, ...]
    spared: tuple[Result, ...] = ()
    state: State | None = None
    least_s: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a plan's targets, in their order; `log_trouble` says why not all of it is in the log."""

    results: tuple[Result, ...]
    log_trouble: str = ""


def plan(
    action: Action,
    backends: Iterable[Backend],
    username: str,
    *,
    console_pids: Collection[int] = (),
    state: State | None = None,
    least_s: float | None = None,
) -> Plan:
    """Return who of the backends is hit when the role `username` acts. Pure.

    `state` and `least_s` say what makes them targets (idle, for so long): who is not, or is not any more when its
    turn comes, is left alone. A query is cancelled only while it is the one that is listed.
    """
    state = "active" if action == "cancel" else state
    targets: list[Backend] = []
    spared: list[Result] = []
    for one in backends:
        verdict = _verdict(one, console_pids, state, least_s)
        if verdict == "yes":
            targets.append(one)
        else:
            spared.append(_result(one, verdict, action, username))
    return Plan(action, tuple(targets), tuple(spared), state, least_s)


def _verdict(one: Backend, console_pids: Collection[int], state: State | None, least_s: float | None) -> str:
    if one.console or one.pid in console_pids:
        return "spared"
    if one.started is None:
        return "unseen"
    if state is not None and one.state != state:
        return "changed"
    if least_s is not None and (one.state_s is None or one.state_s < least_s):
        return "changed"
    return one.right


async def carry_out(session: Asked, plan: Plan, on_result: Callable[[Result], None] = lambda _: None) -> Done:
    """Cancel or end a plan's targets, one by one, and return what became of each. Raises nothing of the server's.

    `session` is one of the Connection's own or, where the server is full, what the watch lends.

    `on_result` is told of each as it is known. Each is written to the log of actions when it was acted on; one that
    has not obeyed within a few seconds is told, and logged, as still there.
    """
    results: dict[Backend, Result] = {}
    troubles: dict[str, None] = {}

    async def keep(result: Result) -> None:
        results[result.backend] = result
        trouble = await actions_log.record(session.target.place, session.target.username, plan.action, result)
        if trouble:
            troubles[trouble] = None

    for backend in plan.targets:
        try:
            result = await _act(session, plan, backend)
        except asyncio.CancelledError:
            words = "Whether it was told to is not known: pgconns was interrupted"
            await asyncio.shield(keep(Result(backend, "failed", words)))
            raise
        await keep(result)
        if not result.good or result.outcome == "gone":
            on_result(result)
    told = [result.backend for result in results.values() if result.outcome == "done"]
    async for result in _settled(session, plan.action, told):
        if not result.good:
            await keep(result)
        on_result(result)
    return Done(tuple(results[backend] for backend in plan.targets), "; ".join(troubles))


async def _act(session: Asked, plan: Plan, backend: Backend) -> Result:
    """Cancel or end one backend if all is still as the plan says."""
    if session.closed:
        return Result(backend, "not_tried", "It was not tried: the session was gone")
    query_started = backend.query_started if plan.action == "cancel" else None
    arguments = (backend.pid, backend.started, plan.state, plan.least_s, query_started, backend.pid)
    try:
        (row,) = await session.rows(_ACT + _FUNCTIONS[plan.action] + _FROM, arguments)
    except ServerError as error:
        finding = error.finding
        if finding.code == _NOT_PERMITTED:
            return Result(backend, "no_right", finding.message, finding.fix)
        doubt = "" if isinstance(error, CannotConnect) else "Whether it was told to is not known: "
        return Result(backend, "failed", f"{doubt}{finding.message}", finding.fix)
    verdict = row["verdict"]
    if verdict == "yes" and not row["sent"]:  # it went between the look and the signal
        verdict = "gone"
    return _result(backend, verdict, plan.action, row["username"])


async def _settled(session: Asked, action: Action, told: Iterable[Backend]) -> AsyncIterator[Result]:
    """Yield what became of backends that were told to, as each obeys, and at last of those that did not."""
    left = {(one.pid, one.started): one for one in told}
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while left:
        pids, starts = zip(*left, strict=True)
        queries = [one.query_started if action == "cancel" else None for one in left.values()]
        try:
            rows = await session.rows(_LEFT, (list(pids), list(starts), queries))
        except ServerError as error:
            for one in left.values():
                words = f"It was told to; whether it obeyed could not be seen: {error.finding.message}"
                yield Result(one, "still_there", words, error.finding.fix)
            return
        there = {(row["pid"], row["started"]) for row in rows}
        for key in left.keys() - there:
            yield _result(left.pop(key), "yes", action, "")
        if left and time.monotonic() > deadline:
            for one in left.values():
                yield Result(one, "still_there", f"It was told to, and is still there after {SETTLES_WITHIN_S:g} s",
                             "Look again in a moment: it may wait for a disk or a lock of the system")  # fmt: skip
            return
        if left:
            await asyncio.sleep(_LOOK_AGAIN_S)


def _result(backend: Backend, verdict: str, action: Action, username: str) -> Result:
    """Return the result that a verdict means, the statement's or the plan's; `username` is the role that acts."""
    role, what = identifier(username), "cancel the query" if action == "cancel" else "end the socket"
    lacks = f"The role {username} may not {what} of the role {backend.username}"
    match verdict:
        case "yes":
            return Result(backend, "done", "Its query was cancelled" if action == "cancel" else "It was ended")
        case "gone":
            return Result(backend, "gone", "It was gone already")
        case "spared":
            return Result(backend, "spared", "It is of pgconns, or of the server itself, and is left alone")
        case "changed":
            state = "It is not in that state any more, or not for long enough"
            return Result(backend, "changed", "It runs no such query any more" if action == "cancel" else state)
        case "unseen":
            words = f"The role {username} does not see enough of it to know it again"
            return Result(backend, "unseen", words, f"GRANT pg_read_all_stats TO {role};")
        case "superuser":
            words = f"{lacks}, which is a superuser: only a superuser may"
            return Result(backend, "no_right", words, "Ask a superuser of the server")
        case "grant_not_inherited":
            fix = f"GRANT pg_signal_backend TO {role} WITH INHERIT TRUE;"
            return Result(backend, "no_right", f"{lacks}: it is in pg_signal_backend, and does not inherit", fix)
        case "role_not_inheriting":
            words = f"{lacks}: it is in pg_signal_backend, and does not inherit"
            return Result(backend, "no_right", words, f"ALTER ROLE {role} INHERIT;")
        case _:
            return Result(backend, "no_right", lacks, f"GRANT pg_signal_backend TO {role};")
