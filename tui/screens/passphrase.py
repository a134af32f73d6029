"""Asks for the vault's passphrase, or for a password that is kept nowhere; never shows what is typed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from tui.connections.secret import PasswordNeeded, Secret, SecretsError, VaultLocked, WrongPassphrase
from tui.screens.base import Dialog
from tui.text import safe, safe_lines
from tui.widgets.field_row import SafeInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.screen import Screen

    from tui.connections.model import Connection
    from tui.connections.secrets import Secrets

Value = TypeVar("Value")
_NEW = (
    "Passwords are to be kept in an encrypted file on this machine. Choose the passphrase that opens it. "
    "It cannot be recovered: who forgets it types the passwords in again."
)
_KNOWN = "The passwords of your Connections are in an encrypted file. Its passphrase opens it until you leave pgconns."


class _Asking(Dialog[Secret]):
    """A dialog of masked fields that answers with what was typed, or with None."""

    BINDINGS: ClassVar = [
        Binding("escape", "dismiss(None)", "Cancel", id="asking.cancel", tooltip="Close without typing one"),
    ]
    label = "Passphrase"
    twice = False

    def __init__(self, title: str, words: str, problem: str = "") -> None:
        super().__init__(title)
        self._words = words
        self._problem = problem

    def body(self) -> ComposeResult:
        """Yield the words, the fields, and the answers."""
        yield Static(Content(safe_lines(self._words)), classes="words")
        for label in (self.label, "Again")[: 1 + self.twice]:
            with Horizontal(classes="line"):
                yield Static(label, classes="label", markup=False)
                yield SafeInput(password=True)
        yield Static("", classes="problem", markup=False)
        with Horizontal(classes="answers"):
            yield Button("OK", id="ok", compact=True)
            yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Show what was wrong with the last answer."""
        self._complain(self._problem)

    def _complain(self, problem: str) -> None:
        shown = self.query_one(".problem", Static)
        shown.display = bool(problem)
        shown.update(Content(safe(f"✗ {problem}")))

    @on(Input.Changed)
    def _changed(self) -> None:
        self._complain("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        fields = list(self.query(Input))
        if event.input is fields[-1]:
            self._answer()
        else:
            fields[-1].focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "ok":
            self._answer()
        else:
            self.dismiss(None)

    def _answer(self) -> None:
        typed = [Secret(field.value) for field in self.query(Input)]
        if not typed[0]:
            self._complain(f"The {self.label.lower()} is empty: type one")
            self.query(Input).first().focus()
        elif self.twice and typed[0] != typed[1]:
            self._complain("The two differ: type the same passphrase twice")
            again = self.query(Input).last()
            with self.prevent(Input.Changed):
                again.value = ""
            again.focus()
        else:
            self.dismiss(typed[0])


class Passphrase(_Asking):
    """Asks for the passphrase of the vault: twice when the vault is new."""

    def __init__(self, *, new: bool, problem: str = "") -> None:
        """Say `problem`, what was wrong with the last answer."""
        super().__init__(
            "A passphrase for the new vault" if new else "The vault is locked", _NEW if new else _KNOWN, problem
        )
        self.twice = new


class AskPassword(_Asking):
    """Asks for the password of a Connection that keeps it nowhere."""

    label = "Password"

    def __init__(self, name: str) -> None:
        """Ask for the password of the Connection called `name`."""
        super().__init__("Password", f"{name} asks for its password once a session; it is kept in memory only.")


async def unlocked(screen: Screen[Any], secrets: Secrets, work: Callable[[], Value]) -> Value:
    """Run `work`, which uses the secrets, in a thread; when the vault is locked, ask for its passphrase and run again.

    Call it in a worker. Raises what `work` raises, VaultLocked among it when the person gave no passphrase.
    """
    problem = ""
    while True:
        try:
            return await asyncio.to_thread(work)
        except VaultLocked as locked:
            passphrase = await screen.app.push_screen_wait(Passphrase(new=not locked.exists, problem=problem))
            if passphrase is None:
                raise
            try:
                await asyncio.to_thread(secrets.unlock, passphrase)
                problem = ""
            except WrongPassphrase as wrong:
                problem = str(wrong)


async def password_of(screen: Screen[Any], secrets: Secrets, connection: Connection) -> Secret | None:
    """Return a Connection's password; ask for the passphrase, or for the password itself, where that is needed.

    Call it in a worker. Raises SecretsError, whose sentence says why there is none.
    """
    try:
        return await unlocked(screen, secrets, lambda: secrets.get(connection))
    except PasswordNeeded:
        password = await screen.app.push_screen_wait(AskPassword(connection.name))
        if password is None:
            raise
        secrets.remember(connection.id, password)
        return password
    except VaultLocked:
        raise SecretsError("the vault stayed locked") from None
