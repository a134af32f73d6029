"""What somebody on call must know: one judgement for the panel and for `alert`. Pure.

An alert stands from the sample in which its reason appeared until the reason has been gone for a while, by some
margin: a number that plays around a threshold rings once. What cannot be seen is not taken for healthy: what stood of
it stands on. A limit of the server is an alert of the server, not of each of its Connections.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tui.sockets.growth import Trend
    from tui.sockets.model import ConnectionCount, Pooled, Sample, ServerCount

Kind = Literal["unreachable", "full", "level", "time_left", "leak", "idle_in_transaction", "waiting"]
Level = Literal["warning", "critical"]

# A level must fall by so much, and time left grow by so much, before an alert may end.
MARGIN, MORE_TIME = 0.05, 1.5
# So long must its reason be gone: trends are judged every ten seconds or so, and may waver.
HELD_S = 15.0
HELD_OF_TRENDS_S = 120.0
# The rest of the time in which there is still something to be done.
CRITICAL_PART = 1 / 3
# A transaction's age is told in whole minutes: in seconds, it would have the screen drawn at each poll.
_TOLD_BY_S = 60


# Named tuples: the first frame needs them, and dataclasses are dearer to define.
class Thresholds(NamedTuple):
    """From where on something is an alert; `warning` and `critical` are shares of the limit that binds.

    A limit that is reached within `within_s` is a warning, within a third of it critical; a client that has waited in
    PgBouncer for `waits_s` is a warning, for `starves_s` critical.
    """

    warning: float = 0.80
    critical: float = 0.95
    within_s: float = 1800.0
    idle_in_transaction_s: float = 60.0
    waits_s: float = 1.0
    starves_s: float = 10.0


class Alert(NamedTuple):
    """One reason to look. `subject` is a Connection's id, or a server as it is labelled; names in it are raw text.

    `since` is when it was raised and `seen` when its reason was seen last, in seconds since the epoch.
    """

    kind: Kind
    level: Level
    subject: str
    sentence: str
    since: float
    seen: float

    @property
    def key(self) -> tuple[Kind, str]:
        """What makes it the same alert from sample to sample."""
        return self.kind, self.subject

    def to_json(self) -> dict[str, Any]:
        """Return it as `alert --json` prints it."""
        return {"kind": self.kind, "level": self.level, "subject": self.subject, "sentence": self.sentence}


class Changes(NamedTuple):
    """What is new between two samples: alerts that were raised, or became critical, and those that ended."""

    raised: tuple[Alert, ...]
    cleared: tuple[Alert, ...]


def changes(before: Iterable[Alert], after: Iterable[Alert]) -> Changes:
    """Return what is to be told, and told once."""
    old, new = ({alert.key: alert for alert in alerts} for alerts in (before, after))
    return Changes(
        tuple(a for key, a in new.items() if key not in old or (old[key].level, a.level) == ("warning", "critical")),
        tuple(alert for key, alert in old.items() if key not in new),
    )


def judge(sample: Sample, previous: Iterable[Alert], thresholds: Thresholds) -> tuple[Alert, ...]:
    """Return the alerts that stand after a sample, given those that stood before it; critical ones first."""
    standing = {alert.key: alert for alert in previous}
    found: dict[tuple[Kind, str], Alert] = {}
    for alert in _Reasons(sample, thresholds, standing).all():
        known = found.get(alert.key)
        if known is None or (known.level, alert.level) == ("warning", "critical"):
            found[alert.key] = alert
    unseen = {server.server for server in sample.servers if server.limit is None}
    unseen |= {count.id for count in sample.connections if count.server in unseen or count.sockets is None}
    there = {server.server for server in sample.servers} | {count.id for count in sample.connections}
    for key, old in standing.items():
        held = HELD_OF_TRENDS_S if old.kind in {"leak", "time_left"} else HELD_S
        superseded = old.kind == "level" and ("full", old.subject) in found
        stays = old.subject in unseen or sample.at - old.seen < held
        if key not in found and old.subject in there and stays and not superseded:
            found[key] = old
    return tuple(sorted(found.values(), key=lambda alert: (alert.level != "critical", alert.since)))


class _Reasons:
    """The alerts that one sample gives reason for; those that stand already need less of one."""

    def __init__(self, sample: Sample, thresholds: Thresholds, standing: Mapping[tuple[Kind, str], Alert]) -> None:
        self._sample = sample
        self._thresholds = thresholds
        self._standing = standing

    def all(self) -> Iterator[Alert]:
        seen: dict[str, ServerCount] = {}
        for server in self._sample.servers:
            if server.error:
                kind: Kind = "full" if server.full else "unreachable"
                yield self._alert(kind, "critical", server.server, _begun_with(server.server, server.error))
            elif server.limit is not None and server.headroom is not None:
                seen[server.server] = server
                yield from self._of_limit(server.server, server.server, server.limit, server.headroom)
        told: set[tuple[str, str]] = set()
        pools: set[Pooled] = set()
        for count in self._sample.connections:
            if count.pooled is not None and count.pooled not in pools:  # a pool that is shared is told of once
                pools.add(count.pooled)
                yield from self._of_pool(count.id, count.name, count.pooled)
            if count.server not in seen:
                continue
            if count.error:
                yield self._alert("unreachable", "warning", count.id, _begun_with(count.name, count.error))
            shared = any((count.server, name) in told for name in count.shared_with)
            told.add((count.server, count.name))
            if count.sockets is not None and not shared:  # sockets that are shared are told of once
                yield from self._of_connection(count)
        for server in seen.values():  # after the Connections: theirs say who grows
            yield from self._of_time(server.server, server.server, server.trend)

    def _of_connection(self, count: ConnectionCount) -> Iterator[Alert]:
        name = " or ".join((count.name, *count.shared_with[:2])) + (" or others" if len(count.shared_with) > 2 else "")
        if count.bounded_by == "server" or count.limit is None or count.headroom is None:
            yield from self._of_time(count.server, f"{count.server}, by {name}", count.trend)
        else:
            where = f"{name} (limit of its {count.bounded_by})"
            yield from self._of_limit(count.id, where, count.limit, count.headroom)
            yield from self._of_time(count.id, where, count.trend)
        if count.trend is not None and count.trend.verdict == "leaking":
            pace = rate(count.trend.per_minute)
            yield self._alert("leak", "warning", count.id, f"{name} leaks {pace}: idle ones only accumulate")
        oldest = count.oldest_idle_in_transaction_s
        if oldest is not None and oldest >= self._thresholds.idle_in_transaction_s:
            told = span(oldest - oldest % _TOLD_BY_S)
            sentence = f"{name} holds a transaction idle for over {told}, and its locks"
            yield self._alert("idle_in_transaction", "warning", count.id, sentence)

    def _of_pool(self, subject: str, name: str, pooled: Pooled) -> Iterator[Alert]:
        """Tell who waits, which PgBouncer says also where the server cannot be asked through it."""
        waited = pooled.maxwait_s or 0.0
        if pooled.waiting and waited >= self._thresholds.waits_s:
            level: Level = "critical" if waited >= self._thresholds.starves_s else "warning"
            who = "1 client waits" if pooled.waiting == 1 else f"{pooled.waiting} clients wait"
            yield self._alert(
                "waiting", level, subject, f"{name}: {who} in its PgBouncer, the first for {span(waited)}"
            )

    def _of_limit(self, subject: str, name: str, limit: int, headroom: int) -> Iterator[Alert]:
        if headroom <= 0:
            yield self._alert("full", "critical", subject, f"{name} is full: {limit} of {limit} sockets are open")
            return
        share = 1 - headroom / limit
        old = self._standing.get(("level", subject))
        critical = self._thresholds.critical - MARGIN * (old is not None and old.level == "critical")
        warning = self._thresholds.warning - MARGIN * (old is not None)
        if share >= min(critical, warning):
            level: Level = "critical" if share >= critical else "warning"
            used = f"{math.floor(100 * share)} % of {limit} sockets are open, {headroom} more can open"
            yield self._alert("level", level, subject, f"{name}: {used}")

    def _of_time(self, subject: str, name: str, trend: Trend | None) -> Iterator[Alert]:
        from tui.sockets.growth import RISING  # noqa: PLC0415 - for a quick first frame

        if trend is None or trend.verdict not in RISING or trend.exhausted_at is None:
            return
        left = max(0.0, trend.exhausted_at - self._sample.at)
        within = self._thresholds.within_s * (MORE_TIME if ("time_left", subject) in self._standing else 1)
        if left <= within:
            level: Level = "critical" if left <= self._thresholds.within_s * CRITICAL_PART else "warning"
            pace = rate(trend.per_minute)
            sentence = f"{name}: {trend.verdict} by {pace}, full in about {span(left)}"
            yield self._alert("time_left", level, subject, sentence)

    def _alert(self, kind: Kind, level: Level, subject: str, sentence: str) -> Alert:
        old = self._standing.get((kind, subject))
        at = self._sample.at
        return Alert(kind, level, subject, sentence, at if old is None else min(old.since, at), at)


def _begun_with(name: str, sentence: str) -> str:
    return sentence if sentence.startswith(name) else f"{name}: {sentence}"


def rate(per_minute: float) -> str:
    """Return a pace in words, by the hour where it is slow.

    >>> rate(1.24), rate(0.04)
    ('1.2 sockets a minute', '2.4 sockets an hour')
    """
    return f"{per_minute:.1f} sockets a minute" if per_minute >= 0.2 else f"{60 * per_minute:.1f} sockets an hour"


def span(seconds: float) -> str:
    """Return a length of time in words.

    >>> span(59), span(3599), span(90000)
    ('59 seconds', '59 minutes', '25 hours')
    """
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
