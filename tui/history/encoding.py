"""Turns samples into lines (see `lines`). Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tui.history.lines import (
    CONNECTION,
    GROUP,
    OF_TREND,
    POOL,
    SERVER,
    STATE,
    STRANGERS,
    Values,
    folded,
    headroom,
    hundredths,
    key_of,
    less,
    milliseconds,
    of_group,
    of_groups,
    tenths,
)
from tui.sockets.model import STATES

if TYPE_CHECKING:
    from tui.sockets.growth import Trend
    from tui.sockets.model import ConnectionCount, Group, Pooled, Sample, ServerCount


class Encoder:
    """Turns samples into lines; `begin` starts a run anew."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Let the next line need none before it."""
        self._at = 0
        self._words: dict[Any, int] = {}
        self._new_words: list[Any] = []
        self._slots: dict[tuple[Any, ...], int] = {}
        self._new_slots: list[list[int | None]] = []
        self._values: list[Values | None] = []  # as they were last, also of those that are not there now
        self._there: set[int] = set()
        self._order: list[int] = []

    def line(self, sample: Sample) -> str:
        """Return the line of a sample; the one before it was that of the sample before."""
        self._new_words, self._new_slots = [], []
        at = milliseconds(sample.at)
        now, order = self._observed(sample, at)
        changes: list[int | None] = []
        last = 0
        for slot in sorted(now.keys() | self._there):
            values = now.get(slot)
            if values is None:
                changes += (slot - last, 0)
            elif not self._changed(changes, slot - last, slot, values):
                continue
            last = slot
        told = None if order == self._order else order
        line = [at - self._at, self._new_words, self._new_slots, told, changes]
        self._at, self._there, self._order = at, set(now), order
        return json.dumps(line, separators=(",", ":"))

    def _changed(self, changes: list[int | None], gap: int, slot: int, values: Values) -> bool:
        """Add what changed of a slot; return whether anything did."""
        before = self._values[slot]
        if before == values:
            if slot in self._there:
                return False
            changes += (gap, -1)
            return True
        if before is None:
            before = [None] * len(values)
        mask = 0
        told: list[int | None] = []
        for number, (old, new) in enumerate(zip(before, values, strict=True)):
            if old != new:
                mask |= 1 << number
                told.append(new if old is None or new is None else new - old)
        changes += (gap, mask or -1, *told)
        self._values[slot] = values
        return True

    def _observed(self, sample: Sample, at: int) -> tuple[dict[int, Values], list[int]]:
        """Return the values of each slot that is there, and the order of servers and Connections."""
        now: dict[int, Values] = {}
        servers = {server.server: server for server in sample.servers}
        order = []
        for server in sample.servers:
            place = self._slot(SERVER, server.server)
            order.append(place)
            now[place] = self._of_server(server, at)
        for one in sample.unregistered:
            now[self._slot(STRANGERS, one.server, one.database, one.username)] = [one.sockets]
        for count in sample.connections:
            place = self._slot(CONNECTION, count.id)
            order.append(place)
            seen: Counter[tuple[Any, ...]] = Counter()
            for group in count.groups:
                key = key_of(group)
                seen[key] += 1
                now[self._group(place, group, key, seen[key])] = of_group(group)
            now[place] = self._of_connection(count, servers.get(count.server))
            if count.pooled is not None:
                now[self._pool(place)] = self._of_pool(count.pooled)
        return now, order

    def _slot(self, kind: int, *names: str) -> int:
        found = self._slots.get((kind, *names))
        return self._add_slot((kind, *names), [kind, *map(self._word, names)]) if found is None else found

    def _group(self, place: int, group: Group, key: tuple[Any, ...], number: int) -> int:
        known = (GROUP, place, number, *key)
        found = self._slots.get(known)
        if found is not None:
            return found
        names = (group.database, group.username, group.application, group.client)
        said = (group.feature, group.carto_user, group.connection_id)
        words = [self._word(name) for name in (*names, *said)]
        return self._add_slot(known, [GROUP, place, STATE[group.state], *words, number])

    def _pool(self, place: int) -> int:
        found = self._slots.get((POOL, place))
        return self._add_slot((POOL, place), [POOL, place]) if found is None else found

    def _add_slot(self, key: tuple[Any, ...], told: list[int | None]) -> int:
        self._new_slots.append(told)
        self._values.append(None)
        return self._slots.setdefault(key, len(self._slots))

    def _word(self, word: Any) -> int | None:
        if word is None:
            return None
        known = self._words.get(word)
        if known is None:
            known = self._words[word] = len(self._words)
            self._new_words.append(word)
        return known

    def _of_trend(self, trend: Trend | None) -> Values:
        if trend is None:
            return [None] * OF_TREND
        moments = (trend.exhausted_at, trend.exhausted_earliest, trend.exhausted_latest)
        return [
            self._word(trend.verdict),
            trend.samples,
            round(trend.window_s * 10),
            *(round(slope * 1e6) for slope in (trend.per_minute, trend.low_per_minute, trend.high_per_minute)),
            *(None if moment is None else milliseconds(moment) for moment in moments),
        ]

    def _of_connection(self, count: ConnectionCount, server: ServerCount | None) -> Values:
        states, stale, oldest = of_groups(count.groups)
        own = count.states or (None,) * len(STATES)
        return [
            less(count.headroom, headroom(count.bounded_by, count.limit, count.sockets, server)),
            *self._of_trend(count.trend),
            less(count.sockets, sum(count.states or ())),
            *(less(one, other) for one, other in zip(own, states, strict=True)),
            less(count.stale, stale),
            less(tenths(count.oldest_idle_in_transaction_s), tenths(oldest)),
            folded(count.from_region, count.sockets or 0),
            count.limit,
            hundredths(count.opened_per_minute),
            self._word(count.bounded_by),
            self._word(count.shared_with) if count.shared_with else None,
            self._word(count.error),
            self._word(count.server),
            self._word(count.name),
        ]

    def _of_pool(self, pooled: Pooled) -> Values:
        return [
            pooled.clients,
            pooled.waiting,
            None if pooled.maxwait_s is None else round(pooled.maxwait_s * 1000),
            pooled.server_sockets,
            pooled.most,
            self._word(pooled.pool_mode),
            self._word(pooled.error),
            self._word(pooled.pgbouncer),
        ]

    def _of_server(self, server: ServerCount, at: int) -> Values:
        parts = (server.attributed, server.unregistered, server.console)
        return [
            None if server.seen_at is None else at - milliseconds(server.seen_at),
            *self._of_trend(server.trend),
            less(server.used, sum(part or 0 for part in parts)),
            server.attributed,
            server.unregistered,
            server.console,
            less(server.headroom, (server.limit or 0) - (server.used or 0)),
            server.limit,
            server.reserved,
            hundredths(server.opened_per_minute),
            self._word(server.visibility),
            self._word(server.error),
            int(server.full),
            None if server.started_at is None else milliseconds(server.started_at),
            server.stale,
        ]
