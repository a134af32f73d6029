"""A plan of a PgBouncer as lines: the answer with its pools and predictions, and the numbers behind it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from tui.text import cells, pad, safe, shorten
from tui.widgets.cells import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.bouncer.model import Plan, Prediction

_GAP, _NARROWEST = 2, 8


def answer_content(plan: Plan, width: int) -> Content:
    """Return whether it is worth it and why, the pools, and what the busiest recorded day would have done in them."""
    verdict = Content.styled("! A PgBouncer is worth it", "bold $warning")
    if not plan.worth_it:
        verdict = Content.styled("✓ No PgBouncer is needed", "bold $ok")
    lines = [verdict, *_sentences(plan.reasons, width), Content("")]
    lines += [_title("Pools" if plan.worth_it else "Pools, if it has to be")]
    lines += _wrapped(f"{plan.pool_mode} pooling: {plan.mode_reason}", width)
    rows = [(one.database, one.username, str(one.pool_size), str(one.reserve)) for one in plan.pools]
    lines += _table(("database", "role", "size", "reserve"), rows, width, right={2, 3})
    caps = ", ".join(f"{one.max_db_connections} in {one.database}" for one in plan.databases)
    lines += _wrapped(f"max_client_conn {plan.max_client_conn}; max_db_connections {caps}", width)
    if plan.what_if:
        lines += [Content(""), _title("What if: the busiest day recorded")]
        now = ("without", str(plan.what_if[0].prediction.observed_peak), "–", "–", "–", "–")
        predicted = [(one.what, *_predicted(one.prediction)) for one in plan.what_if]
        heads = ("", "sockets", "waiting", "p95", "longest", "away")
        lines += _table(heads, [now, *predicted], width, right=set(range(1, 6)))
    return Content("\n").join(lines)


def numbers_content(plan: Plan, width: int) -> Content:
    """Return the arithmetic line by line, the time-outs, and what to know."""
    sums = [(one.what, "–" if one.sockets is None else str(one.sockets), one.source) for one in plan.arithmetic]
    lines = [_title("Arithmetic, in sockets"), *_table(("", "", ""), sums, width, right={1}), Content("")]
    waits = [(one.setting, f"{one.seconds} s", one.why) for one in plan.time_outs]
    lines += [_title("Time-outs"), *_table(("", "", ""), waits, width, right={1}), Content("")]
    lines += [_title("To know"), *_sentences(plan.cautions, width)]
    return Content("\n").join(lines)


def _predicted(one: Prediction) -> tuple[str, ...]:
    waits = (f"{wait:.{int(wait < 100)}f} s" if wait else "0" for wait in (one.wait_p95_s, one.wait_max_s))
    return str(one.peak_server_sockets), str(one.peak_waiting), *waits, str(one.refused)


def _title(text: str) -> Content:
    return Content.styled(text, "bold $accent")


def _sentences(sentences: Iterable[str], width: int) -> list[Content]:
    return [
        Content(("· " if not number else "  ") + line)
        for sentence in sentences
        for number, line in enumerate(wrap(safe(sentence), width - 2))
    ]


def _wrapped(text: str, width: int) -> list[Content]:
    return [Content(line) for line in wrap(safe(text), width)]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int, right: set[int]) -> list[Content]:
    """Return aligned lines; where they are too wide, text in the last column is broken, and in the others cut."""
    cleaned = [[safe(cell) for cell in row] for row in rows]
    widths = [max(cells(row[n]) for row in (list(heads), *cleaned)) for n in range(len(heads))]
    for n in (len(heads) - 1, *range(len(heads) - 1)):
        over = sum(widths) + _GAP * (len(heads) - 1) - width
        if over > 0 and n not in right:
            widths[n] = max(_NARROWEST, widths[n] - over)

    def lines(row: Sequence[str]) -> list[str]:
        broken = [
            wrap(cell, widths[n]) if n == len(row) - 1 else [shorten(cell, widths[n])] for n, cell in enumerate(row)
        ]
        return [_line([cell[at] if at < len(cell) else "" for cell in broken]) for at in range(len(broken[-1]))]

    def _line(row: Sequence[str]) -> str:
        placed = [
            " " * (widths[n] - cells(cell)) + cell if n in right else pad(cell, widths[n]) for n, cell in enumerate(row)
        ]
        return (" " * _GAP).join(placed).rstrip()

    shown = [Content.styled(_line(heads), "$muted")] if any(heads) else []
    return [*shown, *(Content(line) for row in cleaned for line in lines(row))]
