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
