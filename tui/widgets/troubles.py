"""What is wrong with a Connection, in words: a few of them for its line, a sentence for below the table. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tui.sockets.alerts import Thresholds
from tui.widgets.cells import duration, plural
from tui.widgets.trend_words import full_sentence, trend_sentence
from tui.widgets.trends import growth, time_left

if TYPE_CHECKING:
    from tui.sockets.model import ConnectionCount, Pooled, ServerCount

Level = Literal["failed", "warning", "note"]
LEVELS: tuple[Level, ...] = ("failed", "warning", "note")
SIGNS: dict[Level, str] = {"failed": "✗", "warning": "!", "note": "·"}

THRESHOLDS = Thresholds()  # as `alert` has them

SHARED = "shared by"
SERVER_NOT_SEEN = "not seen, like its server"


class Trouble(NamedTuple):
    """One thing that is wrong; the texts of servers and users are in it raw."""

    level: Level
    short: str
    sentence: str


def binding_limit(count: ConnectionCount) -> str:
    """Name the limit that is reached first, such as "the role's limit of 20"."""
    owner = {"server": "the server's", "role": "the role's", "database": "the database's"}
    return f"{owner.get(count.bounded_by or '', 'the')} limit of {count.limit}"


def troubles(
    count: ConnectionCount | None, server: ServerCount | None, kept_warnings: int, at: float = 0.0
) -> tuple[Trouble, ...]:
    """Return what is wrong, the worst first.

    `kept_warnings` is how many warnings the last check left; `at` is when the sample was made.
    """
    found: list[Trouble] = []
    if count is not None:
        if server is not None and server.error and count.error in {"", server.error}:
            found.append(Trouble("failed", SERVER_NOT_SEEN, f"Not seen: {server.error}"))
        elif count.error and count.sockets is None:
            found.append(Trouble("failed", "not seen", f"Not seen: {count.error}"))
        elif count.error:
            found.append(Trouble("failed", "cannot log in", f"Counted by another Connection: {count.error}"))
        found += _of_limit(count)
        found += _of_trend(count, at)
        found += _of_pool(count.pooled)
        oldest = count.oldest_idle_in_transaction_s
        if oldest is not None and oldest >= THRESHOLDS.idle_in_transaction_s:
            age = duration(oldest)
            sentence = f"A socket is idle in transaction for {age}: it holds its locks until the client ends it"
            found.append(Trouble("warning", f"in tx {age}", sentence))
        if count.shared_with:
            others = ", ".join(count.shared_with)
            found.append(
                Trouble(
                    "note",
                    f"{SHARED} {len(count.shared_with) + 1}",
                    f"Its sockets cannot be told from those of {others}: same server, database and role",
                )
            )
    if kept_warnings:
        said = kept_words(kept_warnings)
        found.append(Trouble("note", said, f"The last check left {said}: press enter to read"))
    return tuple(sorted(found, key=lambda trouble: LEVELS.index(trouble.level)))


def kept_words(kept_warnings: int) -> str:
    """Return the few words for the warnings that the last check left."""
    return plural(kept_warnings, "warning")


def _of_limit(count: ConnectionCount) -> list[Trouble]:
    if not count.limit or count.headroom is None:
        return []
    share = 1 - count.headroom / count.limit
    bound = binding_limit(count)
    if count.headroom <= 0:
        return [Trouble("failed", "full", f"Full: {bound} is reached, no more sockets can open")]
    if share >= THRESHOLDS.warning:
        level: Level = "failed" if share >= THRESHOLDS.critical else "warning"
        said = f"{share:.0%} of {bound} is used: {plural(count.headroom, 'more socket')} can open"
        return [Trouble(level, f"{share:.0%} used", said)]
    return []


def _of_pool(pooled: Pooled | None) -> list[Trouble]:
    """Say that clients wait in PgBouncer, or that its queue is not seen."""
    if pooled is None:
        return []
    if pooled.error:
        return [Trouble("note", "queue unseen", f"PgBouncer's clients and queue are not seen: {pooled.error}")]
    waited = pooled.maxwait_s or 0.0
    if not pooled.waiting or waited < THRESHOLDS.waits_s:
        return []
    said = f"{plural(pooled.waiting, 'client')} in PgBouncer {'waits' if pooled.waiting == 1 else 'wait'}"
    sentence = f"{said} for a server socket, the first for {duration(waited)}: {pool_words(pooled)}"
    return [Trouble("failed" if waited >= THRESHOLDS.starves_s else "warning", f"{pooled.waiting} wait", sentence)]


def pool_words(pooled: Pooled) -> str:
    """Return a pool's clients and server sockets, apart.

    >>> from tui.sockets.model import Pooled
    >>> pool_words(Pooled("pooler:6432", clients=12, waiting=0, server_sockets=4, most=10))
    '12 clients in, 4 of 10 server sockets out'
    """
    if pooled.error:
        return "its PgBouncer is not seen"
    return f"{plural(pooled.clients or 0, 'client')} in, {sockets_out(pooled)}"


def sockets_out(pooled: Pooled) -> str:
    """Return how many sockets to the server a pool holds, of how many."""
    of = f" of {pooled.most}" if pooled.most else ""
    return f"{pooled.server_sockets}{of} server sockets out"


def leads(count: ConnectionCount, at: float) -> str:
    """Return where a Connection's sockets lead, as a sentence; empty where they lead nowhere."""
    if not growth(count.trend):
        return ""
    said = trend_sentence(count.trend).partition(" ")[2].capitalize()
    full = full_sentence(count.trend, at)
    return said + (f". Full {full}" if full else "")


def _of_trend(count: ConnectionCount, at: float) -> list[Trouble]:
    trend = count.trend
    left = time_left(trend, at)
    if trend is None or count.headroom == 0:
        return []
    if left is not None and left <= THRESHOLDS.within_s:
        return [Trouble("failed", trend.verdict, leads(count, at))]  # the time that is left has a column of its own
    if trend.verdict in {"leaking", "surging"}:
        return [Trouble("warning", trend.verdict, leads(count, at))]
    return []
