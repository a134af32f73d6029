"""The clients in a Connection's PgBouncer: who waits and how long, which socket serves each, what passes through."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from tui.connections.secret import SecretsError
from tui.screens.base import Base
from tui.screens.passphrase import password_of
from tui.styling import sheets
from tui.text import safe
from tui.widgets.live_table import Line, LiveTable
from tui.widgets.pool_lines import client_spans, heading, sentence, summary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from textual.app import ComposeResult

    from tui.bouncer.inside import Inside
    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.screens.services import Services

    Looks = Callable[[Connection, Secret | None, float], AsyncGenerator[Inside]]


def real_looks(connection: Connection, password: Secret | None, interval_s: float) -> AsyncGenerator[Inside]:
    """Look into the real PgBouncer."""
    from tui.bouncer.looking import looks  # noqa: PLC0415 - imports psycopg

    return looks(connection, password, interval_s)


class PoolClients(Base[None]):
    """Lists the clients of a pool, those that wait first; looks again at each interval while it is open."""

    heading = "Clients in PgBouncer"
    CSS_PATH: ClassVar = sheets("forms", "pool_clients")
    BINDINGS: ClassVar = [
        Binding("escape,q", "dismiss(None)", "Back", id="clients.back", tooltip="Go back to the Connection"),
        Binding("r", "look", "Look again", id="clients.look", tooltip="Ask PgBouncer again where it did not answer"),
        Binding("y", "copy", "Copy", id="clients.copy", tooltip="Copy what stands below of the client"),
        Binding("question_mark", "app.help", "Help", id="clients.help", show=False, tooltip="What the screen is for"),
    ]

    def __init__(self, services: Services, connection: Connection, looks: Looks = real_looks) -> None:
        """Look into the pool of `connection`; tests hand in other `looks`."""
        super().__init__(services, connection.name)
        self.connection = connection
        self._looks = looks
        self._before: Inside | None = None
        self._now: Inside | None = None

    def body(self) -> ComposeResult:
        """Yield the sums, the list, and the client under the cursor whole."""
        yield Static("", id="sums")
        yield LiveTable(self._draw, heading, id="clients")
        yield Static("", id="client")

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one(LiveTable).focus()
        self.action_look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to look again where nobody looks."""
        return not self._looking if action == "look" else True

    @property
    def _looking(self) -> bool:
        return any(worker.group == "look" and not worker.is_finished for worker in self.workers)

    def action_look(self) -> None:
        """Open a console, and look."""
        if not self._looking:
            self._say(Content.styled("asking PgBouncer…", "$muted"))
            self.run_worker(self._follow(), group="look", description="look into a pool")
            self.refresh_bindings()

    async def _follow(self) -> None:
        from tui.postgres.errors import ServerError  # noqa: PLC0415 - when it is first used

        await asyncio.to_thread(import_module, "tui.bouncer.admin")  # imports psycopg
        try:
            password = await password_of(self, self.services.secrets, self.connection)
            async with aclosing(self._looks(self.connection, password, self.services.interval_s)) as looks:
                async for seen in looks:
                    self._before, self._now = self._now, seen
                    self._show(seen)
        except SecretsError as error:
            self._say(Content.styled(f"✗ {safe(str(error))}", "$error"))
        except ServerError as error:
            told = ". ".join(part for part in (error.finding.message, error.finding.fix) if part)
            self._say(Content.styled(f"✗ {safe(told)}", "$error"))
        self.call_later(self.refresh_bindings)

    def _show(self, seen: Inside) -> None:
        self.query_one(LiveTable).show([Line(client.key, client) for client in seen.clients])
        self._say(Content(summary(seen, self._before)))
        self._explain()

    def _say(self, words: Content) -> None:
        sums = self.query_one("#sums", Static)
        if sums.content != words:
            sums.update(words)

    def _draw(self, value: Any, cursor: bool, width: int) -> Any:
        return client_spans(value, cursor, width)

    def _under_cursor(self) -> str:
        key = self.query_one(LiveTable).cursor
        clients = self._now.clients if self._now is not None else ()
        return next((sentence(client) for client in clients if client.key == key), "")

    @on(LiveTable.Moved)
    def _explain(self) -> None:
        static, words = self.query_one("#client", Static), Content(self._under_cursor())
        if static.content != words:
            static.update(words, layout=False)

    def action_copy(self) -> None:
        """Send the client's sentence to the terminal's clipboard, and show it: the terminal gives no answer."""
        if words := self._under_cursor():
            self.app.copy_to_clipboard(words)
            self.tell(words, title="Sent to the terminal's clipboard")
