"""pgconns watch as a process: what systemd and whoever stops it rely on."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import PASSWORD
from tests.servers.host import wait_until
from tui.connections.registry import Registry
from tui.history import ledger
from tui.history.reader import History
from tui.history.store import Store
from tui.workflows.tables import spot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Door, Program
    from tui.sockets.model import Sample

    Started = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def watch(pgconns: Program) -> Iterator[Started]:
    """Starts `pgconns watch`; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **environment: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tui", "watch", "--interval", "0.2", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **pgconns.environment, **environment},
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _samples() -> list[Sample]:
    history = History()
    return list(history.samples(0, 4e9)) if history.path.exists() else []


def _said(process: subprocess.Popen[str], words: str) -> str:
    """Read stderr until a line holds these words."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return line
    pytest.fail(f"it ended without saying {words!r}")


def _register(pgconns: Program, door: Door, password_file: str, name: str = "one") -> None:
    assert pgconns("add", name, *door.flags, "--password-from", password_file).status == 0


def test_it_records_until_sigterm(pgconns: Program, door: Door, password_file: str, watch: Started) -> None:
    _register(pgconns, door, password_file)
    process = watch()
    assert "Recording 1 Connection every 0.2 seconds into" in _said(process, "Recording")
    wait_until(lambda: len(_samples()) >= 3, "some samples")
    second = pgconns("watch")
    assert (second.status, second.out) == (5, "")
    assert f"process {process.pid} records into" in second.err
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert f"the last sample written is number {len(_samples())}\n" in err
    listed = pgconns("history", "one", "--since", "1h", "--step", "0s", "--json")
    assert len(listed.json["samples"]) == len(_samples())
    assert listed.json["samples"][-1]["sockets"] == 0
    assert [one["server"] for one in listed.json["restarts"]] == [f"{door.server.host}:{door.server.port}"]


def test_ctrl_c_and_hangup(pgconns: Program, door: Door, password_file: str, watch: Started) -> None:
    process = watch()
    assert "Recording 0 Connections" in _said(process, "Recording")
    _register(pgconns, door, password_file)
    process.send_signal(signal.SIGHUP)
    assert "recording 1 Connection\n" in _said(process, "read again")
    wait_until(lambda: len(_samples()) >= 2, "some samples")
    registry = Registry().path
    registry.write_text("[[connections\n")
    process.send_signal(signal.SIGHUP)
    assert "is damaged" in _said(process, "damaged")
    before = len(_samples())
    wait_until(lambda: len(_samples()) > before, "it goes on")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_what_systemd_hears(pgconns: Program, door: Door, password_file: str, watch: Started, tmp_path: Path) -> None:
    _register(pgconns, door, password_file)
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        place = str(tmp_path / "notify")
        manager.bind(place)
        manager.settimeout(20)
        process = watch(NOTIFY_SOCKET=place, WATCHDOG_USEC="600000")
        while sum("WATCHDOG=1" in one for one in heard) < 3:
            heard.append(manager.recv(4096).decode())
        assert any("READY=1" in one for one in heard)
        assert any("STATUS=Recording 1 Connection" in one for one in heard)
        process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in heard:
            heard.append(manager.recv(4096).decode())
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_the_vault_is_opened_by_a_credential(
    pgconns: Program, door: Door, watch: Started, vault_passphrase: Path, tmp_path: Path
) -> None:
    assert (
        pgconns("add", "one", *door.flags, "--password-from", "vault", "--password-stdin", stdin=PASSWORD).status == 0
    )
    pgconns.environment.clear()
    locked = watch()
    assert locked.wait(20) == 5
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    shutil.copy(vault_passphrase, credentials / "pgconns-vault")
    process = watch(CREDENTIALS_DIRECTORY=str(credentials))
    _said(process, "Recording")
    wait_until(lambda: any(s.servers[0].used is not None for s in _samples()), "it logs in")


def test_what_it_cannot_record_into_is_refused(pgconns: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database at all, but long enough to look at" * 100)
    done = pgconns("watch", env={"PGCONNS_HISTORY": str(tmp_path / "file" / "history.db")})
    assert (done.status, done.out) == (5, "")
    assert "cannot be written: a file stands where a folder should be" in done.err
    registry = Registry().path
    registry.parent.mkdir(parents=True)
    registry.write_text("[history]\nraw_days = 'many'\n")
    assert pgconns("watch").status == 5


def test_the_unit(pgconns: Program, tmp_path: Path) -> None:
    folder = tmp_path / "some 100% where"
    done = pgconns("watch", "--systemd", "--interval", "5", env={"XDG_DATA_HOME": str(folder), "PGPASSWORD": "x"})
    assert (done.status, done.err) == (0, "")
    for line in ("Type=notify", "WatchdogSec=60", "LoadCredential=pgconns-vault:/etc/pgconns/vault-passphrase"):
        assert line in done.out.splitlines()
    assert f'Environment="XDG_DATA_HOME={folder}"'.replace("%", "%%") in done.out.splitlines()
    assert "PGPASSWORD" not in done.out
    assert f'"-{folder}/pgconns"'.replace("%", "%%") in done.out
    verifier = shutil.which("systemd-analyze")
    if verifier is not None:
        unit = tmp_path / "pgconns-watch.service"
        unit.write_text(done.out)
        checked = subprocess.run([verifier, "verify", unit], capture_output=True, text=True, check=False)
        assert str(unit) not in checked.stderr
        assert checked.returncode == 0, checked.stderr


def test_temporary_tables_are_looked_at_and_listed(
    pgconns: Program, door: Door, password_file: str, watch: Started
) -> None:
    assert (
        pgconns("add", "one", *door.flags, "--password-from", password_file, "--workflows-temp", "left over").status
        == 0
    )
    assert pgconns("temp-tables", "one").status == 5
    with door.server.connect(door.database) as opened:
        opened.execute('CREATE SCHEMA "left over"; CREATE TABLE "left over"."a\x1b[31m" AS SELECT 1 AS n')
    Store(History().path).close()
    nobody = pgconns("temp-tables", "one")
    assert (nobody.status, "looks every ten minutes" in nobody.err) == (5, True)
    process = watch()
    where = spot(Registry().get("one"))
    wait_until(lambda: ledger.read(History().path, where) is not None, "somebody looked", 60)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    listed = pgconns("temp-tables", "one")
    assert (listed.status, listed.out.splitlines()[0].split()) == (0, ["TABLE", "SIZE", "AGE", "FIRST", "SEEN"])
    assert "a␛[31m" in listed.out
    assert "≥ " in listed.out
    assert "1 table in left over of" in listed.err
    told = pgconns("temp-tables", "one", "--json").json
    assert [(one["table"], one["created_after"]) for one in told["tables"]] == [("a\x1b[31m", None)]
    assert pgconns("temp-tables", "one", "--sql").status == 2
    written = pgconns("temp-tables", "one", "--older-than", "0s", "--sql")
    assert (written.status, "SET LOCAL lock_timeout" in written.out) == (0, True)
    assert "DROP" not in pgconns("temp-tables", "one", "--older-than", "1h", "--sql").out
    with door.server.connect(door.database) as opened:
        assert opened.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'left over'").fetchone() == (1,)
        opened.execute(written.out.encode())
        assert opened.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'left over'").fetchone() == (0,)
