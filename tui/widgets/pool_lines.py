"""Draws the clients in a PgBouncer, and says what passes through its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.bouncer.inside import pace
from tui.text import pad, safe
from tui.widgets.cells import NOT_SEEN, plural
from tui.widgets.live_table import Span, Spans

if TYPE_CHECKING:
    from tui.bouncer.inside import Client, Inside
    from tui.widgets.live_table import Tone

_STATE, _WAIT, _PID, _PLACE = 9, 9, 9, 24
_TONES: dict[str, Tone] = {"waiting": "warning", "served": "accent", "idle": "muted"}


def heading(width: int) -> Spans:
    """Draw the columns' names."""
    names = pad("  Client", _PLACE + 2) + pad("State", _STATE) + pad("Waits", _WAIT) + pad("Backend", _PID)
    return (Span(pad(names + "Application", width)),)


def client_spans(client: Client, cursor: bool, width: int) -> Spans:
    """Draw one client."""
    tone = _TONES[client.doing]
    waits = _seconds(client.leg.wait_s) if client.doing == "waiting" else ""
    room = max(0, width - 2 - _PLACE - _STATE - _WAIT - _PID)
    return (
        Span("❯ " if cursor else "  ", "accent"),
        Span(pad(place(client), _PLACE - 1) + " "),
        Span(pad(client.doing, _STATE), tone),
        Span(pad(waits, _WAIT), tone),
        Span(pad(str(client.pid) if client.pid is not None else "", _PID)),
        Span(pad(safe(client.leg.application or NOT_SEEN), room), "muted"),
    )


def place(client: Client) -> str:
    """Return where a client comes from."""
    leg = client.leg
    return safe(f"{leg.address}:{leg.port}" if leg.port else leg.address or NOT_SEEN)


def sentence(client: Client) -> str:
    """Say everything about a client."""
    leg = client.leg
    does = {
        "waiting": f"has waited {_seconds(leg.wait_s)} for a server socket",
        "served": f"is served by backend {client.pid}" if client.pid is not None else "is served",
        "idle": "is idle, and holds no server socket",
    }[client.doing]
    named = f" ({safe(leg.application)})" if leg.application else ""
    tls = f" · {safe(leg.tls)}" if leg.tls else " · no TLS"
    return f"{safe(leg.username)} from {place(client)}{named} {does}{tls}"


def summary(now: Inside, before: Inside | None) -> str:
    """Say how many do what, and what passed since the look before."""
    said = [
        f"{plural(len(now.clients), 'client')} in: {now.count('waiting')} waiting, {now.count('served')} served,"
        f" {now.count('idle')} idle",
        f"{plural(sum(number for _, number in now.servers), 'server socket')} out"
        + (": " if now.servers else "")
        + ", ".join(f"{number} {safe(state)}" for state, number in now.servers),
    ]
    passed = pace(before, now)
    if passed is not None:
        each = [
            f"{words} {_seconds(seconds)}"
            for words, seconds in (("each takes", passed.transaction_s), ("after waiting", passed.wait_s))
            if seconds is not None
        ]
        said.append(" ".join([f"{passed.transactions_per_s:.1f} transactions a second in its database", *each]))
    return " · ".join(said)


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
