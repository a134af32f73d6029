"""Whether a PgBouncer before a server is worth it, in which mode, and with which pools: from evidence, to a plan. Pure.

Room for CARTO = max_connections - what is reserved - what other clients held at their most - some to spare.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.bouncer import advice
from tui.bouncer.load import replay
from tui.bouncer.model import Database, Line, Plan, WhatIf
from tui.bouncer.simulation import Proxy
from tui.bouncer.sizing import LEAST, Need, Room, fitted, need
from tui.bouncer.worth import NEAR, Sums, count, judged, length, mergeable, saved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.bouncer.evidence import Evidence
    from tui.bouncer.limits import ServerLimits
    from tui.bouncer.model import Pool, PoolMode, Prediction
    from tui.bouncer.worth import Question

_SPARE_SHARE, _LEAST_SPARE = 20, 3
_UNKNOWN_POOL = 20  # PgBouncer's default_pool_size, where nothing was recorded


def plan(question: Question, limits: ServerLimits, evidence: Evidence | None) -> Plan:
    """Return the plan for some Connections of a server, by its limits and what was recorded of them."""
    members = question.members
    pools = tuple(dict.fromkeys((one.database, one.username) for one in members))
    merge = mergeable(members)
    others, said = _others(pools, limits, evidence)
    spare = max(_LEAST_SPARE, math.ceil(limits.open_to_all / _SPARE_SHARE))
    room = Room(max(0, limits.open_to_all - others - spare), *_narrower(pools, limits))
    sums = Sums(
        room.total or 0,
        question.ceiling.sockets(len(members)),
        question.ceiling.sockets(len(members) - sum(len(group) - 1 for group in merge)),
        None if evidence is None else evidence.peak,
        None if evidence is None else evidence.peak - saved(members, evidence),
    )
    worth_it, reasons = judged(question, sums, merge, evidence)
    mode, why = _mode(question, sums, room, evidence)
    made = fitted(_needs(question, mode, evidence), room)
    databases = _databases(made)
    time_outs = advice.time_outs(mode)
    proxy = Proxy(
        made,
        {one.database: one.max_db_connections for one in databases},
        **{f"{one.setting}_s": one.seconds for one in time_outs if one.setting in _SIMULATED},
    )
    clients = max(100, math.ceil(1.1 * max(sums.ceiling, sums.peak or 0)) + 10)
    lines = [
        *_lines_of_server(limits, others, said, spare, room),
        *_lines_of_carto(question, sums, merge, evidence),
        Line("pools together", sum(one.pool_size for one in made), f"{count(len(made), 'pool')}, {mode} pooling"),
        Line("with their reserves", sum(one.pool_size + one.reserve for one in made), "the most that PgBouncer opens"),
    ]
    what_if = () if evidence is None or not evidence.load.at else _what_if(question, evidence, proxy, mode, room)
    return Plan(
        question.server,
        tuple(one.name for one in members),
        worth_it,
        (*reasons, *_near_narrower(room, limits, evidence), *_above_narrower(question, room, limits, evidence)),
        merge,
        mode,
        clients,
        max(one.max_db_connections for one in databases),
        made,
        databases,
        time_outs,
        tuple(lines),
        "ceiling" if evidence is None else "recorded",
        why,
        advice.cautions(mode, clients + sum(one.max_db_connections for one in databases), guessed=evidence is None),
        advice.PREPARED_STATEMENTS if mode == "transaction" else 0,
        what_if[0].prediction if what_if else None,
        what_if,
    )


_SIMULATED = frozenset({"reserve_pool_timeout", "query_wait_timeout", "server_idle_timeout"})


def _others(pools: Sequence[tuple[str, str]], limits: ServerLimits, evidence: Evidence | None) -> tuple[int, str]:
    """Return how many sockets other clients hold at their most, and where that is from."""
    now = sum(sockets for place, sockets in limits.held.items() if place not in pools)
    if evidence is not None and evidence.others is not None and evidence.others >= now:
        return evidence.others, "the most in the busiest day recorded"
    return now, "open now" if limits.asked else "not known: the server could not be asked"


def _narrower(pools: Sequence[tuple[str, str]], limits: ServerLimits) -> tuple[dict[str, int], dict[str, int]]:
    """Return what the limits of roles and databases leave for the pools."""
    by_role: Counter[str] = Counter()
    by_database: Counter[str] = Counter()
    for (database, username), sockets in limits.held.items():
        if (database, username) not in pools:
            by_role[username] += sockets
            by_database[database] += sockets
    roles = {
        role: max(0, limits.roles[role] - by_role[role])
        for role in dict.fromkeys(role for _, role in pools)
        if role in limits.roles and role not in limits.superusers
    }
    databases = {
        database: max(0, limits.databases[database] - by_database[database])
        for database in dict.fromkeys(database for database, _ in pools)
        if database in limits.databases and not all(role in limits.superusers for d, role in pools if d == database)
    }
    return roles, databases


def _near_narrower(room: Room, limits: ServerLimits, evidence: Evidence | None) -> Iterable[str]:
    """Yield which limits of roles and databases the Connections came near to: no reason for a proxy by itself."""
    if evidence is None:
        return
    for kind, bounds, set_to in (("role", room.roles, limits.roles), ("database", room.databases, limits.databases)):
        for name, bound in bounds.items():
            own = [one.held for one in evidence.load.series if name == getattr(one, _NAME[kind])]
            most = max((sum(max(0, held) for held in counts) for counts in zip(*own, strict=True)), default=0)
            if most >= NEAR * bound:
                yield (
                    f"In {kind} {name} they held {most} of the {bound} that its limit of {set_to[name]} leaves them:"
                    " a higher limit is the cheaper remedy, where the server has room"
                )


_NAME = {"role": "username", "database": "database"}


def _above_narrower(question: Question, room: Room, limits: ServerLimits, evidence: Evidence | None) -> Iterable[str]:
    """Yield which limits of roles and databases CARTO may want to pass, where that is what the plan goes by."""
    if evidence is not None and question.ceiling.assumed:
        return
    for kind, bounds, set_to in (("role", room.roles, limits.roles), ("database", room.databases, limits.databases)):
        for name, bound in bounds.items():
            number = sum(name == getattr(one, _NAME[kind]) for one in question.members)
            may = question.ceiling.sockets(number)
            if may > bound:
                yield (
                    f"In {kind} {name} CARTO may open {may}, and its limit of {set_to[name]} leaves {bound}: a higher"
                    " limit is the cheaper remedy, where the server has room; a proxy would make the rest wait"
                )


def _mode(question: Question, sums: Sums, room: Room, evidence: Evidence | None) -> tuple[PoolMode, str]:
    """Return the mode, and why: the one that breaks nothing, where that is enough."""
    if question.mode is not None:
        return question.mode, "as asked for"
    if evidence is None:
        return "session", "it breaks nothing, and without a recording nobody knows how many sockets are really busy"
    held = _needs(question, "session", evidence)
    busy = sum(one.size for one in _needs(question, "transaction", evidence))
    most = sum(one.size for one in held)
    within = tuple(one.pool_size for one in fitted(held, room)) == tuple(one.size for one in held)
    if within and most < NEAR * sums.room and not evidence.full:
        return "session", (
            f"pools of {most} sockets hold all that was seen, with ease, and nothing breaks;"
            f" transaction pooling would do with {busy}"
        )
    return "transaction", f"{most} sockets held at once are too many; the {busy} that work at a time are not"


def _needs(question: Question, mode: PoolMode, evidence: Evidence | None) -> tuple[Need, ...]:
    """Return what the pools need: as recorded, or else what CARTO may open through the Connections of each."""
    if evidence is not None:
        return tuple(need(one, mode, evidence.load.interval_s) for one in evidence.load.series)
    found = []
    for place, connections in Counter((one.database, one.username) for one in question.members).items():
        all_of_them = max(LEAST, question.ceiling.sockets(connections))
        size = all_of_them if mode == "session" else min(all_of_them, _UNKNOWN_POOL)
        found.append(Need(*place, size, max(1, size // 5)))
    return tuple(found)


def _databases(pools: Iterable[Pool]) -> tuple[Database, ...]:
    sums: Counter[str] = Counter()
    for one in pools:
        sums[one.database] += one.pool_size + one.reserve
    return tuple(Database(database, sockets) for database, sockets in sums.items())


def _what_if(question: Question, evidence: Evidence, proxy: Proxy, mode: PoolMode, room: Room) -> tuple[WhatIf, ...]:
    """Return what the recorded day does in the plan, first, and in others."""
    other: PoolMode = "transaction" if mode == "session" else "session"
    variants = (
        ("as planned", mode, proxy.pools),
        (f"{other} mode", other, fitted(_needs(question, other, evidence), room)),
        ("half the pools", mode, tuple(_halved(one) for one in proxy.pools)),
    )
    return tuple(WhatIf(what, its, _replayed(evidence, proxy, its, made)) for what, its, made in variants)


def _replayed(evidence: Evidence, proxy: Proxy, mode: PoolMode, pools: tuple[Pool, ...]) -> Prediction:
    databases = {one.database: one.max_db_connections for one in _databases(pools)}
    return replay(evidence.load, replace(proxy, pools=pools, databases=databases), mode)


def _halved(pool: Pool) -> Pool:
    return replace(pool, pool_size=max(1, pool.pool_size // 2), reserve=pool.reserve // 2)


def _lines_of_server(limits: ServerLimits, others: int, said: str, spare: int, room: Room) -> Iterable[Line]:
    if limits.asked:
        yield Line("max_connections", limits.max_connections, "the server's setting")
    else:
        yield Line("the server's limit", limits.max_connections, "as recorded last, without what is reserved")
    for name, sockets in limits.reserved.items():
        if sockets:
            yield Line(f"- {name}", sockets, "not for CARTO's roles")
    yield Line("- other clients", others, said)
    yield Line("- to spare", spare, "a twentieth of what is left to roles, for people and tools")
    yield Line("= room for CARTO", room.total, "")
    if not limits.asked:
        yield Line("limits of roles and databases", None, "not known: the server could not be asked")
    for role, sockets in room.roles.items():
        yield Line(f"of it for role {role}", sockets, f"its limit is {limits.roles[role]}")
    for database, sockets in room.databases.items():
        yield Line(f"of it in database {database}", sockets, f"its limit is {limits.databases[database]}")


def _lines_of_carto(
    question: Question, sums: Sums, merge: Sequence[Sequence[str]], evidence: Evidence | None
) -> Iterable[Line]:
    number = len(question.members)
    yield Line("CARTO's ceiling", sums.ceiling, question.ceiling.words(number))
    if merge:
        left = number - sum(len(group) - 1 for group in merge)
        yield Line("ceiling once merged", sums.merged, question.ceiling.words(left))
    if evidence is not None:
        yield Line("held at most", evidence.peak, f"in {length(evidence.end - evidence.start)} of recording")
        yield Line("held in 95 of 100 minutes", evidence.p95, "or fewer")
        yield Line("busy at once at most", max(evidence.load.busy, default=None), "in the busiest day recorded")
