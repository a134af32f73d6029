"""Reads HOST:PORT as flags give it."""

from __future__ import annotations

from tui.cli.output import Refused
from tui.connections.parameters import BY_NAME, Problem


def read_place(text: str, flag: str) -> tuple[str, int]:
    """Return a host and a port. Raises Refused.

    >>> read_place("[::1]:6432", "--at"), read_place("pooler.example.com", "--at")
    (('::1', 6432), ('pooler.example.com', 6432))
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text.strip(), "6432"
    try:
        return str(BY_NAME["server"].read(host.strip("[]"))), int(BY_NAME["port"].read(port))
    except Problem as problem:
        raise Refused(f"{flag}: {problem}; it looks like pooler.example.com:6432") from None


def read_listen(text: str | None) -> tuple[str, int]:
    """Return the address and port of --listen; every address and PgBouncer's own port where nothing is given.

    >>> read_listen(None), read_listen("127.0.0.1:7000"), read_listen("*:6433")
    (('*', 6432), ('127.0.0.1', 7000), ('*', 6433))
    """
    if not text:
        return "*", 6432
    if text.startswith("*"):
        return "*", read_place(f"any{text[1:]}", "--listen")[1]
    return read_place(text, "--listen")
