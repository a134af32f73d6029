"""A web server that hooks tell: keeps what it was told, answers as it is bid, or hangs."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


class Post(NamedTuple):
    """What came."""

    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """Listens on loopback until it is closed; `statuses` are answered one after the other, then 200."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.statuses: list[int] = []
        self.hangs = threading.Event()
        self._ended = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.posts.append(Post({name.lower(): value for name, value in self.headers.items()}, body))
                if receiver.hangs.is_set():
                    receiver._ended.wait(60)
                    return
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                self.send_response(status)
                self.send_header("content-length", "0")
                if status == 429:
                    self.send_header("retry-after", "7")
                self.end_headers()

            def log_message(self, format: str, *values: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Where it is told."""
        return f"http://127.0.0.1:{self._server.server_port}/pgconns"

    def close(self) -> None:
        """Listen no more; any number of times."""
        if not self._ended.is_set():
            self._ended.set()
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        self._thread.join(30)
