"""What people paste: every shape that libpq takes, and what is copied around it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.connections.given import AWKWARD, HOSTS, IDENTIFIERS, LONG, PASSWORDS
from tui.connections import parameters
from tui.connections.parameters import SSLMODES, Problem
from tui.connections.uri import Pasted, looks_like, read_pasted


def _parse(text: str) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in conninfo_to_dict(text).items()}
    except ProgrammingError as error:
        raise ValueError(str(error).strip()) from None


def _service(name: str) -> dict[str, str]:
    if name != "prod":
        raise Problem(f"There is no service {name}")
    return {"host": "svc.example.com", "port": "5433", "user": "svc", "password": "from service", "dbname": "gis"}


def _read(text: str) -> Pasted:
    return read_pasted(text, _parse, _service)


BASE = {"connector": "postgresql", "port": "5432", "sslmode": "prefer"}


@pytest.mark.parametrize(
    ("text", "draft", "password"),
    [
        ("postgres://u:p@h/d", {"server": "h", "username": "u", "database": "d"}, "p"),
        ("  postgresql://h\n", {"server": "h"}, None),
        ("postgresql://u@h:5433/d", {"server": "h", "port": "5433", "username": "u", "database": "d"}, None),
        ("postgresql://[2001:db8::1]:5433/d", {"server": "2001:db8::1", "port": "5433", "database": "d"}, None),
        ("postgresql://[::1]", {"server": "::1"}, None),
        (
            "postgresql://u%40x:p%2F%3A%25%20@h%2Eexample/a%22b%3B%20drop",
            {"server": "h.example", "username": "u@x", "database": 'a"b; drop'},
            "p/:% ",
        ),
        (
            "host=h dbname='a b' user=u password='p q\\' r\\\\ '",
            {"server": "h", "username": "u", "database": "a b"},
            "p q' r\\ ",
        ),
        ("host = h port = 5433", {"server": "h", "port": "5433"}, None),
        ("dbname=d hostaddr=10.0.0.1", {"server": "10.0.0.1", "database": "d"}, None),
        ("postgresql:///d?host=h&port=5433", {"server": "h", "port": "5433", "database": "d"}, None),
        (
            "postgresql://h/d?sslmode=verify-full&sslrootcert=%2Fa%20b",
            {"server": "h", "database": "d", "sslmode": "verify-full", "sslrootcert": "/a b"},
            None,
        ),
        ("postgresql://h/d?ssl=true", {"server": "h", "database": "d", "sslmode": "require"}, None),
        ("postgresql:///d", {"server": "", "database": "d"}, None),
        (
            "postgresql://?service=prod",
            {"server": "svc.example.com", "port": "5433", "username": "svc", "database": "gis"},
            "from service",
        ),
        (
            "service=prod user=me password=mine",
            {"server": "svc.example.com", "port": "5433", "username": "me", "database": "gis"},
            "mine",
        ),
        ("DATABASE_URL='postgres://u:p@h/d'", {"server": "h", "username": "u", "database": "d"}, "p"),
        ("export PG_URL=postgres://u@h/d", {"server": "h", "username": "u", "database": "d"}, None),
        ('psql "postgresql://u@h/d"', {"server": "h", "username": "u", "database": "d"}, None),
        (
            "jdbc:postgresql://h:5433/d?user=u&password=p",
            {"server": "h", "port": "5433", "username": "u", "database": "d"},
            "p",
        ),
        ("postgresql+psycopg://u:p@h/d", {"server": "h", "username": "u", "database": "d"}, "p"),
        ("postgresql://h:6432/d", {"server": "h", "port": "6432", "database": "d", "connector": "pgbouncer"}, None),
        (
            "postgresql://x.postgres.database.azure.com/d",
            {"server": "x.postgres.database.azure.com", "database": "d", "connector": "azure", "sslmode": "require"},
            None,
        ),
        (
            "postgresql://x.postgres.database.azure.com/d?sslmode=disable",
            {"server": "x.postgres.database.azure.com", "database": "d", "connector": "azure", "sslmode": "disable"},
            None,
        ),
    ],
)
def test_a_pasted_string_fills_the_form(text: str, draft: dict[str, str], password: str | None) -> None:
    assert looks_like(text)
    pasted = _read(text)
    assert pasted.draft == {**BASE, **draft}
    assert (pasted.password.reveal() if pasted.password else None) == password
    assert pasted.notes == ()


@pytest.mark.parametrize(
    ("text", "server", "port", "left"),
    [
        ("postgresql://a:1,b:2,c/d", "a", "1", "b:2, c:5432 left out"),
        ("postgresql://a,b:6000/d", "a", "5432", "b:6000 left out"),
        ("host=a,b port=5433", "a", "5433", "b:5433 left out"),
        ("host=,b,c port=1,2,3", "b", "2", "a local socket:1, c:3 left out"),
        ("postgresql://[::1]:1,[::2]:2/d", "::1", "1", "::2:2 left out"),
    ],
)
def test_of_a_host_list_the_first_is_taken_and_the_others_are_named(
    text: str, server: str, port: str, left: str
) -> None:
    pasted = _read(text)
    assert (pasted.draft["server"], pasted.draft["port"]) == (server, port)
    (note,) = pasted.notes
    assert left.replace(":5432", "") in note.replace(":5432", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgresql://h/d?connect_timeout=3&application_name=x", "application_name, connect_timeout"),
        ("postgresql://h/d?sslcert=a&sslkey=b", "client certificate"),
        ("host=h hostaddr=10.0.0.1", "hostaddr was left out"),
        ("host=h sslpassword=planted", "sslpassword"),
    ],
)
def test_what_carto_cannot_use_is_named_without_its_value(text: str, words: str) -> None:
    notes = " ".join(_read(text).notes)
    assert words in notes
    assert "planted" not in notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("host=h nosuch=1", 'invalid connection option "nosuch"'),
        ("postgresql://h/d?nosuch=1", "nosuch"),
        ("postgresql://[::1", "IPv6"),
        ("host='h", "unterminated quoted string"),
        ("postgresql://h:x y/d", "cannot be read"),
        ("service=nope", "There is no service nope"),
        ("postgresql://" + "h" * 20_000, "longer than any"),
    ],
)
def test_what_libpq_refuses_is_refused_in_its_words(text: str, words: str) -> None:
    with pytest.raises(Problem) as caught:
        _read(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["postgresql:///d?host=%2Fvar%2Frun%2Fpostgresql", "host=/var/run/postgresql dbname=d", "postgresql://%2Ftmp/d"],
)
def test_a_socket_folder_keeps_the_rest_and_says_what_is_wrong_beside_server(text: str) -> None:
    pasted = _read(text)
    assert pasted.draft["database"] == "d"
    assert "socket folder" in parameters.read({**pasted.draft, "name": "x", "username": "u"})[1]["server"]


@pytest.mark.parametrize(
    ("text", "draft"),
    [
        ("db.example.com", {**BASE, "server": "db.example.com"}),
        ("db.example.com:5433", {**BASE, "server": "db.example.com", "port": "5433"}),
        ("db.example.com:6432", {**BASE, "server": "db.example.com", "port": "6432", "connector": "pgbouncer"}),
        ("[::1]:5433", {**BASE, "server": "::1", "port": "5433"}),
        ("2001:db8::1", {"server": "2001:db8::1"}),
        ("two words", {"server": "two words"}),
        ("", {"server": ""}),
    ],
)
def test_a_bare_host_is_a_server(text: str, draft: dict[str, str]) -> None:
    assert not looks_like(text)
    assert _read(text) == Pasted(draft, None, ())


@pytest.mark.parametrize("password", [AWKWARD, LONG, "x" * 1000])
def test_awkward_passwords_survive_percent_encoding_and_quoting(password: str) -> None:
    for text in (f"postgresql://u:{quote(password, safe='')}@h/d", make_conninfo(host="h", password=password)):
        pasted = _read(text)
        assert pasted.password is not None
        assert pasted.password.reveal() == password
        assert password not in repr(pasted)


@given(HOSTS, st.integers(1, 65535), IDENTIFIERS, IDENTIFIERS, PASSWORDS, st.sampled_from(SSLMODES))
def test_what_libpq_writes_is_read(host: str, port: int, user: str, database: str, password: str, sslmode: str) -> None:
    options: dict[str, Any] = {"host": host, "port": port, "user": user, "dbname": database, "sslmode": sslmode}
    pairs = make_conninfo(**options, password=password)
    bracketed = f"[{host}]" if ":" in host else host
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    uri = f"postgresql://{login}@{bracketed}:{port}/{quote(database, safe='')}?sslmode={sslmode}"
    for text in (pairs, uri):
        pasted = _read(text)
        draft = pasted.draft
        assert (draft["server"], draft["port"], draft["username"]) == (host, str(port), user)
        assert (draft["database"], draft["sslmode"]) == (database, sslmode)
        assert pasted.password is not None
        assert pasted.password.reveal() == password
        assert parameters.read({**draft, "name": "x"})[1] == {}


@given(st.text(max_size=100))
def test_no_text_crashes_the_reader(text: str) -> None:
    try:
        _read(text.replace("\0", ""))
    except Problem as problem:
        assert str(problem)


@pytest.mark.parametrize("text", ["mysql://u:hunter2@h/d", "https://u:hunter2@db.example.com", "://hunter2"])
def test_a_uri_of_something_else_is_refused_without_being_quoted(text: str) -> None:
    assert looks_like(text)
    with pytest.raises(Problem, match="no URI of PostgreSQL") as refused:
        _read(text)
    assert "hunter2" not in str(refused.value)
