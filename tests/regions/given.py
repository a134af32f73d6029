"""What the tests of this room share: the documented page, and a web server that behaves as badly as one asks for."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.servers.certificates import Issued

Answer = Callable[["Request"], None]
US, EUROPE = ("35.185.63.239", "104.196.59.4"), ("34.79.53.57", "35.195.132.75")

# As the documentation is: a heading with a flag, bullets in backticks, a link to the endpoint.
MARKDOWN = """\
# IP whitelisting

CARTO reaches databases from static addresses; your own networks, such as `10.0.0.0/8`, are no matter here.

**🇺🇸 us-east1**

* `35.185.63.239`
* `104.196.59.4`

[https://workspace-gcp-us-east1.app.carto.com/meta](https://workspace-gcp-us-east1.app.carto.com/meta)

**🇪🇺 europe-west1**

* `34.79.53.57`
* `35.195.132.75`

[https://workspace-gcp-europe-west1.app.carto.com/meta](https://workspace-gcp-europe-west1.app.carto.com/meta)

## If you use a proxy

Let `192.168.0.1` through.
"""
HTML = """\
<!DOCTYPE html>
<html lang="en"><head><title>IP whitelisting 10.0.0.1</title><script>let own = "10.0.0.1"</script></head>
<body><h1>IP whitelisting</h1><p>Your networks, such as <code>10.0.0.0/8</code>, are no matter here.</p>
<p><strong>🇺🇸 us-east1</strong></p>
<ul><li><p><code>35.185.63.239</code><button>Copy</button></p></li><li><p><code>104.196.59.4</code></p></li></ul>
<p><a href="https://workspace-gcp-us-east1.app.carto.com/meta">the endpoint</a></p>
<h3>🇪🇺 europe-west1</h3>
<ul>
<li>34.79.53.57</li>
<li>35.195.132.75</li>
</ul>
<p>See <a class="link" href="https://workspace-gcp-europe-west1.app.carto.com/meta"
>https://workspace-gcp-europe-west1.app.carto.com/meta</a></p>
<h2>If you use a proxy</h2><p>Let <code>192.168.0.1</code> through.</p>
</body></html>
"""


class Request(BaseHTTPRequestHandler):
    """One request, as an answer of the test sees it."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[dict[str, Answer]] = {}
    asked: ClassVar[list[Request]] = []
    body: bytes = b""

    def do_GET(self) -> None:
        """Give the answer of the test; 404 where it has none."""
        self.asked.append(self)
        try:
            self.answers.get(self.path, status(404))(self)
        except OSError:
            self.close_connection = True  # the client has gone

    def do_POST(self) -> None:
        """Take in what is sent, and answer as to GET."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def say(self, content: bytes, code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a content and its length."""
        self.send_response(code)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def text(content: str, **headers: str) -> Answer:
    """Answer with a text; names of headers have underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: request.say(content.encode(), headers=named)


def status(code: int, content: str = "<html>An error</html>") -> Answer:
    """Answer with a status that is not 200."""
    return lambda request: request.say(content.encode(), code)


def redirect(place: str) -> Answer:
    """Answer that it is elsewhere."""
    return lambda request: request.say(b"", 302, {"Location": place})


class WebServer:
    """Serves what `answers` has for a path, at `url`, until it is closed; `asked` are the requests that came."""

    def __init__(self, issued: Issued | None = None, folder: Path | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Request] = []
        self.closing = threading.Event()
        handler = type("Handler", (Request,), {"answers": self.answers, "asked": self.asked})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if issued and folder:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*issued.write(folder))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{'https' if issued else 'http'}://{self.host}"
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def endless(self, piece: bytes, wait_s: float = 0.0) -> Answer:
        """Answer with pieces that never end, so long after each other."""

        def answer(request: Request) -> None:
            request.send_response(200)
            request.end_headers()
            while not self.closing.wait(wait_s):
                request.wfile.write(piece)

        return answer

    def silent(self) -> Answer:
        """Answer with nothing at all."""

        def answer(request: Request) -> None:
            self.closing.wait(60)
            request.close_connection = True

        return answer

    def close(self) -> None:
        """Stop, and let go of whoever still waits."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
