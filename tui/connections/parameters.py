"""The parameters of a Connection, each declared once: form, command line and registry file derive from FIELDS.

A draft is what a person typed, a mapping of field names to text; `read` turns it into Parameters or into problems,
one sentence a field, which say what would be right.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.connections.connectors import BY_KEY, CONNECTORS
from tui.connections.model import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME_LONGEST = 100
# PostgreSQL cuts identifiers at NAMEDATALEN - 1 bytes.
IDENTIFIER_LONGEST = 63
SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
FOREIGN_URI = "This is no URI of PostgreSQL, which starts with postgresql://; type a DNS name or an IP address"
# Texts, not compiled: what most files never need would be compiled at every start. re keeps those that are used.
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ud800-\udfff\ufeff]"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"


class Problem(ValueError):
    """A sentence that says what is wrong with a value and what would be right."""


class Field(NamedTuple):
    """One parameter. `read` turns text into the value and raises Problem; `many` fields hold several, by commas."""

    name: str
    label: str
    meaning: str
    group: str  # basic, security, matching or advanced: the part of the form it stands in
    read: Callable[[str], Any]
    choices: tuple[str, ...] = ()
    required: bool = False
    many: bool = False

    @property
    def flag(self) -> str:
        """The option of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def default(self) -> Any:
        """The value of a field that nobody set; None where it must be set."""
        return Parameters._field_defaults.get(self.name)

    def parse(self, value: object) -> str:
        """Return the text of a value written in a registry file, for `read` to take; raise Problem on a wrong kind."""
        if isinstance(value, str):
            return value
        if self.many:
            if isinstance(value, list) and all(isinstance(part, str) for part in value):
                return ", ".join(value)
            raise Problem(f'{self.label} is a list of texts: {self.name} = ["...", "..."]')
        if isinstance(self.default, int):
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
            raise Problem(f"{self.label} is a whole number: {self.name} = {self.default}")
        raise Problem(f'{self.label} is a text, in quotes: {self.name} = "..."')

    def show(self, value: Any) -> str:
        """Return the text that `read` turns into `value` again."""
        return ", ".join(value) if self.many else str(value)


def _holds_control(text: str) -> bool:
    return not (text.isascii() and text.isprintable()) and re.search(_CONTROL, text) is not None


def _clean(text: str, what: str, longest: int) -> str:
    text = text.strip()
    if not text:
        raise Problem(f"{what} is missing: type one")
    if _holds_control(text):
        raise Problem(f"{what} holds an invisible character: type it again by hand")
    if len(text.encode("utf-8", "surrogatepass")) > longest:
        raise Problem(f"{what} is too long: at most {longest} bytes")
    return text


def _name(text: str) -> str:
    text = _clean(text, "The name", 4 * NAME_LONGEST)
    if len(text) > NAME_LONGEST:
        raise Problem(f"The name has {len(text)} characters: at most {NAME_LONGEST}")
    if text.startswith("-"):
        raise Problem("A name cannot start with a hyphen: commands would take it for an option")
    return text


def _server(text: str) -> str:
    text = _clean(text, "The server", 253 + 2)
    if text.startswith("/"):
        raise Problem("CARTO reaches servers by the network: type a DNS name or an IP address, no socket folder")
    if ":" in text or text[-1].isdigit():
        import ipaddress  # noqa: PLC0415 - most servers have names, and `list` must start fast

        with suppress(ValueError):
            return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    if "://" in text and not text.lower().startswith("postgres"):
        raise Problem(FOREIGN_URI)
    if "://" in text or "=" in text:
        raise Problem(
            "This is a whole URI or connection string: commands take it by --from-uri, the form by pasting it"
        )
    if ":" in text and re.fullmatch(r"[^:]+:\d+", text):
        host, port = text.rsplit(":", 1)
        raise Problem(f"The port has a field of its own: Server {host}, Port {port}")
    if re.fullmatch(r"[\d.]+", text):
        raise Problem("This is no IP address: an IPv4 address has four numbers from 0 to 255")
    if ":" in text:
        raise Problem("This is no IPv6 address: type it without brackets, such as 2001:db8::10")
    try:
        # The codec imports 1 ms of tables, which names in ASCII do not need.
        ascii_name = text.rstrip(".") if text.isascii() else text.rstrip(".").encode("idna").decode()
    except UnicodeError:
        raise Problem("This is no DNS name: its parts are 1 to 63 characters, divided by dots") from None
    if not all(map(_is_label, ascii_name.split("."))):
        raise Problem("This is no DNS name: letters, digits and hyphens, divided by dots, such as db.example.com")
    return text.rstrip(".")


def _is_label(text: str) -> bool:
    """Tell whether this is one part of a DNS name; each start of `list` looks at one per Connection, or more."""
    letters = text.replace("-", "").replace("_", "")
    return 0 < len(text) <= 63 and text.isascii() and text.strip("-") == text and (not letters or letters.isalnum())


def _identifier(what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        return _clean(text, what, IDENTIFIER_LONGEST)

    return read


def _port(text: str) -> int:
    text = text.strip()
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise Problem("The port is a number from 1 to 65535; PostgreSQL's own is 5432")
    port = int(text)
    if not 1 <= port <= 65535:
        raise Problem(f"There is no port {port}: a number from 1 to 65535; PostgreSQL's own is 5432")
    return port


def _choice(what: str, choices: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        text = text.strip()
        if text not in choices:
            raise Problem(f"{what} is one of {', '.join(choices)}")
        return text

    return read


def _sslrootcert(text: str) -> str:
    text = text.strip()
    if _holds_control(text):
        raise Problem("The path of the root certificate holds an invisible character: type it again by hand")
    return text


def _password_from(text: str) -> str:
    """Read a password source: keyring, vault, pgpass, ask, env:VARIABLE, file:/path or command:argv."""
    text = text.strip()
    if text in {"keyring", "vault", "pgpass", "ask"}:
        return text
    kind, colon, rest = text.partition(":")
    rest = rest.strip()
    if colon and kind == "env":
        if re.fullmatch(_VARIABLE, rest):
            return f"env:{rest}"
        raise Problem("env: is followed by the name of a variable, such as env:PROD_PASSWORD")
    if colon and kind == "file":
        if rest.startswith(("/", "~/")):
            return f"file:{rest}"
        raise Problem("file: is followed by an absolute path, such as file:/run/credentials/pgconns/prod")
    if colon and kind == "command":
        import shlex  # noqa: PLC0415 - `list` does not take commands apart

        try:
            words = shlex.split(rest)
        except ValueError:
            raise Problem("A quote in the command is not closed") from None
        if words:
            return f"command:{rest}"
        raise Problem("command: is followed by a program and its arguments, such as command:pass show pg/prod")
    raise Problem("A password lives in keyring, vault, pgpass, env:VARIABLE, file:/path, command:program args, or ask")


def _region(text: str) -> str:
    text = text.strip()
    if text and not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,62}", text):
        raise Problem("A region is written like europe-west1; leave it empty when you do not know")
    return text


def _split(text: str) -> list[str]:
    return [part for part in (piece.strip() for piece in text.split(",")) if part]


def _globs(text: str) -> tuple[str, ...]:
    return tuple(_clean(part, "The pattern", IDENTIFIER_LONGEST) for part in _split(text))


def _networks(text: str) -> tuple[str, ...]:
    import ipaddress  # noqa: PLC0415 - `list` does not read addresses

    networks = []
    for part in _split(text):
        try:
            networks.append(str(ipaddress.ip_network(part, strict=False)))
        except ValueError:
            raise Problem(f"{part[:50]} is no address or network: write 10.0.0.0/8 or 2001:db8::/32") from None
    return tuple(networks)


def _location(text: str) -> str:
    """Read a schema, or ``database.schema``."""
    text = _clean(text, "The location", 2 * IDENTIFIER_LONGEST + 1)
    if any(not part or len(part.encode()) > IDENTIFIER_LONGEST for part in text.split(".", 1)):
        raise Problem("A location is a schema, or database.schema; each part has 1 to 63 bytes")
    return text


FIELDS: tuple[Field, ...] = (
    Field("name", "Name", "Tells Connections apart, here and in CARTO", "basic", _name, required=True),
    Field("connector", "Connector", "The kind of server", "basic",
          _choice("The connector", tuple(c.key for c in CONNECTORS)), tuple(c.key for c in CONNECTORS)),
    Field("server", "Server", "DNS name or IP address; a pasted URI fills the form", "basic",
          _server, required=True),
    Field("username", "Username", "The role that CARTO logs in as", "basic",
          _identifier("The username"), required=True),
    Field("database", "Database", "The database that CARTO works in", "basic",
          _identifier("The database"), required=True),
    Field("port", "Port", "The TCP port that the server listens on", "basic", _port),
    Field("sslmode", "TLS mode", "How much the server must prove: require encrypts, verify-full checks who answers",
          "security", _choice("The TLS mode", SSLMODES), SSLMODES),
    Field("sslrootcert", "Root certificate", "A file of certificates to trust, or 'system'", "security", _sslrootcert),
    Field("password_from", "Password kept in",
          "Where the password lives: keyring, vault, pgpass, env:VARIABLE, file:/path, command:program args, or ask",
          "security", _password_from),
    Field("region", "Region", "Where CARTO's addresses belong, such as europe-west1", "matching", _region),
    Field("match_application", "Applications", "Patterns of their application_name, such as carto*", "matching",
          _globs, many=True),
    Field("match_client", "Client addresses", "Networks its sockets come from, such as 10.0.0.0/8", "matching",
          _networks, many=True),
    Field("analytics_toolbox", "Analytics Toolbox", "Schema of the toolbox functions that Workflows and Builder call",
          "advanced", _location),
    Field("data_observatory", "Data Observatory", "Schema where data subscriptions are looked for",
          "advanced", _location),
    Field("workflows_temp", "Workflows temp.", "Schema, or database.schema, for the temporary tables of workflow nodes",
          "advanced", _location),
)  # fmt: skip

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}


def read(draft: Mapping[str, str]) -> tuple[Parameters | None, dict[str, str]]:
    """Return the Parameters that a draft of texts stands for, or None and a sentence per field that is wrong.

    A field that the draft lacks, or leaves empty, takes its default.
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in FIELDS:
        text = draft.get(field.name, "")
        if not text.strip() and not field.required:
            continue
        try:
            values[field.name] = field.read(text)
        except Problem as problem:
            problems[field.name] = str(problem)
    if values.get("sslrootcert") == "system" and values.get("sslmode") not in {None, "verify-full"}:
        problems["sslmode"] = "The system's certificates are only used with verify-full"
    return (None, problems) if problems else (Parameters(**values), problems)


def write(parameters: Parameters) -> dict[str, str]:
    """Return the draft that `read` turns into `parameters` again."""
    return {field.name: field.show(getattr(parameters, field.name)) for field in FIELDS}


def defaults(connector: str) -> dict[str, str]:
    """Return the fields that a connector presets in the form."""
    chosen = BY_KEY[connector]
    return {"connector": chosen.key, "port": str(chosen.port), "sslmode": chosen.sslmode}
