"""libpq's password file: read as libpq reads it, escapes included, and never where libpq would complain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import given

from tests.connections.given import AWKWARD, HOSTS, IDENTIFIERS, LONG, PASSWORDS, connection
from tui.connections import pgpass
from tui.connections.secrets import Secret, Secrets, SecretsError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import PgServer

PROD = connection(password_from="pgpass", port=5433)


def _write(home: Path, text: str, mode: int = 0o600) -> Path:
    file = home / ".pgpass"
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("db.example.com:5433:gis:carto:pw\n", "pw"),
        ("*:*:*:*:any\ndb.example.com:5433:gis:carto:late\n", "any"),
        ("other:5433:gis:carto:no\n*:5433:gis:carto:yes", "yes"),
        ("# db.example.com:5433:gis:carto:no\n\ndb.example.com:*:gis:carto:yes\r\n", "yes"),
        ("db.example.com:5433:gis:carto:a\\:b\\\\c", "a:b\\c"),
        ("db.example.com:5433:gis:carto:ends:here", "ends"),
        ("db.example.com:5433:gis:carto:trailing  ", "trailing  "),
        ("db.example.com:5433:gis:carto:lone\\", "lone\\"),
        ("db.example.com:5432:gis:carto:port", None),
        ("db.example.com:5433:gis:Carto:case", None),
        ("db.example.com:5433:gis:carto", None),
        ("", None),
    ],
)
def test_the_first_line_that_matches_is_taken(home: Path, text: str, password: str | None) -> None:
    _write(home, text)
    assert Secrets().get(PROD) == (Secret(password) if password is not None else None)


def test_there_may_be_no_file(home: Path) -> None:
    assert Secrets().get(PROD) is None
    assert pgpass.problem() == ""
    assert pgpass.place() == home / ".pgpass"


def test_another_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("*:*:*:*:here")
    other.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(other))
    assert Secrets().get(PROD) == Secret("here")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o601])
def test_a_file_that_libpq_ignores_is_named_before_libpq_says_so(home: Path, mode: int) -> None:
    file = _write(home, "*:*:*:*:planted", mode)
    with pytest.raises(SecretsError, match=f"Others may read the password file {file}, so libpq ignores it: run chmod"):
        Secrets().get(PROD)


def test_a_folder_in_its_place(home: Path) -> None:
    (home / ".pgpass").mkdir()
    with pytest.raises(SecretsError, match="no ordinary file"):
        Secrets().get(PROD)


@given(HOSTS, IDENTIFIERS, IDENTIFIERS, PASSWORDS)
def test_a_line_that_is_written_reads_back(host: str, database: str, username: str, password: str) -> None:
    line = pgpass.line(host, "5433", database, username, Secret(password))
    (entry,) = pgpass.entries(f"# first\n{line}\n")
    assert entry == pgpass.Entry(host, "5433", database, username, Secret(password))
    assert entry.matches(connection(server=host, port=5433, database=database, username=username).parameters)


@pytest.mark.parametrize("password", [AWKWARD, LONG])
def test_libpq_reads_what_is_written_and_we_read_what_libpq_reads(
    pg_server: PgServer, home: Path, password: str
) -> None:
    server = pg_server(16)
    role, database = server.role(password), server.database()
    here = connection(server=server.host, port=server.port, database=database, username=role, password_from="pgpass")
    _write(home, pgpass.line(server.host, str(server.port), database, role, Secret(password)) + "\n")
    with psycopg.connect(host=server.host, port=server.port, dbname=database, user=role) as session:
        assert session.execute("select current_user").fetchone() == (role,)
    assert Secrets().get(here) == Secret(password)
