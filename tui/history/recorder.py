"""Records a stream of samples from a thread of its own: whoever makes them never waits for the disk."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tui import paths
from tui.connections.files import followed
from tui.connections.registry import RegistryError
from tui.history.errors import HistoryError
from tui.history.settings import Settings, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tui.connections.registry import Registry
    from tui.history.store import Store
    from tui.sockets.alerts import Alert
    from tui.sockets.model import Sample

State = Literal["starting", "recording", "reading", "paused", "stopped"]
MOST_WAITING = 60
RETRY_S, LONGEST_RETRY_S = 2.0, 30.0


@dataclass(frozen=True, slots=True)
class Recording:
    """How it stands: "reading" where another process records, "paused" where it cannot; `sentence` says why.

    `seq` is the number of the last sample that is on the disk, and `at` its moment; `lost` were thrown away because
    the disk kept too many waiting; `waiting` were not written when it ended. `aside` says what became of a damaged
    file.
    """

    state: State = "starting"
    sentence: str = ""
    seq: int = 0
    at: float = 0.0
    lost: int = 0
    waiting: int = 0
    aside: str = ""


class Recorder:
    """Writes what `take` is given, in a thread; `recording` says how it stands, from whatever thread.

    While the history cannot be written, the last samples wait and it is tried again; while another process records
    into it, they are left to that one, until it ends.
    """

    def __init__(self, path: Path | None = None, settings: Callable[[], Settings] = Settings) -> None:
        """Record into `path`, or the history of the environment; `settings` are read when it is opened."""
        self.path = path or paths.history_file()
        self._settings = settings
        self._store: Store | None = None
        self._waiting: deque[tuple[Sample, Sequence[Alert]]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._damaged = False
        self._thread: threading.Thread | None = None
        self.recording = Recording()

    def start(self) -> None:
        """Open the history in the thread; nothing to do where that runs."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="history", daemon=True)
            self._thread.start()

    def opened(self, within_s: float = 30.0) -> Recording:
        """Wait until the history is open, or cannot be opened, and return which."""
        with self._changed:
            self._changed.wait_for(lambda: self.recording.state != "starting", within_s)
            return self.recording

    def take(self, sample: Sample, alerts: Sequence[Alert] = ()) -> None:
        """Have a sample and the alerts that stand after it written; returns at once."""
        if not sample.servers:
            return
        with self._changed:
            if self.recording.state in {"reading", "stopped"} or self._closing:
                return
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                self.recording = replace(self.recording, lost=self.recording.lost + 1)
            self._waiting.append((sample, alerts))
            self._changed.notify_all()

    def set_settings(self, settings: Settings) -> None:
        """Keep so long and so much from now on."""
        with self._changed:
            self._settings = lambda: settings
            if self._store is not None:
                self._store.settings = settings

    def close(self, within_s: float = 5.0) -> bool:
        """Write what waits, and end; return whether that was done within so long."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(within_s)
            return not self._thread.is_alive()
        return True

    def _run(self) -> None:
        try:
            retry_s = RETRY_S
            while not self._closing:
                store = self._open()
                if store is not None and self._serve(store):
                    break
                retry_s = RETRY_S if store is not None else min(2 * retry_s, LONGEST_RETRY_S)
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, retry_s)
        finally:
            with self._changed:
                sentence = self.recording.sentence if self._closing else "The recorder ended by a defect"
                waiting = len(self._waiting)
                self.recording = replace(self.recording, state="stopped", sentence=sentence, waiting=waiting)
                self._changed.notify_all()

    def _open(self) -> Store | None:
        from tui.history.database import Busy  # noqa: PLC0415 - sqlite3: in this thread, after the first frame
        from tui.history.store import Store  # noqa: PLC0415

        settings = self._settings
        try:
            store = Store(followed(self.path), settings(), damaged=self._damaged)
        except Busy as busy:
            with self._changed:
                self._waiting.clear()
                self._say("reading", str(busy))
        except HistoryError as error:
            self._say("paused", str(error))
        else:
            self._damaged = False
            aside = f"The damaged history was renamed to {store.aside}; a new one is begun" if store.aside else ""
            with self._changed:
                self._store = store
                if self._settings is not settings:
                    store.settings = self._settings()
                self.recording = replace(self.recording, aside=aside or self.recording.aside, seq=store.seq)
            self._say("recording", "")
            return store
        return None

    def _serve(self, store: Store) -> bool:
        """Write until closing, and return True; False after an error, what could not be written waits."""
        from tui.history.database import Damaged  # noqa: PLC0415

        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._closing)
                    if not self._waiting:
                        break
                    sample, alerts = self._waiting[0]
                seq = store.write(sample, alerts)
                with self._changed:
                    if self._waiting and self._waiting[0][0] is sample:
                        self._waiting.popleft()
                    self.recording = replace(self.recording, seq=seq, at=sample.at)
        except HistoryError as error:
            self._damaged = isinstance(error, Damaged)
            self._say("paused", str(error))
            store.abandon()
            return False
        try:
            store.close()
        except HistoryError:
            return True  # nothing is lost: whoever opens it next compresses what is open
        return True

    def _say(self, state: State, sentence: str) -> None:
        with self._changed:
            self.recording = replace(self.recording, state=state, sentence=sentence)
            self._changed.notify_all()


def settings_of(registry: Registry) -> Callable[[], Settings]:
    """Return what reads the settings of a registry; one that cannot be read is told of elsewhere."""

    def read() -> Settings:
        try:
            return parse(registry.settings("history"))
        except RegistryError:
            return Settings()

    return read
