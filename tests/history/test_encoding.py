"""Samples as lines: what is read back is what was written, whatever it was; and little is written."""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history.given import Traffic, as_kept, samples
from tests.widgets.given import counted, sampled
from tui.history.decoding import Decoder
from tui.history.encoding import Encoder
from tui.history.lines import EncodingError
from tui.sockets.growth import Trend
from tui.sockets.model import Group

if TYPE_CHECKING:
    from tui.sockets.model import Sample


def _read(lines: list[str]) -> list[Sample]:
    decoder = Decoder()
    found = []
    for line in lines:
        decoder.take(line)
        found.append(decoder.sample())
    return found


@settings(max_examples=60)
@given(st.lists(samples(), max_size=4))
def test_what_is_read_back_is_what_was_written(wanted: list[Sample]) -> None:
    encoder = Encoder()
    lines = [encoder.line(sample) for sample in wanted]
    assert all(line.isascii() for line in lines)
    assert _read(lines) == [as_kept(sample) for sample in wanted]


def test_a_sample_of_the_sampler_comes_back_as_it_was() -> None:
    trend = Trend("leaking", 1.25, 0.75, 1.5, 2000.0, 1900.5, 2100.125, 300, 600.0)
    groups = (
        Group("gis", "carto", "maps", "10.0.0.1", "idle", 3, None, 0, 1, 2, "builder", "auth0|1", "5bc8"),
        Group("gis", "carto", "maps", None, "idle_in_transaction", 2, 7.5, 0, 1, 0),
    )
    count = counted("one", 5, states=(0, 3, 2, 0, 0), oldest_idle_in_transaction_s=7.5, trend=trend, groups=groups)
    wanted = [sampled(count, counted("two", None, error="it does not answer"), at=1000.125 + n) for n in range(3)]
    encoder = Encoder()
    assert _read([encoder.line(sample) for sample in wanted]) == wanted


def test_a_run_that_begins_anew_needs_nothing_before_it() -> None:
    traffic, encoder = Traffic(3), Encoder()
    encoder.line(traffic.sample())
    wanted = traffic.sample()
    encoder.begin()
    assert _read([encoder.line(wanted)]) == [as_kept(wanted)]


def test_a_beat_of_50_connections_takes_a_few_hundred_bytes() -> None:
    traffic, encoder = Traffic(), Encoder()
    lines = [encoder.line(traffic.sample()) for _ in range(60)]
    assert len(zlib.compress("\n".join(lines).encode(), 9)) / 60 < 500


def test_nothing_changed_is_nearly_nothing() -> None:
    encoder = Encoder()
    same = Traffic().sample()
    encoder.line(same)
    assert len(encoder.line(same)) < 20


@given(st.text(max_size=30) | st.lists(st.integers() | st.none() | st.text(max_size=3)).map(str))
def test_what_is_no_line_is_refused_with_a_sentence(text: str) -> None:
    decoder = Decoder()
    with pytest.raises(EncodingError, match="not written"):
        for line in itertools.chain([text], ["[0,[],[[9]],[],[]]"]):
            decoder.take(line)
            decoder.sample()
