"""import and apply: files of other tools, a declared registry, and what happens to entries that are not right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import PASSWORD, Door, Program
from tui import paths
from tui.connections.registry import Registry
from tui.connections.registry_text import dumps

if TYPE_CHECKING:
    from pathlib import Path


def service(door: Door, name: str, **more: str) -> str:
    """A section of pg_service.conf that leads to a door."""
    values = {"host": door.server.host, "port": str(door.server.port), "dbname": door.database, "user": door.username}
    return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in {**values, **more}.items())


def test_a_service_file_is_probed_and_registered(
    pgconns: Program, door: Door, tmp_path: Path, password_file: str
) -> None:
    file = tmp_path / "pg_service.conf"
    file.write_text(service(door, "prod") + service(door, "broken", dbname="nowhere") + "[empty]\nsslmode=require\n")
    words = ("import", str(file), "--password-from", password_file)
    shown = pgconns(*words, "--dry-run")
    assert shown.status == 2
    assert "prod: would register" in shown.out
    assert not paths.registry_file().exists()

    result = pgconns(*words, "--json")
    assert result.status == 3
    prod, broken, empty = result.json["connections"]
    assert (prod["name"], prod["registered"], prod["verdict"]) == ("prod", True, "warning")
    assert (broken["registered"], broken["id"], broken["verdict"]) == (False, None, "failed")
    assert set(empty["problems"]) == {"server", "username", "database"}
    assert [c.name for c in Registry().load()] == ["prod"]

    again = pgconns(*words)
    assert "prod: registered already" in again.out
    assert "broken: not registered" in again.out
    assert "[empty]: not registered. Server: The server is missing" in again.out
    assert [c.name for c in Registry().load()] == ["prod"]


def test_uris_on_stdin_with_their_passwords(pgconns: Program, door: Door, vault_passphrase: Path) -> None:
    uris = f"# two doors\n{door.uri(PASSWORD)}\n{door.uri(PASSWORD)}?connect_timeout=3\n"
    result = pgconns("import", "-", stdin=uris)
    assert result.status == 0, result.err
    assert result.out.count(": registered with") == 2
    assert "connect_timeout" in result.err
    assert "planted" not in result.out + result.err
    assert len(Registry().load()) == 2
    assert pgconns("check").status == 0


def test_the_own_pgpass_stays_the_source(pgconns: Program, door: Door, home: Path) -> None:
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    pgpass = home / ".pgpass"
    pgpass.write_text(f"{door.server.host}:{door.server.port}:{door.database}:{door.username}:{escaped}\n")
    pgpass.chmod(0o600)
    result = pgconns("import", str(pgpass))
    assert result.status == 0, (result.out, result.err)
    assert Registry().load()[0].parameters.password_from == "pgpass"


def test_a_taken_name_with_other_parameters_is_a_problem(
    pgconns: Program, door: Door, tmp_path: Path, password_file: str
) -> None:
    assert pgconns("add", "prod", *door.flags, "--password-from", password_file).status == 0
    file = tmp_path / "pg_service.conf"
    file.write_text(service(door, "prod", dbname="other"))
    result = pgconns("import", str(file))
    assert result.status == 2
    assert "Name: A Connection called prod is registered already" in result.out


@pytest.mark.parametrize("content", [b"", b"# only words\n", b"what is this", b"\xff\xfe\x00", b"[unclosed\n"])
def test_what_cannot_be_imported(pgconns: Program, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    from_file, from_stdin = pgconns("import", str(tmp_path / "file")), pgconns("import", "-", stdin=content)
    for result in (from_file, from_stdin):
        assert (result.status, result.out) == (2, ""), result.err
        assert result.err.startswith("pgconns: ")
    assert pgconns("import", str(tmp_path / "missing")).status == 2


@pytest.fixture
def declared(door: Door, password_file: str, tmp_path: Path) -> Path:
    """A file that declares one Connection, written by hand."""
    file = tmp_path / "connections.toml"
    file.write_text(
        f"""# declared
        [[connections]]
        name = "prod"
        server = "{door.server.host}"
        port = {door.server.port}
        database = "{door.database}"
        username = "{door.username}"
        password_from = "{password_file}"
        """
    )
    return file


def test_apply_twice_is_apply_once(pgconns: Program, declared: Path) -> None:
    dry = pgconns("apply", "-f", str(declared), "--dry-run", "--json")
    assert dry.status == 0
    assert [answer["name"] for answer in dry.json["add"]] == ["prod"]
    assert not paths.registry_file().exists()

    first = pgconns("apply", "-f", str(declared), "--json")
    assert first.status == 0, first.err
    assert (first.json["add"][0]["applied"], first.json["add"][0]["verdict"]) == (True, "warning")
    written = paths.registry_file().read_bytes()

    second = pgconns("apply", "-f", str(declared), "--json")
    assert second.status == 0
    assert (second.json["add"], second.json["change"], second.json["unchanged"]) == ([], [], ["prod"])
    assert paths.registry_file().read_bytes() == written


def test_apply_changes_and_tells_what_the_file_lacks(pgconns: Program, declared: Path, door: Door) -> None:
    assert pgconns("apply", "-f", str(declared)).status == 0
    extra = Registry().load()[0]
    Registry().add(extra._replace(id="extra", parameters=extra.parameters._replace(name="extra")))
    declared.write_text(declared.read_text() + 'region = "us-east1"\n')
    with door.server.stopped():  # a region is no matter of the server's
        result = pgconns("apply", "-f", str(declared))
    assert result.status == 0, result.err
    assert "change     prod: Region" in result.out
    assert "absent     extra" in result.out
    assert [c.parameters.region for c in Registry().load()] == ["us-east1", ""]
    other = door.server.database()
    declared.write_text(declared.read_text().replace(door.database, other))
    result = pgconns("apply", "-f", "-", "--json", stdin=declared.read_text())
    assert result.status == 0, result.err
    assert (result.json["change"][0]["changed"], result.json["change"][0]["applied"]) == (["database"], True)
    assert Registry().get("prod").parameters.database == other


def test_apply_applies_what_is_ok_and_answers_with_the_worst(pgconns: Program, declared: Path, door: Door) -> None:
    text = declared.read_text()
    broken = text.replace('"prod"', '"broken"').replace(door.database, "nowhere")
    result = pgconns("apply", "-f", "-", stdin=broken + text)
    assert result.status == 3
    assert "broken: not applied" in result.out
    assert "prod: applied with" in result.out
    assert [c.name for c in Registry().load()] == ["prod"]


@pytest.mark.parametrize(
    "content",
    [
        b'[[connections]]\nname = "x\n',
        b'[[connections]]\nname = "x"\npassword = "planted"\n',
        b'[[connections]]\nname = "x"\nserver = "h"\nusername = "u"\ndatabase = "d"\nport = 0\n',
        b"\xff",
    ],
)
def test_a_file_that_is_not_right_is_invalid_input(pgconns: Program, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "connections.toml"
    file.write_bytes(content)
    result = pgconns("apply", "-f", str(file))
    assert (result.status, result.out) == (2, ""), result.err
    assert str(file) in result.err
    assert "line" in result.err
    assert "planted" not in result.err
    assert list(tmp_path.iterdir()) == [file]


def test_apply_needs_its_file(pgconns: Program, tmp_path: Path) -> None:
    assert pgconns("apply").status == 2
    missing = pgconns("apply", "-f", str(tmp_path / "missing"))
    assert (missing.status, missing.out) == (2, "")


def test_export_applies_elsewhere(pgconns: Program, declared: Path, tmp_path: Path) -> None:
    assert pgconns("apply", "-f", str(declared)).status == 0
    exported = pgconns("export").out
    elsewhere = {"PGCONNS_REGISTRY": str(tmp_path / "elsewhere.toml")}
    assert pgconns("apply", "-f", "-", stdin=exported, env=elsewhere).status == 0
    assert pgconns("export", env=elsewhere).out == exported
    assert dumps(Registry().load()) == exported
