"""list, show, rename, remove, export, and what they say to a registry or a name that is not right."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tui import paths
from tui.connections import checks
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program


def connection(name: str, number: int = 0, **more: Any) -> Connection:
    """A Connection that nothing has probed."""
    parameters = Parameters(name=name, server=f"db{number}.example.com", username="carto", database="gis")
    return Connection(f"id-{number}", parameters._replace(password_from="env:NOT_SET", **more))


@pytest.fixture
def registry(home: Path) -> Registry:
    """The user's registry with two Connections."""
    assert home.is_dir()
    registry = Registry()
    registry.add(connection("prod", 1))
    registry.add(connection("staging", 2))
    return registry


def test_list_is_a_table(pgconns: Program, registry: Registry) -> None:
    result = pgconns("list")
    assert result.status == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["NAME", "SERVER", "DATABASE", "USERNAME", "CONNECTOR", "TLS", "MODE"]
    assert [line.split()[0] for line in lines[1:]] == ["prod", "staging"]
    assert len({line.index("carto") for line in lines[1:]}) == 1


def test_an_empty_list_says_what_to_do_and_leaves_stdout_empty(pgconns: Program) -> None:
    result = pgconns("list")
    assert (result.status, result.out) == (0, "")
    assert "pgconns add --help" in result.err
    assert pgconns("list", "--json") == (0, '{"connections":[]}\n', "")


def test_list_fits_the_terminal(pgconns: Program, registry: Registry) -> None:
    registry.add(connection("x" * 100, 3, database="d" * 60))
    registry.add(connection("宽" * 50, 4, server="s" * 60 + ".example.com"))
    lines = pgconns("list", env={"COLUMNS": "80"}).out.splitlines()
    assert len(lines) == 5
    from rich.cells import cell_len

    assert all(cell_len(line) <= 80 for line in lines)
    assert "…" in lines[3]
    assert "x" * 100 in pgconns("list").out  # nothing is cut in a pipe


def test_show_tells_everything_but_the_password(pgconns: Program, registry: Registry) -> None:
    text = pgconns("show", "prod")
    assert text.status == 0
    assert "db1.example.com" in text.out
    assert "never" in text.out.splitlines()[-1]
    (shown,) = pgconns("show", "id-1", "--json").json["connections"]
    assert (shown["name"], shown["last_check"]) == ("prod", None)


def test_show_tells_the_warnings_that_were_kept(pgconns: Program, registry: Registry) -> None:
    warning = {
        "check": "postgis",
        "status": "warning",
        "message": "missing \x1b[31m",
        "fix": "CREATE EXTENSION postgis;",
    }
    fine = {"check": "tcp", "status": "ok", "message": "answers"}
    checks.save("id-1", {"verdict": "warning", "findings": [warning, fine], "server": {}})
    text = pgconns("show", "prod").out
    assert "! warning PostGIS: missing ␛[31m\n    Fix: CREATE EXTENSION postgis;" in text
    assert "answers" not in text
    assert pgconns("show", "prod", "--json").json["connections"][0]["last_check"]["findings"] == [warning, fine]


def test_rename_keeps_the_id(pgconns: Program, registry: Registry) -> None:
    assert pgconns("rename", "prod", "prod eu").status == 0
    assert registry.get("id-1").name == "prod eu"
    assert pgconns("rename", "prod eu", "prod", "--json").json == {
        "id": "id-1",
        "name": "prod",
        "renamed_from": "prod eu",
    }


def test_rename_refuses_what_is_taken_or_wrong(pgconns: Program, registry: Registry) -> None:
    taken = pgconns("rename", "prod", "staging")
    assert (taken.status, taken.out) == (2, "")
    wrong = pgconns("rename", "prod", "")
    assert wrong.status == 2
    assert wrong.err.startswith("pgconns: NAME: ")
    assert registry.get("prod").id == "id-1"


def test_remove_asks_first_and_needs_somebody_to_ask(pgconns: Program, registry: Registry) -> None:
    refused = pgconns("remove", "prod")
    assert (refused.status, refused.out) == (2, "")
    assert "--yes" in refused.err
    assert pgconns("remove", "prod", "--yes").status == 0
    assert [c.name for c in registry.load()] == ["staging"]
    assert pgconns("remove", "staging", "--yes", "--json").json["removed"] is True


@pytest.mark.parametrize("command", ["show", "check", "edit", "remove", "rename", "export"])
def test_an_unknown_connection_names_the_nearest(pgconns: Program, registry: Registry, command: str) -> None:
    more = {"rename": ["other"], "remove": ["--yes"], "edit": ["--port", "1"]}.get(command, [])
    result = pgconns(command, "stagin", *more)
    assert (result.status, result.out) == (2, "")
    assert "staging" in result.err
    assert registry.load() == (connection("prod", 1), connection("staging", 2))


def test_export_is_a_registry_and_round_trips(pgconns: Program, registry: Registry, tmp_path: Path) -> None:
    exported = pgconns("export")
    assert [c["name"] for c in tomllib.loads(exported.out)["connections"]] == ["prod", "staging"]
    assert [c["name"] for c in tomllib.loads(pgconns("export", "staging").out)["connections"]] == ["staging"]
    assert pgconns("export", "--json").json == {**pgconns("list", "--json").json, "regions": [], "hooks": []}
    (tmp_path / "other.toml").write_text(exported.out)
    assert pgconns("list", env={"PGCONNS_REGISTRY": str(tmp_path / "other.toml")}).out == pgconns("list").out


def test_a_system_wide_connection_is_shown_and_not_changed(pgconns: Program, home: Path, tmp_path: Path) -> None:
    system = home / "etc-xdg/pgconns/registry.toml"
    system.parent.mkdir(parents=True)
    Registry(system, ()).add(connection("shared", 7))
    content = system.read_bytes()
    assert "administrator" in pgconns("show", "shared").out
    for words in (["edit", "shared", "--region", "x"], ["rename", "shared", "y"], ["remove", "shared", "--yes"]):
        result = pgconns(*words)
        assert (result.status, result.out) == (2, ""), words
        assert "administrator" in result.err
    assert system.read_bytes() == content


DAMAGED = 'version = 1\n\n[[connections]]\nname = "prod\n'


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "--json"],
        ["show", "prod"],
        ["check"],
        ["export"],
        ["rename", "prod", "x"],
        ["remove", "prod", "--yes"],
        ["edit", "prod", "--port", "1"],
        ["add", "x", "--server", "h", "--username", "u", "--database", "d", "--password-from", "env:X"],
        ["apply", "-f", "-"],
    ],
)
def test_a_damaged_registry_is_named_and_not_touched(pgconns: Program, home: Path, words: list[str]) -> None:
    path = paths.registry_file()
    path.parent.mkdir(parents=True)
    path.write_text(DAMAGED)
    result = pgconns(*words, stdin="version = 1\n")
    assert (result.status, result.out) == (5, "")
    assert str(path) in result.err
    assert "line 4" in result.err
    assert path.read_text() == DAMAGED
    assert [kept.read_text() for kept in path.parent.glob("registry.toml.damaged-*")] == [DAMAGED]


def test_a_folder_in_the_registrys_place(pgconns: Program, home: Path) -> None:
    paths.registry_file().mkdir(parents=True)
    result = pgconns("list")
    assert (result.status, result.out) == (5, "")
    assert "folder" in result.err


def test_a_registry_that_cannot_be_read(pgconns: Program, home: Path) -> None:
    paths.registry_file().parent.mkdir(parents=True)
    paths.registry_file().symlink_to(paths.registry_file())
    result = pgconns("list")
    assert (result.status, result.out) == (5, "")
    assert "symbolic links" in result.err


def test_a_value_by_hand_that_is_wrong_is_named_with_its_line(pgconns: Program, home: Path) -> None:
    path = paths.registry_file()
    path.parent.mkdir(parents=True)
    path.write_text('[[connections]]\nname = "a"\nserver = "h"\nusername = "u"\ndatabase = "d"\nport = 70000\n')
    result = pgconns("list")
    assert (result.status, result.out) == (5, "")
    assert "line 6" in result.err
    assert "65535" in result.err
