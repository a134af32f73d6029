"""Connection strings, as libpq reads and writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq

from tui.connections.secret import Secret
from tui.postgres import conninfo
from tui.postgres.quoting import identifier, literal

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(st.sampled_from(["host", "dbname", "user", "application_name"]), TEXTS, min_size=1), TEXTS)
def test_written_and_read(options: dict[str, str], password: str) -> None:
    read = {
        option.keyword.decode(): option.val.decode()
        for option in pq.Conninfo.parse(conninfo.write(options, Secret(password)))
        if option.val is not None
    }
    assert read == {**options, "password": password}


def test_reading() -> None:
    assert conninfo.parse("postgresql://u:p%40x@[2001:db8::1]:6432/d?sslmode=require") == {
        "user": "u", "password": "p@x", "host": "2001:db8::1", "port": "6432", "dbname": "d", "sslmode": "require",
    }  # fmt: skip
    assert conninfo.parse("host=h service=prod dbname='a b'") == {"host": "h", "service": "prod", "dbname": "a b"}


@pytest.mark.parametrize(
    "text",
    [
        "host=a planted=planted-5",
        "postgresql://u:planted-5@[::1/d",
        "password='planted-5",
        "password=planted-5 port",
        "postgresql://u:planted-5%zz@h/d",
        "planted-5",
        "host=a\0b",
        "postgresql://u:planted-5@h/d?nosuch=1",
    ],
)
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r".+") as raised:
        conninfo.parse(text)
    assert "planted-5" not in str(raised.value)
    assert raised.value.__cause__ is None


@given(st.text())
def test_quoting_closes_what_it_opens(text: str) -> None:
    assert identifier(text).replace('""', "").count('"') in {2, 0}
    assert literal(text).removeprefix("E").startswith("'")
