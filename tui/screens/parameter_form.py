"""The parameter form: every field on a line, its problem beneath as it is left, a pasted URI taken apart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from tui.connections.connectors import BY_KEY
from tui.connections.model import Connection
from tui.connections.parameters import BY_NAME, Problem, read
from tui.connections.registry import RegistryError
from tui.connections.secret import Secret
from tui.connections.uri import looks_like, read_pasted
from tui.screens import form_fields
from tui.screens.base import Base
from tui.screens.confirm import Confirm
from tui.screens.draft import Draft
from tui.styling import sheets
from tui.text import safe
from tui.widgets.field_row import FieldRow, Fields, PasteInput
from tui.widgets.needs import Needs

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.worker import Worker

    from tui.screens.services import Services


class ParameterForm(Base[Connection]):
    """The parameters of a Connection: each field says what is wrong with it as you leave it.

    Dismisses with the registered Connection, or None; `draft` has what was typed, for whoever opens the form again.
    """

    CSS_PATH: ClassVar = sheets("forms", "parameter_form")
    BINDINGS: ClassVar = [
        Binding("ctrl+s", "connect", "Connect", id="form.connect", tooltip="Check everything, then register"),
        Binding("ctrl+s", "save", "Save", id="form.save", tooltip="Check everything again, then save the changes"),
        Binding(
            "ctrl+o", "advanced", "Advanced", id="form.advanced", tooltip="Where CARTO's own tables and functions are"
        ),
        Binding("ctrl+t", "show_password", "Show password", id="form.password", tooltip="Show or mask the password"),
        Binding("escape", "leave", "Back", id="form.back", tooltip="Go back; what was typed is kept"),
        Binding("up", "app.focus_previous", "Previous field", show=False),
        Binding("down", "app.focus_next", "Next field", show=False),
    ]

    def __init__(
        self,
        services: Services,
        draft: Draft | None = None,
        *,
        editing: Connection | None = None,
        notes: tuple[str, ...] = (),
        kept: bool = False,
    ) -> None:
        """Start from `draft`; `kept` says that the opener keeps what was typed, so that leaving asks nothing.

        `notes` tell what was left out of a pasted text.
        """
        super().__init__(services)
        self.heading = "Edit Connection" if editing else "New Connection"
        self.draft = draft or (Draft.of(editing.parameters) if editing else Draft.new())
        self.editing = editing
        self._notes = notes
        self._kept = kept
        self._taken: frozenset[str] = frozenset()
        self._left: set[str] = set()
        self._filling: Worker[None] | None = None
        self._regions = services.regions()

    def body(self) -> ComposeResult:
        """Yield the fields, at the right what the connector needs, and the buttons."""
        with Horizontal(id="columns"):
            with Fields(id="fields"):
                yield Static("", id="notice", markup=False)
                for title, names in form_fields.GROUPS.items():
                    if title:
                        yield Static(title, classes="section", markup=False)
                    for name in names:
                        yield form_fields.row(BY_NAME[name], self.draft, looks_like, self._regions)
                        if name == "username":
                            yield form_fields.password_row(self.draft)
                yield Static("Advanced options", classes="section", markup=False)
                yield Static("", id="advanced", markup=False)
            yield VerticalScroll(Needs(self.draft.values["connector"]), id="beside", can_focus=False)
        with Horizontal(id="buttons"):
            yield Button("Save" if self.editing else "Connect", id="connect", compact=True)
            yield Button("Advanced options", id="options", compact=True)
            yield Button("Back", id="back", compact=True)
            yield Static("", id="status", markup=False)

    def on_mount(self) -> None:
        """Show the draft, and learn which names are taken and where passwords go by default."""
        self._notice(self._notes)
        self._refresh()
        self._first_empty().give_focus()
        self.run_worker(self._learn(), description="read the names of registered Connections")

    async def _learn(self) -> None:
        await self._learn_names()
        if self.editing is None:
            source = await asyncio.to_thread(self.services.secrets.default_source)
            self._set(self.draft.preset(password_from=source))

    async def _learn_names(self) -> None:
        own_id = self.editing.id if self.editing else ""
        try:
            registered = await asyncio.to_thread(self.services.registry.load)
        except RegistryError as error:
            self.tell(str(error), "The registry cannot be used", "error")
            return
        self._taken = frozenset(c.name for c in registered if c.id != own_id and not c.read_only)

    # What stands on the screen follows the draft.

    def _row(self, name: str) -> FieldRow:
        return self.query_one(f"#field-{name.replace('_', '-')}", FieldRow)

    def _first_empty(self) -> FieldRow:
        required = [row for row in self.query(FieldRow) if row.name in BY_NAME and BY_NAME[row.name].required]
        return next((row for row in required if not row.value), required[0])

    def _set(self, draft: Draft) -> None:
        """Take a draft that somebody else made, and show what is new in it: a field may hold keys typed just now."""
        before, self.draft = self.draft, draft
        for row in self.query(FieldRow):
            if row.name and row.name in draft.values and draft.values[row.name] != before.values[row.name]:
                row.show(draft.values[row.name])
        if draft.password != before.password:
            self._row("password").show(draft.password.reveal() if draft.password else "")
        self._refresh()

    def _refresh(self) -> None:
        """Show what follows from the draft: meanings, problems, the connector's needs."""
        values = self.draft.values
        for row in self.query(FieldRow):
            field = BY_NAME.get(row.name or "")
            if field is not None and form_fields.options(field):
                row.explain(form_fields.meaning(field, values[field.name], self._regions))
        password = self._row("password")
        password.explain(form_fields.password_meaning(values["password_from"], editing=self.editing is not None))
        password.input.disabled = form_fields.source(values["password_from"]) not in form_fields.TYPED
        password.input.placeholder = "unchanged" if self.editing and not password.input.disabled else ""
        connector = BY_KEY.get(values["connector"])
        if connector is not None:
            self.query_one(Needs).show(connector.key)
            self._row("server").input.placeholder = connector.server_example
            self._row("username").input.placeholder = connector.username_example
        self.about(self.editing.name if self.editing else connector.label if connector else "")
        locations = (f"{field.label}: {values[field.name]}" for field in form_fields.ADVANCED)
        self.query_one("#advanced", Static).update(Content(safe(" · ".join(locations))))
        self._complain()

    def _complain(self) -> dict[str, str]:
        """Show the problems of the fields that were left; return all."""
        problems = self.draft.problems(self._taken)
        shown = {name: problem for name, problem in problems.items() if name in self._left}
        for row in self.query(FieldRow):
            row.complain(shown.get(row.name or "", ""))
        elsewhere = [BY_NAME[name].label for name in shown if BY_NAME[name].group == "advanced"]
        words = f"✗ {len(shown)} to mend" if shown else ""
        if elsewhere:
            words = f"✗ Advanced options: {', '.join(elsewhere)}"
        self.query_one("#status", Static).update(words)
        return problems

    def _notice(self, lines: tuple[str, ...]) -> None:
        notice = self.query_one("#notice", Static)
        notice.display = bool(lines)
        notice.update(Content("\n").join(Content(safe(line)) for line in lines))

    # What the person does.

    @on(FieldRow.Changed)
    def _changed(self, event: FieldRow.Changed) -> None:
        event.stop()
        name, value = event.row.name or "", event.row.value
        if name == "password":
            self.draft = self.draft.type_password(Secret(value))
            return
        draft = self.draft.type(name, value)
        if name == "connector":
            self._set(draft)
            return
        self.draft = draft
        if form_fields.options(BY_NAME[name]):
            self._left.add(name)
            self._refresh()
        elif name in self._left:
            self._complain()

    @on(FieldRow.Left)
    def _was_left(self, event: FieldRow.Left) -> None:
        event.stop()
        name = event.row.name or ""
        if name == "server" and looks_like(event.row.value):
            self._fill(Secret(event.row.value))
        elif name != "password":
            self._left.add(name)
            self._complain()

    @on(PasteInput.Pasted)
    def _pasted(self, event: PasteInput.Pasted) -> None:
        event.stop()
        self._fill(event.text)

    def _fill(self, text: Secret) -> None:
        self._filling = self.run_worker(
            self._take_apart(text), exclusive=True, group="fill", description="take a pasted URI apart"
        )

    async def _take_apart(self, text: Secret) -> None:
        services = self.services
        try:
            pasted = await asyncio.to_thread(read_pasted, text.reveal(), services.parse_conninfo, services.find_service)
        except Problem as problem:
            self._left.discard("server")
            self._complain()
            self._row("server").complain(str(problem))
            return
        filled = form_fields.filled(pasted.draft, pasted.password)
        self._left -= pasted.draft.keys()
        self._notice((f"✓ Filled from what you pasted: {filled}", *(f"! {note}" for note in pasted.notes)))
        self._set(self.draft.fill(pasted.draft, pasted.password))
        self._first_empty().give_focus()
        self.query_one("#fields").scroll_home(animate=False)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        actions = {"connect": self.action_connect, "options": self.action_advanced, "back": self.action_leave}
        actions[event.button.id or ""]()

    def action_show_password(self) -> None:
        """Show the password, or mask it again."""
        field = self._row("password").input
        field.password = not field.password

    def action_advanced(self) -> None:
        """Open the advanced options; they come back with the draft."""
        from tui.screens.advanced_options import AdvancedOptions  # noqa: PLC0415 - screens load when they are opened

        def back(draft: Draft | None) -> None:
            if draft is not None:
                self._left |= {field.name for field in form_fields.ADVANCED}
                self._set(draft)

        self.app.push_screen(AdvancedOptions(self.services, self.draft), back)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Call it Connect or Save, whichever it is."""
        return {"connect": self.editing is None, "save": self.editing is not None}.get(action, True)

    def action_save(self) -> None:
        """Check the fields, then the server, then save the changes."""
        self.action_connect()

    def action_connect(self) -> None:
        """Check the fields, then the server, then register."""
        self.run_worker(self._connect(), exclusive=True, group="connect", description="check the form")

    async def _connect(self) -> None:
        from tui.screens.connect import Connect  # noqa: PLC0415 - screens load when they are opened

        if looks_like(self.draft.values["server"]):
            self._fill(Secret(self.draft.values["server"]))
        if self._filling is not None and not self._filling.is_finished:
            await self._filling.wait()
        await self._learn_names()
        self._left = set(BY_NAME)
        problems = self._complain()
        parameters = read(self.draft.values)[0]
        if problems or parameters is None:
            wrong = next((row for row in self.query(FieldRow) if row.name in problems), None)
            wrong.give_focus() if wrong else self.action_advanced()
            return
        typed_here = form_fields.source(parameters.password_from) in form_fields.TYPED
        password = self.draft.password if typed_here else None
        screen = Connect(self.services, parameters, password, editing=self.editing)
        done = await self.app.push_screen_wait(screen)
        if done is not None:
            self.dismiss(done)
        elif screen.failure is not None and (name := form_fields.at_fault(screen.failure, parameters)):
            self._row(name).give_focus()

    def action_leave(self) -> None:
        """Go back; ask first where something typed would be lost."""
        if self._kept or not self.draft.touched:
            self.dismiss(None)
            return
        what = "The changes are not saved yet." if self.editing else "The Connection is not registered yet."
        question = Confirm("Leave the form?", f"{what} What you typed is lost when you leave.", do="Leave", keep="Stay")
        self.leave_after(question)
