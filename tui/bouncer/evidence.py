"""What the history says of some Connections of one server: how high they went, and the load of their busiest day."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.bouncer.load import UNSEEN, Load, Series
from tui.history.days import percentile
from tui.history.rollup import MINUTE
from tui.sockets.attribution import Attribution
from tui.sockets.credentials import label
from tui.sockets.model import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.connections.model import Connection
    from tui.history.decoding import Tally
    from tui.history.reader import History, Kind
    from tui.history.rollup import Rollup

DAY_S = 86_400.0
_IDLE = STATES.index("idle")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was recorded, in sockets. `start` and `end` are in seconds since the epoch.

    `peak` is the most that the Connections held in a minute, `p95` what 95 of 100 minutes did not pass. `load` is that
    of the day around their highest minute, at `peak_at`, of those whose single counts are still kept; `others` the
    most that all other clients of the server held in it. `limit` is the server's, without what it reserves, as it was
    seen last; `full` says that it was reached.
    """

    start: float
    end: float
    peak: int
    peak_at: float
    p95: int
    load: Load
    others: int | None = None
    limit: int | None = None
    full: bool = False


def recorded(
    history: History, connections: Sequence[Connection], all_there: Sequence[Connection], start: float, end: float
) -> Evidence | None:
    """Return what was recorded of Connections of one server in a span; None where nothing was. Blocks.

    `all_there` are all Connections of the server: they have a say in whose a socket is. Raises HistoryError.
    """
    if not history.path.exists():
        return None
    pools = _representatives(connections, all_there)
    labels = {name for id in pools for name in history.servers_of(id, start, end)}
    if not labels:
        return None
    own = label(connections[0])
    return _gather(history, own if own in labels else min(labels), pools, start, end)


def _representatives(connections: Sequence[Connection], all_there: Sequence[Connection]) -> dict[str, tuple[str, str]]:
    """Return the database and role of one Connection, by its id, of all that cannot be told from each other."""
    attribution = Attribution(all_there)
    found = {attribution.claim_of(one): one for one in reversed(connections)}
    return {one.id: (one.parameters.database, one.parameters.username) for one in reversed(found.values())}


def _gather(
    history: History, server: str, pools: dict[str, tuple[str, str]], start: float, end: float
) -> Evidence | None:
    keys: list[tuple[Kind, str]] = [("server", server), *(("connection", id) for id in pools)]
    minutes = history.minutes(keys, start, end)
    whole = minutes.pop(("server", server))
    seen = _together(minutes.values())
    kept = history.span()
    counted = [at for at in seen if kept is not None and at + MINUTE > kept.start]
    if not counted:  # only minutes are left of it, which cannot be replayed
        return None
    first, last = min(seen), max(seen) + MINUTE
    peak_at = max(counted, key=lambda at: (seen[at], at))
    begin = max(first, min(peak_at - DAY_S / 2, last - DAY_S))
    load = read(history.tallies(tuple(pools), server, begin, begin + DAY_S), tuple(pools.values()))
    both = zip(load.used, load.held, strict=True)
    return Evidence(
        first,
        last,
        max(seen.values()),
        peak_at,
        percentile(sorted(seen.values()), 0.95),
        load,
        max((max(0, used - held) for used, held in both if used != UNSEEN), default=None),
        next((one.limit for one in reversed(whole) if one.limit is not None), None),
        any(one.least_headroom == 0 for one in whole),
    )


def _together(series: Iterable[Sequence[Rollup]]) -> dict[float, int]:
    """Return the most that all held in each minute."""
    found: Counter[float] = Counter()
    for rollups in series:
        for one in rollups:
            if one.maximum is not None:
                found[one.at] += one.maximum
    return dict(found)


def read(tallies: Iterable[Tally], pools: Sequence[tuple[str, str]]) -> Load:
    """Return counts of Connections as the load of their pools; where several are of one, they add up."""
    at, used = array("d"), array("i")
    names = tuple(dict.fromkeys(pools))
    held, busy = ([array("i") for _ in names] for _ in range(2))
    opened = [array("d") for _ in names]
    numbers = [names.index(pool) for pool in pools]
    for tally in tallies:
        if at and tally.at <= at[-1]:  # the clock was set back
            continue
        at.append(tally.at)
        used.append(UNSEEN if tally.used is None else tally.used)
        for series in (held, busy, opened):
            for one in series:
                one.append(UNSEEN)
        for number, states, rate in zip(numbers, tally.states, tally.opened_per_minute, strict=True):
            if states is not None:
                sockets = sum(states)
                held[number][-1] = max(0, held[number][-1]) + sockets
                busy[number][-1] = max(0, busy[number][-1]) + sockets - states[_IDLE]
            if rate is not None:
                opened[number][-1] = rate
    of_each = zip(names, held, busy, opened, strict=True)
    return Load(at, tuple(Series(*name, its, working, rates) for name, its, working, rates in of_each), used)
