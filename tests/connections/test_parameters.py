"""The parameters: what is accepted, what is refused, and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connections.given import PARAMETERS
from tui.connections import parameters
from tui.connections.model import Parameters
from tui.connections.parameters import BY_NAME, FIELDS, Problem

DRAFT = {"name": "prod", "server": "db.example.com", "username": "carto", "database": "gis"}


def test_a_draft_takes_the_defaults_of_what_it_lacks() -> None:
    assert parameters.read(DRAFT) == (Parameters("prod", "db.example.com", "carto", "gis"), {})
    assert parameters.read({**DRAFT, "port": " ", "analytics_toolbox": ""})[1] == {}


def test_every_parameter_is_a_field_and_every_field_a_parameter() -> None:
    assert sorted(BY_NAME) == sorted(Parameters._fields)
    assert {field.group for field in FIELDS} == {"basic", "security", "matching", "advanced"}


def test_an_empty_draft_names_each_field_that_is_missing() -> None:
    found, problems = parameters.read({})
    assert found is None
    assert sorted(problems) == ["database", "name", "server", "username"]
    assert all("missing" in sentence for sentence in problems.values())


@pytest.mark.parametrize("port", ["0", "70000", "abc", "-1", "5432.0", "٥٤٣٢", "1e3", "999999999999", "0x10"])
def test_a_bad_port_says_what_would_be_right(port: str) -> None:
    sentence = parameters.read({**DRAFT, "port": port})[1]["port"]
    assert "1 to 65535" in sentence
    assert "5432" in sentence


@pytest.mark.parametrize(
    "name", ["a name with spaces", 'it\'s "quoted"', "🐘 éléphant", "שלום עולם", "back\\slash", "[b]x[/b]", "x" * 100]
)
def test_names_are_what_people_like(name: str) -> None:
    found, problems = parameters.read({**DRAFT, "name": f"  {name} "})
    assert not problems
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("x" * 300, "300 characters: at most 100"),
        ("right\u202eto left", "invisible"),
        ("mark\u200f", "invisible"),
        ("tab\tbed", "invisible"),
        ("\x1b[31mred", "invisible"),
        ("\ud800", "invisible"),
        ("--json", "hyphen"),
        ("   ", "missing"),
    ],
)
def test_names_that_nobody_could_type_again_are_refused(name: str, word: str) -> None:
    assert word in parameters.read({**DRAFT, "name": name})[1]["name"]


@pytest.mark.parametrize("database", ['a"b; drop', "'; --", "with space", "ünïcode", "a.b", "x" * 63, "%s", "$$"])
def test_any_identifier_that_postgresql_takes_is_a_database(database: str) -> None:
    found, problems = parameters.read({**DRAFT, "database": database})
    assert not problems
    assert found is not None
    assert found.database == database


def test_an_identifier_longer_than_postgresql_keeps_is_refused() -> None:
    assert "63 bytes" in parameters.read({**DRAFT, "database": "ü" * 32})[1]["database"]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("db.example.com", "db.example.com"),
        ("localhost", "localhost"),
        ("db.example.com.", "db.example.com"),
        ("bücher.example", "bücher.example"),
        ("under_score.internal", "under_score.internal"),
        ("10.0.0.1", "10.0.0.1"),
        ("[2001:DB8::10]", "2001:db8::10"),
        ("::1", "::1"),
    ],
)
def test_servers_are_names_or_addresses(typed: str, read: str) -> None:
    found, problems = parameters.read({**DRAFT, "server": typed})
    assert not problems
    assert found is not None
    assert found.server == read


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("/var/run/postgresql", "socket folder"),
        ("postgresql://u:hunter2@h/d", "--from-uri"),
        ("host=a password=hunter2", "--from-uri"),
        ("mysql://u:hunter2@h/d", "no URI of PostgreSQL"),
        ("db.example.com:5433", "Server db.example.com, Port 5433"),
        ("300.1.1.1", "0 to 255"),
        ("2001:db8:::1", "IPv6"),
        ("a b", "DNS name"),
        ("-a.b", "DNS name"),
        ("a..b", "DNS name"),
        ("x" * 64 + ".com", "DNS name"),
        ("a\u200bb.com", "invisible"),
        ("x" * 300, "too long"),
    ],
)
def test_a_server_that_cannot_be_reached_says_why(typed: str, word: str) -> None:
    sentence = parameters.read({**DRAFT, "server": typed})[1]["server"]
    assert word in sentence
    assert "hunter2" not in sentence


@pytest.mark.parametrize(
    "source", ["keyring", "vault", "pgpass", "ask", "env:X_1", "file:/a b", "file:~/p", "command:pass show 'a b'"]
)
def test_password_sources(source: str) -> None:
    assert BY_NAME["password_from"].read(source) == source


@pytest.mark.parametrize(
    "source", ["", "hunter2", "env:", "env:1X", "env:A B", "file:", "file:relative", "command:", "command:a 'b"]
)
def test_a_password_typed_as_its_source_is_refused_and_not_repeated(source: str) -> None:
    with pytest.raises(Problem) as caught:
        BY_NAME["password_from"].read(source)
    assert "hunter2" not in str(caught.value)


def test_networks_and_patterns_are_lists() -> None:
    found, problems = parameters.read({**DRAFT, "match_client": "10.0.0.1/8, ::1 ,", "match_application": "carto*,a b"})
    assert not problems
    assert found is not None
    assert found.match_client == ("10.0.0.0/8", "::1/128")
    assert found.match_application == ("carto*", "a b")
    assert "10.0.0.0/8" in parameters.read({**DRAFT, "match_client": "10.0.0.0/33"})[1]["match_client"]


def test_the_systems_certificates_go_with_verify_full_only() -> None:
    assert "verify-full" in parameters.read({**DRAFT, "sslrootcert": "system", "sslmode": "require"})[1]["sslmode"]
    assert not parameters.read({**DRAFT, "sslrootcert": "system", "sslmode": "verify-full"})[1]


@pytest.mark.parametrize("location", [".a", "a.", "x" * 64, "a." + "x" * 64])
def test_locations_that_cannot_be(location: str) -> None:
    assert "location" in parameters.read({**DRAFT, "workflows_temp": location})[1]["workflows_temp"]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("port", 5433, "5433"),
        ("port", "5433", "5433"),
        ("match_client", ["10.0.0.0/8", "::1"], "10.0.0.0/8, ::1"),
        ("match_client", "10.0.0.0/8", "10.0.0.0/8"),
        ("name", "x", "x"),
    ],
)
def test_values_of_a_file_become_text(name: str, value: object, text: str) -> None:
    assert BY_NAME[name].parse(value) == text


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("port", True, "port = 5432"),
        ("port", 5432.0, "port = 5432"),
        ("port", [5432], "port = 5432"),
        ("name", 5, 'name = "..."'),
        ("name", ["x"], 'name = "..."'),
        ("match_client", 5, 'match_client = ["...", "..."]'),
        ("match_client", [5], 'match_client = ["...", "..."]'),
    ],
)
def test_values_of_the_wrong_kind_say_how_to_write_them(name: str, value: object, right: str) -> None:
    with pytest.raises(Problem) as caught:
        BY_NAME[name].parse(value)
    assert right in str(caught.value)


@given(PARAMETERS)
def test_what_is_written_reads_back(written: Parameters) -> None:
    assert parameters.read(parameters.write(written)) == (written, {})


@given(st.dictionaries(st.sampled_from(sorted(BY_NAME)), st.text(max_size=80)))
def test_no_draft_crashes_and_each_gets_parameters_or_problems(draft: dict[str, str]) -> None:
    found, problems = parameters.read(draft)
    assert (found is None) == bool(problems)
    if found is not None:
        assert parameters.read(parameters.write(found)) == (found, {})
