"""The history: how large a day is, and how soon a week is ready to plot."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.report import Row, ms, size
from tests.history.given import Traffic
from tui.history.reader import History
from tui.history.store import Store

if TYPE_CHECKING:
    from tests.bench.place import Place

CONNECTIONS, EVERY_S = 50, 2.0
DAY_S, WEEK_S = 86_400, 7 * 86_400
# So many samples are really written every two seconds; a day is as many times as large.
MEASURED = 5400
_LARGEST, _SOONEST_S = 25e6, 0.1


def history(place: Place) -> list[Row]:
    """Record three hours as they come, and a week a minute apart; read the week back as a plot does."""
    with tempfile.TemporaryDirectory() as folder:
        day = _recorded(Path(folder) / "day.db", EVERY_S, MEASURED) * DAY_S / EVERY_S / MEASURED
        week = Path(folder) / "week.db"
        _recorded(week, 60.0, WEEK_S // 60)
        ready = statistics.median(_read(week) for _ in range(9))
    return [
        Row(
            f"a day of samples, {CONNECTIONS} Connections every {EVERY_S:g} s, with minutes and hours",
            size(day),
            "",
            size(_LARGEST),
            day < _LARGEST,
        ),
        Row("seven days of a Connection ready to plot, 700 points", ms(ready), "", ms(_SOONEST_S), ready < _SOONEST_S),
    ]


def _recorded(path: Path, every_s: float, number: int) -> int:
    traffic = Traffic(CONNECTIONS, every_s=every_s)
    store = Store(path)
    for _ in range(number):
        store.write(traffic.sample())
    store.close()
    return path.stat().st_size


def _read(path: Path) -> float:
    one = History(path)
    span = one.span()
    assert span is not None
    began = time.perf_counter()
    assert len(one.series(Traffic.id(7), span.end - WEEK_S, span.end, points=700).rollups) > 600
    return time.perf_counter() - began
