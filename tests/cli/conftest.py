"""The real program: every test of the command line starts a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.servers.postgres import Server

# Every printable character of ASCII, after letters that a search finds.
PASSWORD = "planted" + "".join(map(chr, range(32, 127))) + "."
_LIMIT_S = 60


class Result(NamedTuple):
    """What a run of the program answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.out)


class Program:
    """Runs pgconns with nothing on stdin, in an environment that the test may add to."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}

    def __call__(self, *words: str, stdin: str | bytes = b"", env: Mapping[str, str] | None = None) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "tui", *words],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env={**os.environ, **self.environment, **(env or {})},
            timeout=_LIMIT_S,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


class Door(NamedTuple):
    """A database and a role of a real server, and the flags of `add` that lead there."""

    server: Server
    database: str
    username: str

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags, without where the password comes from."""
        where = ("--server", self.server.host, "--port", str(self.server.port))
        return (*where, "--database", self.database, "--username", self.username)

    def uri(self, password: str = "") -> str:
        """The URI, with a password where one is given."""
        from urllib.parse import quote

        login = self.username + (f":{quote(password, safe='')}" if password else "")
        return f"postgresql://{login}@{self.server.host}:{self.server.port}/{self.database}"


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs of a session keep their bytecode, wherever they are told to write none."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture(autouse=True)
def compiled_once(bytecode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the many processes of these tests compile each module once."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(bytecode))


@pytest.fixture
def pgconns(home: Path) -> Program:
    """The program, in an empty home."""
    assert home.is_dir()
    return Program()


@pytest.fixture
def door(pg_server: Any) -> Door:
    """A server that lets PASSWORD in; CARTO's locations and PostGIS are missing, which is a warning."""
    server: Server = pg_server(17, hba="host all all all scram-sha-256")
    return Door(server, server.database(), server.role(PASSWORD, "LOGIN"))


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    """A password source that needs no vault, whose key takes half a second."""
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o600)
    return f"file:{path}"


@pytest.fixture
def vault_passphrase(tmp_path: Path, pgconns: Program) -> Path:
    """The file with the vault's passphrase, which the program is told of."""
    path = tmp_path / "passphrase"
    path.write_text("correct horse\n")
    path.chmod(0o600)
    pgconns.environment["PGCONNS_VAULT_PASSPHRASE_FILE"] = str(path)
    return path
