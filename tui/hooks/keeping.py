"""What is kept of hooks, and by whom: the desk hands it over as a value. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.hooks.message import Message
    from tui.hooks.telling import Acknowledgement, Key, Known


class NotKept(Exception):
    """What hooks know could not be kept; a sentence that says why."""


class Outcome(NamedTuple):
    """What became of a message: delivered at a moment, given up at one, or, with neither, tried in vain so far."""

    message: Message
    at: float
    delivered: bool
    given_up: bool = False
    error: str = ""


class Standing(NamedTuple):
    """What hooks know of alerts, what waits to be sent, and what somebody sees to."""

    known: Mapping[tuple[str, Key], Known] = {}
    waiting: tuple[Message, ...] = ()
    acknowledged: Mapping[Key, Acknowledgement] = {}


class Keeper(Protocol):
    """Where it is kept. Its methods block, and raise NotKept."""

    def keep(
        self,
        known: Mapping[tuple[str, Key], Known | None],
        messages: Sequence[Message],
        outcomes: Sequence[Outcome],
    ) -> None:
        """Keep what changed: what hooks know, None where that is nothing any more, and what became of messages."""

    def acknowledged(self) -> Mapping[Key, Acknowledgement]:
        """Return what somebody sees to."""
