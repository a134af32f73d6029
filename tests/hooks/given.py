"""Hooks and alerts as tests want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.connections.model import Hook
from tui.hooks.message import Message, message
from tui.hooks.telling import Known
from tui.sockets.alerts import Alert

if TYPE_CHECKING:
    from tui.hooks.telling import Event
    from tui.sockets.alerts import Level

HOSTILE = "\x1b[31m[/]\u202e =1+1 \x00"


def hook(name: str = "ops", **settings: Any) -> Hook:
    """A hook that is told at once, and of the end at once."""
    return Hook(name, **{"command": ("true",), "stands_seconds": 0, "gone_seconds": 0, **settings})


def alert(level: Level = "warning", subject: str = "db:5432", sentence: str = "db:5432: 90 % are open") -> Alert:
    """An alert of a server's level."""
    return Alert("level", level, subject, sentence, 0.0, 0.0)


def told(id: str = "msg_1", event: Event = "raised", at: float = 1000.0, by: str = "ops", **of: Any) -> Message:
    """A message."""
    return message(id, by, event, Known(alert(**of), at - 60), at, {"id-1": "Production"})
