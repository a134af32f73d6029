"""pgconns doctor, which says what will not work here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui import paths

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program


def test_a_clean_machine_is_fine(pgconns: Program) -> None:
    result = pgconns("doctor", "--json")
    assert (result.status, result.err) == (0, "")
    assert result.json.keys() == {"findings"}
    assert all({"check", "status", "message"} <= finding.keys() for finding in result.json["findings"])
    text = pgconns("doctor")
    assert (text.status, text.err) == (0, "")
    assert len(text.out.splitlines()) >= len(result.json["findings"])


def test_a_damaged_registry_is_bad_news(pgconns: Program, home: Path) -> None:
    paths.registry_file().parent.mkdir(parents=True)
    paths.registry_file().write_text("= damaged")
    result = pgconns("doctor")
    assert result.status == 1
    assert "✗ failed" in result.out
    assert "line 1" in result.out
