"""alert: the line, the numbers and the statuses of a monitoring plugin, by the real program on real servers."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_sockets import held, register
from tui.sockets import kept
from tui.sockets.growth import Point

if TYPE_CHECKING:
    from tests.cli.conftest import Door, Program


def test_nothing_to_look_at_is_0_with_numbers(pgconns: Program, door: Door, password_file: str) -> None:
    register("odd's|name", door, password_file)
    with held(door, 2):
        result = pgconns("alert")
    assert result.status == 0, result
    (line,) = result.out.splitlines()
    assert line.startswith("PGCONNS OK - 1 Connection, ")
    said, numbers = line.split(" | ")
    assert "|" not in said
    assert re.search(rf"'127.0.0.1:{door.server.port}'=\d+;78;92;0;97", numbers)
    assert "'odd_s_name'=2;;;0" in numbers


def test_levels_are_1_and_2_and_of_the_role_that_binds(pgconns: Program, door: Door, password_file: str) -> None:
    door.server.execute(f'ALTER ROLE "{door.username}" CONNECTION LIMIT 10')
    register("maps", door, password_file)
    with held(door, 7):
        assert pgconns("alert").status == 1  # and the console's own is the eighth
        assert pgconns("alert", "--critical", "80%").status == 2
        value = pgconns("alert", "maps", "--json", "--warning", "81%").json
    assert (value["status"], value["alerts"]) == ("ok", [])
    with held(door, 9):
        result = pgconns("alert")
    assert result.status == 2
    assert "PGCONNS CRITICAL - maps (limit of its role) is full: 10 of 10" in result.out
    assert "'maps'=9;8;10;0;10" in result.out


def test_a_server_that_cannot_be_seen_is_critical(
    pgconns: Program, door: Door, password_file: str, refused_port: int
) -> None:
    register("gone", door, password_file, port=refused_port)
    result = pgconns("alert", "--json")
    assert result.status == 2
    assert [(alert["kind"], alert["level"]) for alert in result.json["alerts"]] == [("unreachable", "critical")]


def test_a_leak_is_seen_from_run_to_run(pgconns: Program, door: Door, password_file: str) -> None:
    register("leaky", door, password_file)
    now = time.time()
    for minute in range(60, 0, -1):  # earlier runs, a minute apart
        kept.add("id-leaky", Point(now - 60 * minute, (60 - minute) // 9, (60 - minute) // 9))
    with held(door, 7):
        result = pgconns("alert", "--within", "1d")
    assert result.status in {1, 2}, result
    assert "leak" in result.out and "full in about" in result.out


@pytest.mark.parametrize(
    "words",
    [["--warning", "soon"], ["--warning", "101%"], ["--warning", "96%"], ["--within", "30"], ["nobody"], ["--what"]],
)
def test_wrong_usage_is_unknown(pgconns: Program, door: Door, password_file: str, words: list[str]) -> None:
    register("maps", door, password_file)
    result = pgconns("alert", *words)
    assert result.status == 3
    assert "UNKNOWN" in result.out or "--what" in result.err


def test_nothing_registered_is_unknown(pgconns: Program) -> None:
    result = pgconns("alert")
    assert (result.status, result.out) == (3, "PGCONNS UNKNOWN - No Connection is registered\n")
