"""pgconns add: probes a real server, and registers only when nothing failed."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import PASSWORD, Door, Program
from tui import paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVER_KEYS = {"version", "version_num", "provider", "postgis", "tls", "read_only", "pooler"}


def test_a_connection_is_registered(pgconns: Program, door: Door, password_file: str) -> None:
    result = pgconns("add", "prod", *door.flags, "--password-from", password_file)
    assert result.status == 0, result.err
    assert result.out.startswith("Registered prod")
    assert "Authentication" in result.err  # the check list, with signs and words
    assert "✓ ok" in result.err
    assert "\x1b" not in result.err
    (connection,) = pgconns("list", "--json").json["connections"]
    assert connection["name"] == "prod"
    assert connection["port"] == door.server.port
    assert connection["password_from"] == password_file


def test_json_has_the_shape_of_the_contract(pgconns: Program, door: Door, password_file: str) -> None:
    result = pgconns("add", "prod", *door.flags, "--password-from", password_file, "--json")
    assert result.status == 0
    answer = result.json
    assert {"name", "id", "registered", "verdict", "findings", "server"} <= answer.keys()
    assert (answer["name"], answer["registered"], answer["verdict"]) == ("prod", True, "warning")
    assert set(answer["server"]) >= SERVER_KEYS
    assert answer["server"]["version_num"] // 10000 == 17
    for finding in answer["findings"]:
        assert {"check", "status", "message", "milliseconds"} <= finding.keys()
        assert finding["status"] in {"ok", "warning", "failed", "skipped"}
    assert result.out.count("\n") == 1


def test_every_parameter_has_a_flag(pgconns: Program, door: Door, password_file: str) -> None:
    result = pgconns(
        "add", "prod", *door.flags, "--password-from", password_file, "--connector", "pgbouncer",
        "--analytics-toolbox", "tools", "--data-observatory", "data", "--workflows-temp", "carto_temp",
        "--sslmode", "disable", "--region", "europe-west1", "--match-client", "10.0.0.0/8",
        "--match-client", "192.0.2.7", "--match-application", "carto*", "--match-application", "maps",
    )  # fmt: skip
    assert result.status == 0, result.err
    (connection,) = pgconns("show", "prod", "--json").json["connections"]
    assert connection["connector"] == "pgbouncer"
    assert connection["analytics_toolbox"] == "tools"
    assert connection["workflows_temp"] == "carto_temp"
    assert connection["match_application"] == ["carto*", "maps"]
    assert connection["match_client"] == ["10.0.0.0/8", "192.0.2.7/32"]


def test_a_password_goes_into_the_vault(pgconns: Program, door: Door, vault_passphrase: Path) -> None:
    result = pgconns("add", "prod", *door.flags, "--password-stdin", stdin=PASSWORD + "\n")
    assert result.status == 0, result.err
    assert pgconns("list", "--json").json["connections"][0]["password_from"] == "vault"
    assert pgconns("check", "prod").status == 0
    for path in (paths.vault_file(), paths.registry_file()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert b"planted" not in path.read_bytes()


def test_from_uri_on_stdin(pgconns: Program, door: Door, vault_passphrase: Path) -> None:
    result = pgconns("add", "prod", "--from-uri", "-", "--region", "us-east1", stdin=door.uri(PASSWORD))
    assert result.status == 0, result.err
    (connection,) = pgconns("list", "--json").json["connections"]
    assert (connection["server"], connection["port"]) == (door.server.host, door.server.port)
    assert (connection["username"], connection["database"]) == (door.username, door.database)
    assert connection["region"] == "us-east1"


def test_flags_win_over_the_uri(pgconns: Program, door: Door, password_file: str) -> None:
    words = ("--from-uri", "-", "--database", door.database, "--password-from", password_file)
    uri = door.uri().replace(door.database, "elsewhere")
    assert pgconns("add", "prod", *words, stdin=uri).status == 0


def test_environment_command_and_pgpass_are_sources(pgconns: Program, door: Door, tmp_path: Path, home: Path) -> None:
    pgpass = home / ".pgpass"
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    pgpass.write_text(f"{door.server.host}:{door.server.port}:*:{door.username}:{escaped}\n")
    pgpass.chmod(0o600)
    (tmp_path / "password").write_text(PASSWORD)
    for source in ("env:PROD_PASSWORD", f"command:cat {tmp_path}/password", "pgpass"):
        env = {"PROD_PASSWORD": PASSWORD}
        result = pgconns("add", source[:4], *door.flags, "--password-from", source, env=env)
        assert result.status == 0, (source, result.err)


def test_a_command_whose_password_changes_each_time(pgconns: Program, door: Door, tmp_path: Path) -> None:
    script = tmp_path / "token"
    script.write_text(f"#!/bin/sh\ncat {tmp_path}/password && date +%N > {tmp_path}/password\n")
    script.chmod(0o700)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    result = pgconns("add", "prod", *door.flags, "--password-from", f"command:{script}")
    assert result.status == 0, result.err


def test_a_wrong_password_registers_nothing(pgconns: Program, door: Door, vault_passphrase: Path) -> None:
    result = pgconns("add", "prod", *door.flags, "--password-stdin", "--json", stdin="wrong\n")
    assert result.status == 3
    assert (result.json["registered"], result.json["verdict"], result.json["id"]) == (False, "failed", None)
    (failed,) = [f for f in result.json["findings"] if f["status"] == "failed"]
    assert failed["code"] == "28P01"
    assert not paths.registry_file().exists()
    assert not paths.vault_file().exists()
    text = pgconns("add", "prod", *door.flags, "--password-stdin", stdin="wrong\n")
    assert (text.status, text.out) == (3, "")
    assert "✗ failed" in text.err
    assert "prod was not registered" in text.err


def test_a_server_too_old_is_unsupported(pgconns: Program, pg_server: Any, password_file: str) -> None:
    server = pg_server(11, hba="host all all all md5")
    door = Door(server, server.database(), server.role(PASSWORD, "LOGIN"))
    result = pgconns("add", "old", *door.flags, "--password-from", password_file, "--json")
    assert result.status == 4, result.err
    assert not result.json["registered"]


def test_a_missing_source_of_the_password_is_the_stores_failure(pgconns: Program, door: Door) -> None:
    result = pgconns("add", "prod", *door.flags, "--password-from", "env:NOT_SET", "--json")
    assert result.status == 5
    assert [f["check"] for f in result.json["findings"]] == ["password"]
    assert "NOT_SET" in result.json["findings"][0]["message"]


@pytest.mark.parametrize("kind", ["http", "ssh", "mysql", "closes"])
def test_what_is_no_postgresql_cannot_be_connected_to(
    pgconns: Program, impostor: Callable[[str], Any], password_file: str, kind: str
) -> None:
    listener = impostor(kind)
    where = ("--server", listener.host, "--port", str(listener.port), "--database", "d", "--username", "u")
    result = pgconns("add", "x", *where, "--password-from", password_file, "--json")
    assert result.status == 3
    (failed,) = [f for f in result.json["findings"] if f["status"] == "failed"]
    assert failed["message"]


def test_a_server_that_says_nothing_is_given_up(
    pgconns: Program, impostor: Callable[[str], Any], password_file: str
) -> None:
    listener = impostor("silence")
    where = ("--server", listener.host, "--port", str(listener.port), "--database", "d", "--username", "u")
    assert pgconns("add", "x", *where, "--password-from", password_file).status == 3


def test_a_refused_port(pgconns: Program, refused_port: int, password_file: str) -> None:
    where = ("--server", "127.0.0.1", "--port", str(refused_port), "--database", "d", "--username", "u")
    result = pgconns("add", "x", *where, "--password-from", password_file)
    assert result.status == 3
    assert "Connect call failed" not in result.err
    assert result.err.count("skipped") == 1
    assert "Not looked at: TLS, Authentication, Encryption in force" in result.err


def test_an_odd_database_name_reaches_the_server_as_it_is(pgconns: Program, door: Door, password_file: str) -> None:
    name = door.server.database('a"b; drop')
    words = ("--server", door.server.host, "--port", str(door.server.port), "--username", door.username)
    result = pgconns("add", "odd", *words, "--database", name, "--password-from", password_file)
    assert result.status == 0, result.err
    missing = pgconns("add", "odder", *words, "--database", name + "!", "--password-from", password_file, "--json")
    assert missing.status == 3
    assert 'a"b; drop!' in str(missing.json["findings"])


def test_a_name_that_is_taken_is_refused_before_anything_is_asked_of_the_server(
    pgconns: Program, door: Door, password_file: str
) -> None:
    words = (*door.flags, "--password-from", password_file)
    assert pgconns("add", "prod", *words).status == 0
    again = pgconns("add", "prod", *words)
    assert (again.status, again.out) == (2, "")
    assert "registered already" in again.err
    assert len(pgconns("list", "--json").json["connections"]) == 1


def test_several_wrong_values_are_told_at_once_by_their_flags(pgconns: Program) -> None:
    result = pgconns("add", "", "--server", "not a host", "--port", "70000", "--sslmode", "maybe")
    assert (result.status, result.out) == (2, "")
    for word in ("NAME:", "--server:", "--port:", "--sslmode:", "--username:", "--database:", "verify-full", "65535"):
        assert word in result.err


@pytest.mark.parametrize("port", ["0", "70000", "abc", "٣"])
def test_ports_that_there_are_not(pgconns: Program, port: str) -> None:
    result = pgconns("add", "x", "--server", "h", "--username", "u", "--database", "d", f"--port={port}")
    assert result.status == 2
    assert "--port: " in result.err
    assert "from 1 to 65535" in result.err


@pytest.mark.parametrize("name", ['d\'Orsay "x" 100 %', "🗺 [/bold] ünïcode;", "x" * 100])
def test_names_that_are_fine(pgconns: Program, door: Door, password_file: str, name: str) -> None:
    result = pgconns("add", name, *door.flags, "--password-from", password_file)
    assert result.status == 0, result.err
    assert pgconns("show", name, "--json").json["connections"][0]["name"] == name
    assert name in pgconns("list").out


@pytest.mark.parametrize(
    "name",
    ["", "  ", "x" * 300, "a\u202eb", "a\x1b[31mb", "a\nb", "a\u200bb", b"a\xff".decode("utf-8", "surrogateescape")],
)
def test_names_that_are_refused(pgconns: Program, name: str) -> None:
    result = pgconns("add", name, "--server", "h", "--username", "u", "--database", "d")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("pgconns: NAME: ")
    assert "\x1b" not in result.err
    assert "\u202e" not in result.err


def test_without_a_password_and_a_terminal_the_ways_are_named(pgconns: Program, door: Door) -> None:
    result = pgconns("add", "prod", *door.flags)
    assert (result.status, result.out) == (2, "")
    assert "--password-stdin" in result.err
    assert "env:" in result.err


def test_without_a_vault_passphrase_nothing_is_registered(pgconns: Program, door: Door) -> None:
    result = pgconns("add", "prod", *door.flags, "--password-stdin", stdin=PASSWORD)
    assert result.status == 5
    assert "pgconns: prod was not registered: There is no vault yet" in result.err
    assert "PGCONNS_VAULT_PASSPHRASE_FILE" in result.err
    assert "--password-from env:VARIABLE" in result.err
    told = pgconns("add", "prod", *door.flags, "--password-stdin", "--json", stdin=PASSWORD)
    assert (told.status, told.json["registered"], told.json["verdict"]) == (5, False, "warning")
    assert not paths.registry_file().exists()


def test_a_wrong_passphrase_loses_nothing(pgconns: Program, door: Door, vault_passphrase: Path) -> None:
    assert pgconns("add", "prod", *door.flags, "--password-stdin", stdin=PASSWORD).status == 0
    before = paths.vault_file().read_bytes(), paths.registry_file().read_bytes()
    vault_passphrase.write_text("wrong\n")
    for words in (["add", "second", *door.flags, "--password-stdin"], ["check", "prod"], ["remove", "prod", "--yes"]):
        result = pgconns(*words, stdin=PASSWORD)
        assert (result.status, result.out) == (5, ""), words
        assert "does not open the vault" in result.err
    assert (paths.vault_file().read_bytes(), paths.registry_file().read_bytes()) == before


def test_several_at_once_lose_nothing(pgconns: Program, door: Door, vault_passphrase: Path) -> None:
    names = ["one", "two", "three"]
    with ThreadPoolExecutor() as people:
        words = [("add", name, *door.flags, "--password-stdin") for name in names]
        results = list(people.map(lambda each: pgconns(*each, stdin=PASSWORD), words))
    assert [result.status for result in results] == [0, 0, 0], results
    assert {connection["name"] for connection in pgconns("list", "--json").json["connections"]} == set(names)
    assert pgconns("check").status == 0


def test_an_empty_password_means_none(pgconns: Program, pg_server: Any) -> None:
    server = pg_server(17, hba="host all all all trust")
    door = Door(server, server.database(), server.role(None, "LOGIN"))
    result = pgconns("add", "prod", *door.flags, "--password-stdin", stdin="\n")
    assert result.status == 0, result.err


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        (b"\xff\xfe", ["--password-stdin"]),
        (b"a\0b\n", ["--password-stdin"]),
        (b"", ["--from-uri", "-"]),
        (b"postgresql://[", ["--from-uri", "-"]),
        (b"service=nowhere", ["--from-uri", "-"]),
        (b"x", ["--password-stdin", "--from-uri", "-"]),
        (b"x", ["--password-stdin", "--password-from", "env:X"]),
    ],
)
def test_what_stdin_may_not_hold(pgconns: Program, stdin: bytes, words: list[str]) -> None:
    where = ("--server", "127.0.0.1", "--username", "u", "--database", "d")
    result = pgconns("add", "x", *where, *words, stdin=stdin)
    assert (result.status, result.out) == (2, ""), result.err
    assert result.err.startswith("pgconns: ")
