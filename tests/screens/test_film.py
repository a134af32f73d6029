"""A film from elsewhere: what was tampered with is refused or shown, and fells nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history.given import samples
from tui.history.decoding import Decoder
from tui.history.encoding import Encoder
from tui.history.lines import EncodingError
from tui.screens.connection_facts import socket_facts
from tui.screens.film import as_seen
from tui.widgets.panel import Panel
from tui.widgets.recorded_groups import BYS, lines, spans

if TYPE_CHECKING:
    from tui.sockets.model import Sample

STRANGE: tuple[Any, ...] = (None, -1, 0, 3, 10**30, -(10**30), 1.5, True, "x", "\x1b[31m", [], ["x"], {}, float("inf"))


def _places(value: Any, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """Return the way to each part of a line."""
    found = [path] if path else []
    for number, part in enumerate(value if isinstance(value, list) else ()):
        found += _places(part, (*path, number))
    return found


def _draw(sample: Sample) -> None:
    """Show it as the replay does."""
    connections = tuple(as_seen(count, None) for count in sample.connections)
    panel = Panel(connections).taken(sample, {})
    for width in (80, 200):
        for line in panel.lines:
            panel.draw(line.value, True, width)
        panel.totals("then", width)
        panel.alerts.summary()
        for connection in connections:
            panel.details(connection)
            panel.address(connection)
            socket_facts(panel.row(connection))
    for count in sample.connections:
        for by in BYS:
            for line in lines(count.groups, by):
                spans(line.value, False, 80)


@settings(max_examples=100, deadline=None)
@given(st.lists(samples(), min_size=1, max_size=2), st.randoms(use_true_random=False))
def test_what_was_tampered_with_is_refused_or_shown(recorded: list[Sample], chance: Any) -> None:
    encoder, decoder = Encoder(), Decoder()
    written = [json.loads(encoder.line(sample)) for sample in recorded]
    target = chance.choice(written)
    path = chance.choice(_places(target))
    part = target
    for number in path[:-1]:
        part = part[number]
    part[path[-1]] = chance.choice(STRANGE)
    try:
        for line in written:
            decoder.take(json.dumps(line))
            sample = decoder.sample()
            assert sample == sample  # noqa: PLR0124 - it holds no number that is none
            _draw(sample)
    except EncodingError:
        return
