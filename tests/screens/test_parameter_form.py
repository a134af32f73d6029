"""The parameter form: problems as fields are left, pasted texts, what is kept, editing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual import events

from tests.screens.conftest import REFUSED, FakeProbe, Look, ProbeBy, answers, on_stage, seen, top, type_text, until
from tui.connections.model import Connection, OwnRegion, Parameters
from tui.connections.secret import Secret
from tui.postgres.finding import Finding
from tui.screens.advanced_options import AdvancedOptions
from tui.screens.confirm import Confirm
from tui.screens.connect import Connect
from tui.screens.draft import Draft
from tui.screens.parameter_form import ParameterForm
from tui.screens.services import Services
from tui.widgets.field_row import FieldRow

if TYPE_CHECKING:
    from textual.pilot import Pilot

FILLED = {"name": "Prod", "server": "db.example.com", "username": "carto", "database": "gis", "password_from": "ask"}


def filled(**more: str) -> Draft:
    """A draft that has all it needs."""
    return Draft.new().fill({**FILLED, **more}, Secret("hunter2"))


def form_of(pilot: Pilot[int]) -> ParameterForm:
    """The form on the stage."""
    form = next(screen for screen in pilot.app.screen_stack if isinstance(screen, ParameterForm))
    assert isinstance(form, ParameterForm)
    return form


def field(pilot: Pilot[int], name: str) -> FieldRow:
    """The line of a field."""
    return form_of(pilot).query_one(f"#field-{name.replace('_', '-')}", FieldRow)


async def paste_into(pilot: Pilot[int], name: str, text: str) -> None:
    """Focus a field and paste into it, as a terminal does."""
    field(pilot, name).give_focus()
    await pilot.pause()
    pilot.app.screen.post_message(events.Paste(text))
    await pilot.pause()


async def test_empty(services: Services, size: tuple[int, int], look: Look) -> None:
    async with on_stage(services, ParameterForm(services, Draft.new("azure")), size) as pilot:
        await look(pilot, "empty")
        for number in range(12):
            await pilot.press("down")
            if number in {5, 8, 11}:
                await look(pilot, f"{number + 1} down")


async def test_a_problem_shows_when_the_field_is_left_and_goes_when_it_is_mended(
    services: Services, size: tuple[int, int], look: Look
) -> None:
    async with on_stage(services, ParameterForm(services, filled()), size) as pilot:
        field(pilot, "port").give_focus()
        await pilot.press("end", *["backspace"] * 4)
        await type_text(pilot, "70000")
        assert "✗" not in seen(pilot)
        await pilot.press("tab")
        await until(pilot, lambda: "There is no port 70000" in seen(pilot))
        await look(pilot, "port")
        await pilot.press("shift+tab", "backspace")
        await until(pilot, lambda: "✗" not in seen(pilot))


@pytest.mark.parametrize("port", ["0", "abc", "-1", "65536"])
async def test_ports_that_are_none(services: Services, port: str) -> None:
    async with on_stage(services, ParameterForm(services, filled(port=port))) as pilot:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "✗" in seen(pilot))
        assert pilot.app.focused is field(pilot, "port").input


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "postgresql://carto:p%40ss%3Aword@db.example.com:5433/gis?sslmode=verify-full",
            {"server": "db.example.com", "port": "5433", "username": "carto", "sslmode": "verify-full"},
        ),
        ("host=10.0.0.5 port=6432 user=carto dbname='a b'", {"connector": "pgbouncer", "database": "a b"}),
        ("postgresql://u@[2001:db8::10]:5433/d", {"server": "2001:db8::10", "port": "5433"}),
        ("postgresql://u@a.example.com:1111,b.example.com:2222/d", {"server": "a.example.com", "port": "1111"}),
        ("service=prod", {"server": "service.example.com", "username": "from_service"}),
    ],
)
async def test_a_text_pasted_into_server_fills_the_form(
    services: Services, text: str, wanted: dict[str, str], look: Look
) -> None:
    handed = Services(
        services.registry,
        services.secrets,
        find_service=lambda _: {"host": "service.example.com", "user": "from_service"},
    )
    async with on_stage(handed, ParameterForm(handed)) as pilot:
        await paste_into(pilot, "server", text)
        await until(pilot, lambda: "Filled from what you pasted" in seen(pilot))
        values = form_of(pilot).draft.values
        assert {name: values[name] for name in wanted} == wanted
        assert {name: field(pilot, name).value for name in wanted} == wanted
        await look(pilot, "filled")
        if "p%40ss" in text:
            assert form_of(pilot).draft.password == Secret("p@ss:word")
            assert "p@ss" not in seen(pilot)


@pytest.mark.parametrize("key", ["tab", "enter", "down"])
async def test_keys_that_come_at_once_land_in_their_fields(services: Services, key: str) -> None:
    """A slow line, or a terminal that pastes as if one typed, brings many keys in one piece."""
    async with on_stage(services, ParameterForm(services)) as pilot:
        for each in ("a", key, "b", key, "c"):
            pilot.app.post_message(events.Key(each, each if len(each) == 1 else None))
        await until(pilot, lambda: form_of(pilot).draft.values["username"])
        values = form_of(pilot).draft.values
        assert [values[name] for name in ("name", "server", "username")] == ["a", "b", "c"]


async def test_the_field_with_the_focus_stays_in_view_in_a_terminal_made_small(services: Services) -> None:
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        field(pilot, "port").give_focus()
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: "5432" in seen(pilot))


async def test_after_a_failure_the_field_at_fault_has_the_focus(services: Services, probe_by: ProbeBy) -> None:
    handed = replace(services, probe=probe_by(Finding("authentication", "failed", "no such database", code="3D000")))
    async with on_stage(handed, ParameterForm(handed, filled())) as pilot:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not registered: one check failed" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.focused is field(pilot, "database").input)


async def test_a_typed_uri_is_taken_apart_when_the_field_is_left(services: Services) -> None:
    async with on_stage(services, ParameterForm(services)) as pilot:
        field(pilot, "server").give_focus()
        await type_text(pilot, "postgresql://carto@db.example.com/gis")
        await pilot.press("enter")
        await until(pilot, lambda: field(pilot, "server").value == "db.example.com")
        assert form_of(pilot).draft.values["database"] == "gis"


async def test_a_uri_that_cannot_be_read_is_kept_and_explained(services: Services) -> None:
    async with on_stage(services, ParameterForm(services)) as pilot:
        await paste_into(pilot, "server", "postgresql://h/d?no_such_option=1")
        await until(pilot, lambda: "✗" in seen(pilot))
        assert "cannot be read" in seen(pilot)


async def test_hostile_text_is_shown_and_never_obeyed(services: Services) -> None:
    draft = filled(name="[/b]\x1b[31m\u202eevil[b]", database='a"b; drop')
    async with on_stage(services, ParameterForm(services, draft)) as pilot:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "invisible character" in seen(pilot))
        assert "\x1b" not in seen(pilot)


async def test_the_password_is_masked_until_asked_for(services: Services) -> None:
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        assert "hunter2" not in seen(pilot)
        await pilot.press("ctrl+t")
        assert "hunter2" in seen(pilot)
        await pilot.press("ctrl+t")
        assert "hunter2" not in seen(pilot)


async def test_where_the_password_is_kept(services: Services, look: Look) -> None:
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        field(pilot, "password_from").give_focus()
        await pilot.press("enter")
        await pilot.pause()
        await look(pilot, "choices")
        await pilot.press("down", "enter", "tab")
        await type_text(pilot, "PROD_PASSWORD")
        await pilot.pause()
        assert form_of(pilot).draft.values["password_from"] == "env:PROD_PASSWORD"
        assert field(pilot, "password").input.disabled
        await look(pilot, "variable")


async def test_a_region_tells_its_addresses(services: Services) -> None:
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        field(pilot, "region").give_focus()
        await pilot.press("enter", "down", "down", "enter")
        await until(pilot, lambda: "34.79.53.57" in seen(pilot))
        assert form_of(pilot).draft.values["region"] == "europe-west1"
        await pilot.press("enter", "end", "enter", "tab")
        await type_text(pilot, "my-datacenter")
        await until(pilot, lambda: form_of(pilot).draft.values["region"] == "my-datacenter")


async def test_own_regions_can_be_chosen(services: Services) -> None:
    services.registry.set_region(OwnRegion("my-dc", tuple(f"10.0.0.{n}" for n in range(1, 8))))
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        field(pilot, "region").give_focus()
        await pilot.press("enter", "end", "up", "enter")
        await until(pilot, lambda: "10.0.0.4" in seen(pilot) and "and 3 more" in seen(pilot))
        assert form_of(pilot).draft.values["region"] == "my-dc"


async def test_a_taken_name_is_told_before_connect(services: Services) -> None:
    services.registry.add(Connection("1", Parameters("Prod", "h", "u", "d")))
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        await pilot.press("tab")
        await until(pilot, lambda: "There is a Connection called Prod already" in seen(pilot))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert pilot.app.screen is form_of(pilot)


async def test_a_damaged_registry_is_told_and_what_was_typed_stays(services: Services) -> None:
    services.registry.path.parent.mkdir(parents=True)
    services.registry.path.write_text("version = 1\n[[connections]\n")
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        await until(pilot, lambda: "damaged" in seen(pilot))
        assert field(pilot, "server").value == "db.example.com"


async def test_advanced_options_come_back_with_their_values(
    services: Services, size: tuple[int, int], look: Look
) -> None:
    async with on_stage(services, ParameterForm(services, filled()), size) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, AdvancedOptions))
        await pilot.pause()
        await look(pilot, "advanced")
        await pilot.press("end", *["backspace"] * 5)
        await type_text(pilot, "toolbox.a.b")
        await pilot.press("tab")
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is form_of(pilot))
        assert form_of(pilot).draft.values["analytics_toolbox"] == "toolbox.a.b"
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, AdvancedOptions))
        await pilot.press("ctrl+r", "ctrl+s")
        await until(pilot, lambda: form_of(pilot).draft.values["analytics_toolbox"] == "carto")


async def test_a_wrong_location_leads_to_the_advanced_options(services: Services) -> None:
    async with on_stage(services, ParameterForm(services, filled(workflows_temp="a" * 70))) as pilot:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, AdvancedOptions))
        await until(pilot, lambda: "✗" in seen(pilot))


async def test_nothing_is_lost_by_a_failed_connect_or_a_resize(services: Services, probe_by: ProbeBy) -> None:
    handed = Services(services.registry, services.secrets, probe=probe_by(*REFUSED))
    async with on_stage(handed, ParameterForm(handed, filled(match_client="10.0.0.0/8"))) as pilot:
        before = form_of(pilot).draft
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not registered" in seen(pilot))
        await pilot.resize_terminal(120, 40)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is form_of(pilot))
        await pilot.resize_terminal(60, 20)
        assert form_of(pilot).draft == before
        assert field(pilot, "match_client").value == "10.0.0.0/8"
        assert field(pilot, "password").value == "hunter2"
        assert handed.registry.load() == ()


async def test_connect_registers_and_the_form_answers_with_the_connection(services: Services) -> None:
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Registered" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: answers(pilot))
        assert answers(pilot) == list(services.registry.load())
        assert answers(pilot)[0].name == "Prod"


async def test_the_password_that_was_typed_is_the_one_that_is_tried(services: Services) -> None:
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        field(pilot, "password").give_focus()
        await pilot.press("end")
        await type_text(pilot, "3")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Connect))
        await until(pilot, lambda: "Registered" in seen(pilot))
        assert isinstance(services.probe, FakeProbe)
        assert services.probe.asked[0][1] == Secret("hunter23")


@pytest.fixture
def registered(services: Services) -> Connection:
    """A Connection whose password is remembered."""
    connection = Connection("the-id", Parameters("Prod", "db.example.com", "carto", "gis", password_from="ask"))
    services.registry.add(connection)
    services.secrets.remember("the-id", Secret("kept"))
    return connection


async def test_editing_keeps_the_password_that_is_left_blank(
    services: Services, registered: Connection, size: tuple[int, int], look: Look
) -> None:
    async with on_stage(services, ParameterForm(services, editing=registered), size) as pilot:
        await look(pilot, "edit")
        await pilot.press("end")
        await type_text(pilot, "2")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Saved" in seen(pilot))
        await pilot.press("enter")
        assert services.registry.get("the-id").name == "Prod2"
        assert services.secrets.get(registered) == Secret("kept")
        assert isinstance(services.probe, FakeProbe)
        assert services.probe.asked[0][1] == Secret("kept")


async def test_leaving_an_edit_asks_only_after_a_change(services: Services, registered: Connection) -> None:
    async with on_stage(services, ParameterForm(services, editing=registered)) as pilot:
        await pilot.press("x", "escape")
        assert isinstance(top(pilot), Confirm)
        await pilot.press("escape")
        assert top(pilot) is form_of(pilot)
        await pilot.press("escape", "y")
        await until(pilot, lambda: answers(pilot) == [None])
        assert services.registry.get("the-id") == registered
    async with on_stage(services, ParameterForm(services, editing=registered)) as pilot:
        await pilot.press("escape")
        await until(pilot, lambda: answers(pilot) == [None])


async def test_no_secret_stands_in_the_tree_of_widgets(services: Services) -> None:
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        form = form_of(pilot)
        assert "hunter2" not in repr(form.draft)
        assert "hunter2" not in "".join(repr(widget) for widget in form.query("*"))


async def test_the_mouse_does_what_the_keys_do(services: Services) -> None:
    async with on_stage(services, ParameterForm(services, filled())) as pilot:
        await pilot.click("#options")
        await until(pilot, lambda: isinstance(top(pilot), AdvancedOptions))
        await pilot.click("#done")
        await until(pilot, lambda: top(pilot) is form_of(pilot))
        await pilot.click("#connect")
        await until(pilot, lambda: "✓ Registered" in seen(pilot))
        await pilot.click("#done")
        await until(pilot, lambda: answers(pilot))
