"""What is asked of a person, and only on a terminal: passwords, passphrases, yes or no."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tui.cli.output import Refused
from tui.connections.secret import Secret
from tui.text import safe

if TYPE_CHECKING:
    from tui.connections.secrets import Secrets

_LONGEST = 65_536
_LARGEST = 4 * 1024 * 1024


def can_ask() -> bool:
    """Tell whether a person sits here: both stdin and stderr are a terminal."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty())


def password(prompt: str) -> Secret | None:
    """Ask for a password without showing it; None when nothing was typed."""
    from getpass import getpass

    try:
        typed = getpass(safe(prompt), stream=sys.stderr)
    except EOFError:
        raise KeyboardInterrupt from None
    return Secret(typed) if typed else None


def passphrase(new: bool) -> Secret | None:
    """Ask for the vault's passphrase, twice when the vault is `new`; None where nobody can be asked."""
    if not can_ask():
        return None
    if not new:
        return password("Passphrase of the vault: ")
    first = password("Choose a passphrase for the new vault of passwords: ")
    if first is None:
        return None
    if password("The same passphrase again: ") != first:
        raise Refused("The two passphrases differ: nothing was stored")
    return first


def stdin_line(what: str) -> str:
    """Return the first line of stdin: `what` stands there. Empty where stdin is."""
    if sys.stdin is None:
        return ""
    raw = sys.stdin.buffer.readline(_LONGEST + 1)
    if len(raw) > _LONGEST:
        raise Refused(f"{what} on stdin is longer than {_LONGEST} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refused(f"{what} on stdin is not UTF-8 text") from None
    if "\0" in text:
        raise Refused(f"{what} on stdin holds a NUL byte, which PostgreSQL does not take")
    return text.removesuffix("\n").removesuffix("\r")


def password_from_stdin() -> Secret | None:
    """Return the password on stdin's first line, which a terminal does not show; None where it is empty."""
    if can_ask():
        return password("Password: ")
    typed = stdin_line("The password")
    return Secret(typed) if typed else None


def uri() -> str:
    """Return the URI on stdin's first line; a terminal does not show it, for a password may be in it."""
    if can_ask():
        typed = password("URI (not shown): ")
        return typed.reveal() if typed else ""
    return stdin_line("The URI")


def content_of(name: str) -> bytes:
    """Return what a file holds, or stdin where `name` is a hyphen; raises Refused where it cannot be read."""
    from tui.connections.files import read_regular, reason

    if name == "-":
        return sys.stdin.buffer.read(_LARGEST) if sys.stdin else b""
    try:
        return read_regular(name, _LARGEST)
    except OSError as error:
        raise Refused(f"{name} cannot be read: {reason(error)}") from None


def line(question: str) -> str:
    """Ask for a line of text that is no secret; empty where nothing was typed."""
    sys.stderr.write(safe(question) + " ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise KeyboardInterrupt
    return answer.strip()


def confirmed(question: str) -> bool:
    """Ask a question whose answer is no unless it is yes."""
    sys.stderr.write(f"{safe(question)} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise KeyboardInterrupt
    return answer.strip().lower() in {"y", "yes"}


def open_secrets() -> Secrets:
    """Return the secret stores, which ask for the vault's passphrase where a person sits."""
    from tui.connections.secrets import Secrets

    return Secrets(ask_passphrase=passphrase)
