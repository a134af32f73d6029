"""Hands metrics out over HTTP, in threads of its own: whoever is slow to read makes nobody wait."""

from __future__ import annotations

import errno
import socket
import threading
from ipaddress import ip_address
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import make_wsgi_app
from prometheus_client.registry import Collector

from tui import __version__
from tui.metrics.families import families

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from prometheus_client.core import Metric

    from tui.metrics.families import Seen
    from tui.metrics.gate import Gate

# A client that says nothing for so long is left; so many are served at once.
SILENCE_S = 10.0
MOST_CLIENTS = 32
_PAGE = b"<!DOCTYPE html><title>pgconns</title><h1>pgconns</h1><p><a href='metrics'>Metrics</a></p>\n"
_HTML, _TEXT = ("Content-Type", "text/html; charset=utf-8"), ("Content-Type", "text/plain; charset=utf-8")


class CannotListen(Exception):
    """The address cannot be listened on: a sentence that says why and what to do."""


class Address(NamedTuple):
    """Where to listen; an empty host is every address of the machine."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Telling(Collector):
    """Tells what was seen last; `seen` may be set at any time."""

    def __init__(self) -> None:
        self.seen: Seen | None = None

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of what was seen last."""
        return () if self.seen is None else families(self.seen, __version__)


class Server:
    """Serves metrics at `address` until it is closed; `address` names the port that was chosen for 0."""

    def __init__(self, address: Address, telling: Telling, gate: Gate) -> None:
        """Listen. Raises CannotListen."""
        registry = CollectorRegistry()
        registry.register(telling)
        ProcessCollector(registry=registry)
        self._server = _listening(address, gate)
        self._server.set_app(_application(make_wsgi_app(registry), gate))
        self.address = Address(address.host, self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no longer; answers that are being given are cut."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(SILENCE_S)


class _Server(ThreadingMixIn, WSGIServer):
    """One thread per client, of which there are so many at most."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CLIENTS

    def __init__(self, family: socket.AddressFamily, place: Any, gate: Gate) -> None:
        self.address_family = family
        self._gate = gate
        self._free = threading.BoundedSemaphore(MOST_CLIENTS)
        super().__init__(place, _Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for a name of this machine, as the base class would."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, self.server_address[0] != "::")
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a client; its TLS handshake is made in its own thread."""
        client, place = super().get_request()
        client.settimeout(SILENCE_S)
        context = self._gate.context()
        if context is not None:
            client = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        return client, place

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a client in a thread; leave it where too many are there."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread more can be started
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a client."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away, or speak no TLS: there is nothing to mend here."""


class _Handler(WSGIRequestHandler):
    """Logs no request: its line may hold what somebody typed by mistake."""

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def _application(metrics: WSGIApplication, gate: Gate) -> WSGIApplication:
    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not gate.admits(environ.get("HTTP_AUTHORIZATION", "")):
            start_response("401 Unauthorized", [_TEXT, ("WWW-Authenticate", 'Basic realm="pgconns"')])
            return [b"Unauthorized\n"]
        if environ["PATH_INFO"] == "/metrics":
            return metrics(environ, start_response)
        if environ["PATH_INFO"] == "/":
            start_response("200 OK", [_HTML])
            return [_PAGE]
        start_response("404 Not Found", [_TEXT])
        return [b"Not here: /metrics\n"]

    return serve


def _listening(address: Address, gate: Gate) -> _Server:
    host = address.host or "::"
    try:
        found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, place = found[0]
        return _Server(family, place, gate)
    except (socket.gaierror, UnicodeError):
        raise CannotListen(f"{address}: there is no such address") from None
    except OSError as error:
        if not address.host and error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
            return _listening(Address("0.0.0.0", address.port), gate)  # noqa: S104 - as was asked for
        raise CannotListen(f"{address} cannot be listened on: {_why(error)}") from None


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there; name another port with --listen, or end that program"
    if error.errno == errno.EADDRNOTAVAIL:
        return "it is no address of this machine"
    if error.errno == errno.EACCES:
        return "a port below 1024 needs a privilege; name a higher one with --listen"
    return (error.strerror or type(error).__name__).lower()
