"""A week of uptime, compressed: does memory stay flat?"""

from __future__ import annotations

import asyncio
import math
import os
import random
from typing import TYPE_CHECKING

from tests.bench.polling import no_password, watched
from tests.bench.process import resident
from tests.bench.report import Row, size
from tui.sockets.model import ConnectionCount, Sample, ServerCount
from tui.sockets.sampler import Watch
from tui.sockets.server import Circumstances, ServerWatch

if TYPE_CHECKING:
    from tests.bench.place import Place

DAY_S = 86_400
EVERY_S = 60
CONNECTIONS = 5
POLLS = 3000
_FLAT = 2_000_000


def week(place: Place) -> list[Row]:
    """Hand a sampler the counts of seven days, as they would come; and poll a real server some thousand times."""
    first, last = _days(place)
    early, late = asyncio.run(_polls(place))
    return [
        Row(
            f"memory over a week, {CONNECTIONS} Connections counted every {EVERY_S} s of a clock that runs ahead",
            f"{size(first)} after 2 days, {size(last)} after 7",
            "",
            "flat",
            last - first < _FLAT,
        ),
        Row(
            f"memory over {POLLS:,} polls of a real server in a row",
            f"{size(early)} after {POLLS // 3:,}, {size(late)} at the end",
            "",
            "flat",
            late - early < _FLAT,
        ),
    ]


def _days(place: Place) -> tuple[int, int]:
    connections = place.connections()[:CONNECTIONS]
    watch = Watch(connections, no_password, 0.02)
    chance = random.Random(7)
    after: list[int] = []
    for at in range(0, 7 * DAY_S, EVERY_S):
        if at in {2 * DAY_S, 7 * DAY_S - EVERY_S}:
            after.append(resident(os.getpid()))
        base = 20 + 10 * math.sin(at / DAY_S * math.tau)
        watch._remember(_sample([connection.id for connection in connections], float(at), base, chance))
    return after[0], after[1]


def _sample(ids: list[str], at: float, base: float, chance: random.Random) -> Sample:
    counts = tuple(
        ConnectionCount(id, id, "server", sockets := max(0, round(chance.gauss(base, 3))), headroom=97 - sockets)
        for id in ids
    )
    used = sum(count.sockets or 0 for count in counts)
    return Sample(at, (ServerCount("server", 2300, 3, used, 2297 - used),), counts, ())


async def _polls(place: Place) -> tuple[int, int]:
    watch = ServerWatch(place.connections(), Circumstances(no_password, 2.0), watched, lambda: None)
    early = 0
    for number in range(POLLS):
        await watch._look()
        if number == POLLS // 3:
            early = resident(os.getpid())
    await watch._leave()
    return early, resident(os.getpid())
