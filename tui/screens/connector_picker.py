"""The picker: which kind of server it is, what that one needs; a pasted URI or host name proposes it by itself."""

from __future__ import annotations

import asyncio
from string import ascii_letters
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.connections.connectors import BY_KEY, CONNECTORS, propose
from tui.connections.model import Connection
from tui.connections.parameters import Problem
from tui.connections.secret import Secret
from tui.connections.uri import looks_like, read_pasted
from tui.screens.base import Base
from tui.screens.confirm import Confirm
from tui.screens.draft import Draft
from tui.screens.form_fields import filled
from tui.styling import sheets
from tui.text import pad, safe
from tui.widgets.field_row import PasteInput
from tui.widgets.needs import Needs

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.screens.services import Services


class Connectors(OptionList):
    """The connectors, by number."""

    BINDINGS: ClassVar = [
        Binding(
            "enter", "select", "Set up", id="picker.pick", tooltip="Fill in the parameters of the chosen connector"
        ),
    ]

    def __init__(self) -> None:
        """List them all."""
        wide = max(len(connector.label) for connector in CONNECTORS)
        rows = [
            Content.assemble((f"{number} ", "$primary"), (pad(c.label, wide + 2), "bold"), (c.summary, "$muted"))
            for number, c in enumerate(CONNECTORS, 1)
        ]
        super().__init__(*(Option(row, c.key) for row, c in zip(rows, CONNECTORS, strict=True)), compact=True)


class ConnectorPicker(Base[Connection]):
    """Which kind of server is it? A URI or host name that you paste answers that, and fills the form.

    Dismisses with the registered Connection, or None.
    """

    CSS_PATH: ClassVar = sheets("forms", "connector_picker")
    heading = "New Connection"
    BINDINGS: ClassVar = [
        Binding(
            "slash", "paste", "Paste a URI", key_display="/", id="picker.paste", tooltip="Paste a URI or host name"
        ),
        Binding("escape", "leave", "Back", id="picker.back", tooltip="Go back to the panel"),
        Binding("down", "app.focus_next", "To the list", show=False),
        *(
            Binding(str(number), f"pick('{c.key}')", c.label, show=False, id=f"picker.{c.key}", tooltip=c.summary)
            for number, c in enumerate(CONNECTORS, 1)
        ),
        # With priority, so that the letter moves the focus before the next one is read.
        *(Binding(letter, f"type('{letter}')", show=False, priority=True) for letter in ascii_letters),
    ]

    def __init__(self, services: Services) -> None:
        """Start with an empty draft, which is kept as long as this screen is."""
        super().__init__(services, "Which kind of server?")
        self.draft = Draft.new()
        self._notes: tuple[str, ...] = ()

    def body(self) -> ComposeResult:
        """Yield the field on top, the connectors, and what the chosen one needs."""
        with Vertical(id="paste"):
            with Horizontal():
                yield Static("URI or host name", classes="label", markup=False)
                yield PasteInput("", looks_like, "paste one here, and the connector is proposed")
            yield Static("", id="proposal", markup=False)
        with Horizontal(id="columns"):
            yield Connectors()
            with VerticalScroll(id="needs", can_focus=False):
                yield Needs(self.draft.values["connector"])

    def on_mount(self) -> None:
        """Start on the list, where digits pick; a pasted text finds its field from anywhere."""
        self.query_one(Connectors).highlighted = 0
        self.query_one(Connectors).focus()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.query_one(Needs).show(event.option_id or CONNECTORS[0].key)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.action_pick(event.option_id or CONNECTORS[0].key)

    def action_pick(self, connector: str) -> None:
        """Open the form for a connector, with what was typed before."""
        self._choose(connector)
        self.draft = self.draft.pick(connector)
        self._open_form()

    def _choose(self, connector: str) -> None:
        self.query_one(Connectors).highlighted = list(BY_KEY).index(connector)

    def _open_form(self) -> None:
        from tui.screens.parameter_form import ParameterForm  # noqa: PLC0415 - screens load when they are opened

        form = ParameterForm(self.services, self.draft, notes=self._notes, kept=True)

        def back(registered: Connection | None) -> None:
            if registered is not None:
                self.dismiss(registered)
                return
            self.draft = form.draft
            self._notes = ()
            self._propose("")
            with self.prevent(Input.Changed):
                self.query_one(PasteInput).value = self.draft.values["server"]
            self._choose(self.draft.values["connector"])
            self.query_one(Connectors).focus()

        self.app.push_screen(form, back)

    # The field on top.

    def action_paste(self) -> None:
        """Go to the field on top."""
        self.query_one(PasteInput).focus()

    def on_paste(self, event: events.Paste) -> None:
        """Take a text that was pasted while the list had the focus."""
        event.stop()
        self._take(Secret(event.text.strip()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave letters to the field once it has the focus."""
        return action != "type" or isinstance(self.focused, Connectors)

    def action_type(self, letter: str) -> None:
        """Take a letter that is typed on the list for the beginning of a name; not every terminal marks a paste."""
        field = self.query_one(PasteInput)
        field.select_on_focus = False  # the next letter would replace this one
        self.set_focus(field)
        field.insert_text_at_cursor(letter)

    @on(PasteInput.Pasted)
    def _pasted(self, event: PasteInput.Pasted) -> None:
        event.stop()
        self._take(event.text)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        host = event.value.strip()
        if looks_like(host):
            self._propose("Enter takes it apart")
        elif host:
            key = _propose_host(host)
            self._choose(key)
            self._propose(f"Looks like {BY_KEY[key].label}: Enter goes on with it")
        else:
            self._propose("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if not text:
            self.query_one(Connectors).focus()
        elif text == self.draft.values["server"]:
            self.action_pick(list(BY_KEY)[self.query_one(Connectors).highlighted or 0])
        else:
            self._take(Secret(text), go_on=True)

    def _propose(self, words: str) -> None:
        self.query_one("#proposal", Static).update(Content(safe(words)))

    def _take(self, text: Secret, *, go_on: bool = False) -> None:
        self.run_worker(self._take_apart(text, go_on), exclusive=True, description="take a pasted URI apart")

    async def _take_apart(self, text: Secret, go_on: bool) -> None:
        services = self.services
        try:
            pasted = await asyncio.to_thread(read_pasted, text.reveal(), services.parse_conninfo, services.find_service)
        except Problem as problem:
            self._propose(f"✗ {problem}")
            return
        self.draft = self.draft.fill(pasted.draft, pasted.password)
        parts = filled(pasted.draft, pasted.password)
        self._notes = (f"✓ Filled from what you pasted: {parts}", *(f"! {note}" for note in pasted.notes))
        field = self.query_one(PasteInput)
        with self.prevent(Input.Changed):
            field.value = self.draft.values["server"]  # never the whole text: a password may be in it
        field.focus()
        connector = self.draft.values["connector"]
        self._choose(connector)
        self._propose(f"{BY_KEY[connector].label}: Enter goes on with {parts}")
        if go_on:
            self._open_form()

    def action_leave(self) -> None:
        """Go back to the panel; ask first where something typed would be lost."""
        if not self.draft.touched:
            self.dismiss(None)
            return
        question = Confirm(
            "Leave without a Connection?",
            "Nothing is registered yet. What you typed is lost when you leave.",
            do="Leave",
            keep="Stay",
        )
        self.leave_after(question)


def _propose_host(text: str) -> str:
    """Return the connector that a host name, or host:port, gives away."""
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and ":" not in host:
        return propose(host, int(port[:6]))
    return propose(text)
