"""Import, export and apply: nothing is registered before it was seen and chosen, and only what is OK."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input, TextArea

from tests.screens.conftest import OK, Look, answers, on_stage, prose, seen, top, type_text, until
from tests.widgets.given import connection
from tui.connections.model import OwnRegion
from tui.connections.registry_text import dumps
from tui.connections.secret import Secret
from tui.postgres.finding import Finding
from tui.probe.report import Report, Server
from tui.screens.apply_registry import ApplyRegistry
from tui.screens.export_connections import ExportConnections
from tui.screens.import_connections import ImportConnections
from tui.screens.parameter_form import ParameterForm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from tui.connections.model import Parameters
    from tui.screens.services import Services

TEXT = """postgresql://carto:p%40ss@db.example.com/gis?sslmode=require
postgresql://carto:wrong@bad.example.com:5433/maps
host=db2.example.com user=carto
"""


def is_seen(pilot: Pilot[int], text: str) -> bool:
    return text in seen(pilot)


async def probe(parameters: Parameters, password: Secret | None, on_finding: Callable[[Finding], None]) -> Report:
    """Refuse one server, and find the others OK."""
    if parameters.server.startswith("bad"):
        return Report((Finding("tcp", "failed", "nothing listens", fix="start the server"),), Server())
    return Report(OK, Server())


async def test_import_shows_what_was_found_and_registers_what_is_ok(
    services: Services, size: tuple[int, int], look: Look
) -> None:
    services.secrets.unlock(Secret("sesame"))
    handed = replace(services, probe=probe)
    async with on_stage(handed, ImportConnections(handed), size) as pilot:
        await look(pilot, "import")
        pilot.app.screen.query_one(TextArea).text = TEXT
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "3 Connections, 2 chosen" in seen(pilot))
        assert "p@ss" not in seen(pilot)
        assert services.registry.load() == ()
        await pilot.press("enter")
        await until(pilot, lambda: "1 Connection registered, 1 not" in seen(pilot).replace("\n", " "))
        (registered,) = services.registry.load()
        assert registered.parameters.server == "db.example.com"
        assert services.secrets.get(registered) == Secret("p@ss")
        await pilot.press("down")
        await until(pilot, lambda: "→ start the server" in seen(pilot))
        await pilot.press("down", "e")
        await until(pilot, lambda: isinstance(top(pilot), ParameterForm))


async def test_choosing(services: Services) -> None:
    handed = replace(services, probe=probe)
    async with on_stage(handed, ImportConnections(handed)) as pilot:
        pilot.app.screen.query_one(TextArea).text = TEXT
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "3 Connections, 2 chosen" in seen(pilot))
        await pilot.press("space")
        await until(pilot, lambda: "1 chosen" in seen(pilot))
        await pilot.press("asterisk")
        await until(pilot, lambda: "2 chosen" in seen(pilot))
        await pilot.press("asterisk", "enter")
        await until(pilot, lambda: "Nothing is chosen" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.focused is pilot.app.screen.query_one(TextArea))
        assert pilot.app.screen.query_one(TextArea).text == TEXT
        await pilot.press("escape")
        await until(pilot, lambda: answers(pilot) == [None])


async def test_what_cannot_be_read_says_so_and_stays(services: Services, home: Path) -> None:
    async with on_stage(services, ImportConnections(services)) as pilot:
        for text, said in (
            ("", "nothing to import yet"),
            ("nonsense", "This is no pg_service.conf"),
            ("/no/file", "cannot"),
        ):
            pilot.app.screen.query_one(TextArea).text = text
            await pilot.press("ctrl+s")
            await until(pilot, partial(is_seen, pilot, said))


async def test_import_of_a_file(services: Services, home: Path) -> None:
    (home / "pg_service.conf").write_text("[prod]\nhost=db.example.com\nuser=carto\ndbname=gis\n")
    async with on_stage(services, ImportConnections(services)) as pilot:
        pilot.app.screen.query_one(TextArea).text = str(home / "pg_service.conf")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "from [prod], without a password" in seen(pilot))


async def test_apply_shows_the_plan_asks_and_applies(services: Services, home: Path, look: Look) -> None:
    kept, changed = connection("kept"), connection("changed", password_from="ask")
    for each in (kept, changed):
        services.registry.add(each)
    services.secrets.remember("changed", Secret("hunter2"))
    after = changed._replace(parameters=changed.parameters._replace(port=6432))
    added = connection("added", password_from="ask")
    (home / "wanted.toml").write_text(dumps([after, added]))
    async with on_stage(services, ApplyRegistry(services)) as pilot:
        pilot.app.screen.query_one(Input).value = "/no/file"
        await pilot.press("enter")
        await until(pilot, lambda: "There is no file" in seen(pilot))
        pilot.app.screen.query_one(Input).value = str(home / "wanted.toml")
        await pilot.press("enter")
        await until(pilot, lambda: "3 Connections, 2 chosen" in seen(pilot))
        await pilot.press("down")
        await until(pilot, lambda: "Port: 5432 → 6432" in seen(pilot))
        await look(pilot, "plan")
        await pilot.press("enter")
        await until(pilot, lambda: "Apply 2 changes?" in seen(pilot))
        assert services.registry.load() == (kept, changed)
        await pilot.press("y")
        await until(pilot, lambda: "2 Connections registered" in seen(pilot))
    assert services.registry.load() == (kept, after, added)


async def test_apply_enters_the_regions_of_the_file(services: Services, home: Path) -> None:
    kept, region = connection("kept"), OwnRegion("my-dc", ("10.0.0.1",))
    services.registry.add(kept)
    (home / "wanted.toml").write_text(dumps([kept], [region]))
    async with on_stage(services, ApplyRegistry(services)) as pilot:
        pilot.app.screen.query_one(Input).value = str(home / "wanted.toml")
        await pilot.press("enter")
        await until(pilot, lambda: "1 Connection, 0 chosen" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "region my-dc: 10.0.0.1" in seen(pilot))
        assert services.registry.regions() == ()
        await pilot.press("y")
        await until(pilot, lambda: services.registry.regions() == (region,))


async def test_export_shows_writes_and_copies(services: Services, home: Path, look: Look) -> None:
    services.registry.add(connection("a"))
    text = dumps(services.registry.load())
    async with on_stage(services, ExportConnections(services)) as pilot:
        await until(pilot, lambda: 'name = "a"' in seen(pilot))
        await pilot.press("ctrl+y")
        await until(pilot, lambda: pilot.app.clipboard == text)
        await pilot.press("ctrl+u")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Type the path" in seen(pilot))
        await type_text(pilot, str(home / "out.toml"))
        await pilot.press("enter")
        await until(pilot, (home / "out.toml").exists)
        await until(pilot, lambda: "readable by you alone" in prose(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Replace" in seen(pilot))
        await pilot.press("y")
    assert (home / "out.toml").read_text() == text
    assert stat.S_IMODE((home / "out.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize("screen", [ImportConnections, ApplyRegistry])
async def test_what_the_panel_does_meanwhile_keeps_nothing_busy_here(
    services: Services, screen: type[ImportConnections | ApplyRegistry]
) -> None:
    async with on_stage(services, screen(services)) as pilot:
        pilot.app.screen_stack[0].run_worker(asyncio.Event().wait())
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "✗" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: answers(pilot) == [None])
