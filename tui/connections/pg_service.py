"""libpq's connection service file: sections of parameters that `service=NAME` stands for.

Source: PostgreSQL documentation, "The Connection Service File"; libpq's parseServiceFile().
"""

from __future__ import annotations

import os
from pathlib import Path

from tui import paths
from tui.connections import files
from tui.connections.parameters import Problem

_LARGEST = 4 * 1024 * 1024
# Where Debian's libpq has its system-wide file; others are told by PGSYSCONFDIR.
_SYSTEM_FOLDER = "/etc/postgresql-common"


def services(text: str) -> dict[str, dict[str, str]]:
    """Return the parameters of each service in a file's text, in order; raise Problem, which names the line.

    As in libpq, the first of two sections or values with one name counts.
    """
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            name, closed, _ = line[1:].partition("]")
            if not closed or not name:
                raise Problem(f"Line {number} is no section: write [name]")
            current = {} if name in found else found.setdefault(name, {})
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise Problem(f"Line {number} is no parameter: write name=value")
        if current is None:
            raise Problem(f"Line {number} stands before the first [section]")
        current.setdefault(key, value)
    return found


def find(name: str) -> dict[str, str]:
    """Return the parameters of a service, from the user's file or else the system's; raise Problem."""
    looked: list[str] = []
    for path, demanded in places():
        try:
            text = files.read_regular(path, _LARGEST).decode("utf-8")
        except FileNotFoundError:
            if demanded:
                raise Problem(f"There is no service file {path}, which PGSERVICEFILE names") from None
            continue
        except OSError as error:
            raise Problem(f"The service file {path} cannot be read: {files.reason(error)}") from None
        except UnicodeDecodeError:
            raise Problem(f"The service file {path} is not UTF-8") from None
        try:
            found = services(text)
        except Problem as problem:
            raise Problem(f"The service file {path} cannot be used. {problem}") from None
        if name in found:
            return found[name]
        looked.append(str(path))
    where = f"in {' or '.join(looked)}" if looked else f"and no service file {places()[0][0]}"
    raise Problem(f"There is no service {name} {where}")


def places() -> tuple[tuple[Path, bool], ...]:
    """Return where libpq looks for services, in order, each with whether it was demanded to be there."""
    demanded = os.environ.get("PGSERVICEFILE", "")
    user = Path(demanded) if demanded else paths.home() / ".pg_service.conf"
    system = Path(os.environ.get("PGSYSCONFDIR", "") or _SYSTEM_FOLDER) / "pg_service.conf"
    return (user, bool(demanded)), (system, False)
