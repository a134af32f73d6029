"""A real Prometheus: it scrapes, stores, evaluates rules, and answers as the ones do that a console reads from."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.host import LOOPBACK, Host, Unavailable, end, free_port, give, give_up, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

_PLACES = "/usr/bin:/usr/local/bin"


def program(name: str) -> str:
    """Return where `prometheus` or `promtool` is."""
    found = shutil.which(name, path=_PLACES)
    if found is None:
        raise Unavailable("Prometheus is missing: apt-get install prometheus")
    return found


def promtool(*words: str | Path, stdin: str = "") -> str:
    """Run promtool; return what it printed, and fail with it."""
    try:
        command = [program("promtool"), *words]
    except Unavailable as reason:
        give_up(str(reason))
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"promtool {words[0]}: {done.stdout}{done.stderr}")
    return done.stdout


class Prometheus:
    """One of the session's; `files` are written beside its configuration, and can be named in it by their names.

    `past` are metrics with timestamps, which it has stored already. `root` is the authority that its own certificate
    is of, where `web` gives it one; `login` a name and a password that it lets in.
    """

    def __init__(
        self,
        host: Host,
        configuration: str = "",
        files: dict[str, bytes] | None = None,
        past: Iterable[Metric] = (),
        web: str = "",
        root: Path | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        folder = host.make_folder("prometheus")
        config = configuration or "global: {}\n"
        everything = {**(files or {}), "prometheus.yml": config.encode(), "web.yml": web.encode()}
        for name, content in everything.items():
            place = folder / name
            place.write_bytes(content)
            place.chmod(0o600)
            give(place)
        data = folder / "data"
        data.mkdir()
        give(data)
        stored = list(past)
        if stored:
            _store(host, stored, folder, data)
        port = free_port()
        self.url = f"{'https' if root else 'http'}://{LOOPBACK}:{port}"
        self._context = ssl.create_default_context(cafile=str(root)) if root else None
        self._login = base64.b64encode(":".join(login).encode()).decode() if login else ""
        self.log = folder / "log"
        self._process = host.spawn(
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--web.config.file={folder / 'web.yml'}",
                f"--web.listen-address={LOOPBACK}:{port}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=20y",
                "--log.level=warn",
            ],
            self.log,
            signal.SIGTERM,
        )
        wait_until(self._is_ready, "Prometheus is ready", 60)
        if self._process.poll() is not None:
            raise AssertionError(f"Prometheus does not start: {self.log.read_text(errors='replace')[-2000:]}")

    def query(self, query: str, at: float | None = None) -> list[dict[str, Any]]:
        """Return the series of an instant query."""
        form = {"query": query, **({} if at is None else {"time": str(at)})}
        data: list[dict[str, Any]] = self._get("/api/v1/query?" + urllib.parse.urlencode(form))["data"]["result"]
        return data

    def targets(self) -> list[dict[str, Any]]:
        """Return what it scrapes, with the error of the last scrape."""
        found: list[dict[str, Any]] = self._get("/api/v1/targets")["data"]["activeTargets"]
        return found

    def stop(self) -> None:
        """End it."""
        end(self._process, signal.SIGTERM)

    def _get(self, path: str) -> Any:
        asked = urllib.request.Request(self.url + path)
        if self._login:
            asked.add_header("Authorization", f"Basic {self._login}")
        try:
            with urllib.request.urlopen(asked, timeout=30, context=self._context) as answer:
                return json.loads(answer.read()) if path.startswith("/api") else None
        except urllib.error.HTTPError as error:
            if error.code in {400, 422}:
                raise AssertionError(f"{urllib.parse.unquote_plus(path)}: {error.read().decode()}") from None
            raise

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            return True
        with suppress(OSError):
            self._get("/-/ready")
            return True
        return False


def _store(host: Host, past: list[Metric], folder: Path, data: Path) -> None:
    """Make blocks of what is to be stored already."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector

    class Given(Collector):
        def collect(self) -> Iterable[Metric]:
            return past

    registry = CollectorRegistry()
    registry.register(Given())
    text = folder / "past.txt"
    encode, _ = choose_encoder("application/openmetrics-text")
    text.write_bytes(encode(registry))
    give(text)
    host.run([program("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, data])
