"""pgconns regions: what is listed, asked for, entered and removed, and what its exit status tells."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_registry_commands import connection
from tests.regions.conftest import carto, plain_environment  # noqa: F401 - fixtures
from tests.regions.given import MARKDOWN, status, text
from tests.terminal import Terminal
from tui.connections.registry import Registry
from tui.regions import cache
from tui.regions.model import BUILT_IN, BUILT_IN_AT, Region
from tui.regions.telling import outdated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program
    from tests.regions.given import WebServer

NAMES = [region.region for region in BUILT_IN]


@pytest.fixture
def answering(carto: WebServer) -> WebServer:  # noqa: F811
    """CARTO's endpoints, which answer what is built in."""
    for region in BUILT_IN:
        carto.answers[f"/{region.region}"] = text(json.dumps(region.addresses))
    carto.answers["/page"] = status(404)
    return carto


def test_the_list_is_there_without_a_network(pgconns: Program, carto: WebServer) -> None:  # noqa: F811
    result = pgconns("regions", "--json")
    assert result.status == 0
    assert [region["region"] for region in result.json["regions"]] == NAMES
    us = result.json["regions"][0]
    assert us == {
        "region": "us-east1",
        "code": "clausa",
        "addresses": list(BUILT_IN[0].addresses),
        "source": "built-in",
        "fetched_at": datetime.fromtimestamp(BUILT_IN_AT, UTC).isoformat(),
    }
    assert not carto.asked


def test_the_table_fits_80_columns_and_cuts_no_address(pgconns: Program) -> None:
    result = pgconns("regions", env={"COLUMNS": "80"})
    lines = result.out.splitlines()
    assert lines[0].split() == ["REGION", "CODE", "ADDRESSES", "SOURCE", "AGE", "CHANGED"]
    assert max(map(len, lines)) <= 80
    assert len(lines) == 1 + sum(len(region.addresses) for region in BUILT_IN)
    pgconns("regions", "my-dc", "--set", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1")
    assert "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1" in pgconns("regions", env={"COLUMNS": "60"}).out


def test_in_a_pipe_a_region_is_one_line(pgconns: Program) -> None:
    lines = pgconns("regions").out.splitlines()
    assert len(lines) == 1 + len(BUILT_IN)
    assert all(", ".join(region.addresses) in line for region, line in zip(BUILT_IN, lines[1:], strict=True))


@pytest.mark.parametrize(
    "word", ["us-east1", "clausa", "https://clausa.app.carto.com/workspace", "CLAUSA.app.carto.com"]
)
def test_a_tenants_address_picks_its_region(pgconns: Program, word: str) -> None:
    assert [region["region"] for region in pgconns("regions", word, "--json").json["regions"]] == ["us-east1"]


def test_an_unknown_region_names_the_nearest(pgconns: Program, answering: WebServer) -> None:
    for words in (["us-east2"], ["us-east2", "--refresh"]):
        result = pgconns("regions", *words)
        assert (result.status, result.out) == (2, "")
        assert "No region is called us-east2: did you mean us-east1?" in result.err
    assert not answering.asked


def test_a_refresh_asks_and_keeps(pgconns: Program, answering: WebServer) -> None:
    first = pgconns("regions", "--refresh", "--json", "--exit-code")
    assert first.status == 0
    assert {region["source"] for region in first.json["regions"]} == {"live"}
    assert first.json["problems"] == [{"where": "the documentation's page", "message": "It answered with status 404"}]
    assert "the documentation's page: It answered with status 404" in first.err
    answering.asked.clear()
    assert pgconns("regions", "--json").json["regions"] == first.json["regions"]
    assert not answering.asked


def test_a_change_is_told_by_exit_status_once_and_stays_shown(pgconns: Program, answering: WebServer) -> None:
    answering.answers["/us-east1"] = text('["34.1.2.3", "35.185.63.239"]')
    result = pgconns("regions", "--refresh", "--exit-code")
    assert result.status == 1
    line = next(line for line in result.out.splitlines() if line.startswith("us-east1  "))
    assert line.endswith("+1 -3")
    assert re.search(r"us-east1 changed \ds ago: added 34\.1\.2\.3; removed 104\.196\.59\.4, 34\.73", result.out)
    again = pgconns("regions", "--refresh", "--exit-code", "--json")
    assert again.status == 0
    changed = again.json["regions"][0]
    assert changed["changed"] == {"added": ["34.1.2.3"], "removed": list(BUILT_IN[0].addresses[1:])}
    assert changed["changed_at"] <= changed["fetched_at"]
    answering.answers["/us-east1"] = text(json.dumps(BUILT_IN[0].addresses))
    assert pgconns("regions", "europe-west1", "--refresh", "--exit-code").status == 0
    answering.answers["/us-east1"] = text('["34.1.2.3"]')
    assert pgconns("regions", "--refresh").status == 0
    answering.answers["/us-east1"] = text('["34.1.2.4"]')
    assert pgconns("regions", "clausa", "--refresh", "--exit-code").status == 1


def test_an_absurd_answer_is_named_and_moves_nothing(pgconns: Program, answering: WebServer) -> None:
    answering.answers["/us-east1"] = text('["35.185.63.239", "10.20.30.40"]')
    result = pgconns("regions", "--refresh", "--json", "--exit-code")
    assert result.status == 0
    assert "us-east1: 10.20.30.40 is of a private or reserved network" in result.err
    assert result.json["regions"][0]["addresses"] == list(BUILT_IN[0].addresses)
    assert result.json["regions"][0]["source"] == "built-in"


def test_where_nothing_answers_the_known_list_is_printed(pgconns: Program, refused_port: int) -> None:
    there = f"http://127.0.0.1:{refused_port}/"
    pgconns.environment |= {"PGCONNS_META_URL": there + "{region}", "PGCONNS_REGIONS_PAGE": there}
    result = pgconns("regions", "--refresh", "--exit-code")
    assert result.status == 3
    assert "34.139.239.104" in result.out
    first, second = result.err.splitlines()
    assert first == f"{', '.join(NAMES)}, the documentation's page: It cannot be reached: connection refused"
    assert second == "Nothing usable was answered: the lists are those known before."


def test_an_old_list_says_how_to_get_a_new_one() -> None:
    week = 7 * 86_400
    assert outdated(BUILT_IN, BUILT_IN_AT + week - 1) == ""
    assert "up to 20 days old: pgconns regions --refresh" in outdated(BUILT_IN, BUILT_IN_AT + 20 * 86_400)
    newer = [replace(region, fetched_at=BUILT_IN_AT + week) for region in BUILT_IN[1:]]
    assert outdated(newer, BUILT_IN_AT + week + 1) == ""
    assert "7 days" in outdated([*newer, BUILT_IN[0]], BUILT_IN_AT + week + 1)
    assert outdated([Region("my-dc", "", ("10.0.0.1",), "own", None)], BUILT_IN_AT + 20 * 86_400) == ""


def test_a_damaged_cache_is_told_and_ignored(pgconns: Program) -> None:
    cache.place().parent.mkdir(parents=True)
    cache.place().write_text("{")
    result = pgconns("regions", "--json")
    assert result.status == 0
    assert "is damaged and is ignored" in result.err
    assert [region["region"] for region in result.json["regions"]] == NAMES


def test_an_own_region_is_entered_changed_and_removed(pgconns: Program) -> None:
    entered = pgconns("regions", "my-dc", "--set", "10.1.2.3,203.0.113.0/28", "--set", "10.1.2.4", "--json")
    assert entered.status == 0
    own = {"region": "my-dc", "code": "", "source": "own", "fetched_at": None}
    addresses = ["10.1.2.3", "203.0.113.0/28", "10.1.2.4"]
    assert entered.json == {"regions": [{**own, "addresses": addresses}]}
    assert pgconns("regions", "--json").json["regions"][-1] == {**own, "addresses": addresses}
    pgconns("regions", "my-dc", "--set", "10.9.9.9")
    assert pgconns("regions", "my-dc", "--json").json["regions"][0]["addresses"] == ["10.9.9.9"]
    unasked = pgconns("regions", "my-dc", "--remove")
    assert unasked.status == 2
    assert "--yes" in unasked.err
    assert pgconns("regions", "my-dc", "--remove", "--yes", "--json").json == {"region": "my-dc", "removed": True}
    assert pgconns("regions", "my-dc").status == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["us-east1", "--set", "10.0.0.1"], "us-east1 is CARTO's own"),
        (["clausa", "--set", "10.0.0.1"], "clausa is CARTO's own"),
        (["us-east1", "--remove", "--yes"], "us-east1 is CARTO's own"),
        (["my-dc", "--set", "0.0.0.0/0"], "wider than /8"),
        (["my-dc", "--set", ","], "has no address"),
        (["my-dc", "--set", "127.0.0.1"], "loopback"),
        (["My DC", "--set", "10.0.0.1"], "small letters"),
        (["--set", "10.0.0.1"], "needs a name"),
        (["--remove"], "needs a name"),
        (["my-dc", "--set", "10.0.0.1", "--remove"], "--set and --remove are two commands"),
        (["my-dc", "--set", "10.0.0.1", "--refresh"], "--refresh and --set are two commands"),
        (["--exit-code"], "give both"),
        (["--refresh", "--bogus"], "no option --bogus"),
    ],
)
def test_what_is_not_right_is_refused(pgconns: Program, words: list[str], said: str) -> None:
    result = pgconns("regions", *words)
    assert (result.status, result.out) == (2, "")
    assert said in result.err
    assert Registry().regions() == ()


@pytest.mark.parametrize("place", ["http://example.com/{region}", "https://example.com/meta"])
def test_a_place_that_may_not_be_asked_is_refused(pgconns: Program, place: str) -> None:
    result = pgconns("regions", "--refresh", env={"PGCONNS_META_URL": place})
    assert (result.status, result.out) == (2, "")
    assert "PGCONNS_META_URL is an https address with {region} in it" in result.err


def test_a_region_in_use_is_not_removed(pgconns: Program) -> None:
    pgconns("regions", "my-dc", "--set", "10.0.0.1")
    Registry().add(connection("prod", 1, region="my-dc"))
    result = pgconns("regions", "my-dc", "--remove", "--yes")
    assert result.status == 2
    assert "my-dc is still the region of prod" in result.err
    assert pgconns("regions", "my-dc").status == 0


def test_a_wrong_region_in_the_file_names_its_line(pgconns: Program) -> None:
    Registry().path.parent.mkdir(parents=True)
    Registry().path.write_text('[[regions]]\nname = "my-dc"\naddresses = ["0.0.0.0/0"]\n')
    for words in (["regions"], ["list"]):
        result = pgconns(*words)
        assert result.status == 5
        assert "line 3: addresses: 0.0.0.0/0 is wider than /8" in result.err


def test_export_and_apply_carry_own_regions(pgconns: Program, tmp_path: Path) -> None:
    for name, addresses in (("my-dc", "10.0.0.1"), ("attic", "10.0.0.2")):
        pgconns("regions", name, "--set", addresses)
    Registry().add(connection("prod", 1, region="my-dc"))
    Registry().add(connection("other", 2))
    assert [region["region"] for region in pgconns("export", "prod", "--json").json["regions"]] == ["my-dc"]
    assert pgconns("export", "other", "--json").json["regions"] == []
    exported = pgconns("export").out
    there = {"PGCONNS_REGISTRY": str(tmp_path / "there.toml")}
    wanted = re.sub(r"(?s)\n\[\[connections\]\].*?(?=\n\[\[|\Z)", "", exported)
    pgconns("regions", "attic", "--set", "10.9.9.9", env=there)
    pgconns("regions", "lab", "--set", "10.9.9.9", env=there)
    planned = pgconns("apply", "-f", "-", "--dry-run", stdin=wanted, env=there)
    assert planned.out.splitlines() == [
        "add        region my-dc: 10.0.0.1",
        "change     region attic: 10.0.0.2",
        "absent     region lab: entered, not in the file; it stays until pgconns regions --remove",
    ]
    applied = pgconns("apply", "-f", "-", "--json", stdin=wanted, env=there)
    assert applied.status == 0
    assert applied.json["regions"]["add"] == [{"region": "my-dc", "addresses": ["10.0.0.1"]}]
    assert applied.json["regions"]["absent"] == ["lab"]
    again = pgconns("apply", "-f", "-", "--json", stdin=wanted, env=there).json["regions"]
    assert again == {"add": [], "change": [], "unchanged": ["my-dc", "attic"], "absent": ["lab"]}


def test_on_a_terminal_progress_is_shown_and_removing_asks(pgconns: Program, answering: WebServer, home: Path) -> None:
    import os

    answering.answers["/page"] = text(MARKDOWN)
    program = [sys.executable, "-m", "tui", "regions"]
    with Terminal([*program, "--refresh"], dict(os.environ)) as terminal:
        assert terminal.end(30) == 0
        assert b"Asking CARTO: 5 of 5 answered" in terminal.output
        assert "Asking CARTO" not in terminal.text
        assert "34.139.239.104" in terminal.text
    pgconns("regions", "my-dc", "--set", "10.0.0.1")
    for answer, left in (("n", 0), ("y", 2)):
        with Terminal([*program, "my-dc", "--remove"], dict(os.environ)) as terminal:
            terminal.wait_for("Remove the region my-dc and its addresses")
            terminal.press(answer, "enter")
            assert terminal.end(30) == (1 if answer == "n" else 0)
        assert pgconns("regions", "my-dc").status == left
