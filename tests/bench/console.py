"""The whole console in a terminal of 160x50, beside pg_activity: CPU, and bytes that the terminal gets."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.peer import installed
from tests.bench.place import BUSY, CONNECTIONS, CONSOLE, FAR, NEAR, SOCKETS
from tests.bench.process import Screenless, resident
from tests.bench.report import Row, percent, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.bench.place import Place

REFRESH_S = 2
WATCHED_S = 24.0
SETTLED_S = 6.0
FILLED_S = 40.0  # a sparkline of this width shows so long a time


class Use(NamedTuple):
    """What a program used while it was watched."""

    cpu: float  # share of a core
    octets: float  # to the terminal, per refresh
    resident: int


def console(place: Place) -> list[Row]:
    """Watch all of them at the same time: while nothing changes, while sockets come and go, and while none is idle.

    pg_activity leaves out what is idle: only of the last can be told what it costs to show all sockets.
    """
    crowd = place.crowd
    port = str(place.server.port)
    peer = [str(installed() / "pg_activity"), "-p", port, "-U", "monitor", "--refresh", str(REFRESH_S)]
    home = place.home(place.connections())
    with ExitStack() as stack:
        programs = {
            "ours": stack.enter_context(Screenless(CONSOLE, {**home, "PGCONNS_INTERVAL": str(REFRESH_S)})),
            "far": stack.enter_context(Screenless([*peer, "-h", FAR, "-d", "postgres"], home)),
            "near": stack.enter_context(Screenless([*peer, "-h", NEAR, "-d", "postgres"], home)),
        }
        programs["ours"].seen_after(f"{len(crowd) // CONNECTIONS}")
        filling = _watch(programs)
        time.sleep(FILLED_S)
        still = _watch(programs)
        with place.changing():
            moving = _watch(programs)
        with crowd.in_transaction(BUSY), place.changing():
            shown = _watch(programs)
    return [
        _cpu(f"changing; pg_activity shows only the {BUSY} that are not idle", moving, None),
        _cpu("changing, and none of them idle, so that both show all", shown, "below pg_activity"),
        _bytes("unchanged, as soon as the sparklines are full", still, "0"),
        _bytes("unchanged, in the first minute, while the sparklines fill", filling, "never more than pg_activity"),
        _bytes("changing", moving, "never more than pg_activity"),
    ]


def _cpu(words: str, seen: Mapping[str, Use], budget: str | None) -> Row:
    ours, far, near = seen["ours"], seen["far"], seen["near"]
    return Row(
        f"CPU of the whole console, {SOCKETS:,} sockets, {REFRESH_S} s refresh, {words}",
        f"{percent(ours.cpu)}, {size(ours.resident)}",
        f"pg_activity {percent(far.cpu)}, {size(far.resident)}; on the server's machine {percent(near.cpu)}",
        budget or "",
        ours.cpu < far.cpu if budget else None,
    )


def _bytes(words: str, seen: Mapping[str, Use], budget: str) -> Row:
    ours, far = seen["ours"], seen["far"]
    return Row(
        f"bytes to the terminal per refresh, 160x50, {words}",
        size(ours.octets),
        f"pg_activity {size(far.octets)}",
        budget,
        ours.octets <= far.octets and (budget != "0" or not ours.octets),
    )


def _watch(programs: dict[str, Screenless]) -> dict[str, Use]:
    time.sleep(SETTLED_S)
    before = {name: (program.cpu_s(), program.octets) for name, program in programs.items()}
    time.sleep(WATCHED_S)
    return {
        name: Use(
            (program.cpu_s() - before[name][0]) / WATCHED_S,
            (program.octets - before[name][1]) / (WATCHED_S / REFRESH_S),
            resident(program.process.pid),
        )
        for name, program in programs.items()
    }
