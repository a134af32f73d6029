"""pgconns watch: records without a screen, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from tui.cli.output import Refused
from tui.cli.unattended import number as _number
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from tui.bouncer.watching import Watch
    from tui.cli.output import Output
    from tui.connections.model import Connection, Hook
    from tui.connections.registry import Registry
    from tui.connections.secret import Secret
    from tui.connections.secrets import Secrets
    from tui.history.recorder import Recorder
    from tui.history.seeding import Before
    from tui.history.settings import Settings
    from tui.hooks.desk import Desk
    from tui.sockets.alerts import Alert
    from tui.sockets.model import Sample
    from tui.workflows.rounds import Rounds

EXAMPLES = """
pgconns watch
pgconns watch --interval 10
pgconns watch --systemd | sudo tee /etc/systemd/system/pgconns-watch.service
"""
STATUSES = {
    Exit.DONE: "SIGTERM asked for the end; everything counted was written",
    Exit.USAGE: "wrong usage",
    Exit.UNUSABLE_STORE: "registry, passwords or history unusable, or another process records into it",
    Exit.INTERRUPTED: "ended by Ctrl-C; everything counted was written",
}
_FLUSHED_WITHIN_S = 10.0


def add_arguments(parser: ArgumentParser) -> None:
    """Say how often to count."""
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        help="seconds between two counts; PGCONNS_INTERVAL, or 2, where it is not given",
    )
    parser.add_argument("--systemd", action="store_true", help="print a systemd unit that runs this, and do nothing")


def run(arguments: Namespace, output: Output) -> int:
    """Record all registered Connections."""
    from tui.cli.sockets import interval, passwords
    from tui.cli.unattended import AskingAtStart
    from tui.connections.registry import Registry
    from tui.history.recorder import Recorder
    from tui.history.settings import parse

    if arguments.systemd:
        output.block(_unit(arguments.interval))
        return Exit.DONE
    interval_s = interval(arguments.interval)
    registry = Registry()
    connections = registry.load()
    parse(registry.settings("history"))  # what is wrong there is told before anything is opened
    secrets = AskingAtStart()
    passwords(connections, secrets.opened)
    secrets.asking = False
    registry.hooks()
    recorder = Recorder(settings=lambda: parse(registry.settings("history")))
    return asyncio.run(_Recording(registry, connections, secrets.opened, recorder, output).run(interval_s))


class _Recording:
    """Counts, judges, records, and tells on stderr what happens."""

    def __init__(
        self,
        registry: Registry,
        connections: Sequence[Connection],
        secrets: Secrets,
        recorder: Recorder,
        output: Output,
    ) -> None:
        from tui.sockets.alerts import Thresholds

        self._registry = registry
        self._connections = tuple(connections)
        self._secrets = secrets
        self._recorder = recorder
        self._output = output
        self._thresholds = Thresholds()
        self._told = recorder.recording
        self._ending: asyncio.Future[Exit] | None = None
        self._watch: Watch
        self._desk: Desk
        self._reload: asyncio.Task[None] | None = None
        self._alerts: tuple[Alert, ...] = ()
        self._lost = 0

    async def run(self, interval_s: float) -> int:
        """Record until a signal asks for the end; return the exit status. Raises Refused."""
        from tui.bouncer.watching import Watch
        from tui.history import systemd
        from tui.regions.model import BUILT_IN
        from tui.sockets.past import Trends

        loop = asyncio.get_running_loop()
        ending: asyncio.Future[Exit] = loop.create_future()
        self._ending = ending
        for number, status in ((signal.SIGTERM, Exit.DONE), (signal.SIGINT, Exit.INTERRUPTED)):
            loop.add_signal_handler(number, self._end, status)
        loop.add_signal_handler(signal.SIGHUP, self._read_again)
        await self._open()
        before = await asyncio.to_thread(self._before)
        if before.trouble:
            self._tell(f"What was before is not known: {before.trouble}")
        trends = Trends()
        trends.precede(before.pasts)
        self._alerts = before.standing
        regions = {region.region: region.addresses for region in BUILT_IN}
        self._watch = Watch(self._connections, self._password_of, interval_s, regions, self._take, trends)
        self._desk = await self._open_desk()
        running = asyncio.create_task(self._watch.run())
        telling = asyncio.create_task(self._desk.run())
        looking = asyncio.create_task(self._rounds().run())
        living = asyncio.create_task(self._live())
        self._tell(f"Recording {_number(self._connections)} every {interval_s:g} seconds into {self._recorder.path}")
        systemd.notify("READY=1", f"STATUS=Recording {_number(self._connections)}")
        try:
            either: tuple[asyncio.Future[Any], ...] = (running, telling, looking, ending)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            for task in (running, telling, looking):
                if task.done():
                    await task  # raises what went wrong
            return ending.result()
        finally:
            systemd.notify("STOPPING=1")
            living.cancel()
            looking.cancel()
            await self._watch.close()
            await self._desk.close()
            telling.cancel()
            await self._flush()

    async def _open(self) -> None:
        """Open the history, or refuse."""
        self._recorder.start()
        opened = await asyncio.to_thread(self._recorder.opened)
        if opened.state == "recording":
            self._say_how_it_stands()
        else:
            await asyncio.to_thread(self._recorder.close)
            raise Refused(opened.sentence or "The history did not open", Exit.UNUSABLE_STORE)

    def _before(self) -> Before:
        import time

        from tui.history.seeding import before
        from tui.history.sources import open_source
        from tui.sockets.credentials import label

        ids = [connection.id for connection in self._connections]
        source = open_source(self._registry, self._recorder.path)
        return before(source, ids, {*map(label, self._connections)}, time.time())

    async def _open_desk(self) -> Desk:
        """Return who tells the hooks, and goes on from what they were told before."""
        from tui.history.errors import HistoryError
        from tui.history.notices import Notices, load
        from tui.hooks.desk import Desk
        from tui.hooks.keeping import Standing

        path = self._recorder.path
        try:
            standing = await asyncio.to_thread(load, path)
        except HistoryError as error:
            self._tell(f"{error}. Hooks may be told once more of what they were told already")
            standing = Standing()
        desk = Desk(Notices(path), self._tell, standing)
        desk.set_hooks(await asyncio.to_thread(self._registry.hooks))
        return desk

    def _rounds(self) -> Rounds:
        """Return who looks at the locations for temporary tables."""
        from tui.history.ledger import LedgerKeeper
        from tui.workflows.rounds import Rounds

        return Rounds(
            self._watch,
            LedgerKeeper(self._recorder.path),
            self._password_of,
            lambda: self._connections,
            lambda: self._recorder.recording.state == "recording",
        )

    async def _password_of(self, connection: Connection) -> Secret | None:
        return await asyncio.to_thread(self._secrets.get, connection)

    def _take(self, sample: Sample) -> None:
        from tui.sockets.alerts import changes, judge

        before, self._alerts = self._alerts, judge(sample, self._alerts, self._thresholds)
        self._recorder.take(sample, self._alerts)
        self._desk.take(self._alerts, sample.at, {one.id: one.name for one in self._connections})
        news = changes(before, self._alerts)
        for alert in news.raised:
            self._tell(f"{alert.level.capitalize()}: {alert.sentence}")
        for alert in news.cleared:
            self._tell(f"Over: {alert.sentence}")
        self._say_how_it_stands()

    def _say_how_it_stands(self) -> None:
        """Tell once what changed of the recording."""
        before, now = self._told, self._recorder.recording
        self._told = now
        if now.aside != before.aside:
            self._tell(now.aside)
        if now.state == before.state and now.sentence == before.sentence:
            return
        if now.state in {"paused", "reading"}:
            self._tell(f"Not recording: {now.sentence}. It is tried again")
        elif now.state == "recording" and before.state in {"paused", "reading"}:
            lost = now.lost - self._lost
            self._tell("Recording again" + (f"; {lost} samples are lost" if lost else ""))
        elif now.state == "stopped" and now.sentence:
            self._end(Exit.CRASHED)
        self._lost = now.lost

    async def _live(self) -> None:
        """Show the service manager signs of life, as often as it wants them, and how it stands."""
        from tui.history import systemd

        every_s = (systemd.watchdog_s() or 30.0) / 3
        while True:
            alerts = f", {len(self._alerts)} alerts" if self._alerts else ""
            state = self._recorder.recording
            words = "Recording" if state.state == "recording" else f"Not recording: {state.sentence};"
            systemd.notify("WATCHDOG=1", f"STATUS={words} {_number(self._connections)}{alerts}")
            self._say_how_it_stands()
            await asyncio.sleep(every_s)

    def _read_again(self) -> None:
        if self._reload is None or self._reload.done():
            self._reload = asyncio.create_task(self._load())

    async def _load(self) -> None:
        from tui.connections.registry import RegistryError
        from tui.history.errors import HistoryError

        try:
            connections, hooks, settings = await asyncio.to_thread(self._read_registry)
        except (RegistryError, HistoryError) as error:
            self._tell(f"{error} Until then all goes on as it was registered before.")
            return
        self._recorder.set_settings(settings)
        self._desk.set_hooks(hooks)
        self._connections = connections
        self._watch.set_connections(connections)
        self._tell(f"The registry was read again: recording {_number(connections)}")

    def _read_registry(self) -> tuple[tuple[Connection, ...], tuple[Hook, ...], Settings]:
        from tui.history.settings import parse

        return self._registry.load(), self._registry.hooks(), parse(self._registry.settings("history"))

    def _end(self, status: Exit) -> None:
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(status)

    async def _flush(self) -> None:
        flushed = await asyncio.to_thread(self._recorder.close, _FLUSHED_WITHIN_S)
        last = self._recorder.recording
        if not flushed or last.waiting:
            self._tell(f"What was counted last could not be written: {last.sentence or 'the disk does not answer'}")
        self._tell(f"Ended; the last sample written is number {last.seq}")

    def _tell(self, sentence: str) -> None:
        self._output.note(sentence)


def _unit(interval: str | None) -> str:
    """Return the unit that has this command run as whoever asks for it, with the files that are used now."""
    from tui import paths
    from tui.cli.unattended import unit_of

    folders = {str(paths.history_file().parent), str(paths.data_folder()), str(paths.state_folder())}
    return unit_of("watch", "record the sockets of PostgreSQL Connections", interval, sorted(folders))
