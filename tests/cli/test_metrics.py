"""pgconns metrics as a process: what Prometheus, systemd and whoever stops it rely on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import bcrypt
import httpx
import pytest
import yaml

from tests.cli.conftest import PASSWORD
from tests.servers.host import LOOPBACK, wait_until
from tests.servers.prometheus import promtool
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Door, Program
    from tests.servers.certificates import Authority
    from tests.servers.fixtures import PgServer
    from tests.servers.prometheus import Prometheus

    Started = Callable[..., "Serving"]


class Serving:
    """A process that serves, and where."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        said = self.said("Serving")
        self.url = re.findall(r"at (https?://\S+)/metrics", said)[0]

    def said(self, words: str) -> str:
        """Read stderr until a line holds these words."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if words in line:
                return line
        pytest.fail(f"it ended without saying {words!r}")

    def tells(self, series: str) -> float | None:
        """The value of the only series whose name begins so; None where there is none."""
        lines = [line for line in httpx.get(f"{self.url}/metrics").text.splitlines() if line.startswith(series)]
        assert len(lines) < 2, lines
        return float(lines[0].rpartition(" ")[2]) if lines else None


@pytest.fixture
def serve(pgconns: Program) -> Iterator[Started]:
    """Starts `pgconns metrics` on a port of its own; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **environment: str) -> Serving:
        listen = () if "--listen" in words else ("--listen", f"{LOOPBACK}:0")
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tui", "metrics", "--interval", "0.2", *listen, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **pgconns.environment, **environment},
            )
        )
        return Serving(started[-1])

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _register(pgconns: Program, door: Door, password_file: str, name: str = "one") -> None:
    assert pgconns("add", name, *door.flags, "--password-from", password_file).status == 0


def test_it_serves_until_sigterm(
    pgconns: Program, door: Door, password_file: str, serve: Started, tmp_path: Path
) -> None:
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        serving = serve(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="600000")
        while sum("WATCHDOG=1" in one for one in heard) < 2:
            heard.append(manager.recv(4096).decode())
    assert any("READY=1" in one for one in heard)
    assert any("STATUS=Serving 0 Connections" in one for one in heard)
    _register(pgconns, door, password_file)
    serving.process.send_signal(signal.SIGHUP)
    assert "serving 1 Connection\n" in serving.said("read again")
    server = f'{{server="{door.server.host}:{door.server.port}"}}'
    wait_until(lambda: serving.tells(f"pgconns_server_up{server}") == 1, "it counts", 30)
    wait_until(lambda: (serving.tells(f"pgconns_server_polls_total{server}") or 0) >= 2, "it goes on counting", 30)
    assert serving.tells(f"pgconns_server_poll_failures_total{server}") == 0
    assert serving.tells("pgconns_connection_sockets{") == 0
    assert serving.tells("pgconns_registry_sound") == 1
    assert PASSWORD not in httpx.get(f"{serving.url}/metrics").text
    assert serving.tells("pgconns_connection_info{") == 1
    Registry().path.write_text("[[connections\n")
    serving.process.send_signal(signal.SIGHUP)
    assert "is damaged" in serving.said("damaged")
    wait_until(lambda: serving.tells("pgconns_registry_sound") == 0, "it says so", 30)
    assert serving.tells(f"pgconns_server_up{server}") == 1
    serving.process.send_signal(signal.SIGTERM)
    out, _ = serving.process.communicate(timeout=60)
    assert (serving.process.returncode, out) == (0, "")


def test_a_server_that_nobody_reaches_is_not_seen(pgconns: Program, refused_port: int, serve: Started) -> None:
    parameters = Parameters("gone", LOOPBACK, "carto", "gis", refused_port, password_from="env:HOME")
    Registry().add(Connection("id", parameters))
    serving = serve()
    wait_until(lambda: serving.tells("pgconns_server_up{") == 0, "it is told of", 30)
    assert serving.tells("pgconns_connection_up{") == 0
    assert serving.tells("pgconns_server_sockets") is serving.tells("pgconns_connection_sockets") is None
    assert (serving.tells("pgconns_server_poll_failures_total{") or 0) > 0


def test_whom_it_lets_in_is_said(serve: Started) -> None:
    serving = serve("--listen", ":0")
    said = serving.said("Warning")
    assert "without TLS and without a password to whoever reaches :" in said
    assert "--web-config" in said
    serving.process.send_signal(signal.SIGINT)
    serving.process.communicate(timeout=60)
    assert serving.process.returncode == 130


def test_what_cannot_be_served_is_refused(pgconns: Program, tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        taken = pgconns("metrics", "--listen", f"{LOOPBACK}:{holder.getsockname()[1]}")
    assert (taken.status, taken.out) == (3, "")
    assert "another program listens there" in taken.err
    for address in ("9187", "::1:9187", "127.0.0.1:70000", "127.0.0.1:x"):
        wrong = pgconns("metrics", "--listen", address)
        assert (wrong.status, wrong.out) == (2, "")
        assert "HOST:PORT" in wrong.err
    web = tmp_path / "web.yml"
    web.write_text("http_server_config: {http2: true}\n")
    refused = pgconns("metrics", "--listen", f"{LOOPBACK}:0", "--web-config", str(web))
    assert (refused.status, refused.out) == (2, "")
    assert "http_server_config" in refused.err


def test_what_it_prints(pgconns: Program, tmp_path: Path) -> None:
    rules = pgconns("metrics", "--rules")
    assert (rules.status, rules.err) == (0, "")
    (tmp_path / "rules.yml").write_text(rules.out)
    promtool("check", "rules", tmp_path / "rules.yml")
    dashboard = pgconns("metrics", "--dashboard")
    assert (dashboard.status, dashboard.err, dashboard.json["title"]) == (0, "", "pgconns")
    unit = pgconns("metrics", "--systemd", "--listen", ":9187", "--web-config", "web.yml")
    assert (unit.status, unit.err) == (0, "")
    assert "--listen :9187 --web-config /" in unit.out
    assert "ReadWritePaths" not in unit.out
    verifier = shutil.which("systemd-analyze")
    if verifier is not None:
        (tmp_path / "pgconns-metrics.service").write_text(unit.out)
        checked = subprocess.run(
            [verifier, "verify", tmp_path / "pgconns-metrics.service"], check=False, capture_output=True
        )
        assert b"pgconns-metrics.service" not in checked.stderr
    assert pgconns("metrics", "--rules", "--dashboard").status == 2


def test_from_the_server_to_prometheus_and_back(
    pgconns: Program,
    pg_server: PgServer,
    password_file: str,
    serve: Started,
    prometheus: Callable[..., Prometheus],
    certificate_authority: Authority,
    tmp_path: Path,
) -> None:
    """Four sockets fill a role: it is scraped by TLS and a password, stored, alerted of, and read back."""
    server = pg_server(17, hba="host all all all scram-sha-256")
    database, role = server.database(), server.role(PASSWORD, "LOGIN CONNECTION LIMIT 5")
    where = ("--server", server.host, "--port", str(server.port), "--database", database, "--username", role)
    assert pgconns("add", "one", *where, "--password-from", password_file).status == 0
    issued = certificate_authority.issue(LOOPBACK)
    certificate, key = issued.write(tmp_path)
    hash = bcrypt.hashpw(b"scrape", bcrypt.gensalt(4)).decode()
    web = {
        "tls_server_config": {"cert_file": certificate.name, "key_file": key.name},
        "basic_auth_users": {"prometheus": hash},
    }
    (tmp_path / "web.yml").write_text(yaml.safe_dump(web))
    serving = serve("--web-config", str(tmp_path / "web.yml"))
    scraped = {
        "job_name": "pgconns",
        "scheme": "https",
        "basic_auth": {"username": "prometheus", "password": "scrape"},
        "tls_config": {"ca_file": "root.crt"},
        "static_configs": [{"targets": [serving.url.removeprefix("https://")]}],
    }
    every = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    configuration = {"global": every, "rule_files": ["rules.yml"], "scrape_configs": [scraped]}
    stored = prometheus(
        yaml.safe_dump(configuration),
        {
            "rules.yml": pgconns("metrics", "--rules").out.encode(),
            "root.crt": certificate_authority.root.read_bytes(),
            "server.crt": issued.certificate,
            "server.key": issued.key,
        },
        web=yaml.safe_dump({**web, "tls_server_config": {"cert_file": "server.crt", "key_file": "server.key"}}),
        root=certificate_authority.root,
        login=("prometheus", "scrape"),
    )
    registry = Registry().path
    reading = (
        f'source = "prometheus:{stored.url}"\nusername = "prometheus"\npassword_from = "env:PROMETHEUS_PASSWORD"\n'
    )
    registry.write_text(f'{registry.read_text()}\n[history]\n{reading}ca_file = "{certificate_authority.root}"\n')
    pgconns.environment["PROMETHEUS_PASSWORD"] = "scrape"
    sockets = [server.connect(database, user=role, password=PASSWORD) for _ in range(4)]
    try:
        firing = 'ALERTS{alertname="PgconnsConnectionFull", alertstate="firing", connection="one", severity="critical"}'
        wait_until(lambda: bool(stored.query(firing)), f"it fires: {stored.targets()}", 60)
    finally:
        for held in sockets:
            held.close()
    wait_until(lambda: not stored.query(firing), "it is over", 60)
    told = pgconns("history", "one", "--since", "10m", "--step", "0s", "--json")
    assert (told.status, told.err) == (0, "")
    samples: list[dict[str, Any]] = told.json["samples"]
    (full, *_) = [one for one in samples if one["headroom"] == 0]
    assert {name: full[name] for name in ("sockets", "idle", "active", "limit", "stale")} == {
        "sockets": 4, "idle": 4, "active": 0, "limit": 5, "stale": 0,
    }  # fmt: skip
    assert samples[-1]["sockets"] == 0
    (alert,) = [one for one in told.json["alerts"] if one["kind"] == "full"]
    assert (alert["level"], alert["subject"]) == ("critical", told.json["id"])
    assert [one["server"] for one in told.json["restarts"]] == [f"{server.host}:{server.port}"]
    (day, *_) = pgconns("history", "one", "--since", "1d", "--per-day", "--json").json["days"]
    assert (day["peak"], day["limit"]) == (4, 5)
    doctor = {one["check"]: one for one in pgconns("doctor", "--json").json["findings"]}
    assert doctor["history"]["message"] == f"What was recorded is read from {stored.url}: 1 pgconns feeds it"
    wrong = pgconns("history", "one", env={"PROMETHEUS_PASSWORD": "planted"})
    assert (wrong.status, wrong.out) == (5, "")
    assert "lets nobody in" in wrong.err
    assert "planted" not in wrong.err
    stored.stop()
    gone = pgconns("history", "one")
    assert (gone.status, gone.err) == (5, f"pgconns: {stored.url} cannot be reached: connection refused\n")
