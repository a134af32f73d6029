"""What doctor says of terminals, files and folders."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tui.postgres.finding import Finding
from tui.probe.machine import machine_findings, terminal
from tui.regions import cache
from tui.regions.model import BUILT_IN


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True


def by_check() -> dict[str, Finding]:
    """Look at the machine."""
    return {finding.check: finding for finding in machine_findings()}


def test_an_empty_home_is_fine(home: Path) -> None:
    found = by_check()
    assert {finding.status for finding in found.values()} <= {"ok"}, found
    assert list(home.iterdir()) == [], "looking changes nothing"
    assert "libpq 18" in found["driver"].message


def test_a_damaged_list_of_regions_is_a_warning() -> None:
    cache.place().parent.mkdir(parents=True)
    cache.place().write_text("{")
    found = by_check()["regions"]
    assert (found.status, found.fix) == ("warning", "pgconns regions --refresh")
    cache.save(cache.Cache(BUILT_IN))
    assert by_check()["regions"].status == "ok"


@pytest.mark.parametrize(
    ("environment", "size", "encoding", "expected"),
    [
        ({"TERM": "xterm-256color"}, (80, 24), "utf-8", {}),
        ({"TERM": "dumb"}, (80, 24), "utf-8", {"terminal": "failed"}),
        ({}, (80, 24), "UTF8", {"terminal": "failed"}),
        ({"TERM": "xterm", "NO_COLOR": "1"}, (79, 24), "utf-8", {"terminal_size": "warning"}),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, (120, 40), "ascii", {"encoding": "warning"}),
    ],
)
def test_terminals(environment: dict[str, str], size: tuple[int, int], encoding: str, expected: dict[str, str]) -> None:
    found = terminal(environment, Screen(encoding), size)
    assert {f.check: f.status for f in found if f.status != "ok"} == expected


def test_no_terminal() -> None:
    assert [f.status for f in terminal({}, io.StringIO(), (0, 0))] == ["ok"]
    assert [f.status for f in terminal({}, None, (0, 0))] == ["ok"]


def test_files_that_others_may_read(home: Path) -> None:
    (home / ".pgpass").write_text("x")
    (home / ".pgpass").chmod(0o644)
    vault = home / ".local/share/pgconns/vault"
    vault.parent.mkdir(parents=True)
    vault.write_text("x")
    vault.chmod(0o640)
    vault.parent.chmod(0o777)
    found = by_check()
    for check in ("password_file", "vault", "data_folder"):
        assert found[check].status == "warning", check
        assert "chmod" in found[check].fix


def test_what_is_in_the_way(home: Path) -> None:
    (home / ".config").write_text("a file where a folder should be")
    vault = home / ".local/share/pgconns/vault"
    vault.mkdir(parents=True)
    found = by_check()
    assert found["config_folder"].status == "failed"
    assert found["vault"].status == "failed"


def test_a_damaged_registry(home: Path) -> None:
    registry = home / ".config/pgconns/registry.toml"
    registry.parent.mkdir(parents=True, mode=0o700)
    registry.write_text("version = [")
    os.chmod(registry, 0o600)  # noqa: PTH101
    assert by_check()["registry"].status == "failed"
