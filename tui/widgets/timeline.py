"""A recording as one line: from when to when, where one stands in it, and where alerts were raised. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.content import Content

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONG_S = 86_400.0


def timeline(recorded: Sequence[tuple[float, float]], at: float, alerts: Iterable[float], width: int) -> Content:
    """Draw it in `width` cells, blank where nobody recorded; moments are in seconds since the epoch.

    >>> timeline([(0.0, 60.0), (90.0, 100.0)], 50.0, [55.0], 40).plain.strip("0123456789: ")
    '━━━━━━━━━━●─!─     ───'
    """
    if not recorded:
        return Content("")
    start, end = recorded[0][0], max(at, *(until for _, until in recorded))
    shape = "%d %b %H:%M" if end - start > _LONG_S else "%H:%M:%S"
    left, right = (time.strftime(shape, time.localtime(moment)) for moment in (start, end))
    room = width - len(left) - len(right) - 2
    if room < 3:
        return Content("")

    def place(moment: float) -> int:
        return min(room - 1, max(0, round((moment - start) / max(end - start, 0.001) * (room - 1))))

    here = place(at)
    line = [" "] * room
    for since, until in recorded:
        for column in range(place(since), place(until) + 1):
            line[column] = "━" if column < here else "─"
    for moment in alerts:
        line[place(moment)] = "!"
    line[here] = "●"
    parts = [(f"{left} ", "$muted")]
    parts += [(sign, {"!": "$failed", "●": "bold $warning", "━": "$warning"}.get(sign, "$line")) for sign in line]
    return Content.assemble(*parts, (f" {right}", "$muted"))
