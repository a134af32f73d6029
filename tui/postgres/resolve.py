"""Looks up a server's addresses without holding up the loop, the caller or the end of the program."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from typing import Any

from tui.postgres.errors import Failure


class NotResolved(Exception):
    """A name has no address that could be found; `failure` holds the facts."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


_EAI = {
    number: name for name in dir(socket) if name.startswith("EAI_") and isinstance(number := getattr(socket, name), int)
}


async def resolve(host: str, port: int, timeout_s: float) -> tuple[str, ...]:
    """Return the addresses of `host`, in the order in which the system would try them. Raises NotResolved.

    getaddrinfo cannot be interrupted, and the loop's own threads are waited for at exit: a daemon thread is not.
    """
    if is_address(host):
        return (host,)
    loop = asyncio.get_running_loop()
    found: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def settle(outcome: tuple[str, ...] | Failure) -> None:
        if found.done():
            return
        if isinstance(outcome, Failure):
            found.set_exception(NotResolved(outcome))
        else:
            found.set_result(outcome)

    def look_up() -> None:
        outcome: tuple[str, ...] | Failure
        try:
            rows: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            outcome = tuple(dict.fromkeys(str(row[4][0]) for row in rows))
        except socket.gaierror as error:
            outcome = Failure("resolve", error.strerror or "", _EAI.get(error.errno or 0, ""))
        except (OSError, UnicodeError) as error:
            outcome = Failure("resolve", str(error), "EAI_NONAME")
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            return await found
    except TimeoutError:
        raise NotResolved(Failure("resolve", timeout_s=timeout_s, code="ETIMEDOUT")) from None


def is_address(host: str) -> bool:
    """Whether `host` is an IP address, so that there is nothing to look up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
