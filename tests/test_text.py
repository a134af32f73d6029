"""Text that others control: shown, never obeyed, in the cells there are."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.text import cells, pad, safe, safe_lines, shorten

_OBEYED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = safe(text)
    assert not {unicodedata.category(c) for c in shown} & _OBEYED
    assert len(shown) == len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\u202eb", "a\ufffdb"),
        ("zero\u200bwidth", "zero\ufffdwidth"),
        ("line\u2028break\r\n", "line break  "),
        ("\x7f\x9b", "␡\ufffd"),
        ("\udc80", "\ufffd"),
        ("é漢🐘", "é漢🐘"),
    ],
)
def test_what_is_unsafe_is_pictured(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_lines_are_kept_where_a_block_is_shown() -> None:
    assert safe_lines("a\r\nb\x1b\nc") == "a\nb␛\nc"
    assert safe("x" * 50, longest=10) == "x" * 9 + "…"


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Mn", "Me", "Mc"))), st.integers(0, 30))
def test_shortened_text_never_takes_more_cells_than_there_are(text: str, width: int) -> None:
    assert cells(shorten(text, width)) <= width
    assert cells(pad(text, width)) == width


def test_wide_characters_are_not_cut_in_half() -> None:
    assert shorten("漢字漢字", 4) == "漢…"
    assert cells("漢字") == 4
    assert pad("漢字漢字", 4) == "漢… "
