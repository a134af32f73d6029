"""The recent past of a Connection's sockets, in the columns of a sparkline. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.sockets.series import Series

# A column stands for so many seconds. Columns begin at whole multiples, so that a sparkline moves by whole columns.
SPANS_S = (4, 5, 8, 10, 12, 15, 20, 30, 40, 60, 90, 120, 300, 600, 1800, 3600)


def recent_columns(series: Series, width: int) -> tuple[int | None, ...]:
    """Return the highest count of each of at most `width` columns of time; None where nothing was seen.

    While the past is short, each sample is a column; later a column is as long as it takes to show all of it.
    """
    if len(series.at) <= width or width <= 0:
        return series.sockets[-width:] if width > 0 else ()
    past = series.at[-1] - series.at[0]
    span = next((span for span in SPANS_S if past // span <= width), SPANS_S[-1])
    highest: dict[int, int] = {}
    for at, count in zip(series.at, series.sockets, strict=True):
        if count is not None:
            column = int(at // span)
            highest[column] = max(count, highest.get(column, 0))
    last = int(series.at[-1] // span)
    shown = min(width, max(1, int(past // span)))  # as many at any moment: an unchanged past is drawn the same again
    return tuple(highest.get(column) for column in range(last - shown + 1, last + 1))
