"""A panel that watches a server before it is full lets a person make room in it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.screens.conftest import on_stage, seen, until
from tests.sockets.given import PASSWORD, connection, consoles, held, role
from tui.connections.secret import Secret
from tui.screens.live_panel import LivePanel

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer
    from tui.screens.services import Services


async def test_idle_sockets_of_a_full_server_are_ended_by_keys(services: Services, pg_server: PgServer) -> None:
    server = pg_server(
        17, own="full, by keys", settings={"max_connections": "9", "superuser_reserved_connections": "3"}
    )
    username, database = role(server), server.database()
    own = connection(server, "own", username, database, password_from="ask")._replace(id="own")
    services.registry.add(own)
    services.secrets.remember(own.id, Secret(PASSWORD))
    quick = replace(services, interval_s=0.2)
    async with on_stage(quick, LivePanel(quick), (100, 30)) as pilot:
        await until(pilot, lambda: "0/6" in seen(pilot))
        with held(server, 5, username, database, application_name="leaky") as sockets:
            with pytest.raises(psycopg.OperationalError, match="remaining connection slots"):
                server.connect(database, user=username, password=PASSWORD)
            await pilot.press("enter")
            await until(pilot, lambda: "Who" in seen(pilot))
            await pilot.press("g")
            await until(pilot, lambda: "own: 5 sockets" in seen(pilot))
            await pilot.press("i")
            await until(pilot, lambda: "End 5 sockets?" in seen(pilot))
            await pilot.press("y")
            await until(pilot, lambda: "5 of 5 ended or gone" in seen(pilot))
            for socket in sockets:
                with pytest.raises(psycopg.OperationalError):
                    socket.execute("SELECT 1")
        assert await asyncio.to_thread(consoles, server) >= 1
