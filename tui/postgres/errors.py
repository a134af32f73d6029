"""What goes wrong at the door.

    ServerError                 carries a Finding: what happened, and what to do
    ├── CannotConnect           no session was opened
    └── QueryFailed             a session was open, a statement of it failed

They are raised ``from None``: the driver's own exceptions hold connections, and frames that hold passwords.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.postgres.finding import Finding

# How far an attempt came: looking up the name, TCP, TLS, saying who we are, proving it, or a statement later on.
Stage = Literal["resolve", "tcp", "tls", "startup", "authenticated", "session"]


class ServerError(Exception):
    """A server could not be used; `finding` says why, in words, and what to do about it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class CannotConnect(ServerError):
    """No session could be opened."""


class QueryFailed(ServerError):
    """A statement failed; the session may have ended with it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The raw facts of a failure. Texts are the server's or libpq's own, and may be hostile or in any language.

    `code` is the SQLSTATE, or an errno or EAI name. `where` is the server's function that refused, which tells apart
    what shares a SQLSTATE, in every language. `timeout_s` is how long nothing was heard, zero where something was.
    `before` is the failure of an earlier try of the same attempt: TLS modes prefer and allow make two.
    """

    stage: Stage
    text: str = ""
    code: str = ""
    where: str = ""
    address: str = ""
    timeout_s: float = 0.0
    needs_password: bool = False
    hint: str = ""
    before: Failure | None = None
