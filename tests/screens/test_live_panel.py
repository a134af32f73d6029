"""The live panel, by keys: what it shows, what it offers, and that it never falls over what it meets."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest
from textual.widgets import Input

from tests.screens.conftest import Look, NoKeyring, Stage, on_stage, quiet, recorded, seen, top, type_text, until
from tests.screens.watching import FakeWatch, watching
from tests.widgets.given import HOSTILE, REFUSED, connection, counted, sampled
from tui.connections import checks
from tui.connections.model import Connection, OwnRegion, Parameters
from tui.connections.registry import Registry
from tui.connections.registry_text import dumps
from tui.connections.secret import Secret, SecretsError
from tui.connections.secrets import Secrets
from tui.regions import cache
from tui.regions.model import BUILT_IN, BUILT_IN_AT
from tui.screens.apply_registry import ApplyRegistry
from tui.screens.connection_detail import ConnectionDetail
from tui.screens.connector_picker import ConnectorPicker
from tui.screens.export_connections import ExportConnections
from tui.screens.help import Help
from tui.screens.import_connections import ImportConnections
from tui.screens.live_panel import LivePanel
from tui.screens.parameter_form import ParameterForm
from tui.screens.passphrase import Passphrase
from tui.screens.services import Services
from tui.sockets.growth import Trend
from tui.sockets.model import ConnectionCount, ServerCount
from tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from tests.servers.fixtures import PgServer

A = connection("analytics", username="carto_builder")
B = connection("builder maps", password_from="vault")
C = connection("workflows", "eu.example.com")
STEADY = Trend("steady", 0.1, -0.1, 0.2, window_s=600.0)
LEAKING = Trend("leaking", 1.0, 0.8, 1.2, 1126.0, 1106.0, 1156.0, 300, 600.0)
EU = "eu.example.com:5432"
EU_DOWN = ServerCount(EU, error=REFUSED, seen_at=880.0)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moments are told by the machine's clock: here it is UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def register(services: Services, *connections: Connection) -> None:
    for each in connections:
        services.registry.add(each)


def panel(services: Services) -> LivePanel:
    return LivePanel(services, FakeWatch)


def three() -> tuple[ConnectionCount, ...]:
    """Counts of A, B and C; C's server is not seen."""
    return (
        counted("analytics", 41, states=(12, 27, 2, 0, 0), oldest_idle_in_transaction_s=754.0, trend=STEADY),
        counted("builder maps", 28, headroom=2, limit=30, bounded_by="role", trend=LEAKING),
        counted("workflows", None, EU),
    )


def is_on_top(pilot: Pilot[int], screen: type[object]) -> bool:
    return isinstance(top(pilot), screen)


def cursor(pilot: Pilot[int]) -> str | None:
    return pilot.app.screen.query_one(LiveTable).cursor


async def test_what_one_look_tells(services: Services, size: tuple[int, int], look: Look) -> None:
    register(services, A, B, C)
    checks.save("builder-maps", {"findings": [{"check": "postgis", "status": "warning", "message": "missing"}]})
    async with on_stage(services, panel(services), size) as pilot:
        watch = await watching(pilot)
        await look(pilot, "connecting")
        for number, sockets in enumerate((20, 30, 41)):
            counts = (counted("analytics", sockets), *three()[1:])
            watch.count(sampled(*counts, at=1000.0 + 2 * number, servers=(EU_DOWN,)))
        watch.count(sampled(*three(), at=1006.0, servers=(EU_DOWN,)))
        await until(pilot, lambda: "in tx 12 min" in seen(pilot))
        await look(pilot, "counted")
        await pilot.press("down")
        await until(pilot, lambda: "at 00:18; earliest in" in seen(pilot))
        await look(pilot, "cursor on what leaks")
        await pilot.press("end")
        await until(pilot, lambda: f"Not seen: {REFUSED[:40]}" in seen(pilot))
        await look(pilot, "cursor on what is not seen")


async def test_at_200_columns_everything_is_told(services: Services) -> None:
    register(services, A, B, C)
    async with on_stage(services, panel(services), (200, 30)) as pilot:
        (await watching(pilot)).count(sampled(*three(), servers=(EU_DOWN,)))
        await until(pilot, lambda: "A socket is idle in transaction for 12 min" in seen(pilot))
        shown = seen(pilot)
        assert all(title in shown for title in ("Free", "Limit of", "Database", "Role", "Trouble"))
        assert "3 Connections on 2 servers · 69 sockets: 13 active, 54 idle, 2 in tx · ✗ 1 not seen" in shown


async def test_nothing_is_sent_while_nothing_changes(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    register(services, A, B)
    async with on_stage(services, panel(services)) as pilot:
        watch = await watching(pilot)
        for number in range(120):
            watch.count(sampled(*three()[:2], at=1000.0 + 2 * number))
        sent = recorded(pilot, monkeypatch)
        await quiet(pilot, sent)
        for number in range(120, 150):
            watch.count(sampled(*three()[:2], at=1000.0 + 2 * number))
            await pilot.pause()
        assert sent == []


async def test_the_first_start(services: Services, size: tuple[int, int], look: Look) -> None:
    async with on_stage(services, panel(services), size) as pilot:
        await until(pilot, lambda: "No Connection is registered yet" in seen(pilot))
        await look(pilot, "first start")
        opened: dict[str, type[object]] = {"a": ConnectorPicker, "i": ImportConnections, "question_mark": Help}
        for key, screen in opened.items():
            await pilot.press(key)
            await until(pilot, partial(is_on_top, pilot, screen))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(top(pilot), LivePanel))
        await pilot.press("enter", "e", "c", "d", "y", "u", "slash", "s", "p", "minus")
        assert isinstance(top(pilot), LivePanel)


async def test_a_damaged_registry_is_told_and_not_written(services: Services, home: Path, look: Look) -> None:
    register(services, A)
    whole = services.registry.path.read_text()
    services.registry.path.write_text(whole + "\n[[connections]\n")
    async with on_stage(services, panel(services)) as pilot:
        await until(pilot, lambda: "line 15, column 14" in seen(pilot))
        await pilot.press("a")
        await until(pilot, lambda: "not written to" in seen(pilot))
        assert isinstance(top(pilot), LivePanel)
        services.registry.path.write_text(whole)
        await pilot.press("R")
        await until(pilot, lambda: "analytics" in seen(pilot) and "damaged in" not in seen(pilot))


async def test_damage_while_it_runs_keeps_what_was_known(services: Services) -> None:
    register(services, A)
    async with on_stage(services, panel(services)) as pilot:
        (await watching(pilot)).count(sampled(three()[0]))
        services.registry.path.write_text("version = \n")
        await until(pilot, lambda: "damaged" in seen(pilot))
        assert "41/97" in seen(pilot)


async def test_another_console_changes_the_registry(services: Services) -> None:
    async with on_stage(services, panel(services)) as pilot:
        await until(pilot, lambda: "No Connection is registered yet" in seen(pilot))
        register(services, A)
        await until(pilot, lambda: "analytics" in seen(pilot) and "No Connection" not in seen(pilot))
        watch = await watching(pilot)
        register(services, B)
        await until(pilot, lambda: "builder maps" in seen(pilot))
        await until(pilot, lambda: watch.connections == (A, B))
        services.registry.remove(A.id)
        services.registry.remove(B.id)
        await until(pilot, lambda: "No Connection is registered yet" in seen(pilot))
        await until(pilot, lambda: watch.closed)


async def test_filter_and_sort(services: Services) -> None:
    register(services, A, B, C)
    async with on_stage(services, panel(services)) as pilot:
        (await watching(pilot)).count(sampled(*three(), servers=(EU_DOWN,)))
        await pilot.press("slash")
        await type_text(pilot, "maps")
        await until(pilot, lambda: "analytics" not in seen(pilot))
        await pilot.press("enter")
        assert cursor(pilot) == "builder-maps"
        await pilot.press("escape")
        await until(pilot, lambda: "analytics" in seen(pilot))
        assert cursor(pilot) == "builder-maps"
        orders = {"s": ("sockets", "growth", "time left", "trouble", "name"), "S": ("trouble",)}
        first = {"sockets": "analytics", "name": "analytics"}
        for key, order in ((key, order) for key, all_of in orders.items() for order in all_of):
            await pilot.press(key, "g")
            assert cursor(pilot) == first.get(order, "builder-maps"), order


async def test_pause_holds_still_and_goes_on_with_the_newest(services: Services) -> None:
    register(services, A)
    async with on_stage(services, panel(services)) as pilot:
        watch = await watching(pilot)
        watch.count(sampled(counted("analytics", 5)))
        await pilot.press("p")
        watch.count(sampled(counted("analytics", 77)))
        await until(pilot, lambda: "PAUSED" in seen(pilot))
        assert "5/97" in seen(pilot)
        assert "77/97" not in seen(pilot)
        await pilot.press("p")
        await until(pilot, lambda: "77/97" in seen(pilot))


async def test_the_interval(services: Services) -> None:
    register(services, A)
    async with on_stage(services, panel(services)) as pilot:
        watch = await watching(pilot)
        watch.count(sampled(three()[0]))
        await pilot.press("plus", "plus")
        await until(pilot, lambda: "every 10 s" in seen(pilot))
        assert watch.interval_s == 10
        await pilot.press(*["minus"] * 9)
        await until(pilot, lambda: "every 1 s" in seen(pilot))


@pytest.mark.parametrize(
    ("key", "screen"),
    [
        ("enter", ConnectionDetail),
        ("c", ConnectionDetail),
        ("e", ParameterForm),
        ("x", ExportConnections),
        ("A", ApplyRegistry),
    ],
)
async def test_keys_open_screens(services: Services, key: str, screen: type[object]) -> None:
    register(services, A)
    async with on_stage(services, panel(services)) as pilot:
        await watching(pilot)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(top(pilot), screen))


async def test_a_click_on_the_cursor_opens_its_connection(services: Services) -> None:
    register(services, A, B)
    async with on_stage(services, panel(services)) as pilot:
        await watching(pilot)
        await pilot.click(LiveTable, offset=(8, 3))
        assert cursor(pilot) == "builder-maps"
        await pilot.click(LiveTable, offset=(8, 3))
        await until(pilot, lambda: isinstance(top(pilot), ConnectionDetail))


async def test_rename(services: Services) -> None:
    register(services, A, B)
    async with on_stage(services, panel(services)) as pilot:
        await watching(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "Rename analytics" in seen(pilot) and isinstance(pilot.app.focused, Input))
        await pilot.press("ctrl+u")
        await type_text(pilot, "builder maps")
        await pilot.press("enter")
        await until(pilot, lambda: "Another Connection has that name" in seen(pilot))
        await pilot.press("ctrl+u")
        await type_text(pilot, "tiles")
        await pilot.press("enter")
        await until(pilot, lambda: services.registry.get(A.id).name == "tiles")
        await until(pilot, lambda: "❯  tiles" in seen(pilot))


async def test_remove_tells_what_goes_and_removes_it(services: Services, look: Look) -> None:
    asked = Connection("x", A.parameters._replace(name="asked", password_from="ask"))
    register(services, asked)
    services.secrets.remember("x", Secret("hunter2"))
    checks.save("x", {"findings": []})
    async with on_stage(services, panel(services)) as pilot:
        await watching(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "Remove asked?" in seen(pilot))
        assert all(word in seen(pilot) for word in ("its entry in", "its password", "what its last check found"))
        await pilot.press("escape")
        await pilot.pause()
        assert services.registry.load() == (asked,)
        await pilot.press("d")
        await until(pilot, lambda: "Remove asked?" in seen(pilot))
        await pilot.press("y")
        await until(pilot, lambda: "No Connection is registered yet" in seen(pilot))
    assert services.registry.load() == ()
    assert checks.load("x") is None


async def test_a_system_wide_connection_is_not_changed(services: Services, home: Path) -> None:
    system = home / "system.toml"
    system.write_text(dumps([A]))
    handed = Services(Registry(home / "own.toml", (system,)), services.secrets)
    async with on_stage(handed, panel(handed)) as pilot:
        await watching(pilot)
        for key in ("r", "d", "e"):
            await pilot.press(key)
            await until(pilot, lambda: "system-wide" in seen(pilot))
            assert isinstance(top(pilot), LivePanel)


async def test_regions_that_somebody_enters_or_refreshes_are_counted_by(services: Services) -> None:
    register(services, A)
    async with on_stage(services, panel(services)) as pilot:
        watch = await watching(pilot)
        await until(pilot, lambda: watch.regions == {region.region: region.addresses for region in BUILT_IN})
        services.registry.set_region(OwnRegion("my-dc", ("10.0.0.1",)))
        await until(pilot, lambda: watch.regions.get("my-dc") == ("10.0.0.1",))
        cache.place().parent.mkdir(parents=True)
        refreshed = replace(BUILT_IN[0], addresses=("34.1.2.3",), source="live", fetched_at=BUILT_IN_AT + 1)
        cache.save(cache.Cache((refreshed,)))
        await until(pilot, lambda: watch.regions["us-east1"] == ("34.1.2.3",))
        assert await watching(pilot) is watch


async def test_copy_sends_no_password(services: Services) -> None:
    register(services, A)
    async with on_stage(services, panel(services)) as pilot:
        await watching(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "clipboard" in seen(pilot))
        assert pilot.app.clipboard == "postgresql://carto_builder@db.example.com:5432/gis?sslmode=prefer"


async def test_the_vault_is_asked_for_once(services: Services) -> None:
    services.secrets.unlock(Secret("open sesame"))
    for each in (A._replace(id="1"), B._replace(id="2"), C._replace(id="3")):
        services.secrets.put(each, Secret(f"password of {each.name}"))
        register(services, each)
    locked = Services(services.registry, Secrets(keyring=NoKeyring()))
    everybody = services.registry.load()
    async with on_stage(locked, panel(locked)) as pilot:
        watch = await watching(pilot)
        answers: list[object] = []

        async def ask() -> None:
            answers.extend(await asyncio.gather(*map(watch.password_of, everybody), return_exceptions=True))

        pilot.app.screen.run_worker(ask(), description="ask")
        await until(pilot, lambda: isinstance(top(pilot), Passphrase))
        await pilot.press("escape")
        await until(pilot, lambda: len(answers) == 3)
        told = {str(error) for error in answers if isinstance(error, SecretsError)}
        assert told == {"vault locked: press u to unlock it"}
        assert isinstance(top(pilot), LivePanel)
        locked_counts = [ConnectionCount(c.name, c.id, "db.example.com:5432", error=told.pop()) for c in everybody[:1]]
        locked_counts += [ConnectionCount(c.name, c.id, locked_counts[0].server, error="x") for c in everybody[1:]]
        watch.count(sampled(*locked_counts))
        await until(pilot, lambda: "vault locked: press u" in seen(pilot))
        await pilot.press("u")
        await until(pilot, lambda: isinstance(top(pilot), Passphrase))
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await type_text(pilot, "open sesame")
        await pilot.press("enter")
        await until(pilot, lambda: sorted(watch.retried) == ["1", "2", "3"])
        assert await watch.password_of(everybody[1]) == Secret("password of builder maps")


async def test_hostile_names_and_errors(services: Services) -> None:
    odd = Connection("odd", Parameters("[/] 漢字 [bold", "db.example.com", 'a"b; drop', "[red]"))
    register(services, odd)
    async with on_stage(services, panel(services), (120, 40)) as pilot:
        down = ServerCount("db.example.com:5432", error=HOSTILE)
        (await watching(pilot)).count(
            sampled(ConnectionCount(odd.name, "odd", down.server, error=HOSTILE), servers=(down,))
        )
        await until(pilot, lambda: "[bold" in seen(pilot) and "␛[31m[/]" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(top(pilot), ConnectionDetail))
        assert "\x1b" not in seen(pilot)


async def test_without_colour(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    register(services, A, B, C)
    async with on_stage(services, panel(services)) as pilot:
        (await watching(pilot)).count(sampled(*three(), servers=(EU_DOWN,)))
        await until(pilot, lambda: "in tx 12 min" in seen(pilot))
        assert isinstance(pilot.app, Stage)


async def test_real_sockets_are_counted(services: Services, pg_server: PgServer) -> None:
    server = pg_server(17)
    database, role = server.database(), server.role("hunter2")
    parameters = Parameters("real", server.host, role, database, server.port, password_from="ask")
    connection = Connection("real", parameters)
    register(services, connection)
    services.secrets.remember("real", Secret("hunter2"))
    quick = replace(services, interval_s=0.2)
    async with on_stage(quick, LivePanel(quick)) as pilot:
        await until(pilot, lambda: " 0/97 " in seen(pilot))
        sockets = [psycopg.connect(server.dsn(dbname=database, user=role, password="hunter2")) for _ in range(3)]
        sockets[0].execute("select 1")  # stays in its transaction
        await until(pilot, lambda: " 3/" in seen(pilot) and "1 in tx" in seen(pilot))
        for socket in sockets:
            socket.close()
        await until(pilot, lambda: " 0/97 " in seen(pilot))
        own = f"select count(*) from pg_stat_activity where application_name = 'pgconns' and usename = '{role}'"
        assert server.execute(own) == [(1,)]
        pilot.app.screen.workers.cancel_all()
        await until(pilot, lambda: server.execute(own) == [(0,)])
