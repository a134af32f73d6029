"""Reads what was recorded from a server with Prometheus' HTTP API, which scraped `pgconns metrics`.

It offers what `History` does, but for what Prometheus does not keep: whole samples, and the words of alerts, whose
kind is told instead.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import defaultdict
from typing import TYPE_CHECKING, cast, get_args

from tui.history.prometheus_queries import (
    KEY,
    many,
    metric,
    of_many,
    of_singles,
    of_steps,
    one_of,
    singles,
    stepped,
    text,
)
from tui.history.prometheus_web import Api
from tui.history.reader import STANDS_S, KeptAlert, Past, Restart, Span
from tui.history.rollup import HOUR, MINUTE, RAW_SPAN_S, begin, by_step, step_for, with_gaps
from tui.sockets.alerts import Alert, Level
from tui.sockets.alerts import Kind as AlertKind
from tui.sockets.series import Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tui.history.prometheus_web import Line
    from tui.history.reader import Kind
    from tui.history.rollup import Rollup
    from tui.history.settings import Prometheus

_DAY_S = 86_400.0
# So far back is looked for names and for the beginning; so many series are asked for at once.
_LONGEST_S, _AT_ONCE = 400 * _DAY_S, 50
# Trends read what is older than two hours in steps of five minutes; days are told by the minute where they are few.
_FINE_S, _COARSE, _MINUTES_S = 7200.0, 300, 10 * _DAY_S
_LEAST_ALERT_STEP_S, _MOST_ALERT_STEPS = 15, 2000
_TICK_S = 0.001
_WORDS: dict[AlertKind, str] = {
    "unreachable": "cannot be counted",
    "full": "is full",
    "level": "is nearly full",
    "time_left": "will be full soon",
    "leak": "leaks",
    "idle_in_transaction": "holds a transaction idle",
    "waiting": "has clients waiting in its PgBouncer",
}


class PrometheusHistory:
    """What was recorded, as `Source` has it."""

    def __init__(self, place: Prometheus) -> None:
        """Read from `place`; nothing is asked yet."""
        self.place = place
        self._api = Api(place)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what the answers until now are lacking."""
        return self._api.notes

    def recorders(self) -> int:
        """Return how many `pgconns metrics` are scraped now."""
        found = self._api.instant("count(pgconns_build_info)", time.time())
        return int(found[0].values[0][1]) if found and found[0].values else 0

    def span(self) -> Span | None:
        """Return from when to when something was recorded in the last 400 days; None where nothing was."""
        now = time.time()
        told = "pgconns_last_sample_timestamp_seconds"
        lines = self._api.ranged(f"max({told})", now - _LONGEST_S, now, HOUR)
        hours = [at / 1000 for line in lines for at, _ in line.values] or [now]
        first = self._api.instant(f"min(min_over_time({told}[1h]))", min(hours))
        last = self._api.instant(f"max(max_over_time({told}[1h]))", min(max(hours) + HOUR, now))
        moments = [value for line in (*first, *last) for _, value in line.values]
        return Span(min(moments), max(moments)) if moments else None

    def names(self, kind: Kind = "connection") -> dict[str, str]:
        """Return what was recorded in the last 400 days: ids of Connections with their last names, or servers."""
        key, name = KEY[kind], "connection" if kind == "connection" else "server"
        now = time.time()
        known = self._api.label_sets(f"pgconns_{kind}_up", now - _LONGEST_S, now)
        known += [line.labels for line in self._api.instant(f"group by ({key}, {name}) (pgconns_{kind}_up)", now)]
        found = {labels[key]: labels[name] for labels in known if key in labels and name in labels}
        return dict(sorted(found.items(), key=lambda one: (one[1], one[0])))

    def series(self, key: str, start: float, end: float, points: int = 400, kind: Kind = "connection") -> Past:
        """Return what was counted in at most `points` steps: single counts up to a quarter of an hour, else minutes."""
        seconds = step_for(end - start, points)
        if seconds >= MINUTE:
            return self.series_by(seconds, key, start, end, kind)
        past = self.series_by(0, key, start, end, kind)
        if len(past.rollups) <= points:
            return past
        seconds = step_for(max(end - start, RAW_SPAN_S), points)
        return Past(seconds, tuple(with_gaps(by_step(past.rollups, seconds), start, end, seconds)))

    def series_by(self, seconds: int, key: str, start: float, end: float, kind: Kind = "connection") -> Past:
        """Return what was counted in steps of so many seconds; 0 for single counts, one for each scrape."""
        if seconds:
            found = self._steps(kind, key, start, end, seconds)
        else:
            held = math.ceil((end - start) * 1000)
            found = of_singles(self._api.instant(f"{singles(kind, key)}[{held}ms]", end - _TICK_S))
        return Past(seconds, tuple(with_gaps(found, start, end, seconds)))

    def _steps(self, kind: Kind, key: str, start: float, end: float, seconds: int) -> list[Rollup]:
        first = begin(start, seconds) + seconds - _TICK_S
        return of_steps(
            self._api.ranged(stepped(kind, key, seconds), first, end + seconds - 2 * _TICK_S, seconds), seconds
        )

    def all_steps(self, key: str, start: float, end: float, kind: Kind = "connection") -> list[Rollup]:
        """Return the minutes of a span, or its hours where it is longer than ten days."""
        return self._steps(kind, key, start, end, MINUTE if end - start <= _MINUTES_S else HOUR)

    def minutes(
        self, names: Iterable[tuple[Kind, str]], start: float, end: float
    ) -> dict[tuple[Kind, str], list[Rollup]]:
        """Return the means of many series: by the minute for two hours, before them in steps of five minutes."""
        wanted = list(names)
        found: dict[tuple[Kind, str], list[Rollup]] = {name: [] for name in wanted}
        fine = max(start, begin(end - _FINE_S, _COARSE))
        for kind in KEY:
            keys = [key for of, key in wanted if of == kind]
            for some in _batches(keys):
                for seconds, since, until in ((_COARSE, start, fine), (MINUTE, fine, end)):
                    query, first = many(kind, some, seconds), begin(since, seconds) + seconds - _TICK_S
                    last = begin(until, seconds) - _TICK_S if until < end else end + seconds - 2 * _TICK_S
                    lines = self._api.ranged(query, first, last, seconds)
                    for key, rollups in of_many(kind, lines, seconds).items():
                        found[kind, key] += rollups
        return found

    def lately(self, ids: Sequence[str], start: float, end: float) -> dict[str, Series]:
        """Return the single counts of many Connections."""
        counts: defaultdict[str, dict[int, int | None]] = defaultdict(dict)
        held = math.ceil((end - start) * 1000)
        for some in _batches(ids):
            for name in ("up", "sockets"):  # what was asked and not seen, then what was seen of it
                query = f"{metric('connection', name, one_of('id', some))}[{held}ms]"
                for line in self._api.instant(query, end - _TICK_S):
                    for at, value in line.values:
                        counts[line.labels["id"]][at] = None if name == "up" else int(value)
        found = {id: Series() for id in ids}
        for id in ids:
            for at, sockets in sorted(counts[id].items()):
                found[id] = found[id].add(at / 1000, sockets)
        return found

    def servers_of(self, connection_id: str, start: float, end: float) -> set[str]:
        """Return the servers under which a Connection was seen."""
        selector = metric("connection", "up", f"id={text(connection_id)}")
        found = self._api.label_sets(selector, start, end)
        return {labels["server"] for labels in found if "server" in labels}

    def alerts(self, start: float, end: float) -> tuple[KeptAlert, ...]:
        """Return the alerts of the rules that `metrics --rules` prints, as far as Prometheus evaluates them."""
        end = min(end, time.time())
        step = max(_LEAST_ALERT_STEP_S, math.ceil((end - start) / _MOST_ALERT_STEPS))
        # Whatever fired in a step is seen, however short it was.
        query = f'last_over_time(ALERTS{{alertname=~"Pgconns.*", alertstate="firing"}}[{step}s])'
        lines = self._api.ranged(query, start + step, end + step, step)
        found = {kept for line in lines for kept in _stood(line, step, end)}
        return tuple(sorted(found, key=lambda kept: (kept.alert.since, kept.alert)))

    def standing(self, at: float) -> tuple[Alert, ...]:
        """Return the alerts that stand; of those of one kind and subject, the critical one."""
        stand = [kept.alert for kept in self.alerts(at - STANDS_S, at + 1) if kept.ended is None]
        return tuple({alert.key: alert for alert in sorted(stand, key=lambda one: one.level == "critical")}.values())

    def restarts(self, start: float, end: float) -> tuple[Restart, ...]:
        """Return the starts of servers that were first seen in a span, the oldest first."""
        step = max(_LEAST_ALERT_STEP_S, math.ceil((end - start) / _MOST_ALERT_STEPS))
        end = min(end, time.time())
        lines = self._api.ranged(
            'max by (server) (pgconns_server_start_time_seconds{server!=""})', start - step, end, step
        )
        found = []
        for line in lines:
            seen: dict[float, float] = {}
            for at, started in line.values:
                seen.setdefault(started, at / 1000)
            found += [Restart(line.labels["server"], started, at) for started, at in seen.items() if at >= start]
        return tuple(sorted(found, key=lambda one: one.seen))


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(keys), _AT_ONCE):
        yield keys[first : first + _AT_ONCE]


def _stood(line: Line, step_s: float, end: float) -> Iterator[KeptAlert]:
    """Yield each time an alert stood without a gap; it stands on where that reaches the end."""
    labels = line.labels
    kind, level = labels.get("kind", ""), labels.get("severity", "")
    subject = labels.get("id") or labels.get("server", "")
    if kind not in get_args(AlertKind) or level not in get_args(Level) or not subject:
        return
    kind, level = cast("AlertKind", kind), cast("Level", level)
    sentence = f"{labels.get('connection') or subject} {_WORDS[kind]}, by a rule of Prometheus"
    moments = [at / 1000 for at, _ in line.values]
    since = moments[0] - step_s if moments else 0.0
    for at, later in itertools.pairwise([*moments, math.inf]):
        if later - at > 1.5 * step_s:
            ended = None if later == math.inf and at + 1.5 * step_s >= end else at
            yield KeptAlert(Alert(kind, level, subject, sentence, since, min(at, end)), ended)
            since = later - step_s
