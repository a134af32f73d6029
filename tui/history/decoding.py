"""Turns lines (see `lines`) into samples again. Pure."""

from __future__ import annotations

import json
from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.history.lines import (
    CONNECTION,
    GROUP,
    LENGTHS,
    OF_TREND,
    OPENED,
    PLACE,
    POOL,
    SERVER,
    STRANGERS,
    EncodingError,
    Values,
    checked_moment,
    checked_number,
    headroom,
    is_slot,
    is_word,
    more,
    of_groups,
    of_tenths,
    rank,
    tenths,
    unfolded,
)
from tui.sockets.growth import VERDICTS, Trend
from tui.sockets.model import STATES, ConnectionCount, Group, Pooled, Sample, ServerCount, Unregistered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tui.sockets.model import State


class Tally(NamedTuple):
    """What was counted of some Connections and their server, without the groups: a day of it is soon read.

    `states` are in the order of STATES; None of a Connection that was not seen, and of all that was not known.
    """

    at: float
    used: int | None
    states: tuple[tuple[int, ...] | None, ...]
    opened_per_minute: tuple[float | None, ...]


class Decoder:
    """Takes the lines of one run in their order; `sample` is that of the last one."""

    def __init__(self) -> None:
        self._at = 0
        self._words: list[Any] = []
        self._slots: list[list[Any]] = []
        self._values: list[Values] = []
        self._there: set[int] = set()
        self._order: list[int] = []
        self._groups_of: dict[int, list[int]] = {}  # the slots of the groups of each Connection
        self._pool_of: dict[int, int] = {}  # the slot of the pool that each leads through
        self._named_slots: tuple[list[int], dict[tuple[int, str], int]] = [], {}
        self._made: dict[int, tuple[Any, Group]] = {}  # groups as they were made last, with what they are in order by

    def take(self, line: str) -> None:
        """Take in the next line. Raises EncodingError."""
        with _understood():
            since, words, slots, order, changes = json.loads(line)
            if not all(map(is_word, words)) or not all(is_slot(slot) for slot in slots):
                raise ValueError  # the file may come from elsewhere
            self._at = checked_moment(self._at + since)
            self._words += (tuple(word) if isinstance(word, list) else word for word in words)
            for slot in slots:
                if slot[0] == GROUP:
                    self._groups_of.setdefault(slot[1], []).append(len(self._slots))
                elif slot[0] == POOL:
                    self._pool_of[slot[1]] = len(self._slots)
                self._slots.append(slot)
                self._values.append([None] * LENGTHS[slot[0]])
            self._order = self._order if order is None else order
            self._change(iter(changes))

    def _change(self, changes: Iterator[int | None]) -> None:
        slot = 0
        for gap in changes:
            slot += gap or 0
            mask = next(changes) or 0
            if not mask:
                self._there.discard(slot)
                continue
            self._there.add(slot)
            if mask < 0:
                continue
            values = self._values[slot]
            self._made.pop(slot, None)
            for number in range(mask.bit_length()):
                if mask >> number & 1:
                    told, old = checked_number(next(changes)), values[number]
                    values[number] = told if told is None or old is None else old + told

    def sample(self) -> Sample:
        """Return all that was seen. Raises EncodingError."""
        with _understood():
            servers = {self._word(self._slots[slot][1]): self._server(slot) for slot in self._present(SERVER)}
            connections = tuple(self._connection(slot, servers) for slot in self._present(CONNECTION))
            rank = {label: number for number, label in enumerate(servers)}
            strangers = sorted(
                (self._unregistered(slot) for slot in self._there if self._slots[slot][0] == STRANGERS),
                key=lambda one: (rank.get(one.server, len(rank)), -one.sockets, one.database, one.username, one.server),
            )
            return Sample(self.at, tuple(servers.values()), connections, tuple(strangers))

    @property
    def at(self) -> float:
        """When it was, in seconds since the epoch."""
        return self._at / 1000

    def connection(self, connection_id: str) -> ConnectionCount | None:
        """Return what was seen of one Connection; None where it was not watched. Raises EncodingError."""
        with _understood():
            slot = self._named(CONNECTION, connection_id)
            if slot is None:
                return None
            label = self._word(self._values[slot][PLACE])
            place = self._named(SERVER, label)
            return self._connection(slot, {} if place is None else {label: self._server(place)})

    def server(self, label: str) -> ServerCount | None:
        """Return what was seen of one server; None where it was not watched. Raises EncodingError."""
        with _understood():
            slot = self._named(SERVER, label)
            return None if slot is None else self._server(slot)

    def tally(self, ids: Sequence[str], label: str) -> Tally:
        """Return the counts of Connections by their ids, as far as they were on a server. Raises EncodingError."""
        with _understood():
            slots = [self._named(CONNECTION, id) for id in ids]
            there = [None if slot is None or self._word(self._values[slot][PLACE]) != label else slot for slot in slots]
            place = self._named(SERVER, label)
            return Tally(
                self.at,
                None if place is None else self._server(place).used,
                tuple(None if slot is None else self._states(slot) for slot in there),
                tuple(None if slot is None else self._opened(slot) for slot in there),
            )

    def _states(self, slot: int) -> tuple[int, ...] | None:
        found: list[int] = []
        for own in self._values[slot][OF_TREND + 2 : OF_TREND + 2 + len(STATES)]:
            if own is None:
                return None
            found.append(own)
        for one in self._groups_of.get(slot, ()):
            if one in self._there:
                sockets, _, console, *_ = self._values[one]
                found[self._slots[one][2]] += (sockets or 0) - (console or 0)
        return tuple(found)

    def _opened(self, slot: int) -> float | None:
        opened = self._values[slot][OPENED]
        return None if opened is None else opened / 100

    def _present(self, kind: int) -> list[int]:
        return [slot for slot in self._order if self._slots[slot][0] == kind]

    def _named(self, kind: int, name: str) -> int | None:
        order, slots = self._named_slots
        if order is not self._order:
            slots = {(self._slots[slot][0], self._word(self._slots[slot][1])): slot for slot in reversed(self._order)}
            self._named_slots = self._order, slots
        return slots.get((kind, name))

    def _word(self, number: int | None) -> Any:
        return None if number is None else self._words[number]

    def _said(self, number: int | None) -> Any:
        """Return a word, or None where none was said."""
        return None if number is None else self._text(number)

    def _names(self, number: int | None) -> tuple[str, ...]:
        names = self._word(number)
        if names is not None and not isinstance(names, tuple):
            raise TypeError
        return names or ()

    def _text(self, number: int | None) -> str:
        word = self._word(number)
        if not isinstance(word, str):
            raise TypeError
        return word

    def _group(self, key: Sequence[Any], values: Values) -> Group:
        state: State = STATES[key[2]]
        database, username, application = map(self._text, key[3:6])
        client, feature, carto_user, connection_id = map(self._said, key[6:10])
        sockets, oldest, console, kinds, stale = values
        return Group(
            database, username, application, client, state, sockets or 0, of_tenths(oldest), console or 0, kinds or 0,
            stale, feature, carto_user, connection_id,
        )  # fmt: skip

    def _trend(self, values: Values) -> Trend | None:
        verdict, samples, window, slope, low, high, *moments = values
        if verdict is None:
            return None
        at, earliest, latest = (None if moment is None else checked_moment(moment) / 1000 for moment in moments)
        said: Any = self._text(verdict)
        if said not in VERDICTS:
            raise ValueError
        steepness, least, most = ((part or 0) / 1e6 for part in (slope, low, high))
        return Trend(
            said, steepness, least, most, at, earliest, latest, samples or 0, (window or 0) / 10
        )  # fmt: skip

    def _unregistered(self, slot: int) -> Unregistered:
        server, database, username = map(self._text, self._slots[slot][1:])
        return Unregistered(server, database, username, self._values[slot][0] or 0)

    def _members(self, slot: int) -> list[Group]:
        """Return the groups of a Connection, in order."""
        members = []
        for one in self._groups_of.get(slot, ()):
            if one in self._there:
                made = self._made.get(one)
                if made is None:
                    group = self._group(self._slots[one], self._values[one])
                    made = self._made[one] = (rank(group), group)
                members.append(made)
        return [group for _, group in sorted(members, key=itemgetter(0))]

    def _connection(self, slot: int, servers: Mapping[str, ServerCount]) -> ConnectionCount:
        groups = self._members(slot)
        values = self._values[slot]
        sockets, *own, stale, oldest, region, limit, opened, bounded, shared, error, server, name = values[
            OF_TREND + 1 :
        ]
        by_state, idle_long, longest = of_groups(groups)
        states: Any = tuple(one + other for one, other in zip(own, by_state, strict=True) if one is not None)
        label, bounded_by = self._text(server), self._said(bounded)
        total = more(sockets, sum(states))
        bound = headroom(bounded_by, limit, total, servers.get(label))
        return ConnectionCount(
            self._text(name),
            self._text(self._slots[slot][1]),
            label,
            total,
            states if len(states) == len(STATES) else None,
            unfolded(region, total or 0),
            of_tenths(more(oldest, tenths(longest))),
            more(values[0], bound),
            limit,
            bounded_by,
            self._names(shared),
            self._text(error),
            more(stale, idle_long),
            None if opened is None else opened / 100,
            self._trend(values[1 : OF_TREND + 1]),
            tuple(groups),
            self._pooled(self._pool_of.get(slot)),
        )

    def _pooled(self, slot: int | None) -> Pooled | None:
        if slot is None or slot not in self._there:
            return None
        clients, waiting, maxwait, sockets, most, mode, error, pgbouncer = self._values[slot]
        waited = None if maxwait is None else maxwait / 1000
        return Pooled(
            self._text(pgbouncer), clients, waiting, waited, sockets, most, self._said(mode), self._text(error)
        )

    def _server(self, slot: int) -> ServerCount:
        values = self._values[slot]
        used, own, strangers, console, headroom, limit, reserved, opened, visibility, error, full, started, stale = (
            values[OF_TREND + 1 :]
        )
        age, used = values[0], more(used, sum(part or 0 for part in (own, strangers, console)))
        return ServerCount(
            server=self._text(self._slots[slot][1]),
            limit=limit,
            reserved=reserved,
            used=used,
            headroom=more(headroom, (limit or 0) - (used or 0)),
            console=console,
            attributed=own,
            unregistered=strangers,
            visibility=self._said(visibility),
            seen_at=None if age is None else (self._at - age) / 1000,
            error=self._text(error),
            full=bool(full),
            opened_per_minute=None if opened is None else opened / 100,
            trend=self._trend(values[1 : OF_TREND + 1]),
            started_at=None if started is None else started / 1000,
            stale=stale,
        )


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, StopIteration, RuntimeError) as error:
        raise EncodingError(f"a sample is not written as one ({type(error).__name__})") from None
