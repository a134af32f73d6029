"""The lines of the parameter form, made from the declared fields. Pure but for the widgets it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.connections.connectors import BY_KEY, CONNECTORS
from tui.connections.parameters import FIELDS, Field, defaults
from tui.regions.model import BUILT_IN
from tui.screens.draft import Draft
from tui.widgets.field_row import FieldRow, Option, PasteInput, SafeInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tui.connections.model import Parameters
    from tui.connections.secret import Secret
    from tui.postgres.finding import Finding
    from tui.regions.model import Region

# In the order of CARTO's own dialog; the connector was picked before.
_BASIC = ("name", "server", "username", "database", "port", "connector")
GROUPS: dict[str, tuple[str, ...]] = {
    "": _BASIC,
    "Security": tuple(field.name for field in FIELDS if field.group == "security"),
    "Whose sockets are counted": tuple(field.name for field in FIELDS if field.group == "matching"),
}
ADVANCED: tuple[Field, ...] = tuple(field for field in FIELDS if field.group == "advanced")

_SOURCES = (
    Option("Vault", "vault"),
    Option("Keyring", "keyring"),
    Option(".pgpass", "pgpass"),
    Option("Asked each session", "ask"),
    Option("Variable", "env:", "PROD_PASSWORD"),
    Option("File", "file:", "/run/credentials/pgconns/prod"),
    Option("Command", "command:", "pass show pg/prod"),
)
# What a source means; the first word of password_from names it.
SOURCES: dict[str, str] = {
    "vault": "An encrypted file here, opened by one passphrase",
    "keyring": "The keyring of the operating system",
    "pgpass": "The matching line of ~/.pgpass, or of PGPASSFILE",
    "ask": "Nowhere: pgconns asks once a session",
    "env": "The name of an environment variable of pgconns",
    "file": "The first line of a file, such as a systemd credential",
    "command": "The first line that a program prints",
}
# The sources that a password typed into the form goes to.
TYPED = frozenset({"vault", "keyring", "ask"})

# So many addresses of a region are told beneath it.
_MOST_ADDRESSES = 4
_EXAMPLES = {
    "name": "Production",
    "database": "analytics",
    "sslrootcert": "/etc/ssl/certs/server-ca.pem",
    "match_application": "carto*",
    "match_client": "10.0.0.0/8, 2001:db8::/32",
}


def source(password_from: str) -> str:
    """Return the kind of place where a password lives.

    >>> source("env:PROD_PASSWORD")
    'env'
    """
    return password_from.partition(":")[0]


def row(field: Field, draft: Draft, is_whole: Callable[[str], bool], regions: Sequence[Region] = BUILT_IN) -> FieldRow:
    """Return the line of one field; `regions` are those that one may choose from."""
    value = draft.values[field.name]
    connector = BY_KEY[draft.values["connector"]]
    if field.name == "server":
        control = PasteInput(value, is_whole, connector.server_example)
        return FieldRow(field.name, field.label, field.meaning, control=control)
    examples = {"username": connector.username_example, **_EXAMPLES}
    return FieldRow(
        field.name,
        field.label,
        meaning(field, value, regions),
        value,
        options=options(field, regions),
        example=examples.get(field.name, ""),
    )


def password_row(draft: Draft) -> FieldRow:
    """Return the line of the password, masked."""
    text = draft.password.reveal() if draft.password else ""
    return FieldRow("password", "Password", "", control=SafeInput(text, password=True))


def options(field: Field, regions: Sequence[Region] = BUILT_IN) -> tuple[Option, ...]:
    """Return what a field lets one choose from; nothing where it is typed."""
    if field.name == "connector":
        return tuple(Option(connector.label, connector.key) for connector in CONNECTORS)
    if field.name == "password_from":
        return _SOURCES
    if field.name == "region":
        known = (Option(region.region, region.region) for region in regions)
        return Option("Unknown", ""), *known, Option("Self-hosted", "", "a name for it, such as my-datacenter")
    return tuple(Option(choice, choice) for choice in field.choices)


_MODES = {
    "disable": "No encryption: what is sent can be read on the way",
    "allow": "Encrypts only if the server insists",
    "prefer": "Encrypts if the server can; does not check who it is",
    "require": "Always encrypts; does not check who the server is",
    "verify-ca": "Encrypts; the certificate is from a CA you trust",
    "verify-full": "Encrypts; the certificate is trusted and names it",
}


def meaning(field: Field, value: str, regions: Sequence[Region] = BUILT_IN) -> str:
    """Return the sentence beneath a field: of a choice, what the chosen one means."""
    if field.name == "sslmode":
        return _MODES.get(value, field.meaning)
    if field.name == "password_from":
        return SOURCES.get(source(value), field.meaning)
    if field.name == "region":
        addresses = next((region.addresses for region in regions if region.region == value), ())
        more = f" and {len(addresses) - _MOST_ADDRESSES} more" if len(addresses) > _MOST_ADDRESSES else ""
        told = ", ".join(addresses[:_MOST_ADDRESSES])
        return f"CARTO comes from {told}{more}" if addresses else field.meaning
    if field.name == "connector" and value in BY_KEY:
        return BY_KEY[value].summary
    return field.meaning


def password_meaning(password_from: str, *, editing: bool) -> str:
    """Return the sentence beneath the password."""
    kind = source(password_from)
    if kind not in TYPED:
        return "Comes from where it is kept: see below, under Security"
    if editing:
        return "Leave it empty to keep the password as it is"
    return "Stored only after Connect found everything OK" if kind != "ask" else "Kept in memory until you leave"


def filled(values: Mapping[str, str], password: Secret | None) -> str:
    """Return the labels of what a pasted text gave, beyond the presets of its connector.

    >>> filled({"server": "db.example.com", "connector": "postgresql", "port": "5432"}, None)
    'Server'
    """
    presets = defaults(values.get("connector", CONNECTORS[0].key))
    labels = [field.label for field in FIELDS if field.name in values and values[field.name] != presets.get(field.name)]
    return ", ".join(labels + ["Password"] * bool(password))


def at_fault(finding: Finding, parameters: Parameters) -> str:
    """Return the name of the field that a failed check most likely means; empty where no field is to blame.

    >>> from tui.postgres.finding import Finding
    >>> from tui.connections.model import Parameters
    >>> at_fault(Finding("authentication", "failed", "no such database", code="3D000"), Parameters("a", "b", "c", "d"))
    'database'
    """
    if finding.check == "tls":
        if finding.code in {"EPROTO", "ETIMEDOUT"}:
            return "port"
        if finding.code == "X509_V_ERR_HOSTNAME_MISMATCH":
            return "server"
        return "sslrootcert" if parameters.sslmode.startswith("verify") else "sslmode"
    if finding.check == "tcp":
        return "port" if finding.code == "ECONNREFUSED" else "server"
    if finding.check == "authentication":
        password = "password" if source(parameters.password_from) in TYPED else "password_from"
        return {"28P01": password, "3D000": "database", "28000": "username"}.get(finding.code, "")
    return {"name_resolution": "server", "password": "password_from"}.get(finding.check, "")
