from __future__ import annotations

import pytest

from tui.sockets.growth import Point
from tui.sockets.series_file import SeriesError, read_series


def test_both_forms_of_time_and_any_order_of_columns() -> None:
    assert read_series("sockets,note,at\r\n7,x,2001-09-09T01:46:40Z\r\n8,y,1000000060\r\n") == [
        Point(1e9, 7),
        Point(1e9 + 60, 8),
    ]


def test_rows_are_put_in_order_and_gaps_stay_gaps() -> None:
    assert read_series("at,sockets\n20,2\n10,1\n15,\n") == [Point(10, 1), Point(20, 2)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1 lacks the column at and sockets"),
        ("at,count\n1,2\n", "lacks the column sockets"),
        ("at,sockets\nyesterday,2\n", "line 2: 'yesterday' is no time"),
        ("at,sockets\n1,2\n2,many\n", "line 3: 'many' is no number of sockets"),
        ("at,sockets\n1,-2\n", "no number of sockets"),
        ("at,sockets\ninf,2\n", "no time"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(text: str, words: str) -> None:
    with pytest.raises(SeriesError, match=words):
        read_series(text)
