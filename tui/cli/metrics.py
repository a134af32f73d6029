"""pgconns metrics: what is counted, for Prometheus; the rules and the dashboard that go with it."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tui.cli.output import Refused
from tui.cli.unattended import number
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from tui.bouncer.watching import Watch
    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.connections.secret import Secret
    from tui.connections.secrets import Secrets
    from tui.metrics.gate import Gate
    from tui.metrics.serving import Address
    from tui.sockets.model import Sample
    from tui.sockets.past import Trends

EXAMPLES = """
pgconns metrics
pgconns metrics --listen 0.0.0.0:9187 --web-config /etc/pgconns/web-config.yml
pgconns metrics --rules > /etc/prometheus/rules/pgconns.yml
pgconns metrics --dashboard > pgconns.json
pgconns metrics --systemd | sudo tee /etc/systemd/system/pgconns-metrics.service
"""
STATUSES = {
    Exit.DONE: "printed, or SIGTERM asked for the end",
    Exit.USAGE: "wrong usage, or the web configuration cannot be used",
    Exit.CANNOT_CONNECT: "the address cannot be listened on",
    Exit.UNUSABLE_STORE: "registry or passwords unusable",
    Exit.INTERRUPTED: "ended by Ctrl-C",
}
_LISTEN = "127.0.0.1:9187"
_HIGHEST_PORT = 65_535


def add_arguments(parser: ArgumentParser) -> None:
    """Say where to listen, or what to print."""
    parser.add_argument("--listen", default=_LISTEN, metavar="HOST:PORT", help=f"where to listen ({_LISTEN})")
    parser.add_argument(
        "--web-config",
        metavar="FILE",
        help="TLS and basic authentication, in the format of Prometheus' exporters (web-config.yml)",
    )
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        help="seconds between two counts; PGCONNS_INTERVAL, or 2, where it is not given",
    )
    prints = parser.add_mutually_exclusive_group()
    prints.add_argument("--rules", action="store_true", help="print alerting rules for Prometheus, and do nothing")
    prints.add_argument("--dashboard", action="store_true", help="print a dashboard for Grafana, and do nothing")
    prints.add_argument("--systemd", action="store_true", help="print a systemd unit that runs this, and do nothing")


def run(arguments: Namespace, output: Output) -> int:
    """Serve metrics of all registered Connections, or print what goes with them."""
    if arguments.rules:
        from tui.metrics.rules import rules

        output.block(rules())
        return Exit.DONE
    if arguments.dashboard:
        from tui.metrics.dashboard import dashboard

        output.block(dashboard())
        return Exit.DONE
    address = _address(arguments.listen)
    if arguments.systemd:
        output.block(_unit(arguments))
        return Exit.DONE
    return _serve(arguments, address, output)


def _serve(arguments: Namespace, address: Address, output: Output) -> int:
    from pathlib import Path

    from tui.cli.sockets import interval, passwords
    from tui.cli.unattended import AskingAtStart
    from tui.connections.registry import Registry
    from tui.history.settings import parse
    from tui.metrics.gate import Gate
    from tui.metrics.web_config import WebConfigError

    interval_s = interval(arguments.interval)
    try:
        gate = Gate(Path(arguments.web_config).expanduser() if arguments.web_config else None, output.note)
    except WebConfigError as error:
        raise Refused(str(error)) from None
    registry = Registry()
    connections = registry.load()
    parse(registry.settings("history"))  # what is wrong there is told before anything is opened
    secrets = AskingAtStart()
    passwords(connections, secrets.opened)
    secrets.asking = False
    return asyncio.run(_Serving(registry, connections, secrets.opened, output).run(interval_s, address, gate))


class _Serving:
    """Counts, and has told what was counted."""

    def __init__(self, registry: Registry, connections: Sequence[Connection], secrets: Secrets, output: Output) -> None:
        import time

        from tui.metrics.serving import Telling

        self._registry = registry
        self._connections = tuple(connections)
        self._registry_read_at, self._registry_sound = time.time(), True
        self._secrets = secrets
        self._output = output
        self._telling = Telling()
        self._ending: asyncio.Future[Exit]
        self._watch: Watch
        self._reload: asyncio.Task[None] | None = None

    async def run(self, interval_s: float, address: Address, gate: Gate) -> int:
        """Serve until a signal asks for the end; return the exit status. Raises Refused."""
        from tui.bouncer.watching import Watch
        from tui.history import systemd
        from tui.metrics.serving import CannotListen, Server
        from tui.regions.directory import addresses
        from tui.sockets.past import Trends

        loop = asyncio.get_running_loop()
        self._ending = loop.create_future()
        for asked, status in ((signal.SIGTERM, Exit.DONE), (signal.SIGINT, Exit.INTERRUPTED)):
            loop.add_signal_handler(asked, self._end, status)
        try:
            server = Server(address, self._telling, gate)
        except CannotListen as error:
            raise Refused(str(error), Exit.CANNOT_CONNECT) from None
        trends = Trends()
        self._watch = Watch(self._connections, self._password_of, interval_s, addresses(), self._take, trends)
        loop.add_signal_handler(signal.SIGHUP, self._read_again)
        running = asyncio.create_task(self._watch.run())
        living = asyncio.create_task(self._live())
        threading.Thread(target=self._remember, args=(loop, trends), name="history", daemon=True).start()
        self._say_where(server.address, gate, interval_s)
        try:
            either: tuple[asyncio.Future[Any], ...] = (running, self._ending)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running  # raises what went wrong
            return self._ending.result()
        finally:
            systemd.notify("STOPPING=1")
            living.cancel()
            await asyncio.to_thread(server.close)
            await self._watch.close()

    def _say_where(self, address: Address, gate: Gate, interval_s: float) -> None:
        from tui.history import systemd

        scheme = "https" if gate.speaks_tls else "http"
        here = f"{scheme}://{address}/metrics"
        self._output.note(f"Serving {number(self._connections)}, counted every {interval_s:g} seconds, at {here}")
        missing = [*([] if gate.speaks_tls else ["TLS"]), *([] if gate.asks_names else ["a password"])]
        if missing and not address.is_loopback:
            self._output.note(
                f"Warning: it is served without {' and without '.join(missing)} to whoever reaches {address}: "
                "--web-config FILE asks for both, or --listen on this machine alone"
            )
        systemd.notify("READY=1", f"STATUS=Serving {number(self._connections)}")

    def _remember(self, loop: asyncio.AbstractEventLoop, trends: Trends) -> None:
        """Put what was recorded before what is counted: a slow leak is told of right after the start.

        A thread that nobody waits for: a source that does not answer is not to hold up the end.
        """
        import time

        from tui.connections.registry import RegistryError
        from tui.history.errors import HistoryError
        from tui.history.seeding import Before, before
        from tui.history.sources import open_source
        from tui.sockets.credentials import label

        ids = [connection.id for connection in self._connections]
        try:
            known = before(open_source(self._registry), ids, {*map(label, self._connections)}, time.time())
        except (RegistryError, HistoryError) as error:
            known = Before(trouble=str(error))
        with suppress(RuntimeError):  # the end came first
            if known.trouble:
                loop.call_soon_threadsafe(self._output.note, f"What was before is not known: {known.trouble}")
            loop.call_soon_threadsafe(trends.precede, known.pasts)

    async def _password_of(self, connection: Connection) -> Secret | None:
        return await asyncio.to_thread(self._secrets.get, connection)

    def _take(self, sample: Sample) -> None:
        from tui.metrics.families import Seen

        self._telling.seen = Seen(
            sample, self._watch.polls(), self._connections, self._registry_read_at, self._registry_sound
        )

    async def _live(self) -> None:
        """Show the service manager signs of life, as often as it wants them."""
        from tui.history import systemd

        every_s = (systemd.watchdog_s() or 30.0) / 3
        while True:
            systemd.notify("WATCHDOG=1", f"STATUS=Serving {number(self._connections)}")
            await asyncio.sleep(every_s)

    def _read_again(self) -> None:
        if self._reload is None or self._reload.done():
            self._reload = asyncio.create_task(self._load())

    async def _load(self) -> None:
        import time

        from tui.connections.registry import RegistryError

        try:
            connections = await asyncio.to_thread(self._registry.load)
        except RegistryError as error:
            self._registry_sound = False
            self._output.note(f"{error} Until then what was registered before is served.")
            return
        self._registry_read_at, self._registry_sound = time.time(), True
        self._connections = connections
        self._watch.set_connections(connections)
        self._output.note(f"The registry was read again: serving {number(connections)}")

    def _end(self, status: Exit) -> None:
        if not self._ending.done():
            self._ending.set_result(status)


def _address(text: str) -> Address:
    """Return where to listen; raise Refused."""
    from tui.metrics.serving import Address

    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""  # an IPv6 address without brackets: which of its colons is before the port?
    if not (colon and port.isascii() and port.isdigit() and int(port) <= _HIGHEST_PORT):
        raise Refused("--listen is HOST:PORT, such as 127.0.0.1:9187, [::1]:9187, or :9187 for every address")
    return Address(host, int(port))


def _unit(arguments: Namespace) -> str:
    from pathlib import Path

    from tui.cli.unattended import unit_of

    more = ["--listen", arguments.listen]
    if arguments.web_config:
        more += ["--web-config", str(Path(arguments.web_config).expanduser().absolute())]
    return unit_of("metrics", "serve metrics of PostgreSQL Connections", arguments.interval, [], more)
