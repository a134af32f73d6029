"""Where output goes, what pipes may do to it, and what a defect prints."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from tests.cli.conftest import PASSWORD, Door, Program
from tui.cli.output import Output, fit
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry
from tui.connections.registry_text import dumps
from tui.postgres.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture
def many(home: Path) -> None:
    """A registry that fills a pipe."""
    parameters = Parameters("", "db.example.com", "carto", "gis", password_from="env:NOT_SET")
    connections = [Connection(f"id-{n}", parameters._replace(name=f"prod {n}")) for n in range(2000)]
    path = Registry().path
    path.parent.mkdir(parents=True)
    path.write_text(dumps(connections))


def test_a_file_on_stdout_is_whole_however_long(pgconns: Program, many: None) -> None:
    assert pgconns("export").out == Registry().path.read_text()


def start(words: Sequence[str], stdout: int | IO[str]) -> subprocess.Popen[bytes]:
    """Start the program, buffered as a person's Python is."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "tui", *words]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, env=environment)


def test_a_reader_that_leaves_early_is_no_error(many: None) -> None:
    running = start(["list"], subprocess.PIPE)
    assert running.stdout
    assert running.stdout.readline().startswith(b"NAME")
    running.stdout.close()
    assert (running.communicate(timeout=60)[1], running.returncode) == (b"", 141)


def test_a_full_disk_is_said(many: None) -> None:
    with Path("/dev/full").open("w") as full:
        running = start(["list"], full)
        errors = running.communicate(timeout=60)[1].decode()
    assert running.returncode == 70
    assert "No space left" in errors
    assert "Traceback" not in errors


def test_closed_streams_are_no_error(many: None) -> None:
    command = f'"{sys.executable}" -m tui list >&- 2>&- <&-'
    assert subprocess.run(["/bin/sh", "-c", command], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_letters_that_the_terminal_lacks_are_no_error(pgconns: Program, home: Path, encoding: str) -> None:
    Registry().add(Connection("id", Parameters("🗺 maps", "db.example.com", "carto", "gis")))
    result = pgconns("list", env={"PYTHONIOENCODING": encoding})
    assert result.status == 0
    assert "maps" in result.out
    listed = pgconns("list", "--json", env={"PYTHONIOENCODING": encoding})
    assert listed.json["connections"][0]["name"] == "🗺 maps"


def test_a_finding_is_one_line_its_fix_beneath_and_nothing_is_obeyed() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(out, err)
    output.finding(
        Finding("tcp", "failed", "no\n[bold]\x1b[2J", fix="first\nsecond", code="ECONNREFUSED", milliseconds=3)
    )
    assert out.getvalue() == ""
    assert err.getvalue() == ("x failed  TCP: no [bold]␛[2J [ECONNREFUSED] (3 ms)\n    Fix: first\n         second\n")


def test_columns_give_in_turn() -> None:
    assert fit([5, 5], 80) == [5, 5]
    assert sum(fit([100, 20, 30], 80)) == 76
    assert fit([100, 20, 30], 10) == [8, 8, 8]


def test_stdout_is_data_only(pgconns: Program, door: Door, password_file: str) -> None:
    added = pgconns("add", "prod", *door.flags, "--password-from", password_file)
    assert added.out.splitlines() == [added.out.strip()]
    quiet = pgconns("add", "second", *door.flags, "--password-from", password_file, "--json")
    assert quiet.err == ""


DEFECT = """
import sys
from tui.cli import list as broken
from tui.cli.main import run
def defect(arguments, output):
    password = "planted-secret"
    raise RuntimeError("planted-secret " + password)
broken.run = defect
broken.PLAIN = False
sys.exit(run(['list']))
"""


def test_a_defect_is_reported_without_secrets(home: Path) -> None:
    program = DEFECT
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (70, "")
    assert "RuntimeError" in done.stderr
    assert "defect of pgconns" in done.stderr
    assert "pgconns 0.1.0, Python 3." in done.stderr
    assert "planted" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_password_is_nowhere(pgconns: Program, door: Door, vault_passphrase: Path, home: Path) -> None:
    said = []
    for words, stdin in (
        (["add", "prod", *door.flags, "--password-stdin"], PASSWORD),
        (["add", "uri", "--from-uri", "-", "--json"], door.uri(PASSWORD)),
        (["edit", "prod", "--password-stdin"], PASSWORD + "wrong"),
        (["check", "--json"], ""),
        (["show", "prod"], ""),
        (["export"], ""),
        (["import", "-"], door.uri(PASSWORD + "wrong")),
    ):
        result = pgconns(*words, stdin=stdin)
        said.append(result.out + result.err)
    assert all("planted" not in text for text in said)
    assert len(Registry().load()) == 2
    for folder, _, files in os.walk(home):
        for file in files:
            assert b"planted" not in (Path(folder) / file).read_bytes(), file
