"""One socket: everything the server tells of it, and its whole query."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.connections.secret import SecretsError
from tui.postgres.errors import ServerError
from tui.screens.base import Base
from tui.styling import sheets
from tui.text import safe, safe_lines
from tui.widgets.backend_lines import HIDDEN, backend_facts
from tui.widgets.fact_list import FactList

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from tui.connections.secret import Secret
    from tui.screens.at_server import AtServer
    from tui.screens.services import Services
    from tui.sockets.backends import Backend

_LONGEST = 20_000  # characters of a query that are laid out; all of it can be copied


class ShowBackend(Base[None]):
    """One socket as it was when you opened this, with its whole query."""

    heading = "Socket"
    CSS_PATH: ClassVar = sheets("forms", "socket_groups")
    BINDINGS: ClassVar = [
        Binding("escape,q", "dismiss(None)", "Back", id="backend.back", tooltip="Go back to the list"),
        Binding("y", "copy", "Copy the query", id="backend.copy", tooltip="Send the query to the terminal's clipboard"),
    ]

    def __init__(
        self, services: Services, backend: Backend, server: AtServer, password: Callable[[], Awaitable[Secret | None]]
    ) -> None:
        """Show `backend`; `server` hands out the rest of its query, with what `password` gives."""
        super().__init__(services, f"{backend.pid} of {backend.username}")
        self.backend = backend
        self._server = server
        self._ask_password = password

    def body(self) -> ComposeResult:
        """Yield the facts, and the query under them."""
        with VerticalScroll(id="page"):
            yield FactList(backend_facts(self.backend), id="facts")
            yield Static("", id="state_of_query", markup=False)
            yield Static("", id="query", markup=False)

    def on_mount(self) -> None:
        """Show what is known, and ask for the rest where it was cut."""
        self.query_one("#page").focus()
        self._show("")
        if self.backend.query_cut:
            self._say("reading the whole query…")
            self.run_worker(self._read(), description="read a whole query")

    async def _read(self) -> None:
        try:
            whole = await self._server.whole(await self._ask_password(), self.backend)
        except (ServerError, SecretsError) as error:
            self._say(f"✗ Only its beginning is known: {error}")
            return
        if whole is None or whole.query_started != self.backend.query_started:
            self._say("Only its beginning is known: it has ended meanwhile")
            return
        self.backend = whole
        self._show("The server kept no more of it (track_activity_query_size)" if whole.query_cut else "")

    def _say(self, words: str) -> None:
        self.query_one("#state_of_query", Static).update(Content(safe(words)))

    def _show(self, words: str) -> None:
        query = self.backend.query
        if len(query) > _LONGEST:
            words = f"The first {_LONGEST:,} of {len(query):,} characters; y copies all"
        self._say(words or ("Query" if self.backend.state == "active" else "Last query"))
        text = query or (HIDDEN if self.backend.state == "unknown" else "None yet")
        self.query_one("#query", Static).update(Content(safe_lines(text, longest=_LONGEST)))

    def action_copy(self) -> None:
        """Copy the query."""
        self.app.copy_to_clipboard(self.backend.query)
        self.tell("Sent to the terminal's clipboard; terminals do not tell whether they took it")
