"""pgconns add: checks a server, and registers it as a Connection when everything needed is OK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cli import fields
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output

EXAMPLES = """
pgconns add prod --server db.example.com --username carto --database gis
printf %s "$PASSWORD" | pgconns add prod --server db.example.com --username carto --database gis --password-stdin
pgconns add prod --server db.example.com --username carto --database gis --password-from env:PROD_PASSWORD
pgconns add prod --from-uri - < uri.txt
"""
STATUSES = {
    Exit.DONE: "registered, perhaps with warnings",
    Exit.BAD_NEWS: "not registered: a check failed",
    Exit.USAGE: "not registered: a value is not right, or the name is taken",
    Exit.CANNOT_CONNECT: "not registered: the server could not be connected to",
    Exit.UNSUPPORTED: "not registered: PostgreSQL is older than 12, or PostGIS than 2.4",
    Exit.UNUSABLE_STORE: "not registered: the registry or the secret store cannot be used",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the Connection; the rest are the parameters' own flags."""
    parser.add_argument("name", metavar="NAME", help="tells Connections apart, here and in CARTO")
    fields.add_flags(parser)
    fields.add_source_flags(parser)


def run(arguments: Namespace, output: Output) -> int:
    """Probe, then register only when nothing failed."""
    from tui.cli import drafts, prompts
    from tui.cli.output import Refused
    from tui.connections.model import Connection
    from tui.connections.registration import register
    from tui.connections.registry import NameTaken, Registry, RegistryError, new_id
    from tui.connections.secret import SecretsError

    given, secret = drafts.read(arguments, {"name": arguments.name}, output)
    draft = drafts.with_defaults(given)
    registry, secrets = Registry(), prompts.open_secrets()
    parameters = fields.read(draft)
    if not draft.get("password_from"):
        parameters = parameters._replace(password_from=secrets.default_source())
    connection = Connection(new_id(), parameters)
    if any(other.name == connection.name and not other.read_only for other in registry.load()):
        raise NameTaken(f"A Connection called {connection.name} is registered already: choose another name, or edit it")
    from tui.cli import probing

    chosen = probing.with_typed(connection, secret, secrets, given=arguments.password_stdin)
    report = probing.shown(chosen, output)
    registered = report.verdict != "failed"
    if registered:
        try:
            register(registry, secrets, connection, probing.to_keep(chosen, secrets), report.to_json())
        except (RegistryError, SecretsError) as error:
            if output.json:
                output.value(probing.answer(connection, report, registered=False))
            raise Refused(f"{connection.name} was not registered: {_with_choice(error)}", Exit.UNUSABLE_STORE) from None
    if output.json:
        output.value(probing.answer(connection, report, registered=registered))
    elif registered:
        output.line(f"Registered {connection.name}{probing.with_warnings(report)}.")
    else:
        output.error(f"{connection.name} was not registered: mend what failed, and run this again")
    return probing.status_of(chosen, report)


def _with_choice(error: Exception) -> str:
    """Return the error's sentence; where nobody opens the vault, with the way around it."""
    from tui.connections.secret import VaultLocked

    elsewhere = ". Or keep the password elsewhere: --password-from env:VARIABLE, file:/path or command:..."
    return f"{error}{elsewhere if isinstance(error, VaultLocked) else ''}"
