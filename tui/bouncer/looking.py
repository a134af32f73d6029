"""Looks into one pool of a PgBouncer again and again, through a socket to its console that is there only meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from tui.bouncer.admin import console, console_target
from tui.bouncer.inside import Inside, inside
from tui.bouncer.shown import databases
from tui.connections.model import Connection
from tui.connections.secret import Secret
from tui.postgres.target import target


async def looks(connection: Connection, password: Secret | None, interval_s: float) -> AsyncGenerator[Inside]:
    """Yield what is in a Connection's pool, at each interval. Raises ServerError; leaves no socket behind."""
    parameters = connection.parameters
    async with console(console_target(target(parameters, password))) as opened:
        entries = databases(await opened.show("DATABASES"))
        while True:
            yield inside(
                time.time(),
                (parameters.database, parameters.username),
                entries,
                await opened.clients(),
                await opened.servers(),
                await opened.traffic(),
            )
            await asyncio.sleep(interval_s)
