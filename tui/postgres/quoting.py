"""Quotes names and texts for the statements and lines that fixes propose. Pure."""

import re


def identifier(name: str) -> str:
    """Return `name` as SQL reads it back, whatever stands in it.

    >>> identifier('a"b; drop')
    '"a""b; drop"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as an SQL string constant; backslashes mean themselves under every server setting.

    >>> literal("it's")
    "'it''s'"
    """
    quoted = "'" + text.replace("'", "''").replace("\\", "\\\\") + "'"
    return "E" + quoted if "\\" in text else quoted


def hba_name(name: str) -> str:
    """Return a database or role as pg_hba.conf reads it: quotes take away the meaning of words such as all.

    From PostgreSQL 16 on they do not take it from a leading slash: such a name becomes the regular expression that
    matches it alone, which older servers take for a name that nobody has.

    >>> print(hba_name("all"), hba_name("/a.b"))
    "all" "/^\\/a\\.b$"
    """
    if name.startswith("/"):
        name = "/^" + re.sub(r"(\W)", r"\\\1", name) + "$"
    return identifier(name)


def entry_name(name: str) -> str:
    """Return a database as a line of pgbouncer.ini begins. Raises ValueError where none can name it.

    Other names than the plainest stand in single quotes (lib/usual/cfparser.c), whatever its config.md says of double
    ones: tried, 1.25.2 reads them, and 1.18.0 reads no quotes at all (PgBouncer's issue 971).

    >>> entry_name("gis_1"), entry_name("my gis")
    ('gis_1', "'my gis'")
    """
    if re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        return name
    if re.search(r"['\x00-\x1f\x7f]", name) or not name:
        raise ValueError(f"No entry of PgBouncer can be called {name!r}")
    return f"'{name}'"
