"""Imports: the format is told by itself, and each draft becomes Parameters or says what is missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.connections.given import connection
from tui.connections import parameters, registry_text
from tui.connections.importing import Imported, from_text, read_import
from tui.connections.parameters import Problem
from tui.connections.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path


def _parse(text: str) -> dict[str, str]:
    return {key: str(value) for key, value in conninfo_to_dict(text).items()}


def _none(name: str) -> dict[str, str]:
    raise Problem(f"There is no service {name}")


def _read(text: str) -> tuple[Imported, ...]:
    return from_text(text, _parse, _none)


def test_a_service_file() -> None:
    first, second = _read(
        "# x\n[prod db]\nhost=h\nuser=u\ndbname=d\npassword=p w\noptions=-c x=y\n[b]\nhost=i\nservice=z"
    )
    assert parameters.read(first.draft)[1] == {}
    assert (first.draft["name"], first.password, first.origin) == ("prod db", Secret("p w"), "[prod db]")
    assert "options" in first.notes[0]
    assert sorted(parameters.read(second.draft)[1]) == ["database", "username"]
    assert "not followed" in second.notes[0]


def test_a_password_file() -> None:
    first, second = _read("# mine\nh\\:x:5433:d:u:p\\:w\n*:*:*:me:other\n")
    assert first.draft["server"] == "h:x"
    assert (first.draft["port"], first.password) == ("5433", Secret("p:w"))
    assert "password_from" not in first.draft
    assert sorted(parameters.read(second.draft)[1]) == ["database", "server"]
    assert "any host, dbname" in second.notes[0]


def test_passwords_of_libpqs_own_file_stay_there(home: Path) -> None:
    (home / ".pgpass").write_text("h:5432:d:u:p\n")
    (imported,) = read_import(home / ".pgpass", _parse)
    assert imported.draft["password_from"] == "pgpass"
    assert imported.draft["name"] == "d@h"


def test_strings_one_a_line_get_names_of_their_own() -> None:
    found = _read("postgresql://u:p@h/d\n\n# the same\npostgresql://u:p@h/d\nhost=i dbname=d user=u\npostgresql://i")
    assert [one.draft["name"] for one in found] == ["d@h", "d@h 2", "d@i", "i"]
    assert [one.origin for one in found] == ["line 1", "line 4", "line 5", "line 6"]
    assert found[0].password == Secret("p")


def test_another_registry() -> None:
    one = connection("odd 'name' 🐘", match_client=("10.0.0.0/8", "::1/128"), port=6432)
    runs = connection("runs", password_from="command:rm -rf /tmp/x")
    first, second = _read(registry_text.dumps([one, runs]))
    assert parameters.read(first.draft) == (one.parameters, {})
    assert first.notes == ()
    assert "rm -rf" in second.notes[0]


def test_a_windows_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "uris.txt"
    file.write_bytes(b"\xef\xbb\xbfpostgresql://u@h/d\r\npostgresql://u@i/d\r\n")
    assert [one.draft["server"] for one in read_import(file, _parse)] == ["h", "i"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("# only\n\n", "empty"),
        ("hello world", "This is no pg_service.conf"),
        ("{}", "This is no pg_service.conf"),
        ("postgresql://h/d\npostgresql://[::1\n", "Line 2"),
        ("service=x", "Line 1: There is no service x"),
        ("[[connections]]\nname = 5\n", "line 2"),
        ("version = 9\n", "upgrade"),
    ],
)
def test_what_cannot_be_imported_says_why(text: str, words: str) -> None:
    def parse(text: str) -> dict[str, str]:
        if "[::1" in text:
            raise ValueError("libpq's words")
        return _parse(text)

    with pytest.raises(Problem) as caught:
        from_text(text, parse, _none)
    assert words in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no such file"):
        read_import(tmp_path / "absent", _parse)
    with pytest.raises(Problem, match="folder"):
        read_import(tmp_path, _parse)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Problem, match="not UTF-8"):
        read_import(tmp_path / "binary", _parse)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Problem, match="no ordinary file"):
        read_import(tmp_path / "pipe", _parse)
