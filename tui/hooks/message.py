"""What a hook is told: one JSON value, in the shape of Standard Webhooks (`type`, `timestamp`, `data`). Pure."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.text import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.hooks.telling import Acknowledgement, Event, Key, Known

_WORDS = {
    "raised": "",
    "worsened": "Worse: ",
    "reminder": "Still: ",
    "cleared": "Over: ",
    "test": "Test: ",
}
# How apprise, and with it the services, call it.
_TONES = {"critical": "failure", "warning": "warning"}


class Message(NamedTuple):
    """What one hook is to be told: `id` is the same however often it is sent, `made` when it was decided."""

    id: str
    hook: str
    key: Key
    made: float
    content: Mapping[str, Any]
    attempts: int = 0

    @property
    def body(self) -> bytes:
        """The content as it is sent, in ASCII."""
        return json.dumps(self.content, separators=(",", ":")).encode("ascii")

    @property
    def event(self) -> str:
        """What happened: raised, worsened, reminder, cleared or test."""
        return str(self.content["type"]).removeprefix("alert.")

    @property
    def title(self) -> str:
        """One line for people."""
        data = self.content["data"]
        return f"pgconns {str(data['level']).upper()}" if self.event != "cleared" else "pgconns OK"

    @property
    def sentence(self) -> str:
        """What is told, in one line that a terminal shows and never obeys."""
        data = self.content["data"]
        seen = f" ({data['acknowledged_by']} sees to it)" if data.get("acknowledged_by") else ""
        return safe(f"{_WORDS[self.event]}{data['sentence']}{seen}")

    @property
    def tone(self) -> str:
        """The kind of notification that it is: failure, warning, success or info."""
        if self.event in {"cleared", "test"}:
            return "success" if self.event == "cleared" else "info"
        return _TONES[str(self.content["data"]["level"])]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a command finds it in; no NUL, which none can hold."""
        data = self.content["data"]
        told = {
            "EVENT": self.event,
            "HOOK": self.hook,
            "ID": self.id,
            "LEVEL": data["level"],
            "KIND": data["kind"],
            "SUBJECT": data["subject"],
            "CONNECTION": data.get("connection", ""),
            "SENTENCE": self.sentence,
        }
        return {f"PGCONNS_{name}": safe(str(value)) for name, value in told.items()}


def message(
    id: str,
    hook: str,
    event: Event,
    known: Known,
    at: float,
    names: Mapping[str, str],
    acknowledged: Acknowledgement | None = None,
) -> Message:
    """Return what a hook is told of an alert; `names` are those of Connections by their ids."""
    alert = known.alert
    data: dict[str, Any] = {
        "hook": hook,
        "kind": alert.kind,
        "level": alert.level,
        "subject": alert.subject,
        "sentence": alert.sentence,
        "since": iso(known.since),
    }
    if alert.subject in names:
        data["connection"] = names[alert.subject]
    if event == "cleared":
        data["over_since"] = iso(at if known.gone is None else known.gone)
    if acknowledged is not None and acknowledged.at >= known.since:
        data["acknowledged_by"] = acknowledged.by
    content = {"type": f"alert.{event}", "timestamp": iso(at), "data": data}
    return Message(id, hook, (alert.kind, alert.subject), at, content)


def test_message(id: str, hook: str, at: float, by: str) -> Message:
    """Return a message that only says that it arrived."""
    data = {
        "hook": hook,
        "kind": "test",
        "level": "warning",
        "subject": "",
        "sentence": f"{by} tries the hook {hook}; nothing is wrong",
        "since": iso(at),
    }
    return Message(id, hook, ("test", ""), at, {"type": "alert.test", "timestamp": iso(at), "data": data})


def iso(at: float) -> str:
    """Return a moment in UTC as ISO 8601 writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
