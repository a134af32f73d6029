"""The recent past of a Connection's sockets, in the columns of a sparkline. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.sockets.series import Series

# A column stands for so many seconds. Columns begin at whole multiples, so that a sparkline moves by whole columns.
SPANS_S = (4, 5, 8, 10, 12, 15, 20, 30, 40, 60, 90, 120, 300, 600, 1800, 3600)


def recent_columns(series: Series, width: int) -> tuple[int | None, ...]:
    """Return the highest count of each of at most `width` columns of time; None where nothing was seen.

    At first each sample is a column; later a column is as long as it may be with all of them filled. So a past that
    does not change is drawn the same again, at any moment.
    """
    if len(series.at) <= width or width <= 0:
        return series.sockets[-width:] if width > 0 else ()
    past = series.at[-1] - series.at[0]
    least = 1.5 * past / (len(series.at) - 1)  # a column shorter than that may lack a sample
    span = next((span for span in reversed(SPANS_S) if past // span >= width and span >= least), None)
    if span is None:
        return series.sockets[-width:]
    highest: dict[int, int] = {}
    for at, count in zip(series.at, series.sockets, strict=True):
        if count is not None:
            column = int(at // span)
            highest[column] = max(count, highest.get(column, 0))
    last = int(series.at[-1] // span)
    return tuple(highest.get(column) for column in range(last - width + 1, last + 1))
