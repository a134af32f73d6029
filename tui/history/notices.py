"""What hooks were told, what they are still to be told, and who sees to what: kept in the history, across restarts.

Other processes than the one that records write here too, such as whoever acknowledges: each call opens the file, and
makes its changes in one transaction. All raise HistoryError, and block.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from tui.history.database import open_to_change, open_to_read, transaction
from tui.history.errors import HistoryError
from tui.history.store import storable
from tui.hooks.keeping import NotKept, Outcome, Standing
from tui.hooks.message import Message
from tui.hooks.telling import Acknowledgement, Key, Known
from tui.sockets.alerts import Alert

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

# What was settled is listed for so long, and so much of it for each hook.
_KEPT_S = 30 * 86_400.0
_MOST_KEPT = 1000
# An alert that is raised again so soon after its end is the one that was acknowledged.
SAME_S = 300.0


class Delivery(NamedTuple):
    """How a hook fares: when it was told something last, what went wrong last, if since then, and how many wait."""

    hook: str
    delivered: float | None
    failed: float | None
    error: str
    waiting: int


class Notices:
    """Keeps what hooks know in a history, as a desk wants it kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(
        self,
        known: Mapping[tuple[str, Key], Known | None],
        messages: Sequence[Message],
        outcomes: Sequence[Outcome],
    ) -> None:
        """Keep what changed. Raises NotKept."""
        try:
            keep(self._path, known, messages, outcomes)
        except HistoryError as error:
            raise NotKept(str(error)) from None

    def acknowledged(self) -> Mapping[Key, Acknowledgement]:
        """Return what somebody sees to. Raises NotKept."""
        try:
            return acknowledged(self._path)
        except HistoryError as error:
            raise NotKept(str(error)) from None


def load(path: Path) -> Standing:
    """Return how it stood when it was kept last."""
    with open_to_read(path) as database:
        known = {
            (hook, (kind, subject)): Known(Alert(kind, level, subject, sentence, since, seen), *rest)
            for hook, kind, subject, level, sentence, since, seen, *rest in database.execute(
                "SELECT hook, kind, subject, level, sentence, since, seen, since, critical_since, gone, told, told_at"
                " FROM hook_alert"
            )
        }
        waiting = tuple(
            Message(id, hook, (kind, subject), made, json.loads(content), attempts)
            for id, hook, kind, subject, made, content, attempts in database.execute(
                "SELECT id, hook, kind, subject, made, content, attempts FROM hook_message"
                " WHERE settled IS NULL ORDER BY made, rowid"
            )
        )
        return Standing(known, waiting, _acknowledged(database))


def keep(
    path: Path,
    known: Mapping[tuple[str, Key], Known | None],
    messages: Iterable[Message] = (),
    outcomes: Iterable[Outcome] = (),
) -> None:
    """Keep what changed: what hooks know, None where that is nothing any more, new messages, what became of others."""
    with open_to_change(path) as database, transaction(database):
        for (hook, (kind, subject)), value in known.items():
            key = (hook, kind, storable(subject))
            database.execute("DELETE FROM hook_alert WHERE hook = ? AND kind = ? AND subject = ?", key)
            if value is not None:
                database.execute(
                    "INSERT INTO hook_alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*key, value.alert.level, storable(value.alert.sentence), value.since, value.alert.seen,
                     value.critical_since, value.gone, value.told, value.told_at),
                )  # fmt: skip
        for message in messages:
            _insert(database, message)
        for outcome in outcomes:
            _settle(database, outcome)
            _forget_old(database, outcome.message.hook, outcome.at)


def _insert(database: sqlite3.Connection, message: Message) -> None:
    kind, subject = message.key
    database.execute(
        "INSERT OR IGNORE INTO hook_message (id, hook, kind, subject, made, content, attempts, error)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, '')",
        (message.id, message.hook, kind, storable(subject), message.made, message.body.decode(), message.attempts),
    )


def _settle(database: sqlite3.Connection, outcome: Outcome) -> None:
    _insert(database, outcome.message)  # a full disk may have kept it from being there
    settled = outcome.at if outcome.delivered or outcome.given_up else None
    database.execute(
        "UPDATE hook_message SET attempts = ?, tried = ?, settled = ?, delivered = ?, error = ? WHERE id = ?",
        (outcome.message.attempts, outcome.at, settled, outcome.delivered, storable(outcome.error), outcome.message.id),
    )


def _forget_old(database: sqlite3.Connection, hook: str, now: float) -> None:
    database.execute(
        "DELETE FROM hook_message WHERE hook = ?1 AND settled IS NOT NULL AND (settled < ?2 OR id NOT IN"
        " (SELECT id FROM hook_message WHERE hook = ?1 AND settled IS NOT NULL ORDER BY settled DESC LIMIT ?3))",
        (hook, now - _KEPT_S, _MOST_KEPT),
    )


def deliveries(path: Path) -> dict[str, Delivery]:
    """Return how each hook that was ever told something fares, by its name."""
    with open_to_read(path) as database:
        rows = database.execute(
            "SELECT hook, max(CASE WHEN delivered THEN settled END), count(*) FILTER (WHERE settled IS NULL)"
            " FROM hook_message GROUP BY hook ORDER BY hook"
        ).fetchall()
        found = {}
        for hook, delivered, waiting in rows:
            failed, error = database.execute(
                "SELECT tried, error FROM hook_message WHERE hook = ? AND error <> '' AND tried > ?"
                " ORDER BY tried DESC LIMIT 1",
                (hook, delivered or 0.0),
            ).fetchone() or (None, "")
            found[hook] = Delivery(hook, delivered, failed, error, waiting)
        return found


def acknowledge(path: Path, one: Acknowledgement) -> None:
    """Keep that somebody sees to an alert; what was said of it before is replaced."""
    with open_to_change(path) as database, transaction(database):
        database.execute(
            "INSERT OR REPLACE INTO acknowledgement VALUES (?, ?, ?, ?, ?, ?)",
            (one.kind, storable(one.subject), *one[2:]),
        )


def withdraw(path: Path, key: Key) -> None:
    """Forget that somebody sees to an alert."""
    with open_to_change(path) as database, transaction(database):
        database.execute("DELETE FROM acknowledgement WHERE kind = ? AND subject = ?", (key[0], storable(key[1])))


def acknowledged(path: Path) -> dict[Key, Acknowledgement]:
    """Return what was acknowledged last of each alert, whether or not that still holds."""
    with open_to_read(path) as database:
        return _acknowledged(database)


def _acknowledged(database: sqlite3.Connection) -> dict[Key, Acknowledgement]:
    rows = database.execute("SELECT kind, subject, level, by, at, until FROM acknowledgement")
    return {(kind, subject): Acknowledgement(kind, subject, *rest) for kind, subject, *rest in rows}


class Listed(NamedTuple):
    """An alert that stands, by the number that it has in the history, and who sees to it."""

    id: int
    alert: Alert
    acknowledged: Acknowledgement | None


def standing(path: Path, now: float, lately_s: float) -> tuple[Listed, ...]:
    """Return the alerts that stand, and were seen lately, the gravest first, then the newest."""
    with open_to_read(path) as database:
        said = _acknowledged(database)
        rows = database.execute(
            "SELECT id, kind, level, subject, sentence, since, seen FROM alert"
            " WHERE ended IS NULL AND seen >= ? ORDER BY level = 'critical' DESC, since DESC, id DESC",
            (now - lately_s,),
        ).fetchall()
        found = []
        for id, *told in rows:
            alert = Alert(*told)
            one = said.get(alert.key)
            holds = one is not None and one.covers(alert.level, _began(database, alert), now)
            found.append(Listed(id, alert, one if holds else None))
        return tuple(found)


def _began(database: sqlite3.Connection, alert: Alert) -> float:
    """Return since when an alert stands, where it was gone only for so long that it was the same."""
    began = alert.since
    rows = database.execute(
        "SELECT since, ended FROM alert WHERE kind = ? AND subject = ? AND since < ? AND ended IS NOT NULL"
        " ORDER BY since DESC LIMIT 100",
        (alert.kind, alert.subject, began),
    )
    for since, ended in rows:
        if began - ended >= SAME_S:
            break
        began = since
    return began
