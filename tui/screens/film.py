"""A recording as a film of panels: each as it was on the screen then, judged by what had been recorded until then."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from tui.connections.model import Connection, Parameters
from tui.history.reader import STANDS_S
from tui.history.seeding import alerts_at
from tui.history.tape import Tape
from tui.sockets.series import LEAST_GAP_S, LONGEST, Series
from tui.widgets.alert_log import KEPT_S, AlertLog, Ended
from tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tui.history.reader import History, Span
    from tui.sockets.model import ConnectionCount, Sample

# So many samples before one are judged to know what stood: longer than an alert is held without its reason.
_LEAD = 150
# So many that were shown are at hand: to step back takes no judging.
_AT_HAND = 60


class Shown(NamedTuple):
    """One moment of a film: how many seconds after the sample before it it was made (None: it is the first of all),
    and when the next one was (None: it is the last). Further apart than `longest_s`, nobody recorded in between.
    """

    panel: Panel
    after_s: float | None
    next_at: float | None
    longest_s: float

    @property
    def skipped_s(self) -> float:
        """For how long nobody recorded before this moment."""
        return self.after_s if self.after_s is not None and self.after_s > self.longest_s else 0.0

    @property
    def gap_ahead(self) -> bool:
        """Whether nobody recorded after it for a while, or the clock was set back."""
        return self.next_at is not None and not 0 <= self.next_at - self.panel.at <= self.longest_s


class _Frame(NamedTuple):
    """What is kept of a sample that was shown: not the whole, of which there may be a hundred thousand parts."""

    at: float
    counts: dict[str, int | None]  # by a Connection's id
    alerts: AlertLog


class Film:
    """Stands on one moment of what a history holds. All calls block, and raise HistoryError; None: there is none."""

    def __init__(self, history: History, registered: Mapping[str, Connection]) -> None:
        """Show what `history` holds; `registered` tells, by id, what a recording does not say of a Connection."""
        self.history = history
        self._tape = Tape(history.path)
        self._frames: deque[_Frame] = deque(maxlen=LONGEST + _AT_HAND)
        self._steps_back = 0  # how many frames can be stepped back to
        self._known = dict(registered)

    def span(self) -> Span | None:
        """Return from when to when there is something to show."""
        return self.history.span()

    def recorded(self) -> list[tuple[float, float]]:
        """Return from when to when somebody recorded, from old to new."""
        return self._tape.stretches(STANDS_S)

    def alerts(self) -> list[float]:
        """Return when alerts were raised, from old to new, as far as that can be shown."""
        span = self.span()
        if span is None:
            return []
        return [
            kept.alert.since for kept in self.history.alerts(span.start, span.end + 1) if kept.alert.since >= span.start
        ]

    def seek(self, at: float) -> Shown | None:
        """Go to a moment, in seconds since the epoch: what stood on the screen then."""
        return self._begin() if self._tape.seek(at) is not None else None

    def forward(self) -> Shown | None:
        """Go to the next sample."""
        return self._shown() if self._advance() else None

    def until(self, at: float, is_spent: Callable[[], bool]) -> Shown | None:
        """Go to the last sample before a moment, over all until then, or as far as one gets until the time is spent."""
        moved = False
        while not is_spent() and (coming := self._tape.next_at()) is not None and coming <= at:
            moved = self._advance()
        return self._shown() if moved else None

    def back(self) -> Shown | None:
        """Go to the sample before."""
        if self._tape.back() is None:
            return None
        if self._steps_back <= 0:
            return self._begin()
        self._steps_back -= 1
        self._frames.pop()
        return self._shown()

    def to_alert(self, step: int) -> Shown | None:
        """Go to where the next alert was raised (1), or the one before (-1)."""
        here = self._tape.sample.at if self._tape.sample is not None else 0.0
        raised = [at for at in self.alerts() if (at > here + 0.001 if step > 0 else at < here)]
        return self.seek(raised[0 if step > 0 else -1]) if raised else None

    def _begin(self) -> Shown | None:
        """Judge what was before where the tape stands, then what is there."""
        self._frames.clear()
        for sample in self._tape.before(_LEAD + _AT_HAND):
            self._judge(sample)
        if self._tape.sample is not None:
            self._judge(self._tape.sample)
        self._steps_back = min(_AT_HAND, len(self._frames) - 1 - _LEAD)
        return self._shown()

    def _advance(self) -> bool:
        sample = self._tape.forward()
        if sample is None:
            return False
        self._judge(sample)
        self._steps_back = min(_AT_HAND, self._steps_back + 1)
        return True

    def _judge(self, sample: Sample) -> None:
        """Add a sample, and the alerts that stood after it."""
        before = self._frames[-1] if self._frames else None
        if before is None or not 0 <= sample.at - before.at < STANDS_S:
            standing, ended = alerts_at(self.history, sample.at, KEPT_S)
            log = AlertLog(standing, tuple(Ended(kept.alert, kept.ended or 0.0) for kept in ended))
        else:
            log = before.alerts
        counts = {count.id: count.sockets for count in sample.connections}
        self._frames.append(_Frame(sample.at, counts, Panel(alerts=log).taken(sample, {}).alerts))

    def _shown(self) -> Shown | None:
        sample = self._tape.sample
        if not self._frames or sample is None:
            return None
        frames = list(self._frames)[-LONGEST:]
        panel = Panel(self._cast(sample), sample, _recent(frames), alerts=frames[-1].alerts)
        after_s = sample.at - frames[-2].at if len(frames) > 1 else None
        return Shown(panel, after_s, self._tape.next_at(), _longest(frames[:-1]))

    def _cast(self, sample: Sample) -> tuple[Connection, ...]:
        """Return the Connections of a sample; where none of its sockets tells its login, as one knows it otherwise."""
        cast = []
        for count in sample.connections:
            connection = self._known[count.id] = as_seen(count, self._known.get(count.id))
            cast.append(connection)
        return tuple(cast)


def as_seen(count: ConnectionCount, known: Connection | None) -> Connection:
    """Return a Connection as it was when it was counted: its name, its server, and its login by its own sockets."""
    host, _, port = count.server.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    own = max(count.groups, key=lambda group: group.sockets, default=None)
    parameters = known.parameters if known is not None else Parameters("", "", "", "")
    return Connection(
        count.id,
        Parameters(
            count.name,
            host if port.isdecimal() else count.server,
            own.username if own is not None else parameters.username,
            own.database if own is not None else parameters.database,
            int(port) if port.isdecimal() else parameters.port,
        ),
        read_only=True,
    )


def _recent(frames: Sequence[_Frame]) -> dict[str, Series]:
    """Return the counts of each Connection in samples that follow each other; None where nobody recorded."""
    moments: dict[str, list[float]] = {}
    counts: dict[str, list[int | None]] = {}
    most = _longest(frames)
    for number, frame in enumerate(frames):
        before = frames[number - 1].at if number else frame.at
        gap = frame.at - before > most
        for id, sockets in frame.counts.items():
            if gap and id in moments:
                moments[id].append((before + frame.at) / 2)
                counts[id].append(None)
            moments.setdefault(id, []).append(frame.at)
            counts.setdefault(id, []).append(sockets)
    return {id: Series(tuple(at[-LONGEST:]), tuple(counts[id][-LONGEST:])) for id, at in moments.items()}


def _longest(frames: Iterable[_Frame]) -> float:
    """Return how far apart samples may be, in seconds, without anything missing between them."""
    apart = [later.at - one.at for one, later in pairwise(frames) if later.at > one.at]
    return max(LEAST_GAP_S, 4 * median(apart)) if apart else LEAST_GAP_S
