"""How long it takes until something is there: the console's first frame, and `list`."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.peer import installed
from tests.bench.place import CONNECTIONS, CONSOLE, FAR
from tests.bench.process import Screenless
from tests.bench.report import Row, ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.bench.place import Place

FRAMES = 11
LISTS = 31


def start(place: Place) -> list[Row]:
    """Open by turns: the console, an app of the same widgets with nothing behind them, and pg_activity."""
    environment = place.home(place.connections())
    empty = [sys.executable, str(Path(__file__).with_name("empty_app.py"))]
    peer = [
        str(installed() / "pg_activity"),
        "-h",
        FAR,
        "-p",
        str(place.server.port),
        "-U",
        "monitor",
        "-d",
        "postgres",
    ]
    taken: dict[str, list[list[float]]] = {"ours": [], "empty": [], "peer": []}
    for _ in range(FRAMES):
        taken["ours"].append(_paint(CONSOLE, environment, "pgconns", "Connection 01"))
        taken["empty"].append(_paint(empty, environment, "pgconns"))
        taken["peer"].append(_paint(peer, environment, "PostgreSQL 15"))
    ours, listed = (median(times) for times in zip(*taken["ours"], strict=True))
    ((bare,), (other,)) = ([median(times) for times in zip(*taken[name], strict=True)] for name in ("empty", "peer"))
    return [
        Row(
            f"start to first painted frame, {CONNECTIONS} Connections registered",
            f"{ms(ours)} ({ours / bare:.2f}x); all of them listed {ms(listed)}",
            f"empty Textual app with the same widgets {ms(bare)}, pg_activity {ms(other)}",
            "within 1.15x of the empty app, before pg_activity",
            ours <= 1.15 * bare and ours < other,
        )
    ]


def _paint(command: Sequence[str], environment: Mapping[str, str], *texts: str) -> list[float]:
    with Screenless(command, environment) as program:
        return program.seen_after(*texts)


def listing(place: Place) -> list[Row]:
    """Run `pgconns list` and a Python that does nothing, by turns."""
    environment = place.home(place.connections())
    ours, bare = [], []
    for _ in range(LISTS):
        ours.append(_run([*CONSOLE, "list"], environment))
        bare.append(_run([sys.executable, "-c", "pass"], environment))
    own, nothing = median(ours), median(bare)
    return [
        Row(
            f"`pgconns list` with {CONNECTIONS} Connections",
            f"{ms(own)} ({own / nothing:.2f}x)",
            f"`python -c pass` {ms(nothing)}",
            "within 3x",
            own <= 3 * nothing,
        )
    ]


def _run(command: Sequence[str], environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
