"""The picker: keys, digits, a pasted URI or host name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual import events

from tests.screens.conftest import Look, Stage, on_stage, seen, type_text, until
from tui.screens.confirm import Confirm
from tui.screens.connector_picker import ConnectorPicker
from tui.screens.parameter_form import ParameterForm

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tui.screens.services import Services

URI = "postgresql://carto:s3cret-planted@mydb.abcdefghijkl.eu-west-1.rds.amazonaws.com:5433/gis?sslmode=require"


async def paste(pilot: Pilot[int], text: str) -> None:
    """Paste as a terminal does."""
    pilot.app.screen.post_message(events.Paste(text))
    await pilot.pause()


async def test_each_connector_says_what_it_needs(services: Services, size: tuple[int, int], look: Look) -> None:
    async with on_stage(services, ConnectorPicker(services), size) as pilot:
        await look(pilot, "postgresql")
        for key in ("rds", "aurora", "azure", "cloudsql", "alloydb", "pgbouncer"):
            await pilot.press("down")
            await look(pilot, key)


@pytest.mark.parametrize(
    ("keys", "connector", "port"),
    [(("enter",), "postgresql", "5432"), (("down", "down", "enter"), "aurora", "5432"), (("7",), "pgbouncer", "6432")],
)
async def test_keys_pick(services: Services, keys: tuple[str, ...], connector: str, port: str) -> None:
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        await pilot.press(*keys)
        form = pilot.app.screen
        assert isinstance(form, ParameterForm)
        assert (form.draft.values["connector"], form.draft.values["port"]) == (connector, port)


async def test_a_name_typed_on_the_list_goes_to_the_field(services: Services) -> None:
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        await type_text(pilot, "db1.postgres.database.azure.com")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParameterForm))
        form = pilot.app.screen
        assert isinstance(form, ParameterForm)
        assert form.draft.values["server"] == "db1.postgres.database.azure.com"
        assert form.draft.values["connector"] == "azure"


async def test_the_mouse_picks(services: Services) -> None:
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        await pilot.click("Connectors", offset=(5, 1))
        await until(pilot, lambda: isinstance(pilot.app.screen, ParameterForm))
        assert pilot.app.screen.draft.values["connector"] == "rds"  # type: ignore[attr-defined]


async def test_a_pasted_uri_proposes_and_fills_but_its_password_is_never_shown(
    services: Services, size: tuple[int, int], look: Look
) -> None:
    async with on_stage(services, ConnectorPicker(services), size) as pilot:
        await paste(pilot, URI)
        await until(pilot, lambda: "Enter goes on" in seen(pilot))
        await look(pilot, "pasted")
        assert "s3cret" not in seen(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParameterForm))
        await look(pilot, "form")
        form = pilot.app.screen
        assert isinstance(form, ParameterForm)
        values = form.draft.values
        assert (values["connector"], values["port"], values["username"], values["database"]) == (
            "rds", "5433", "carto", "gis",
        )  # fmt: skip
        assert form.draft.password is not None
        assert form.draft.password.reveal() == "s3cret-planted"


async def test_a_typed_host_name_proposes_as_it_is_typed(services: Services) -> None:
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        await pilot.press("slash")
        await type_text(pilot, "mydb.postgres.database.azure.com")
        await until(pilot, lambda: "Looks like Azure" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ParameterForm))
        assert pilot.app.screen.draft.values["sslmode"] == "require"  # type: ignore[attr-defined]


async def test_what_cannot_be_read_is_said(services: Services) -> None:
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        await paste(pilot, "postgresql://carto@[::1:5432/gis")
        await until(pilot, lambda: "✗" in seen(pilot))


async def test_nothing_typed_is_lost_by_going_back_and_forward(services: Services) -> None:
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        await pilot.press("2")
        await type_text(pilot, "Prod")
        await pilot.press("down")
        await type_text(pilot, "db.example.com")
        await pilot.press("down", "down")
        await type_text(pilot, "hunter2")
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ConnectorPicker)
        await pilot.press("7")
        form = pilot.app.screen
        assert isinstance(form, ParameterForm)
        assert (form.draft.values["name"], form.draft.values["server"]) == ("Prod", "db.example.com")
        assert (form.draft.values["connector"], form.draft.values["port"]) == ("pgbouncer", "6432")
        assert form.draft.password is not None
        assert "•••••••" in seen(pilot)


async def test_leaving_asks_only_when_something_was_typed(services: Services, look: Look) -> None:
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        await pilot.press("1")
        await type_text(pilot, "Prod")
        await pilot.press("escape", "escape")
        assert isinstance(pilot.app.screen, Confirm)
        await look(pilot, "leave")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, ConnectorPicker)
        await pilot.press("escape", "y")
        assert isinstance(pilot.app, Stage)
        assert pilot.app.answers == [None]
    async with on_stage(services, ConnectorPicker(services)) as pilot:
        await pilot.press("escape")
        assert isinstance(pilot.app, Stage)
        assert pilot.app.answers == [None]
