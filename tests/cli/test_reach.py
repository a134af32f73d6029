"""reach: what is said of a region's addresses, the fix put to work, and the exit statuses, by the real program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import PASSWORD
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry
from tui.regions.model import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Program
    from tests.servers.postgres import Server

REGION = BUILT_IN[0]
LINES = """\
host all all 127.0.0.1/32 scram-sha-256
host all all 35.185.63.239/32 reject
hostnossl all all 104.196.0.0/16 trust
host all +readers 34.73.63.7 255.255.255.255 scram-sha-256
"""
Place = tuple["Server", str, str]


@pytest.fixture
def register(pg_server: Any, password_file: str) -> Callable[..., Place]:
    """Registers a Connection by the name of prod, whose role may read the rules where `reads`."""

    def register(*, reads: bool = True, major: int = 16, **changes: Any) -> Place:
        server: Server = pg_server(major, own="reach", hba=LINES)
        server.hba(LINES)
        database, role = server.database(), server.role(PASSWORD, "LOGIN")
        if reads:
            server.execute(f'GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO "{role}"', (), database)
        parameters = Parameters(
            **{
                "name": "prod", "server": server.host, "port": server.port, "username": role, "database": database,
                "password_from": password_file, "region": REGION.region, **changes,
            }
        )  # fmt: skip
        Registry().add(Connection("id-prod", parameters))
        return server, database, role

    return register


def test_what_is_let_in_and_why(pgconns: Program, register: Callable[..., Place]) -> None:
    server, database, role = register()
    result = pgconns("reach", "prod", "--json")
    assert result.status == 1, result.err
    answer = result.json
    assert (answer["name"], answer["region"], answer["visibility"]) == ("prod", "us-east1", "full")
    rejected, trusted, unmatched, also = answer["addresses"]
    assert {key: rejected[key] for key in ("address", "admitted", "line")} == {
        "address": "35.185.63.239", "admitted": False, "line": 3,
    }  # fmt: skip
    assert rejected["reason"] == "line 3 rejects it: host all all 35.185.63.239/32 reject"
    assert {key: trusted[key] for key in ("admitted", "method", "tls", "line", "by_password")} == {
        "admitted": True, "method": "trust", "tls": "refused", "line": 4, "by_password": True,
    }  # fmt: skip
    assert (unmatched["admitted"], unmatched["reason"], "line" in unmatched) == (False, "no line matches", False)
    assert also["reason"] == "no line matches"
    assert answer["before_line"] == 3
    assert answer["lines"] == [
        f'host "{database}" "{role}" {address}/32 scram-sha-256'
        for address in ("35.185.63.239", "34.73.63.7", "34.139.239.104")
    ]
    assert any("without a password" in warning for warning in answer["warnings"])
    server.execute("CREATE ROLE readers")
    try:
        server.execute(f'GRANT readers TO "{role}"')
        assert pgconns("reach", "prod", "--json").json["addresses"][2]["line"] == 5
    finally:
        server.execute("DROP ROLE readers")


def test_the_fix_as_it_stands_lets_everybody_in(pgconns: Program, register: Callable[..., Place]) -> None:
    server, _, _ = register()
    shown = pgconns("reach", "prod", env={"COLUMNS": "80"})
    assert shown.status == 1
    file = server.data / "pg_hba.conf"
    fix = re.search(
        rf"^Fix: Add these lines before line (\d+) of {file}:\n((?:host.*\n)+)then run (.*);$", shown.out, re.M
    )
    assert fix is not None, shown.out
    present = file.read_text().splitlines()
    at = int(fix[1]) - 1
    file.write_text("\n".join([*present[:at], *fix[2].splitlines(), *present[at:]]) + "\n")
    waiting = pgconns("reach", "prod", "--json").json
    assert [one["admitted"] for one in waiting["addresses"]] == [True] * 4
    server.reload()
    done = pgconns("reach", "prod")
    assert done.status == 0, done.out
    assert done.out.startswith("4 of 4 addresses of us-east1 get in")
    assert "Add" not in done.out


def test_what_people_read_fits_a_terminal(pgconns: Program, register: Callable[..., Place]) -> None:
    register()
    shown = pgconns("reach", "prod", env={"COLUMNS": "80"})
    lines = shown.out.splitlines()
    assert lines[0].startswith("1 of 4 addresses of us-east1 get in as r_")
    assert lines[1].split() == ["ADDRESS", "LET", "IN", "TLS", "METHOD", "WHY"]
    assert all(len(line) <= 80 for line in lines[1:6])
    assert "line 3: host all all 35.185.63.239/32 reject" in lines
    assert "Firewalls on the way" in shown.err


@pytest.mark.parametrize("major", [12, 15, 16, 18])
def test_without_the_privilege_the_grant_is_named(pgconns: Program, register: Callable[..., Place], major: int) -> None:
    server, database, role = register(reads=False, major=major)
    result = pgconns("reach", "prod", "--json")
    answer = result.json
    assert (result.status, answer["visibility"]) == (1, "none")
    assert {one["admitted"] for one in answer["addresses"]} == {None}
    assert "from 127.0.0.1, without TLS and with a password" in answer["notes"][0]
    assert answer["fix"].endswith(f'TO "{role}"; -- as a superuser, in the database {database}')
    server.execute(answer["fix"], (), database)
    assert pgconns("reach", "prod", "--json").json["visibility"] == "full"


def test_a_managed_service_keeps_its_rules(pgconns: Program, register: Callable[..., Place]) -> None:
    register(reads=False, connector="rds")
    result = pgconns("reach", "prod")
    assert result.status == 1
    assert "is not known:\nthe service keeps its pg_hba rules to itself." in result.out
    assert "security group" in result.out
    assert "GRANT" not in result.out


def test_other_regions_and_addresses(pgconns: Program, register: Callable[..., Place]) -> None:
    register(region="")
    none = pgconns("reach", "prod")
    assert (none.status, none.out) == (2, "")
    assert "--region" in none.err
    by_code = pgconns("reach", "prod", "--region", "pinea", "--json")
    assert (by_code.status, by_code.json["region"], len(by_code.json["addresses"])) == (1, "europe-west1", 4)
    own = pgconns("reach", "prod", "--address", "127.0.0.0/30", "--address", "::ffff:104.196.1.1", "--json")
    assert [(one["address"], one["admitted"]) for one in own.json["addresses"]] == [
        ("127.0.0.0", False), ("127.0.0.1", True), ("127.0.0.2/31", False), ("104.196.1.1", True),
    ]  # fmt: skip
    local = pgconns("reach", "prod", "--address", "127.0.0.1")
    assert local.status == 0, local.out


def test_a_file_that_is_not_what_is_loaded(pgconns: Program, register: Callable[..., Place]) -> None:
    server, _, _ = register()
    file = server.data / "pg_hba.conf"
    present = file.read_text()
    file.write_text(present + "host all all\n")
    broken = pgconns("reach", "prod", "--address", "127.0.0.1", "--json")
    assert (broken.status, broken.json["loaded"]) == (1, False)
    assert "Line 7" in broken.json["warnings"][0]
    assert "will not start again" in broken.json["warnings"][0]
    file.write_text("host all all all reject\n")
    other = pgconns("reach", "prod", "--address", "127.0.0.1", "--json")
    assert (other.status, other.json["loaded"]) == (1, False)
    assert "would not have let in this session" in other.json["warnings"][0]
    file.write_text(present)
    server.reload()
    assert pgconns("reach", "prod", "--address", "127.0.0.1").status == 0


@pytest.mark.parametrize(
    "words",
    [
        ["reach"],
        ["reach", "nobody"],
        ["reach", "prod", "--region", "atlantis"],
        ["reach", "prod", "--region", "us-east1", "--address", "10.0.0.1"],
        ["reach", "prod", "--address", "10.0.0.1/33"],
    ],
)
def test_what_is_not_right_is_2(pgconns: Program, register: Callable[..., Place], words: list[str]) -> None:
    register()
    result = pgconns(*words)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("pgconns: ")


def test_a_server_that_is_not_there_is_3(pgconns: Program, register: Callable[..., Place], refused_port: int) -> None:
    register(port=refused_port)
    result = pgconns("reach", "prod")
    assert (result.status, result.out) == (3, "")
    assert str(refused_port) in result.err
