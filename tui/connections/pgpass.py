"""libpq's password file: lines of host:port:database:username:password, mode 0600.

Source: PostgreSQL documentation, "The Password File"; libpq's passwordFromFile().
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from tui import paths
from tui.connections import files
from tui.connections.secret import Secret, SecretsError

if TYPE_CHECKING:
    from pathlib import Path

    from tui.connections.model import Parameters

_LARGEST = 4 * 1024 * 1024


class Entry(NamedTuple):
    """One line; ``*`` stands for anything in all but the password."""

    host: str
    port: str
    database: str
    username: str
    password: Secret

    def matches(self, parameters: Parameters) -> bool:
        """Return whether libpq would use this line for a Connection."""
        wanted = (parameters.server, str(parameters.port), parameters.database, parameters.username)
        return all(given in {"*", value} for given, value in zip(self[:4], wanted, strict=True))


def place() -> Path:
    """Return where libpq looks: PGPASSFILE, else ~/.pgpass."""
    from pathlib import Path  # noqa: PLC0415

    other = os.environ.get("PGPASSFILE", "")
    return Path(other) if other else paths.home() / ".pgpass"


def entries(text: str) -> tuple[Entry, ...]:
    """Return the entries of a password file's text, in order; lines that libpq ignores are left out."""
    found = []
    for line in text.split("\n"):
        line = line.removesuffix("\r")  # noqa: PLW2901
        if line.startswith("#") or not line:
            continue
        fields = _fields(line)
        if fields is not None:
            found.append(Entry(*fields[:4], Secret(fields[4])))
    return tuple(found)


def line(host: str, port: str, database: str, username: str, password: Secret) -> str:
    """Return the line of a password file that holds these values, escaped."""
    return ":".join(re.sub(r"([\\:])", r"\\\1", part) for part in (host, port, database, username, password.reveal()))


def problem() -> str:
    """Return a sentence when the password file would be ignored by libpq, which says so in the middle of the screen."""
    path = place()
    try:
        status = path.stat()
    except OSError:
        return ""
    if not stat.S_ISREG(status.st_mode):
        return f"The password file {path} is no ordinary file: libpq ignores it"
    if stat.S_IMODE(status.st_mode) & 0o077:
        return f"Others may read the password file {path}, so libpq ignores it: run chmod 600 on it"
    return ""


def find(parameters: Parameters) -> Secret | None:
    """Return the password that libpq would use for a Connection, None where no line matches; raise SecretsError."""
    path = place()
    wrong = problem()
    if wrong:
        raise SecretsError(wrong)
    try:
        content = files.read_regular(path, _LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SecretsError(f"The password file {path} cannot be read: {files.reason(error)}") from None
    found = entries(content.decode("utf-8", "surrogateescape"))
    return next((entry.password for entry in found if entry.matches(parameters)), None)


def _fields(text: str) -> tuple[str, str, str, str, str] | None:
    """Return the five fields of a line, None where it has fewer; libpq ends the password at a bare colon too."""
    parts = [""]
    characters = iter(text)
    for character in characters:
        if character == ":":
            parts.append("")
        else:
            parts[-1] += next(characters, character) if character == "\\" else character
    return (parts[0], parts[1], parts[2], parts[3], parts[4]) if len(parts) >= 5 else None
