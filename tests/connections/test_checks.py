"""What the last check found: kept, and never trusted when it is damaged."""

from __future__ import annotations

import datetime
import stat

import pytest

from tui import paths
from tui.connections import checks

REPORT = {
    "verdict": "warning",
    "findings": [{"check": "postgis", "status": "warning", "message": "ü\x1b"}],
    "server": {},
}


def test_a_report_is_kept_with_its_time_and_forgotten() -> None:
    assert checks.load("a") is None
    checks.delete("a")
    assert checks.save("a", REPORT)
    found = checks.load("a")
    assert found is not None
    at = datetime.datetime.fromisoformat(found.pop("at"))
    assert datetime.datetime.now(datetime.UTC) - at < datetime.timedelta(minutes=1)
    assert found == REPORT
    file = paths.state_folder() / "checks" / "a.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    checks.delete("a")
    assert checks.load("a") is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff", b'{"findings": 5}', b'{"findings": [5]}', b"[" * 100_000]
)
def test_a_damaged_report_is_none(content: bytes) -> None:
    checks.save("a", REPORT)
    (paths.state_folder() / "checks" / "a.json").write_bytes(content)
    assert checks.load("a") is None


def test_a_folder_that_cannot_be_made_loses_the_report_only() -> None:
    paths.state_folder().parent.mkdir(parents=True, exist_ok=True)
    paths.state_folder().write_text("a file")
    assert not checks.save("a", REPORT)
    assert checks.load("a") is None
    checks.delete("a")
