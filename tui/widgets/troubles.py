"""What is wrong with a Connection, in words: a few of them for its line, a sentence for below the table. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tui.widgets.cells import duration, plural

if TYPE_CHECKING:
    from tui.sockets.model import ConnectionCount, ServerCount

Level = Literal["failed", "warning", "note"]
LEVELS: tuple[Level, ...] = ("failed", "warning", "note")
SIGNS: dict[Level, str] = {"failed": "✗", "warning": "!", "note": "·"}

WARNING_SHARE, CRITICAL_SHARE = 0.80, 0.95  # of the limit that binds, as `alert` has them
LONG_IN_TRANSACTION_S = 60.0


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


def troubles(count: ConnectionCount | None, server: ServerCount | None, kept_warnings: int) -> tuple[Trouble, ...]:
    """Return what is wrong, the worst first. `kept_warnings` is how many warnings the last check left."""
    found: list[Trouble] = []
    if count is not None:
        if server is not None and server.error and count.error in {"", server.error}:
            found.append(Trouble("failed", SERVER_NOT_SEEN, f"Not seen: {server.error}"))
        elif count.error and count.sockets is None:
            found.append(Trouble("failed", "not seen", f"Not seen: {count.error}"))
        elif count.error:
            found.append(Trouble("failed", "cannot log in", f"Counted by another Connection: {count.error}"))
        found += _of_limit(count)
        oldest = count.oldest_idle_in_transaction_s
        if oldest is not None and oldest >= LONG_IN_TRANSACTION_S:
            age = duration(oldest)
            sentence = f"A socket is idle in transaction for {age}: it holds its locks until the client ends it"
            found.append(Trouble("warning", f"in tx {age}", sentence))
        if count.shared_with:
            others = ", ".join(count.shared_with)
            found.append(
                Trouble(
                    "note",
                    f"shared by {len(count.shared_with) + 1}",
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
    if share >= WARNING_SHARE:
        level: Level = "failed" if share >= CRITICAL_SHARE else "warning"
        said = f"{share:.0%} of {bound} is used: {plural(count.headroom, 'more socket')} can open"
        return [Trouble(level, f"{share:.0%} used", said)]
    return []
