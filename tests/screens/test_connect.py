"""Connect: findings stream in, it can be cancelled at once, and it registers only what is OK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.screens.conftest import (
    OK,
    REFUSED,
    FakeProbe,
    Look,
    ProbeBy,
    answers,
    on_stage,
    prose,
    seen,
    top,
    type_text,
    until,
)
from tui.connections import checks
from tui.connections.model import Connection, Parameters
from tui.connections.secret import Secret
from tui.screens.connect import Connect
from tui.screens.connector_picker import ConnectorPicker
from tui.screens.parameter_form import ParameterForm
from tui.screens.passphrase import Passphrase
from tui.screens.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from tests.servers.fixtures import PgServer
    from tests.servers.impostors import Listener
    from tests.servers.postgres import Server

PASSWORD = Secret("hunter2")
ASKED = Parameters("Prod", "db.example.com", "carto", "gis", password_from="ask")
VAULT = ASKED._replace(password_from="vault")


def with_probe(services: Services, probe: FakeProbe) -> Services:
    """The same services, with another probe."""
    return Services(services.registry, services.secrets, probe=probe)


async def test_everything_ok(services: Services, size: tuple[int, int], look: Look) -> None:
    assert isinstance(services.probe, FakeProbe)
    services.probe.gate.clear()
    async with on_stage(services, Connect(services, ASKED, PASSWORD), size) as pilot:
        await until(pilot, lambda: "Logged in as carto" in seen(pilot))
        await look(pilot, "streaming")
        assert services.registry.load() == ()
        services.probe.gate.set()
        await until(pilot, lambda: "Registered" in seen(pilot))
        await look(pilot, "registered")
        await pilot.press("enter")
    (connection,) = services.registry.load()
    assert connection.parameters == ASKED
    assert answers(pilot) == [connection]
    assert services.secrets.get(connection) == PASSWORD
    kept = checks.load(connection.id)
    assert kept is not None
    assert kept["verdict"] == "warning"


async def test_a_failure_registers_nothing_and_can_be_tried_again(
    services: Services, probe_by: ProbeBy, size: tuple[int, int], look: Look
) -> None:
    probe = probe_by(*REFUSED)
    handed = with_probe(services, probe)
    async with on_stage(handed, Connect(handed, ASKED, PASSWORD), size) as pilot:
        await until(pilot, lambda: "Not registered" in seen(pilot))
        await look(pilot, "failed")
        assert handed.registry.load() == ()
        probe.findings = OK
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "✓ Registered" in seen(pilot))
        assert len(probe.asked) == 2


async def test_the_fix_is_sent_to_the_clipboard_and_shown(services: Services, probe_by: ProbeBy) -> None:
    handed = with_probe(services, probe_by(*REFUSED))
    async with on_stage(handed, Connect(handed, ASKED, PASSWORD)) as pilot:
        await until(pilot, lambda: "Not registered" in seen(pilot))
        await pilot.press("c")
        await until(pilot, lambda: "Sent to the terminal's clipboard" in seen(pilot))
        assert pilot.app.clipboard == REFUSED[2].fix


async def test_it_is_cancelled_at_once(services: Services) -> None:
    assert isinstance(services.probe, FakeProbe)
    services.probe.gate.clear()
    async with on_stage(services, Connect(services, ASKED, PASSWORD)) as pilot:
        await until(pilot, lambda: "Logged in as carto" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: answers(pilot) == [None])
        await until(pilot, lambda: services.probe.cancelled)  # type: ignore[attr-defined]
    assert services.registry.load() == ()


async def type_passphrase(pilot: Pilot[int], *texts: str) -> None:
    """Answer the dialog."""
    await until(pilot, lambda: isinstance(top(pilot), Passphrase))
    for text in texts:
        await type_text(pilot, text)
        await pilot.press("enter")


async def test_a_new_vault_is_given_a_passphrase_twice(services: Services, size: tuple[int, int], look: Look) -> None:
    async with on_stage(services, Connect(services, VAULT, PASSWORD), size) as pilot:
        await type_passphrase(pilot, "correct horse", "wrong horse")
        await until(pilot, lambda: "two differ" in seen(pilot))
        await look(pilot, "new vault")
        assert "horse" not in seen(pilot)
        await type_text(pilot, "correct horse")
        await pilot.press("enter")
        await until(pilot, lambda: "✓ Registered" in seen(pilot))
        (connection,) = services.registry.load()
        assert services.secrets.get(connection) == PASSWORD


async def test_a_wrong_passphrase_is_said_and_asked_for_again(services: Services, look: Look) -> None:
    services.secrets.unlock(Secret("correct horse"))
    services.secrets.put(Connection("other", VAULT), Secret("x"))
    from tui.connections.secrets import Secrets

    locked = Services(services.registry, Secrets(), probe=services.probe)
    async with on_stage(locked, Connect(locked, VAULT, PASSWORD)) as pilot:
        await type_passphrase(pilot, "wrong horse")
        await until(pilot, lambda: "✗" in seen(pilot) and isinstance(top(pilot), Passphrase))
        await look(pilot, "locked vault")
        await type_passphrase(pilot, "correct horse")
        await until(pilot, lambda: "✓ Registered" in seen(pilot))


async def test_no_passphrase_registers_nothing_but_can_be_given_later(services: Services) -> None:
    async with on_stage(services, Connect(services, VAULT, PASSWORD)) as pilot:
        await until(pilot, lambda: isinstance(top(pilot), Passphrase))
        await pilot.press("escape")
        await until(pilot, lambda: "the vault needs a passphrase. Try again" in prose(pilot))
        assert services.registry.load() == ()


async def test_a_name_taken_meanwhile_loses_nothing(services: Services) -> None:
    assert isinstance(services.probe, FakeProbe)
    services.probe.gate.clear()
    async with on_stage(services, Connect(services, ASKED, PASSWORD)) as pilot:
        await until(pilot, lambda: "Logged in" in seen(pilot))
        services.registry.add(Connection("the-other", ASKED))
        services.probe.gate.set()
        await until(pilot, lambda: "but not registered" in seen(pilot))
        await until(pilot, lambda: "another name" in prose(pilot), 5)
        assert [c.id for c in services.registry.load()] == ["the-other"]


async def test_a_password_from_a_variable_that_is_not_set(services: Services) -> None:
    parameters = ASKED._replace(password_from="env:NO_SUCH_VARIABLE_HERE")
    async with on_stage(services, Connect(services, parameters, None)) as pilot:
        await until(pilot, lambda: "there is no password" in seen(pilot))
        assert "NO_SUCH_VARIABLE_HERE" in seen(pilot)


async def test_hostile_findings_are_shown_and_never_obeyed(services: Services, probe_by: ProbeBy) -> None:
    from tui.postgres.finding import Finding

    evil = Finding("authentication", "failed", "[/b]\x1b[31m\u202eevil [link=x]y", fix="[b]\x07 DROP", code="28000")
    handed = with_probe(services, probe_by(evil))
    async with on_stage(handed, Connect(handed, ASKED, PASSWORD)) as pilot:
        await until(pilot, lambda: "Not registered" in seen(pilot))
        await pilot.press("c")
        assert "[/b]" in seen(pilot)
        assert not {"\x1b", "\x07", "\u202e"} & set(seen(pilot))


# The real thing.


async def test_from_the_picker_to_the_registry_against_a_real_server(services: Services, pg_server: PgServer) -> None:
    server = pg_server(17)
    database, password = server.database(), "p@ss word'\"\\%"
    role = server.role(password, "LOGIN")
    handed = Services(services.registry, services.secrets)
    async with on_stage(handed, ConnectorPicker(handed)) as pilot:
        await pilot.press("1")
        for text in ("Live", server.host, role, password, database, ""):
            await type_text(pilot, text)
            await pilot.press("down")
        await pilot.press("shift+tab", "end", *["backspace"] * 4)
        await type_text(pilot, str(server.port))
        form = top(pilot)
        assert isinstance(form, ParameterForm)
        await until(pilot, lambda: form.draft.values["password_from"] == "vault")
        await pilot.press("ctrl+s")
        await type_passphrase(pilot, "correct horse", "correct horse")
        await until(pilot, lambda: "✓ Registered" in seen(pilot))
        await pilot.press("enter")
    (connection,) = handed.registry.load()
    assert answers(pilot) == [connection]
    assert handed.secrets.get(connection) == Secret(password)
    count = "select count(*) from pg_stat_activity where application_name = 'pgconns'"
    await asyncio.to_thread(_wait_for, server, count)


async def test_a_wrong_password_on_a_real_server(services: Services, pg_server: PgServer) -> None:
    server = pg_server(17)
    parameters = ASKED._replace(
        server=server.host, port=server.port, username=server.role("right"), database=server.database()
    )
    handed = Services(services.registry, services.secrets)
    async with on_stage(handed, Connect(handed, parameters, Secret("wrong"))) as pilot:
        await until(pilot, lambda: "Not registered" in seen(pilot))
        assert "28P01" in seen(pilot)
        await pilot.press("enter")
        assert answers(pilot) == [None]


async def test_a_silent_server_is_cancelled_at_once(services: Services, impostor: Callable[[str], Listener]) -> None:
    silence = impostor("silence")
    parameters = ASKED._replace(server=silence.host, port=silence.port)
    handed = Services(services.registry, services.secrets)
    async with on_stage(handed, Connect(handed, parameters, PASSWORD)) as pilot:
        await until(pilot, lambda: "Checking" in seen(pilot))
        before = asyncio.get_running_loop().time()
        await pilot.press("escape")
        await until(pilot, lambda: answers(pilot) == [None])
        assert asyncio.get_running_loop().time() - before < 5


def _wait_for(server: Server, count: str) -> None:
    import time

    end = time.monotonic() + 10
    while server.execute(count)[0][0]:
        assert time.monotonic() < end, "a socket stays behind"
        time.sleep(0.05)
