"""How long the console's event loop stalls at most while 2,000 lines change."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.place import SOCKETS
from tests.bench.process import Screenless
from tests.bench.report import Row, ms

if TYPE_CHECKING:
    from tests.bench.place import Place

LIMIT_S = 60.0


def stalls(place: Place) -> list[Row]:
    """Run the console on counts of 2,000 Connections that all change, and time its loop from within."""
    folder = place.host.folder / "stalls"
    command = [sys.executable, "-m", "tests.bench.stalling_app", str(folder), str(SOCKETS)]
    environment = {**place.home([]), "PYTHONPATH": str(Path(__file__).parents[2])}
    with Screenless(command, environment) as program:
        deadline = time.monotonic() + LIMIT_S
        while not folder.exists() and time.monotonic() < deadline and program.process.poll() is None:
            time.sleep(0.1)
        program.process.wait(5)
    found = json.loads(folder.read_text())
    return [
        Row(
            f"longest stall of the event loop, {SOCKETS:,} lines changing, {words}",
            f"{ms(longest)}",
            "DataTable refilled 1,000 ms (earlier trial)",
            "30 ms",
            longest <= 0.03,
        )
        for words, longest in found.items()
    ]
