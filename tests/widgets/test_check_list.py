"""The check list: findings stand at their check, with their code, time and fix; nothing in them is markup."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tests.widgets.given import HOSTILE
from tui.postgres.finding import Finding
from tui.screens.themes import TOKENS
from tui.widgets.check_list import CheckList, check_lines

CHECKS = {"tcp": "TCP", "tls": "TLS", "postgis": "PostGIS"}


class Stage(App[None]):
    """A check list alone."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return TOKENS

    def compose(self) -> ComposeResult:
        yield CheckList(CHECKS)

    @property
    def checks(self) -> CheckList:
        return self.query_one(CheckList)

    def drawn(self) -> str:
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def test_findings_fill_in_and_the_next_check_is_marked() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.checks.reset()
        await pilot.pause()
        assert "… TCP" in app.drawn()
        app.checks.show(Finding("tcp", "ok", "192.0.2.1 answers", milliseconds=12.4))
        app.checks.show(Finding("tcp", "failed", "192.0.2.2 does not answer", fix="Open the port", code="ETIMEDOUT"))
        await pilot.pause()
        drawn = app.drawn()
        assert "✗ TCP" in drawn
        assert "12 ms" in drawn
        assert "[ETIMEDOUT]" in drawn
        assert "→ Open the port" in drawn
        assert "… TLS" in drawn
        app.checks.finish()
        await pilot.pause()
        assert "· TLS" in app.drawn()
        assert len(app.checks.findings) == 2


async def test_a_check_that_nobody_knew_gets_its_line_in_turn() -> None:
    app = Stage()
    async with app.run_test() as pilot:
        app.checks.show(Finding("password", "ok", "From the vault"))
        await pilot.pause()
        assert app.drawn().index("Password") < app.drawn().index("TCP")
        app.checks.reset()
        await pilot.pause()
        assert "Password" not in app.drawn()
        app.checks.show(Finding("password", "ok", "From the vault again"))
        await pilot.pause()
        assert "again" in app.drawn()


async def test_hostile_text_is_shown_and_never_obeyed() -> None:
    app = Stage()
    async with app.run_test(size=(80, 24)) as pilot:
        app.checks.show(Finding("tls", "warning", HOSTILE, fix=HOSTILE, detail=HOSTILE, code=HOSTILE))
        await pilot.pause()
        drawn = app.drawn()
        assert "[/]" in drawn
        assert "\x1b" not in drawn
        assert "\u202e" not in drawn


def test_a_narrow_terminal_puts_findings_below_their_label() -> None:
    finding = Finding("tls", "failed", "The certificate is of another name than the server's", milliseconds=31)
    lines = check_lines("TLS", (finding,), False, 40)
    assert lines[0].plain.strip() == "✗ TLS"
    assert all(line.cell_length <= 40 for line in lines)
