"""libpq's own reading of connection strings, and its writing of them."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tui.connections.secret import Secret


def parse(text: str) -> dict[str, str]:
    """Return the options of a URI or of ``key=value`` pairs, as libpq reads them; ``service=`` is not looked up.

    Raises ValueError with libpq's words. They may quote the text they stumble over, so where that holds a password
    the sentence says only that it cannot be read.
    """
    if "\0" in text:
        raise ValueError("a connection string cannot hold a NUL character")
    try:
        options = conninfo_to_dict(text)
    except (psycopg.Error, UnicodeError) as error:
        words = " ".join(str(error).split())
    else:
        return {key: str(value) for key, value in options.items() if value is not None}
    raise ValueError(words if _harmless(words) else "libpq cannot read this connection string")


# What libpq says about the shape of a string without quoting values of it.
_SHAPES = ("invalid connection option", "unterminated quoted string", "end of string reached", "invalid port number")


def _harmless(words: str) -> bool:
    return any(shape in words for shape in _SHAPES) and "@" not in words and "pass" not in words.lower()


def write(options: Mapping[str, str], password: Secret | None = None) -> bytes:
    """Return `options` and the password as ``key='value'`` pairs, quoted as libpq unquotes them."""
    return b" ".join(
        [_pair(key, value) for key, value in options.items()]
        + ([] if password is None else [_pair("password", password.reveal())])
    )


def _pair(key: str, value: str) -> bytes:
    return f"{key}='{value.translate(_ESCAPES)}'".encode("utf-8", "surrogateescape")


_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'"})
