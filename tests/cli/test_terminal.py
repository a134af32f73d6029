"""What a person at a terminal meets: prompts, progress, colour, Ctrl-C."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from tests.cli.conftest import PASSWORD, Door, Program
from tests.terminal import Terminal
from tui import paths
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

PASSPHRASE = "correct horse"
_LIMIT_S = 60.0


class Person:
    """Somebody who runs pgconns on a terminal of 80 columns, and types what it asks for."""

    def __init__(self, *words: str, kind: str = "xterm-256color", **environment: str) -> None:
        self._terminal = Terminal([sys.executable, "-m", "tui", *words], {**os.environ, **environment}, kind=kind)

    @property
    def shown(self) -> str:
        """All that was written."""
        return self._terminal.output.decode()

    def sees(self, text: str) -> None:
        """Wait until a text was written."""
        self._terminal.wait_for(lambda _: text in self.shown, _LIMIT_S)

    def types(self, prompt: str, text: str) -> None:
        """Answer a prompt."""
        self.sees(prompt)
        self._terminal.press(text, "enter")

    def interrupts(self) -> None:
        """Press Ctrl-C."""
        self._terminal.press("ctrl+c")

    def status(self) -> int:
        """Wait for the end; return the exit status."""
        with self._terminal:
            return self._terminal.end(_LIMIT_S)


def test_the_password_and_a_new_vaults_passphrase_are_asked_for(door: Door, pgconns: Program) -> None:
    terminal = Person("add", "prod", *door.flags)
    terminal.types(f"Password of {door.username}", PASSWORD)
    terminal.types("Choose a passphrase", PASSPHRASE)
    terminal.types("again", PASSPHRASE)
    assert terminal.status() == 0, terminal.shown
    assert "Registered prod" in terminal.shown
    assert "planted" not in terminal.shown
    assert PASSPHRASE not in terminal.shown
    check = Person("check", "prod")
    check.types("Passphrase of the vault", PASSPHRASE)
    assert check.status() == 0, check.shown
    wrong = Person("check", "prod")
    wrong.types("Passphrase of the vault", "wrong")
    assert wrong.status() == 5
    assert "does not open the vault" in wrong.shown


def test_two_passphrases_that_differ_store_nothing(door: Door, home: object) -> None:
    terminal = Person("add", "prod", *door.flags)
    terminal.types("Password of", PASSWORD)
    terminal.types("Choose a passphrase", PASSPHRASE)
    terminal.types("again", "another")
    assert terminal.status() == 2
    assert "differ" in terminal.shown
    assert not paths.registry_file().exists()
    assert not paths.vault_file().exists()


def test_findings_stream_in_colour_and_fit(door: Door, password_file: str, home: object) -> None:
    words = ["add", "prod", *door.flags, "--password-from", password_file]
    terminal = Person(*words)
    assert terminal.status() == 0
    assert "\x1b[32m✓ ok" in terminal.shown
    assert "Checking prod" in terminal.shown
    Registry().remove(Registry().load()[0].id)
    plain = Person(*words, NO_COLOR="1")
    assert plain.status() == 0
    assert "✓ ok" in plain.shown
    assert "\x1b[3" not in plain.shown


def test_ask_is_asked_each_time(door: Door, home: object) -> None:
    terminal = Person("add", "prod", *door.flags, "--password-from", "ask")
    terminal.types("Password of", PASSWORD)
    assert terminal.status() == 0, terminal.shown
    check = Person("check")
    check.types("for prod", PASSWORD)
    assert check.status() == 0, check.shown


def test_ask_without_a_terminal_is_said(door: Door, pgconns: Program) -> None:
    added = pgconns("add", "prod", *door.flags, "--password-from", "ask", "--password-stdin", stdin=PASSWORD)
    assert added.status == 0, added.err
    result = pgconns("check", "prod")
    assert result.status == 5
    assert "nobody can be asked here" in result.out


def test_checking_many_shows_progress(home: object, refused_port: int) -> None:
    parameters = Parameters("", "127.0.0.1", "u", "d", port=refused_port, password_from="pgpass")
    for name in ("one", "two"):
        Registry().add(Connection(name, parameters._replace(name=name)))
    person = Person("check", "--json")
    assert person.status() == 3
    assert "Checked 1 of 2" in person.shown


def test_a_blank_password_keeps_the_old_one(door: Door, password_file: str, pgconns: Program) -> None:
    assert pgconns("add", "prod", *door.flags, "--password-from", password_file).status == 0
    terminal = Person("edit", "prod", "--password")
    terminal.types("New password", "")
    assert terminal.status() == 0
    assert "Nothing changed" in terminal.shown


def test_remove_asks(door: Door, password_file: str, pgconns: Program) -> None:
    assert pgconns("add", "prod", *door.flags, "--password-from", password_file).status == 0
    terminal = Person("remove", "prod")
    terminal.types("[y/N]", "")
    assert terminal.status() == 1
    assert len(Registry().load()) == 1
    terminal = Person("remove", "prod")
    terminal.types("[y/N]", "y")
    assert terminal.status() == 0
    assert Registry().load() == ()


def test_ctrl_c_at_a_prompt_and_while_probing(
    door: Door, impostor: Callable[[str], Any], password_file: str, home: object
) -> None:
    terminal = Person("add", "prod", *door.flags)
    terminal.sees("Password of")
    terminal.interrupts()
    assert terminal.status() == 130
    assert "Traceback" not in terminal.shown
    silent = impostor("silence")
    where = ["--server", silent.host, "--port", str(silent.port), "--username", "u", "--database", "d"]
    terminal = Person("add", "prod", *where, "--password-from", password_file)
    terminal.sees("TCP")
    terminal.interrupts()
    assert terminal.status() == 130
    assert "Traceback" not in terminal.shown
    assert not paths.registry_file().exists()


def test_list_fits_80_columns(pgconns: Program, door: Door, password_file: str) -> None:
    words = (*door.flags, "--password-from", password_file)
    assert pgconns("add", "a name of the longest kind " + "x" * 73, *words).status == 0
    terminal = Person("list")
    assert terminal.status() == 0
    assert all(len(line) <= 80 for line in terminal.shown.splitlines())
    assert "…" in terminal.shown


def test_a_dumb_terminal_gets_a_sentence_not_a_screen() -> None:
    terminal = Person(kind="dumb")
    terminal.sees("TERM=dumb is a terminal that cannot move its cursor")
    assert terminal.status() == 2
