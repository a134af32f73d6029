"""Lines for pg_hba.conf. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.postgres.quoting import hba_name
from tui.regions.rules.values import Rules, slug

if TYPE_CHECKING:
    from tui.regions.rules.values import Wanted


def write(wanted: Wanted) -> Rules:
    """Return lines between two marks, by which the undo finds them again."""
    kind = "host" if wanted.sslmode == "disable" else "hostssl"
    database = hba_name(wanted.database) if wanted.database else "DATABASE"
    role = hba_name(wanted.role) if wanted.role else "ROLE"
    widest = max(len(str(network)) for network in wanted.addresses)
    lines = [f"{kind} {database} {role} {network!s:<{widest}} scram-sha-256\n" for network in wanted.addresses]
    begin, end = _marks(wanted)
    rules = (
        f"{begin}\n{wanted.heading}"
        "# The first line that matches decides: put these before any line that rejects them.\n"
        f"# They are in force after SELECT pg_reload_conf();\n{''.join(lines)}{end}\n"
    )
    return Rules(rules, _undo(wanted, begin, end), tuple(_notes(wanted)))


def _marks(wanted: Wanted) -> tuple[str, str]:
    whom = slug("\n".join((wanted.region, wanted.connection, wanted.database, wanted.role)))
    return f"# pgconns begin {whom}", f"# pgconns end {whom}"


def _undo(wanted: Wanted, begin: str, end: str) -> str:
    return (
        f"{wanted.heading}"
        "# On the server, as the owner of its files: takes out what stands between the marks, keeps a copy, reloads.\n"
        "(\nset -eu\n"
        "file=$(psql -XAtc 'SHOW hba_file')\n"
        f"grep -qx '{begin}' \"$file\"\n"
        f"grep -qx '{end}' \"$file\"\n"
        f"sed -i.before-undo '/^{begin}$/,/^{end}$/d' \"$file\"\n"
        "psql -XAtc 'SELECT pg_reload_conf()'\n)\n"
    )


def _notes(wanted: Wanted) -> list[str]:
    notes = [
        "The role's password must be stored as scram-sha-256; where SHOW password_encryption said md5 when it was set, "
        "set it again, or write md5 for scram-sha-256."
    ]
    if wanted.sslmode == "disable":
        notes.append(
            "The Connection's sslmode is disable: these lines let it in without TLS, and its data are readable."
        )
    elif wanted.sslmode in {"allow", "prefer"}:
        notes.append(
            f"The Connection's sslmode is {wanted.sslmode}, the lines demand TLS: "
            "where the server has none (SHOW ssl), write host for hostssl."
        )
    if any(name.startswith("/") for name in (wanted.database, wanted.role)):
        notes.append("A name that begins with / can only be written as a regular expression: from PostgreSQL 16 on.")
    return notes
