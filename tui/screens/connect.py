"""Connect: the check list streams in; only when everything needed is OK is the Connection registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from tui.connections.model import Connection, Parameters
from tui.connections.registry import Refused, RegistryError, new_id
from tui.connections.secret import PasswordNeeded, Secret, SecretsError, VaultLocked
from tui.postgres.finding import Finding
from tui.probe.report import CHECKS, Report
from tui.screens.base import Base
from tui.screens.form_fields import TYPED, source
from tui.screens.passphrase import AskPassword, unlocked
from tui.styling import sheets
from tui.text import safe, safe_lines
from tui.widgets.check_list import CheckList

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.worker import Worker

    from tui.screens.services import Services

State = Literal["checking", "failed", "registering", "unregistered", "registered"]


class Connect(Base[Connection]):
    """Checks everything that CARTO needs, and registers the Connection only when nothing failed.

    Dismisses with the registered Connection, or None to go back to the form.
    """

    CSS_PATH: ClassVar = sheets("forms", "connect")
    heading = "Connect"
    BINDINGS: ClassVar = [
        Binding("escape", "back", "Back", id="connect.back", tooltip="Stop at once, and go back to the form"),
        *(
            Binding(key, f"scroll('{way}')", f"Scroll {way}", show=False)
            for key, way in (("up,k", "up"), ("down,j", "down"), ("pageup", "page_up"), ("pagedown", "page_down"))
        ),
        Binding("ctrl+r", "again", "Try again", id="connect.again", tooltip="Check everything again"),
        Binding(
            "c", "copy_fix", "Copy fix", id="connect.copy", tooltip="Copy the next fix to the terminal's clipboard"
        ),
    ]

    def __init__(
        self,
        services: Services,
        parameters: Parameters,
        password: Secret | None,
        *,
        editing: Connection | None = None,
    ) -> None:
        """Check `parameters` with the `password` that was typed; `editing` is the Connection that they change.

        `failure` is what kept it from being registered, once that is known.
        """
        host = f"[{parameters.server}]" if ":" in parameters.server else parameters.server
        super().__init__(services, f"{parameters.name} · {host}:{parameters.port}/{parameters.database}")
        self.parameters = parameters
        self.editing = editing
        self.state: State = "checking"
        self.failure: Finding | None = None
        self._typed = password
        self._report: Report | None = None
        self._registered: Connection | None = None
        self._copied = 0
        self._work: Worker[None] | None = None

    def body(self) -> ComposeResult:
        """Yield the check list, the outcome, and what can be done about it."""
        yield CheckList(CHECKS)
        yield Static("", id="outcome", markup=False)
        with Horizontal(id="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button("Back to the form", id="back", compact=True)
            yield Button("Try again", id="again", compact=True)
            yield Button("Copy fix", id="copy", compact=True)
            yield Button("To the panel", id="done", compact=True)

    def on_mount(self) -> None:
        """Start at once."""
        self.action_again()

    def action_again(self) -> None:
        """Check everything again, and register."""
        if self.state == "registered" or self._busy:
            return
        self._work = self.run_worker(self._check(), exclusive=True, description="check the Connection")

    @property
    def _busy(self) -> bool:
        return self._work is not None and not self._work.is_finished

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done now."""
        if action == "again":
            return self.state in {"failed", "unregistered"}
        if action == "copy_fix":
            return bool(self._fixes)
        return True

    def _enter(self, state: State, outcome: str, *, focus: str = "") -> None:
        """Show a state, with what it came to."""
        self.state = state
        self.set_class(state in {"failed", "unregistered"}, "-failed")
        self.set_class(state == "registered", "-registered")
        self.query_one("#outcome", Static).update(Content(safe(outcome)))
        shown = {
            "cancel": state == "checking",
            "back": state in {"failed", "unregistered"},
            "again": state in {"failed", "unregistered"},
            "copy": state not in {"checking", "registering"} and bool(self._fixes),
            "done": state == "registered",
        }
        for name, visible in shown.items():
            self.query_one(f"#{name}", Button).display = visible
        if focus:
            self.query_one(f"#{focus}", Button).focus()
        self.refresh_bindings()

    @property
    def _fixes(self) -> tuple[Finding, ...]:
        """The findings that say how to mend them; what failed comes before what merely warns."""
        fixes = (finding for finding in self.query_one(CheckList).findings if finding.fix)
        return tuple(sorted(fixes, key=lambda finding: finding.status != "failed"))

    async def _check(self) -> None:
        checks = self.query_one(CheckList)
        checks.reset()
        self._report = self.failure = None
        self._copied = 0
        self._enter("checking", "Checking…", focus="cancel")
        try:
            password = await self._password()
        except (SecretsError, PasswordNeeded) as error:
            self.failure = Finding("password", "failed", str(error))
            checks.show(self.failure)
            checks.finish()
            what = "Not saved" if self.editing else "Not registered"
            self._enter("failed", f"✗ {what}: there is no password to connect with", focus="back")
            return
        self._report = await self.services.probe(self.parameters, password, self._found)
        checks.finish()
        failed = [finding for finding in self._report.findings if finding.status == "failed"]
        if failed:
            self.failure = failed[0]
            words = "one check failed" if len(failed) == 1 else f"{len(failed)} checks failed"
            what = "Not saved" if self.editing else "Not registered"
            self._enter("failed", f"✗ {what}: {words}", focus="back")
            return
        await self._register(self._report)

    def _found(self, finding: Finding) -> None:
        checks = self.query_one(CheckList)
        checks.show(finding)
        made = {finding.check for finding in checks.findings} & CHECKS.keys()
        self.query_one("#outcome", Static).update(f"Checking: {len(made)} of {len(CHECKS)} made")

    async def _password(self) -> Secret | None:
        """Return the password to connect with: typed, kept already, or read from where it lives."""
        if self._typed:
            return self._typed
        secrets = self.services.secrets
        wanted = Connection(self.editing.id if self.editing else "", self.parameters)
        kept = self.editing
        if source(self.parameters.password_from) not in TYPED:
            kept = wanted
        if kept is None:
            return None
        connection = kept
        try:
            return await unlocked(self, secrets, lambda: secrets.get(connection))
        except PasswordNeeded:
            return await self.app.push_screen_wait(AskPassword(connection.name))

    async def _register(self, report: Report) -> None:
        from tui.connections import registration  # noqa: PLC0415 - writes files, so only when everything is OK

        registry, secrets = self.services.registry, self.services.secrets
        connection = Connection(self.editing.id if self.editing else new_id(), self.parameters)
        before = self.editing

        def write() -> str:
            if before is not None:
                return registration.update(registry, secrets, before, connection, self._typed, report.to_json())
            registration.register(registry, secrets, connection, self._typed, report.to_json())
            return ""

        checked = f"Nothing failed, but {'not saved' if before else 'not registered'}"
        self._enter("registering", "Saving…" if before else "Registering…")
        try:
            left = await unlocked(self, secrets, write)
        except VaultLocked as locked:
            vault = "the vault stays locked" if locked.exists else "the vault needs a passphrase"
            words = f"{vault}. Try again, or go back and choose another place under Password kept in"
            self._enter("unregistered", f"✗ {checked}: {words}", focus="again")
        except (Refused, RegistryError, SecretsError) as error:
            self._enter("unregistered", f"✗ {checked}: {error}", focus="again")
        else:
            if left:
                self.tell(left, severity="warning")
            self._registered = connection
            warnings = len(report.warnings)
            kept = {0: "", 1: "; one warning is kept with it"}.get(warnings, f"; {warnings} warnings are kept with it")
            self._enter("registered", f"✓ {'Saved' if before else 'Registered'}{kept}", focus="done")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "again":
            self.action_again()
        elif event.button.id == "copy":
            self.action_copy_fix()
        else:
            self.action_back()

    def action_back(self) -> None:
        """Stop what runs, and go back: to the form, or to the panel when the Connection is registered."""
        if self.state == "registering":
            self.tell("The Connection is being written: a moment")
            return
        if self._work is not None:
            self._work.cancel()
        self.dismiss(self._registered)

    def action_scroll(self, way: str) -> None:
        """Scroll the check list, which needs no focus."""
        checks = self.query_one(CheckList)
        scroll = {
            "up": checks.scroll_up,
            "down": checks.scroll_down,
            "page_up": checks.scroll_page_up,
            "page_down": checks.scroll_page_down,
        }
        scroll[way](animate=False)

    def action_copy_fix(self) -> None:
        """Send the next fix to the terminal's clipboard, and show it: nobody tells whether the terminal took it."""
        fixes = self._fixes
        if not fixes:
            return
        finding = fixes[self._copied % len(fixes)]
        self._copied += 1
        self.app.copy_to_clipboard(safe_lines(finding.fix))
        number = f" ({(self._copied - 1) % len(fixes) + 1} of {len(fixes)})" if len(fixes) > 1 else ""
        title = f"Sent to the terminal's clipboard{number}"
        self.notify(safe_lines(finding.fix), title=title, markup=False, timeout=10)
