"""What people paste: URIs, key=value connection strings, service=, host names. Pure: libpq's parser is handed in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tui.connections import connectors
from tui.connections.parameters import FOREIGN_URI, Problem, defaults
from tui.connections.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST = 16_384
# Around the URI may stand what was copied with it: a variable's name, psql, quotes, a driver's prefix.
_COPIED = re.compile(
    r"""(?:export\s+)?(?:[A-Za-z_]\w*\s*=\s*|psql\s+)?(?P<quote>["']?)
        (?P<driver>jdbc:)?(?P<scheme>postgres(?:ql)?)(?:\+\w+)?://(?P<rest>.*)(?P=quote)""",
    re.VERBOSE | re.DOTALL,
)
_KEY_VALUE = re.compile(r"[a-z][a-z_]*\s*=", re.IGNORECASE)
_HOST = re.compile(r"(?P<host>[^\s:/@=\[\],]+|\[[0-9A-Fa-f:.%]+\])(?::(?P<port>\d+))?")
_FIELDS = {
    "user": "username",
    "dbname": "database",
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
}
_KNOWN = {*_FIELDS, "host", "hostaddr", "port", "password", "service"}


class Pasted(NamedTuple):
    """The fields that a pasted text fills, the password in it, and sentences about what was left out."""

    draft: dict[str, str]
    password: Secret | None
    notes: tuple[str, ...]


def looks_like(text: str) -> bool:
    """Return whether a text is a URI or a connection string, rather than the name of a server.

    >>> looks_like("host=a dbname=b"), looks_like("db.example.com")
    (True, False)
    """
    text = text.strip()
    return bool(_KEY_VALUE.match(text) or "://" in text)


def read_pasted(text: str, parse: Callable[[str], dict[str, str]], service: Callable[[str], dict[str, str]]) -> Pasted:
    """Take a pasted text apart; raise Problem, in libpq's words where `parse` raises ValueError.

    `service` returns the parameters of a service by its name. A bare host name, or host:port, is taken as well.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        raise Problem(f"This is longer than any connection string: at most {_LONGEST} characters")
    if not looks_like(text):
        return _bare(text)
    if not (_COPIED.fullmatch(text) or _KEY_VALUE.match(text)):
        raise Problem(FOREIGN_URI)
    try:
        given = parse(_uncovered(text))
    except ValueError as error:
        raise Problem(f"This connection string cannot be read: {error}") from None
    return from_options({**service(given["service"]), **given} if given.get("service") else given)


def from_options(given: Mapping[str, str]) -> Pasted:
    """Return what libpq's options fill: of a string, a service, a line of a password file."""
    notes: list[str] = []
    server, port = _server(given, notes)
    draft = _proposed(server, port)
    draft |= {field: given[option] for option, field in _FIELDS.items() if given.get(option)}
    unused = sorted(option for option in given if option not in _KNOWN and given[option])
    certificates = [option for option in unused if option in {"sslcert", "sslkey"}]
    if certificates:
        notes.append("CARTO's parameters cannot carry a client certificate: sslcert and sslkey were left out")
    others = [option for option in unused if option not in certificates]
    if others:
        notes.append(f"Not among CARTO's parameters, and left out: {', '.join(others)}")
    return Pasted(draft, Secret(given["password"]) if given.get("password") else None, tuple(notes))


def _uncovered(text: str) -> str:
    """Return the connection string without what was copied around it."""
    copied = _COPIED.fullmatch(text)
    if copied is None:
        return text
    return f"{copied['scheme']}://{copied['rest']}"


def _bare(text: str) -> Pasted:
    host = _HOST.fullmatch(text)
    if host is None or (host["host"].isdigit() and not host["port"]):
        return Pasted({"server": text}, None, ())
    return Pasted(_proposed(host["host"].strip("[]"), host["port"] or ""), None, ())


def _proposed(server: str, port: str) -> dict[str, str]:
    """Return the server, and what the connector that it gives away presets; the port that was given wins."""
    draft = defaults(connectors.propose(server, int(port) if port.isdecimal() else None))
    return {**draft, "server": server, "port": port or draft["port"]}


def _server(given: Mapping[str, str], notes: list[str]) -> tuple[str, str]:
    """Return the first server of a host list and its port; a note names the others."""
    hosts = (given.get("host") or given.get("hostaddr") or "").split(",")
    ports = given.get("port", "").split(",")
    if given.get("host") and given.get("hostaddr"):
        notes.append("hostaddr was left out: CARTO reaches the server by its name")
    if len(ports) == 1:
        ports *= len(hosts)
    pairs = [(host, ports[number] if number < len(ports) else "") for number, host in enumerate(hosts)]
    first = next((pair for pair in pairs if pair[0]), pairs[0])
    left_out = [
        f"{host or 'a local socket'}{f':{port}' if port else ''}" for host, port in pairs if (host, port) != first
    ]
    if left_out:
        notes.append(f"CARTO reaches one server of a list: {first[0]} was taken, {', '.join(left_out)} left out")
    return first
