"""The recent past of each Connection's sockets, for sparklines. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.sockets.model import Sample

KEPT = 256  # samples
COARSEST = 4  # samples in one column


@dataclass(frozen=True, slots=True)
class Recent:
    """The last samples' counts by Connection id, and when each server was last seen.

    A Connection's counts end with the newest sample; None is a sample that did not see it.
    """

    samples: int = 0
    sockets: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    seen_at: Mapping[str, float] = field(default_factory=dict)

    def after(self, sample: Sample) -> Recent:
        """Return the past with one more sample; what is no longer sampled is forgotten."""
        before = self.sockets
        sockets = {c.id: (*before.get(c.id, ())[1 - KEPT :], c.sockets) for c in sample.connections}
        seen = {
            server.server: self.seen_at.get(server.server, 0.0) if server.error else sample.at
            for server in sample.servers
        }
        return Recent(self.samples + 1, sockets, {server: at for server, at in seen.items() if at})

    def columns(self, connection_id: str, width: int) -> list[int | None]:
        """Return the highest count of each of the last `width` columns of time, for a sparkline.

        A column is one sample while the past is short, and up to COARSEST later. Columns begin at fixed samples, so
        that a sparkline moves by whole columns and does not flicker.
        """
        counts = self.sockets.get(connection_id, ())
        size = 1
        while size < COARSEST and len(counts) > width * size:
            size *= 2
        first = self.samples - len(counts)
        columns: dict[int, int | None] = {}
        for number, count in enumerate(counts, first):
            highest = columns.get(number // size)
            columns[number // size] = count if highest is None else max(highest, count or 0)
        return list(columns.values())[-width:] if width > 0 else []
