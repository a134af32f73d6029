"""Name resolution and TCP: every address that a client may pick is tried."""

from __future__ import annotations

import asyncio
import errno
import os
import time

from tui.postgres.errors import Failure
from tui.postgres.explain import explain
from tui.postgres.finding import Finding
from tui.postgres.resolve import NotResolved, is_address, resolve
from tui.postgres.target import Target
from tui.probe.timing import timed
from tui.probe.wire import Wire

_RESOLVE_S = 5.0
_TCP_S = 6.0


async def resolve_name(target: Target) -> tuple[Finding, tuple[str, ...]]:
    """Look up the server's addresses."""
    started = time.monotonic()
    try:
        addresses = await resolve(target.host, target.port, _RESOLVE_S)
    except NotResolved as error:
        return timed(explain(error.failure, target), started), ()
    if is_address(target.host):
        message = f"{target.host} is an address: nothing to look up"
    else:
        message = f"{target.host} is {', '.join(addresses)}"
    return timed(Finding("name_resolution", "ok", message), started), addresses


async def reach(target: Target, addresses: tuple[str, ...]) -> tuple[Finding, tuple[str, ...]]:
    """Open a TCP connection to every address at once; return those that answered, in the order of the lookup."""
    started = time.monotonic()
    outcomes = await asyncio.gather(*(_knock(address, target.port) for address in addresses))
    return timed(judge(target, addresses, outcomes), started), tuple(
        address for address, outcome in zip(addresses, outcomes, strict=True) if isinstance(outcome, float)
    )


async def _knock(address: str, port: int) -> float | Failure:
    """Return how many milliseconds the handshake took, or why there was none."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(_TCP_S), await Wire.open(address, port):
            return (time.monotonic() - started) * 1000
    except TimeoutError:
        return Failure("tcp", code="ETIMEDOUT", address=address, timeout_s=_TCP_S)
    except OSError as error:
        # asyncio puts words of its own into strerror.
        said = os.strerror(error.errno) if error.errno else str(error)
        return Failure("tcp", said, errno.errorcode.get(error.errno or 0, ""), address=address)


def judge(target: Target, addresses: tuple[str, ...], outcomes: list[float | Failure]) -> Finding:
    """Return what it means that some addresses answer and others do not."""
    answers = [
        f"{address} in {outcome:.0f} ms" if outcome >= 1 else f"{address} in under 1 ms"
        for address, outcome in zip(addresses, outcomes, strict=True)
        if isinstance(outcome, float)
    ]
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if not failures:
        return Finding("tcp", "ok", f"Port {target.port} answers: {', '.join(answers)}")
    first = explain(failures[0], target)
    if not answers:
        others = "; ".join(explain(failure, target).message for failure in failures[1:])
        return Finding("tcp", "failed", first.message, first.fix, others or first.detail, first.code)
    silent = ", ".join(f"{failure.address} ({failure.code or failure.text})" for failure in failures)
    return Finding(
        "tcp",
        "warning",
        f"Port {target.port} answers at {', '.join(answers)}, but not at {silent}: who picks that one waits in vain",
        f"Mend that address, or take it out of the DNS of {target.host}",
        first.message,
        first.code,
    )
