"""The text of a registry: what is read, what is refused and where, and what an edit leaves as it was."""

from __future__ import annotations

import hashlib
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connections.given import PARAMETERS, connection
from tui.connections import registry_text
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry, RegistryError

if TYPE_CHECKING:
    from pathlib import Path

HAND_WRITTEN = """\
# The servers of the map team.
# Ask Ana before touching.
version = 1
owner = "maps"   # ours

# Production: do not touch
[[connections]]
name = 'prod'          # the name
server = "db.example.com"
username = "carto"
database = "gis"
port = 5433 # not the usual
team = "maps"
match_client = [
  "10.0.0.0/8",  # offices
  "192.168.0.0/16",
]

  [connections.contact]
  mail = "ana@example.com"

# a loose thought

# Staging
[[connections]]
name = "staging"
id = "staging-1"
server = "stage.example.com"
username = "carto"
database = "gis"
note = \"\"\"
[[connections]]
not a header\"\"\"

[other]
kept = true
"""


def _entry(**values: object) -> str:
    lines = {"name": '"a"', "server": '"h"', "username": '"u"', "database": '"d"', **values}
    return "[[connections]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)


def _registry(tmp_path: Path, content: str | bytes) -> Registry:
    path = tmp_path / "registry.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Registry(path)


def _line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_hand_written_file_is_read() -> None:
    prod, staging = registry_text.parse(HAND_WRITTEN)
    assert prod.parameters == Parameters(
        "prod", "db.example.com", "carto", "gis", 5433, match_client=("10.0.0.0/8", "192.168.0.0/16")
    )
    assert (staging.name, staging.id) == ("staging", "staging-1")
    assert prod.id == registry_text.parse(HAND_WRITTEN)[0].id


def test_an_edit_changes_its_lines_only() -> None:
    prod = registry_text.parse(HAND_WRITTEN)[0]
    changed = prod._replace(parameters=prod.parameters._replace(port=6000, region="europe-west1"))
    text = registry_text.with_replaced(HAND_WRITTEN, changed)
    assert registry_text.parse(text)[0] == changed
    gone = set(HAND_WRITTEN.split("\n")) - set(text.split("\n"))
    new = set(text.split("\n")) - set(HAND_WRITTEN.split("\n"))
    assert gone == {"port = 5433 # not the usual"}
    assert new == {"port = 6000 # not the usual", 'region = "europe-west1"', f'id = "{prod.id}"'}


def test_a_rename_of_an_entry_without_an_id_writes_the_id_that_keys_its_secret() -> None:
    prod = registry_text.parse(HAND_WRITTEN)[0]
    renamed = prod._replace(parameters=prod.parameters._replace(name="production"))
    assert registry_text.parse(registry_text.with_replaced(HAND_WRITTEN, renamed))[0] == renamed


def test_a_removed_connection_takes_its_own_comment_along_and_no_other() -> None:
    prod, staging = registry_text.parse(HAND_WRITTEN)
    without_staging = registry_text.without(HAND_WRITTEN, staging.id)
    assert registry_text.parse(without_staging) == (prod,)
    assert "# Staging" not in without_staging
    for kept in ("# a loose thought", "# Production: do not touch", "[other]", "kept = true", "# offices", "mail ="):
        assert kept in without_staging
    without_prod = registry_text.without(HAND_WRITTEN, prod.id)
    assert registry_text.parse(without_prod) == (staging,)
    assert "# Staging\n[[connections]]" in without_prod
    assert "# Ask Ana" in without_prod
    assert "# Production" not in without_prod


def test_a_comment_that_opens_the_file_stays() -> None:
    text = "# All of ours\n" + _entry()
    assert registry_text.without(text, registry_text.parse(text)[0].id).startswith("# All of ours")


def test_what_is_added_stands_at_the_end() -> None:
    text = registry_text.with_added(HAND_WRITTEN, connection("new"))
    assert text.startswith(HAND_WRITTEN.rstrip())
    assert registry_text.parse(text)[2] == connection("new")
    assert tomllib.loads(text)["other"] == {"kept": True}


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing yet", "version = 1"])
def test_a_file_without_connections_takes_the_first(tmp_path: Path, content: str) -> None:
    registry = _registry(tmp_path, content)
    assert registry.load() == ()
    registry.add(connection())
    assert registry.load() == (connection(),)
    assert content.strip() in registry.path.read_text()


def test_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    registry = _registry(tmp_path, b"\xef\xbb\xbf" + HAND_WRITTEN.replace("\n", "\r\n").encode())
    prod, staging = registry.load()
    registry.add(connection("new"))
    registry.replace(prod._replace(parameters=prod.parameters._replace(port=1)))
    registry.remove(staging.id)
    assert [c.name for c in registry.load()] == ["prod", "new"]
    content = registry.path.read_bytes()
    assert b"# offices\r\n" in content
    assert b"owner" in content


def test_connections_as_one_array_are_read_and_not_edited(tmp_path: Path) -> None:
    text = 'connections = [{name = "a", server = "h", username = "u", database = "d"}]\n'
    registry = _registry(tmp_path, text)
    (found,) = registry.load()
    with pytest.raises(RegistryError, match="editor"):
        registry.add(connection("b"))
    with pytest.raises(RegistryError, match=r"\[\[connections\]\]"):
        registry.remove(found.id)
    with pytest.raises(RegistryError, match=r"\[\[connections\]\]"):
        registry.replace(found._replace(parameters=found.parameters._replace(port=1)))
    assert registry.path.read_text() == text


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('version = 1\n[[connections]]\nname = "a\nserver', "line 3, column 10"),
        ("version = 1\nversion = 1\n", "line 2"),
        ("[[connections\n", "line 1"),
        ("\0" * 4096, "line 1, column 1"),
        (b"version = 1\n# \xff\xfe\n", "line 2, column 3"),
        ('a = "', "line 1, column 6"),
        ("<<<<<<< HEAD\n", "line 1, column 1"),
        (b"\x80\x00PK\x03\x04", "line 1, column 1"),
    ],
)
def test_a_damaged_file_is_named_kept_aside_and_never_overwritten(
    tmp_path: Path, content: str | bytes, place: str
) -> None:
    registry = _registry(tmp_path, content)
    before = registry.path.read_bytes()
    aside = tmp_path / f"registry.toml.damaged-{hashlib.sha256(before).hexdigest()[:8]}"
    for use in (registry.load, lambda: registry.add(connection()), lambda: registry.remove("x")):
        with pytest.raises(RegistryError) as caught:
            use()
        assert place in str(caught.value)
        assert str(registry.path) in str(caught.value)
        assert str(aside) in str(caught.value)
    assert registry.path.read_bytes() == aside.read_bytes() == before
    assert aside.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_file_cut_short_is_never_read_as_fewer_connections_than_its_parts_show(tmp_path: Path, cut: int) -> None:
    text = registry_text.dumps([connection(name) for name in "abc"])
    registry = _registry(tmp_path, text[: -cut * 7])
    try:
        found = registry.load()
    except RegistryError as error:
        assert "line" in str(error)
    else:
        assert len(found) == text[: -cut * 7].count("[[connections]]")


def test_a_damaged_system_wide_file_is_named_and_left_alone(tmp_path: Path) -> None:
    shipped = tmp_path / "etc.toml"
    shipped.write_text("[[")
    with pytest.raises(RegistryError, match=r"etc\.toml is damaged in line 1"):
        Registry(tmp_path / "registry.toml", (shipped,)).load()
    assert list(tmp_path.iterdir()) == [shipped]


@pytest.mark.parametrize(
    ("entry", "line", "words"),
    [
        (_entry(port='"abc"'), "port", "port: The port is a number from 1 to 65535"),
        (_entry(port="70000"), "port", "There is no port 70000"),
        (_entry(port="true"), "port", "whole number: port = 5432"),
        (_entry(port="5432.5"), "port", "whole number"),
        (_entry(name="7"), "name", 'in quotes: name = "..."'),
        (_entry(name=None), "[[connections]]", "The name is missing"),
        (_entry(server=None), "[[connections]]", "The server is missing"),
        (_entry(sslmode='"on"'), "sslmode", "disable, allow, prefer"),
        (_entry(match_client='["10.0.0.0/99"]'), "match_client", "no address or network"),
        (_entry(match_application="{ a = 1 }"), "match_application", "list of texts"),
        (_entry(id="5"), "id", "1 to 64 letters"),
        (_entry(id='"../../etc/x"'), "id", "1 to 64 letters"),
        (_entry(id='""'), "id", "1 to 64 letters"),
        (_entry(password='"hunter2"'), "password", "no secret belongs here"),
        (_entry(db_password='"hunter2"'), "db_password", "no secret belongs here"),
        (_entry(PGPASSWORD='"hunter2"'), "PGPASSWORD", "no secret belongs here"),
        (_entry(password_from='"hunter2"'), "password_from", "A password lives in"),
        (_entry(server='"postgres://u:hunter2@h/d"'), "server", "URI"),
        (_entry(name='"b"') + _entry(name='"a"') + _entry(name='"a"', port="1"), "", "is there twice, first in line 8"),
        (_entry(id='"i"') + _entry(name='"b"', id='"i"'), "", "the id 'i' is there twice"),
        ("version = 2\n", "version", "version 2, and this pgconns reads version 1: upgrade"),
        ("version = '1'\n", "version", "version is a whole number"),
        ("connections = 5\n", "connections", "[[connections]]"),
        ("[connections]\nname = 'x'\n", "[connections]", "[[connections]]"),
    ],
)
def test_a_wrong_value_names_file_line_and_what_would_be_right(
    tmp_path: Path, entry: str, line: str, words: str
) -> None:
    text = "# first\n\n" + entry
    registry = _registry(tmp_path, text)
    with pytest.raises(RegistryError) as caught:
        registry.load()
    sentence = str(caught.value)
    assert words in sentence
    assert str(registry.path) in sentence
    assert "hunter2" not in sentence
    if line:
        assert f"line {_line_of(text, line)}:" in sentence
    with pytest.raises(RegistryError):
        registry.add(connection("new"))
    assert registry.path.read_text() == text
    assert list(tmp_path.glob("*damaged*")) == []


def test_a_newer_registry_is_not_written(tmp_path: Path) -> None:
    registry = _registry(tmp_path, "version = 2\n")
    with pytest.raises(RegistryError, match="upgrade"):
        registry.add(connection())
    assert registry.path.read_text() == "version = 2\n"


@settings(max_examples=40)
@given(st.lists(PARAMETERS, max_size=4, unique_by=lambda parameters: parameters.name), st.data())
def test_any_registry_reads_back_and_is_edited_right(many: list[Parameters], data: st.DataObject) -> None:
    connections = tuple(Connection(f"id-{number}", parameters) for number, parameters in enumerate(many))
    text = registry_text.dumps(connections)
    assert registry_text.parse(text) == connections
    others = PARAMETERS.filter(lambda parameters: parameters.name not in {c.name for c in connections})
    new = Connection("id-new", data.draw(others))
    assert registry_text.parse(registry_text.with_added(text, new)) == (*connections, new)
    for number, one in enumerate(connections):
        rest = connections[:number] + connections[number + 1 :]
        assert registry_text.parse(registry_text.without(text, one.id)) == rest
        changed = one._replace(parameters=new.parameters)
        wanted = (*connections[:number], changed, *connections[number + 1 :])
        assert registry_text.parse(registry_text.with_replaced(text, changed)) == wanted


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text: str) -> None:
    try:
        registry_text.parse(text)
    except registry_text.TextError as error:
        assert str(error)
