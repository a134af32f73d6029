"""The demo against the real thing: it shows what it promises, and leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.demo.running import RunningDemo, children_of, command_line
from tests.servers.host import give_up, wait_until
from tests.terminal import Terminal
from tui.demo import programs, scenario

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for temporary files that any user may enter: the server is not root's."""
    folder = Path(tempfile.mkdtemp(prefix="pgconns-tests-demo-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _open(connection: dict[str, Any]) -> psycopg.Connection[tuple[Any, ...]]:
    password = Path(connection["password_from"].removeprefix("file:")).read_text().strip()
    return psycopg.connect(
        host=connection["server"],
        port=connection["port"],
        dbname=connection["database"],
        user=connection["username"],
        password=password,
        autocommit=True,
    )


def test_it_runs_and_leaves_nothing(scratch: Path, home: Path) -> None:
    with RunningDemo(scratch) as demo:
        demo.started()
        assert [c["name"] for c in demo.connections] == [c.name for c in scenario.CONNECTIONS]
        private = demo.registry.parent
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        for file in [demo.registry, *(private / "passwords").iterdir()]:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        for connection in demo.connections:
            _open(connection).close()
        secrets = [file.read_text().strip() for file in (private / "passwords").iterdir()]
        assert all(len(secret) > 20 for secret in secrets)
        said = " ".join(command_line(pid) for pid in demo.processes | {demo.process.pid})
        assert "tui.demo.traffic" in said
        assert not any(secret in said for secret in secrets)
        with _open(demo.connections[0]) as watcher:
            counted = "SELECT count(DISTINCT usename) FROM pg_stat_activity WHERE usename = ANY (%s)"
            roles = [connection["username"] for connection in demo.connections]
            wait_until(
                lambda: watcher.execute(counted, [roles]).fetchone() == (len(set(roles)),), "every role holds sockets"
            )
            marked = "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '/* CARTO/3.0 (%'"
            wait_until(lambda: watcher.execute(marked).fetchone() == (True,), "SQL is marked as CARTO's")
        assert demo.end(signal.SIGTERM) == 0
        demo.wait_until_gone()
    assert not list(home.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_it_nothing_is_left(scratch: Path, number: signal.Signals) -> None:
    with RunningDemo(scratch) as demo:
        status = demo.started().end(number)
        assert status == {signal.SIGINT: 130, signal.SIGHUP: 0, signal.SIGKILL: -9}[number]
        demo.wait_until_gone()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ended_while_it_starts(scratch: Path, number: signal.Signals) -> None:
    with RunningDemo(scratch) as demo:
        wait_until(lambda: bool(list(scratch.glob("*/data"))), "the server is being made")
        demo.end(number)
        demo.wait_until_gone()


def test_two_at_once(scratch: Path) -> None:
    with ExitStack() as stack:
        demos = [stack.enter_context(RunningDemo(scratch)) for _ in range(2)]
        ports = {demo.started().connections[0]["port"] for demo in demos}
        assert len(ports) == 2
        assert [demo.end(signal.SIGTERM) for demo in demos] == [0, 0]
        for demo in demos:
            demo.wait_until_gone()


def test_on_a_terminal_the_console_opens(scratch: Path) -> None:
    command = [sys.executable, "-m", "tui", "demo"]
    with Terminal(command, {**os.environ, "TMPDIR": str(scratch)}) as terminal:
        terminal.wait_for("6 Connections on 1 server", 30)
        terminal.wait_for("sockets:", 30)
        processes = children_of(terminal.process.pid)
        assert processes
        terminal.press("ctrl+q")
        assert terminal.end() == 0
        assert terminal.restored
    wait_until(lambda: not list(scratch.iterdir()), "its folder is gone")


def test_terminal_closed_under_it(scratch: Path) -> None:
    command = [sys.executable, "-m", "tui", "demo"]
    with Terminal(command, {**os.environ, "TMPDIR": str(scratch)}) as terminal:
        terminal.wait_for("6 Connections on 1 server", 30)
        terminal.hang_up()
        terminal.process.wait(20)
    wait_until(lambda: not list(scratch.iterdir()), "its folder is gone")


def test_without_postgresql_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_of_wheel", lambda: ())
    monkeypatch.setattr(programs, "_of_machine", lambda: ())
    with pytest.raises(programs.DemoError, match=r"pip install 'pgconns\[demo\]'"):
        programs.find()


def test_the_machine_s_own_postgresql_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_of_wheel", lambda: ())
    monkeypatch.setenv("PATH", "")
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        give_up("no PostgreSQL of Debian's is here")
    assert (programs.find() / "initdb").exists()


def test_the_janitor_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    kept = tmp_path / "folder"
    kept.mkdir()
    script = (
        "import subprocess, sys, time; from pathlib import Path; from tui.demo.janitor import Janitor\n"
        "janitor = Janitor(); janitor.folder(Path(sys.argv[1])); child = subprocess.Popen(['sleep', '60'])\n"
        "janitor.process(child.pid); print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(kept)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: not kept.exists(), "the folder is gone")
    wait_until(lambda: "sleep" not in command_line(child), "the child has ended")
