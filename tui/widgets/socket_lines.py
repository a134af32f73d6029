"""The lines of the live panel: which columns a width holds, and how a Connection and a server are drawn. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.text import cells, pad, safe, shorten
from tui.widgets.cells import count, duration, level_bar, plural, sparkline
from tui.widgets.live_table import Span, Spans
from tui.widgets.recent import recent_columns
from tui.widgets.trend_words import trend_tone
from tui.widgets.trends import growth, short_left, short_trend, time_left
from tui.widgets.troubles import SERVER_NOT_SEEN, SIGNS, THRESHOLDS, pool_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.connections.model import Connection
    from tui.sockets.model import ConnectionCount, ServerCount
    from tui.sockets.series import Series
    from tui.widgets.troubles import Trouble

_MARK = 3  # the cursor, the sign of trouble, a space
_SOCKETS = 9
# The title of each column, and the one where that does not fit.
_TITLES = {
    "trend": ("Trend", ""),
    "left": ("Full in", "Full"),
    "bar": ("Share", ""),
    "active": ("Active", "Act"),
    "idle": ("Idle", ""),
    "in_tx": ("In tx", "Tx"),
    "recent": ("Recent", "Past"),
    "free": ("Free", ""),
    "bound": ("Limit of", ""),
    "database": ("Database", ""),
    "role": ("Role", ""),
    "words": ("Trouble", ""),
}
_RIGHT = frozenset({"active", "idle", "in_tx", "free"})
_ALONE = frozenset({"trend", "bar", "active", "recent", "bound"})
_NEWEST = 2  # cells at the end of a sparkline; most of the time they alone change
# What a wider terminal buys, most wanted first; each step is taken whole or not at all.
_STEPS = (
    ("trend", 8), ("left", 6), ("words", 12), ("active", 4), ("idle", 4), ("in_tx", 3), ("bar", 5), ("recent", 5),  # 80
    ("name", 3), ("trend", 8), ("active", 2), ("in_tx", 2), ("name", 4), ("recent", 3), ("left", 1), ("idle", 1),
    ("bar", 1), ("trend", 2), ("words", 4), ("recent", 4), ("name", 3), ("free", 5), ("words", 6), ("bound", 8),
    ("recent", 4), ("bar", 4), ("name", 4), ("words", 6), ("database", 12), ("role", 15), ("words", 27), ("recent", 8),
    ("name", 6), ("bar", 4),
)  # fmt: skip


class Columns(NamedTuple):
    """The width of each column, left to right; 0 is a column that there is no room for."""

    name: int = 12
    trend: int = 0
    left: int = 0
    bar: int = 0
    active: int = 0
    idle: int = 0
    in_tx: int = 0
    free: int = 0
    recent: int = 0
    bound: int = 0
    database: int = 0
    role: int = 0
    words: int = 0


def columns(width: int) -> Columns:
    """Return the columns that fill `width` cells; each but the first takes one cell more, to stand apart."""
    if width < _MARK + 12 + 1 + _SOCKETS:
        return Columns(name=max(1, width - _MARK - _SOCKETS - 1))
    chosen = Columns()._asdict()
    left = width - _MARK - chosen["name"] - 1 - _SOCKETS
    for column, cells_more in _STEPS:
        price = cells_more + (0 if chosen[column] else 1)
        if price > left:
            break
        chosen[column] += cells_more
        left -= price
    chosen["words" if chosen["words"] else "name"] += left
    return Columns(**chosen)


def heading(width: int) -> Spans:
    """Draw the titles of the columns."""
    shown = columns(width)
    spans = [Span(" " * _MARK), _cell("name", "Connection", shown.name), Span(" " + pad("  Sockets", _SOCKETS))]
    spans += [_cell(key, _title(key, size), size) for key, size in _rest(shown)]
    return tuple(spans)


def _title(key: str, size: int) -> str:
    title, brief = _TITLES[key]
    return title if len(title) <= size else brief


def edges(width: int) -> tuple[int, ...]:
    """Return where what changes together begins: to address a column costs more bytes than a narrow one holds."""
    shown = columns(width)
    begins = [0, _MARK + shown.name]
    x = _MARK + shown.name + 1 + _SOCKETS
    for key, size in _rest(shown):
        if key in _ALONE:
            begins.append(x)
        if key == "recent" and size > _NEWEST + len(_TITLES["recent"][0]):
            begins.append(x + 1 + size - _NEWEST)
        x += 1 + size
    return tuple(begins)


def _rest(shown: Columns) -> list[tuple[str, int]]:
    return [(key, size) for key, size in shown._asdict().items() if size and key != "name"]


def _cell(key: str, text: str, size: int, tone: str = "plain") -> Span:
    """A cell, and the space before it that keeps it apart; the name stands first and needs none."""
    cut = shorten(text, size)
    filled = cut.rjust(size) if key in _RIGHT else pad(cut, size)
    return Span(filled if key == "name" else " " + filled, tone)


class Row(NamedTuple):
    """A Connection with what is known of it: its count, its last counts, and what is wrong, the worst first."""

    connection: Connection
    seen: ConnectionCount | None
    series: Series
    wrong: tuple[Trouble, ...]
    kept: int = 0  # warnings of its last check
    at: float = 0.0  # when it was seen, in seconds since the epoch


def connection_spans(row: Row, cursor: bool, width: int) -> Spans:
    """Draw one Connection; what was not seen is a dash, with the reason behind it."""
    shown = columns(width)
    worst = row.wrong[0] if row.wrong else None
    tone = _tone(worst)
    front = [
        # Neighbours of one tone are sent as one run, with one colour code: blanks take the tone of what follows.
        Span("❯" if cursor else " ", "accent" if cursor else tone if worst else "strong"),
        Span((SIGNS[worst.level] if worst else " ") + " ", tone if worst else "strong"),
        _cell("name", safe(row.connection.name), shown.name, "strong"),
    ]
    if row.seen is None or row.seen.sockets is None:
        # A note, such as a warning of the last check, is no reason. What holds for the server is said in its line.
        said = worst.sentence if worst and worst.level == "failed" else "connecting…"
        if said == "connecting…" and row.seen is not None and row.seen.pooled is not None:
            # Its console answers also where the pool is so busy that the server cannot be asked through it.
            waits = worst is not None and worst.level == "warning"
            said = worst.sentence if worst and waits else pool_words(row.seen.pooled)
        if worst and worst.short == SERVER_NOT_SEEN:
            said, tone = worst.short, "muted"
        room = width - _MARK - shown.name - _SOCKETS - 1
        dash = Span(" " + pad("   —", _SOCKETS), "muted")
        return (*front, dash, Span(pad(" " + safe(said), room), tone))
    return (*front, *_sockets(row.seen), *_seen_cells(row, row.seen, shown))


def _tone(worst: Trouble | None) -> str:
    if worst is None:
        return "plain"
    return "muted" if worst.level == "note" else worst.level


def _sockets(seen: ConnectionCount) -> tuple[Span, Span]:
    of = f"/{seen.limit}" if seen.limit is not None else ""
    return Span(" " + count(seen.sockets).rjust(4), "strong"), Span(pad(of, _SOCKETS - 4), "muted")


def _seen_cells(row: Row, seen: ConnectionCount, shown: Columns) -> list[Span]:
    worst = row.wrong[0] if row.wrong else None
    active, idle, in_tx = seen.states[:3] if seen.states else (None, None, None)
    texts = {
        "trend": short_trend(seen.trend, shown.trend),
        "left": short_left(seen.trend, row.at),
        "active": count(active),
        "idle": count(idle),
        "in_tx": count(in_tx),
        "recent": sparkline(recent_columns(row.series, shown.recent), shown.recent),
        "free": count(seen.headroom),
        "bound": seen.bounded_by or "",
        "database": safe(row.connection.parameters.database),
        "role": safe(row.connection.parameters.username),
        "words": safe(_words(worst, seen, shown.words)),
    }
    left = time_left(seen.trend, row.at)
    tones = {
        "trend": trend_tone(seen.trend),
        "left": "failed" if left is not None and left <= THRESHOLDS.within_s else "plain",
        "active": "plain",
        "idle": "plain",
        "in_tx": "warning" if worst and worst.short.startswith("in tx") else "plain",
        "recent": "accent",
        "free": "plain" if seen.headroom else "failed",
        "words": _tone(worst),
    }
    spans: list[Span] = []
    for key, size in _rest(shown):
        if key == "bar":
            spans += bar_spans(seen.sockets or 0, seen.limit, seen.headroom, size)
        else:
            spans.append(_cell(key, texts[key], size, tones.get(key, "muted")))
    return spans


def _words(worst: Trouble | None, seen: ConnectionCount, room: int) -> str:
    """Say what is wrong; where that is no more than a note, how many clients come in and sockets go out of a pool."""
    pooled = seen.pooled
    if pooled is not None and not pooled.error and (worst is None or worst.level == "note"):
        return pool_words(pooled) if room >= 40 else f"{pooled.clients} in, {pooled.server_sockets} out"
    return "" if worst is None else worst.sentence if room >= 40 else worst.short


def share_tone(limit: int | None, headroom: int | None) -> str:
    """Return the tone of how much of a limit is used: accent while there is room."""
    if not limit or headroom is None:
        return "plain"
    share = 1 - headroom / limit
    return "failed" if share >= THRESHOLDS.critical else "warning" if share >= THRESHOLDS.warning else "accent"


def bar_spans(own: int, limit: int | None, headroom: int | None, size: int) -> list[Span]:
    """Draw a limit: what is its own, what others use, what is free. Without a limit there is nothing to draw."""
    if not limit or headroom is None:
        return [Span(" " + " " * size, "muted")]
    others = max(0, limit - headroom - own)
    bar = level_bar(own, others, limit, size)
    return [Span(" " + bar.own, share_tone(limit, headroom)), Span(bar.others + bar.free, "muted")]


def server_spans(
    server: str, seen: ServerCount | None, now: float, width: int, leader: str = "", *, late: bool = False
) -> Spans:
    """Draw the line above a server's Connections; `now` is when the sample was made, `leader` who grows most.

    A server that is `late` has yet to answer a poll: how old its numbers are is told.
    """
    words: list[Span] = []
    if seen is None:
        words.append(Span("connecting…", "muted"))
    elif seen.error:
        age = f"not seen for {duration(now - seen.seen_at)}" if seen.seen_at else "not seen"
        words.append(Span(f"✗ {age}: {safe(seen.error)}", "failed"))
    else:
        variants = _usage(seen, now, leader, late=late)
        room = width - cells(safe(server)) - 4
        words += next((one for one in variants if _length(one) <= room), variants[-1])
    # The name gives way to the numbers, and an error's sentence to the name: it stands whole below the table.
    wanted = _length(words) if seen is not None and not seen.error else width // 2
    spans = [Span("─ ", "line"), Span(shorten(safe(server), max(16, width - 4 - wanted)), "accent"), Span(" ", "line")]
    left = width - sum(cells(span.text) for span in spans)
    for number, word in enumerate(words):
        gap = " · " if number else " "
        text = shorten(gap + word.text, left - 1)
        spans.append(Span(text, word.tone))
        left -= cells(text)
    return (*spans, Span(" " + "─" * (left - 1) if left > 0 else "", "line"))


def _length(words: Sequence[Span]) -> int:
    """Return how many cells words take with what parts them."""
    return sum(cells(word.text) + 3 for word in words) - 2


def _usage(seen: ServerCount, now: float, leader: str, *, late: bool) -> list[list[Span]]:
    """Say how much of a server is used, and where that leads: in all words, then in fewer and fewer."""
    used = f"{count(seen.used)} of {count(seen.limit)} used"
    words = [Span(used, "plain")]
    if late and seen.seen_at is not None:
        words.insert(0, Span(f"! slow, {duration(now - seen.seen_at)} old", "warning"))
    if seen.headroom is not None:
        tone = share_tone(seen.limit, seen.headroom)
        sign = "✗ " if seen.headroom <= 0 else "! " if tone in {"warning", "failed"} else ""
        words.append(Span(f"{sign}{seen.headroom} free", "muted" if tone == "accent" else tone))
    if seen.visibility == "own":
        words.append(Span("own sockets only", "warning"))
    rest = [Span(f"{seen.unregistered} not registered", "muted")] if seen.unregistered else []
    if growth(seen.trend) <= 0:
        return [words + rest]
    left = time_left(seen.trend, now)
    full = f", full in {short_left(seen.trend, now)}" if left is not None else ""
    most = f", most by {safe(leader)}" if leader else ""
    tone = "failed" if left is not None and left <= THRESHOLDS.within_s else trend_tone(seen.trend)
    whole, brief, briefest = (
        Span(said, tone)
        for said in (
            f"{short_trend(seen.trend)}{full}{most}",
            f"{short_trend(seen.trend, 0)}{full}{most}",
            f"{short_trend(seen.trend, 0)}{full}",
        )
    )
    return [[*words, whole, *rest], [*words, whole], [*words, brief], [*words, briefest]]


def totals(counts: Sequence[ConnectionCount], registered: int, servers: int, pace: str, width: int) -> str:
    """Return the sums over what was seen, in at most `width` cells where that can be; `pace` is how it is counted.

    Sockets that Connections share are counted once.
    """
    seen = {frozenset((c.name, *c.shared_with)): c for c in counts if c.sockets is not None}
    sockets = plural(sum(c.sockets or 0 for c in seen.values()), "socket")
    active, idle, in_tx = (sum(c.states[i] for c in seen.values() if c.states) for i in range(3))
    unseen = sum(c.sockets is None for c in counts)
    lacking = f" · ✗ {unseen} not seen" if unseen else ""
    connections = f"{plural(registered, 'Connection')} on {plural(servers, 'server')}"
    if not seen:
        return f"{connections}{lacking} · {pace}"
    states = f"{active} active, {idle} idle, {in_tx} in tx"
    variants = (
        f"{connections} · {sockets}: {states}{lacking} · {pace}",
        f"{sockets}: {states}{lacking} · {pace}",
        f"{sockets} of {plural(registered, 'Connection')}{lacking} · {pace}",
        f"{sockets}{lacking} · {pace}",
    )
    return next((said for said in variants if cells(said) <= width), variants[-1])
