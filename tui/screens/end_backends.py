"""Asks before queries are cancelled or sockets are ended, lists exactly which, and then what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from tui.connections.secret import SecretsError
from tui.postgres.errors import ServerError
from tui.screens.base import Dialog
from tui.styling import sheets
from tui.text import pad, safe, safe_lines
from tui.widgets.backend_lines import STATE_TONES, query_words
from tui.widgets.cells import NOT_SEEN, duration, plural
from tui.widgets.live_table import Line, LiveTable, Span, Spans
from tui.widgets.roster import STATE_WORDS, key_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from tui.connections.secret import Secret
    from tui.screens.at_server import AtServer
    from tui.sockets.backends import Backend
    from tui.sockets.control import Plan, Result

_BESIDE_THE_LIST = 14  # lines of the box: its frame, two of words, four of reasons, the answers
_PID, _STATE, _FOR = 8, 9, 7


class EndBackends(Dialog[None]):
    """Lists who is hit and who is left alone; acts only on yes, and stays to tell what became of each."""

    CSS_PATH: ClassVar = sheets("forms", "end_backends")
    BINDINGS: ClassVar = [
        Binding("escape,n", "leave", "Close", id="end.no", tooltip="Leave what is not done yet undone"),
        Binding("y", "go", "Yes", id="end.yes", tooltip="Do what the question says to all that are listed"),
        Binding("left,right", "app.focus_next", "Other answer", show=False),
        Binding("up", "move('step', -1)", "Up", show=False),
        Binding("down", "move('step', 1)", "Down", show=False),
        Binding("pageup", "move('page', -1)", "Page up", show=False),
        Binding("pagedown", "move('page', 1)", "Page down", show=False),
    ]

    def __init__(self, plan: Plan, server: AtServer, password: Callable[[], Awaitable[Secret | None]]) -> None:
        """Ask for `plan`; `server` carries it out, with what `password` gives."""
        number = len(plan.targets)
        verb, things = ("Cancel", "query") if plan.action == "cancel" else ("End", "socket")
        many = plural(number, things) if number == 1 or things == "socket" else f"{number:,} queries"
        self._do = f"{verb} {many}"
        cannot = "None can be cancelled" if plan.action == "cancel" else "None can be ended"
        super().__init__(f"{self._do}?" if number else cannot)
        self.plan = plan
        self._server = server
        self._ask_password = password
        self._results: dict[str, Result] = {key_of(each.backend): each for each in plan.spared}
        self._backends = {key_of(one): one for one in (*plan.targets, *(each.backend for each in plan.spared))}
        self._spared = frozenset(self._results)
        self._state = "asking" if plan.targets else "done"

    def body(self) -> ComposeResult:
        """Yield the words, the list, what its cursor means, and the answers, the safe one first."""
        yield Static(Content(self._words()), id="words")
        yield LiveTable(self._draw, id="hit")
        yield Static("", id="why", markup=False)
        with Horizontal(classes="answers"):
            yield Button("Leave them" if self.plan.targets else "Close", id="keep", compact=True)
            if self.plan.targets:
                yield Button(Content(self._do), id="do", compact=True)

    def _words(self) -> str:
        plan = self.plan
        if not plan.targets:
            return "None of them can be acted on; the reason of each stands below."
        if plan.action == "cancel":
            words = "The query stops with an error for its client; the socket stays open."
        else:
            words = "The client loses the socket, and what its transaction did is undone."
        if plan.spared:
            words += f" {plural(len(plan.spared), 'other')} {'is' if len(plan.spared) == 1 else 'are'} left alone."
        return f"{words} Each is verified again when its turn comes."

    def on_mount(self) -> None:
        """Make the safe answer the default."""
        table = self.query_one(LiveTable)
        table.can_focus = False
        table.show([Line(key, one) for key, one in self._backends.items()])
        self._explain()
        self.query_one("#keep", Button).focus()

    def on_resize(self) -> None:
        """Give the list what the words and the answers leave of the box: they must be seen."""
        room = (self.app.size.height - 1) * 9 // 10 - _BESIDE_THE_LIST
        self.query_one(LiveTable).styles.height = min(len(self._backends), max(2, room))

    def _show(self) -> None:
        self.query_one(LiveTable).redraw()
        self._explain()

    def _draw(self, backend: Backend, cursor: bool, width: int) -> Spans:
        result = self._results.get(key_of(backend))
        sign, tone = ("·", "plain")
        if result is not None:
            sign, tone = (
                ("✓", "ok") if result.good else ("–", "muted") if key_of(backend) in self._spared else ("✗", "failed")
            )
        elif self._state == "acting":
            sign, tone = "…", "accent"
        since = NOT_SEEN if backend.state_s is None else duration(backend.state_s)
        who = max(8, (width - 3 - _PID - _STATE - _FOR) * 2 // 5)
        left = max(0, width - 3 - _PID - who - _STATE - _FOR)
        said = result.message if result is not None else query_words(backend)
        return (
            Span("❯" if cursor else " ", "accent"),
            Span(f"{sign} ", tone),
            Span(pad(str(backend.pid), _PID), "strong"),
            Span(pad(safe(backend.application or backend.username), who - 1) + " "),
            Span(pad(STATE_WORDS[backend.state], _STATE), STATE_TONES[backend.state]),
            Span(pad(since, _FOR)),
            Span(pad(safe(said), left), tone if result is not None else "muted"),
        )

    @on(LiveTable.Moved)
    def _explain(self) -> None:
        """Tell everything about the line under the cursor; and of all, which grant is missing."""
        backend = self._backends.get(self.query_one(LiveTable).cursor or "")
        if backend is None:
            return
        result = self._results.get(key_of(backend))
        client = f" from {backend.client}" if backend.client else ""
        lines = [f"{backend.username}@{backend.database}{client}: {query_words(backend)}"]
        if result is not None:
            lines = [result.message, f"→ {result.fix}" if result.fix else lines[0]]
        elif fix := next((each.fix for each in self._results.values() if each.fix), ""):
            lines.append(f"→ for those left alone: {fix}")
        self.query_one("#why", Static).update(Content(safe_lines("\n".join(lines))))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to do it as long as it is a question."""
        return self._state == "asking" if action == "go" else True

    def action_move(self, how: str, direction: int) -> None:
        """Move the list's cursor, wherever the focus is."""
        table = self.query_one(LiveTable)
        if how == "step":
            table.action_step(direction)
        else:
            table.action_page(direction)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "do":
            self.action_go()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Close; what is being done is done to its end, one backend after the other."""
        if self._state != "acting":
            self.dismiss(None)

    def action_go(self) -> None:
        """Do it, once."""
        if self._state == "asking":
            self._state = "acting"
            self.refresh_bindings()
            self.query_one("#do", Button).display = False
            keep = self.query_one("#keep", Button)
            keep.label = "Close"
            keep.focus()
            self._show()
            self.run_worker(self._go(), description="cancel or end backends")

    async def _go(self) -> None:
        try:
            done = await self._server.act(await self._ask_password(), self.plan, self._known)
        except (ServerError, SecretsError) as error:
            said = f"✗ Nothing was done: {error}"
        else:
            good = sum(each.good for each in done.results)
            verb = "cancelled" if self.plan.action == "cancel" else "ended"
            rest = len(done.results) - good
            said = f"{good} of {len(done.results)} {verb} or gone" + (f", {rest} not: see their lines" if rest else "")
            for each in done.results:
                self._results[key_of(each.backend)] = each
            if done.log_trouble:
                said += f"\n! {done.log_trouble}"
        self._state = "done"
        self.query_one("#words", Static).update(Content(safe_lines(said)))
        self._show()

    def _known(self, result: Result) -> None:
        key = key_of(result.backend)
        self._results[key] = result
        table = self.query_one(LiveTable)
        table.redraw()
        if table.cursor == key:
            self._explain()
