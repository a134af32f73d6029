"""The plan of a PgBouncer before one server: worth it or not, pools, what if, arithmetic; planned anew at once."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import on
from textual.binding import Binding
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from tui.connections.registry import RegistryError
from tui.connections.secret import SecretsError
from tui.screens.base import Base
from tui.screens.passphrase import password_of
from tui.sockets.credentials import label, place
from tui.styling import sheets
from tui.text import safe
from tui.widgets.cells import plural
from tui.widgets.plan_lines import answer_content, numbers_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from tui.bouncer.facts import Facts
    from tui.bouncer.model import Plan, PoolMode
    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.connections.secret import Secret
    from tui.screens.at_server import Lend
    from tui.screens.services import Services

_MODES: tuple[PoolMode | None, ...] = (None, "session", "transaction")
_LARGEST = 10_000


class CollectFacts(Protocol):
    """Collects what a plan rests on (tests hand in another)."""

    async def __call__(
        self, connections: Sequence[Connection], registry: Registry, password: Secret | None, lend: Lend
    ) -> Facts:
        """Raise ServerError, HistoryError or RegistryError where that cannot be done."""


async def collect_facts(
    connections: Sequence[Connection], registry: Registry, password: Secret | None, lend: Lend
) -> Facts:
    """Ask the real server, through a short session or the socket that watches it, and read the history."""
    from functools import partial  # noqa: PLC0415 - when it is first used, like all below

    from tui.history.reader import History  # noqa: PLC0415
    from tui.screens.at_server import RealServer  # noqa: PLC0415

    await asyncio.to_thread(import_module, "tui.bouncer.facts")  # imports psycopg
    from tui.bouncer.facts import collect  # noqa: PLC0415

    registered = await asyncio.to_thread(registry.load)
    asked = partial(RealServer(connections[0], registry, lend).asked, password)
    return await collect(connections, registered, asked, History())


class BouncerPlan(Base[None]):
    """Whether a PgBouncer before this server is worth it, and how large its pools must be."""

    heading = "PgBouncer plan"
    CSS_PATH: ClassVar = sheets("forms", "bouncer_plan")
    BINDINGS: ClassVar = [
        Binding("escape,q", "back", "Back", id="plan.back", tooltip="Go back"),
        Binding("o", "options", "Options", id="plan.options", tooltip="Say CARTO's pool size and its nodes"),
        Binding("m", "mode", "Mode", id="plan.mode", tooltip="Plan for session or transaction pooling, or what fits"),
        Binding("r", "collect", "Read again", id="plan.again", tooltip="Ask the server and read the history again"),
        Binding("y", "copy", "Copy", id="plan.copy", tooltip="Copy the plan as JSON"),
        Binding("question_mark", "app.help", "Help", id="plan.help", show=False, tooltip="What the screen is for"),
    ]

    def __init__(
        self,
        services: Services,
        connection: Connection,
        *,
        lend: Lend = lambda _: None,
        collect: CollectFacts = collect_facts,
    ) -> None:
        """Plan for all Connections of the server of `connection`; `lend` lends the socket that watches it."""
        super().__init__(services, label(connection))
        self.plan: Plan | None = None
        self._connection = connection
        self._lend = lend
        self._collect_facts = collect
        self._facts: Facts | None = None
        self._mode: PoolMode | None = None

    def body(self) -> ComposeResult:
        """Yield what CARTO's side is like, and the plan."""
        with Horizontal(id="options"):
            yield Static("CARTO: pool size", classes="said", markup=False)
            yield Input(placeholder="10?", type="integer", compact=True, id="pool_size", max_length=5)
            yield Static("on nodes", classes="said", markup=False)
            yield Input(placeholder="5?", type="integer", compact=True, id="nodes", max_length=5)
            yield Static("", id="state", markup=False)
        with VerticalScroll(id="plan"), Container(id="sides"):
            yield Static("", id="answer", markup=False)
            yield Static("", id="numbers", markup=False)

    def on_mount(self) -> None:
        """Collect what is known."""
        self.set_focus(self.query_one("#plan"))
        self.action_collect()

    def action_collect(self) -> None:
        """Ask the server and read the history."""
        self._say("Reading what was recorded…")
        self.run_worker(self._collect(), group="plan", exclusive=True, description="collect what a plan rests on")

    async def _collect(self) -> None:
        from tui.history.errors import HistoryError  # noqa: PLC0415 - when it is first used, like the next
        from tui.postgres.errors import ServerError  # noqa: PLC0415

        try:
            registry = self.services.registry
            here = [one for one in await asyncio.to_thread(registry.load) if place(one) == place(self._connection)]
            first = next((one for one in here if one.id == self._connection.id), self._connection)
            chosen = [first, *(one for one in here if one.id != first.id)]
            password = await password_of(self, self.services.secrets, first)
            self._facts = await self._collect_facts(chosen, registry, password, self._lend)
        except (SecretsError, RegistryError, HistoryError) as error:
            self._fail(str(error))
        except ServerError as error:
            self._fail(error.finding.message, error.finding.fix)
        else:
            await self._plan()

    def _replan(self) -> None:
        if self._facts is not None:
            self._say("Planning…")
            self.run_worker(self._plan(), group="plan", exclusive=True, description="plan")

    async def _plan(self) -> None:
        from tui.bouncer.worth import Ceiling  # noqa: PLC0415 - when it is first used

        facts = self._facts
        if facts is None or not self.is_attached:
            return
        ceiling = Ceiling(self._number("pool_size"), self._number("nodes"))
        self.plan = await asyncio.to_thread(facts.plan, ceiling, self._mode)
        if self.is_attached:
            trouble = f"! not asked: {facts.trouble}" if facts.trouble else ""
            mode = f"{self._mode} pooling" if self._mode else "the mode that fits"
            self._say(trouble or f"{plural(len(facts.connections), 'Connection')}, {mode}")
            self._show()

    def _number(self, name: str) -> int | None:
        text = self.query_one(f"#{name}", Input).value.strip()
        return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= _LARGEST else None

    def _say(self, words: str) -> None:
        if self.is_attached:
            self.query_one("#state", Static).update(Content.styled(safe(words), "$muted"))

    def _fail(self, sentence: str, fix: str = "") -> None:
        if self.is_attached:
            self._say("")
            said = Content.styled(f"✗ Not planned: {safe(sentence)}", "$failed")
            self.query_one("#answer", Static).update(said + Content(f"\n\n{safe(fix)}" if fix else ""))
            self.query_one("#numbers", Static).update("")

    def _show(self) -> None:
        if self.plan is not None:
            answer, numbers = self.query_one("#answer", Static), self.query_one("#numbers", Static)
            answer.update(answer_content(self.plan, max(20, answer.content_size.width)))
            numbers.update(numbers_content(self.plan, max(20, numbers.content_size.width)))

    def on_resize(self) -> None:
        """Break the lines where the terminal ends now."""
        self.call_after_refresh(self._show)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._replan()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.set_focus(self.query_one("#plan"))

    def action_options(self) -> None:
        """Type what CARTO's side is like."""
        self.set_focus(self.query_one("#pool_size"))

    def action_mode(self) -> None:
        """Plan for the next mode."""
        self._mode = _MODES[(_MODES.index(self._mode) + 1) % len(_MODES)]
        self._replan()

    def action_copy(self) -> None:
        """Send the plan as JSON to the terminal's clipboard; the terminal gives no answer."""
        if self.plan is not None:
            import json  # noqa: PLC0415 - only to copy

            self.app.copy_to_clipboard(json.dumps(self.plan.to_json(), indent=2))
            self.tell("The plan as JSON", title="Sent to the terminal's clipboard")

    def action_back(self) -> None:
        """Leave the options, or the screen."""
        if isinstance(self.focused, Input):
            self.set_focus(self.query_one("#plan"))
        else:
            self.dismiss(None)
