"""edit and check against real servers: what is probed again, what is kept, and how several answers become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import PASSWORD, Door, Program
from tui.connections import checks
from tui.connections.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def prod(pgconns: Program, door: Door, password_file: str) -> str:
    """A registered Connection; returns its id."""
    result = pgconns("add", "prod", *door.flags, "--password-from", password_file, "--json")
    assert result.status == 0, result.err
    return str(result.json["id"])


def test_edit_changes_only_what_is_given_and_probes_again(pgconns: Program, door: Door, prod: str) -> None:
    before = Registry().get(prod).parameters
    other = door.server.database()
    result = pgconns("edit", "prod", "--database", other, "--json")
    assert result.status == 0, result.err
    assert (result.json["saved"], result.json["changed"], result.json["id"]) == (True, ["database"], prod)
    assert result.json["findings"]
    assert Registry().get(prod).parameters == before._replace(database=other)


def test_edit_that_fails_changes_nothing(pgconns: Program, prod: str) -> None:
    before = Registry().get(prod)
    result = pgconns("edit", "prod", "--database", "nowhere", "--region", "us-east1")
    assert (result.status, result.out) == (3, "")
    assert "prod stays as it was" in result.err
    assert Registry().get(prod) == before


def test_edit_of_the_matchers_asks_no_server(pgconns: Program, prod: str, door: Door) -> None:
    with door.server.stopped():
        words = ("--region", "us-east1", "--match-application", "a*", "--match-application", "b*")
        result = pgconns("edit", "prod", *words)
        assert result.status == 0, result.err
        assert "Region, Applications" in result.out
        assert Registry().get(prod).parameters.match_application == ("a*", "b*")
        cleared = pgconns("edit", "prod", "--region", "", "--match-application", "", "--json")
        assert cleared.json["changed"] == ["region", "match_application"]
    assert Registry().get(prod).parameters.region == ""


def test_edit_of_nothing(pgconns: Program, prod: str) -> None:
    for words in ([], ["--region", ""], ["--database", Registry().get(prod).parameters.database]):
        result = pgconns("edit", "prod", *words)
        assert (result.status, result.out) == (0, "")
        assert "Nothing changed" in result.err


def test_edit_names_every_wrong_value(pgconns: Program, prod: str) -> None:
    result = pgconns("edit", "prod", "--port", "abc", "--match-client", "no")
    assert (result.status, result.out) == (2, "")
    assert "--port:" in result.err
    assert "--match-client:" in result.err


def test_a_new_password_and_the_old_one_kept(pgconns: Program, door: Door, vault_passphrase: Path) -> None:
    assert pgconns("add", "prod", *door.flags, "--password-stdin", stdin=PASSWORD).status == 0
    wrong = pgconns("edit", "prod", "--password-stdin", stdin="wrong")
    assert wrong.status == 3
    assert pgconns("edit", "prod", "--sslmode", "disable").status == 0  # logs in with the password it had
    door.server.execute(f"alter role {door.username} password 'next'")
    assert pgconns("check", "prod").status == 3
    assert pgconns("edit", "prod", "--password-stdin", stdin="next").status == 0
    assert pgconns("check", "prod").status == 0


def test_a_password_moves_to_another_source(
    pgconns: Program, door: Door, vault_passphrase: Path, password_file: str
) -> None:
    assert pgconns("add", "prod", *door.flags, "--password-from", password_file).status == 0
    assert pgconns("edit", "prod", "--password-from", "vault").status == 0
    assert pgconns("check", "prod").status == 0
    assert pgconns("edit", "prod", "--password-from", "env:PW", env={"PW": PASSWORD}).status == 0
    assert pgconns("check", "prod", env={"PW": PASSWORD}).status == 0
    assert pgconns("check", "prod").status == 5


def test_the_password_prompt_needs_a_terminal(pgconns: Program, prod: str) -> None:
    result = pgconns("edit", "prod", "--password")
    assert (result.status, result.out) == (2, "")
    assert "--password-stdin" in result.err


def test_check_keeps_what_it_found(pgconns: Program, prod: str) -> None:
    checks.delete(prod)
    result = pgconns("check", "prod")
    assert result.status == 0
    assert "✓ ok      Authentication" in result.out
    assert "    Fix: " in result.out
    assert result.err == ""
    assert "PostGIS" in pgconns("show", "prod").out


def test_check_of_one_is_an_object_and_of_all_a_list(pgconns: Program, prod: str) -> None:
    one, all_ = pgconns("check", "prod", "--json"), pgconns("check", "--json")
    assert (one.status, all_.status) == (0, 0)
    assert (one.json["name"], one.json["id"], one.json["registered"]) == ("prod", prod, True)
    assert [answer["name"] for answer in all_.json] == ["prod"]
    assert one.out.count("\n") == 1


def test_check_of_nothing(pgconns: Program) -> None:
    assert pgconns("check", "--json") == (0, "[]\n", "")
    assert pgconns("check").status == 0


def test_the_worst_of_several_is_the_answer(
    pgconns: Program, prod: str, door: Door, password_file: str, pg_server: Any, refused_port: int
) -> None:
    registry = Registry()
    good = registry.get(prod)
    old = pg_server(11, hba="host all all all md5")
    parameters = {
        "failed": good.parameters._replace(database="nowhere"),
        "old": good.parameters._replace(
            server=old.host, port=old.port, database=old.database(), username=old.role(PASSWORD, "LOGIN")
        ),
        "away": good.parameters._replace(port=refused_port),
        "unset": good.parameters._replace(password_from="env:NOT_SET"),
    }
    for name, values in parameters.items():
        registry.add(good._replace(id=name, parameters=values._replace(name=name)))
    everything = pgconns("check", "--json")
    assert everything.status == 5
    assert [answer["name"] for answer in everything.json] == ["prod", *parameters]
    assert [answer["verdict"] for answer in everything.json] == ["warning", *["failed"] * 4]
    text = pgconns("check", "prod", "old", "away")
    assert text.status == 4
    assert [line for line in text.out.splitlines() if line.endswith((": warning", ": failed"))] == [
        "prod: warning",
        "old: failed",
        "away: failed",
    ]
    assert text.err == ""
    assert pgconns("check", "prod", "away").status == 3
    assert pgconns("check", "prod", "prod", "prod", "--json").json[0]["name"] == "prod"
