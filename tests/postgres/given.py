"""Targets for tests: a server of the session, with what a test changes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from tui.connections.secret import Secret
from tui.postgres.door import connect
from tui.postgres.errors import CannotConnect
from tui.postgres.finding import Finding
from tui.postgres.target import Target

if TYPE_CHECKING:
    from tests.servers.postgres import Server


class Place(Protocol):
    """Anything that listens somewhere."""

    host: str
    port: int


def to(place: Place, **changes: Any) -> Target:
    """Return a target at `place`; a password given as text is made a secret."""
    if isinstance(changes.get("password"), str):
        changes["password"] = Secret(changes["password"])
    return replace(Target(place.host, place.port, "postgres", "nobody"), **changes)


def superuser(server: Server, **changes: Any) -> Target:
    """Return a target that is the server's superuser."""
    return to(server, **{"username": server.superuser, "password": server.password, **changes})


async def refusal(target: Target, timeout_s: float = 10.0) -> Finding:
    """Return the finding of a connect that must fail."""
    try:
        session = await connect(target, timeout_s)
    except CannotConnect as error:
        return error.finding
    await session.close()
    raise AssertionError("the server let us in")


async def eventually(condition: Callable[[], bool], what: str, timeout_s: float = 10.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.01)
