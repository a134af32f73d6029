"""libpq's service file, found and read as libpq does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from psycopg import pq

from tui.connections import pg_service
from tui.connections.parameters import Problem

TEXT = """\
# ours
[prod]
host=db.example.com
port=5433
dbname=gis
user=carto
password= spaces and=signs
sslmode=verify-full
host=second.example.com

[test]
  host=test.example.com  \r
[prod]
host=late.example.com
"""


def test_services_are_read() -> None:
    assert pg_service.services(TEXT) == {
        "prod": {
            "host": "db.example.com",
            "port": "5433",
            "dbname": "gis",
            "user": "carto",
            "password": " spaces and=signs",
            "sslmode": "verify-full",
        },
        "test": {"host": "test.example.com"},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("host=a", "Line 1 stands before"),
        ("[a]\nplanted", "Line 2 is no parameter"),
        ("\n[a\n", "Line 2 is no section"),
        ("[]", "Line 1 is no section"),
    ],
)
def test_what_is_no_service_file_is_named_by_line(text: str, words: str) -> None:
    with pytest.raises(Problem) as caught:
        pg_service.services(text)
    assert words in str(caught.value)
    assert "planted" not in str(caught.value)


def test_libpq_reads_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "services").write_text(TEXT)
    monkeypatch.setenv("PGSERVICEFILE", str(home / "services"))
    for name in ("prod", "test"):
        monkeypatch.setenv("PGSERVICE", name)
        found = pg_service.find(name)
        defaults = {one.keyword.decode(): one.val.decode() for one in pq.Conninfo.get_defaults() if one.val}
        assert {key: defaults[key] for key in found} == found


def test_the_users_file_comes_before_the_systems(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".pg_service.conf").write_text("[a]\nhost=user\n")
    (home / "pg_service.conf").write_text("[a]\nhost=system\n[b]\nhost=system\n")
    monkeypatch.setenv("PGSYSCONFDIR", str(home))
    assert pg_service.find("a") == {"host": "user"}
    assert pg_service.find("b") == {"host": "system"}
    with pytest.raises(Problem, match=r"There is no service c in .*\.pg_service\.conf or .*pg_service\.conf"):
        pg_service.find("c")


def test_failures_are_sentences(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSYSCONFDIR", str(home / "none"))
    with pytest.raises(Problem, match="no service file"):
        pg_service.find("a")
    monkeypatch.setenv("PGSERVICEFILE", str(home / "absent"))
    with pytest.raises(Problem, match="which PGSERVICEFILE names"):
        pg_service.find("a")
    monkeypatch.setenv("PGSERVICEFILE", str(home))
    with pytest.raises(Problem, match="a folder stands in its place"):
        pg_service.find("a")
    (home / "bad").write_bytes(b"[a]\nhost=\xff\n")
    monkeypatch.setenv("PGSERVICEFILE", os.fspath(home / "bad"))
    with pytest.raises(Problem, match="not UTF-8"):
        pg_service.find("a")
    (home / "bad").write_text("[a]\nx\n")
    with pytest.raises(Problem, match="Line 2"):
        pg_service.find("a")
