"""Registers, edits and removes Connections: the secret and the registry together, or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.connections import checks
from tui.connections.registry import ReadOnlyConnection
from tui.connections.secret import PasswordNeeded, Secret, SecretsError

if TYPE_CHECKING:
    from tui.connections.model import Connection
    from tui.connections.registry import Registry
    from tui.connections.secrets import Secrets


def register(
    registry: Registry,
    secrets: Secrets,
    connection: Connection,
    secret: Secret | None,
    report: dict[str, Any] | None = None,
) -> None:
    """Store the secret, then write the registry, then keep the report; undo the first when the second fails."""
    _refuse_misplaced(secrets, connection, secret)
    stored = bool(secret) and secrets.writable(connection.parameters.password_from)
    if stored and secret:
        secrets.put(connection, secret)
    try:
        registry.add(connection)
    except BaseException:
        if stored:
            secrets.delete(connection)
        raise
    if report is not None:
        checks.save(connection.id, report)


def update(
    registry: Registry,
    secrets: Secrets,
    before: Connection,
    after: Connection,
    secret: Secret | None,
    report: dict[str, Any] | None = None,
) -> str:
    """Change a Connection; without a new secret the old one stays, or moves to where `after` keeps it.

    Return a sentence about what could not be cleaned up, empty when all was.
    """
    source, old_source = after.parameters.password_from, before.parameters.password_from
    if not secret and source != old_source and secrets.writable(source):
        secret = secrets.get(before)
    else:
        _refuse_misplaced(secrets, after, secret)
    stored = bool(secret) and secrets.writable(source)
    previous = _kept(secrets, before) if stored and source == old_source else None
    if stored and secret:
        secrets.put(after, secret)
    try:
        registry.replace(after, before)
    except BaseException:
        if stored and previous is not None:
            secrets.put(after, previous)
        elif stored:
            secrets.delete(after)
        raise
    if report is not None:
        checks.save(after.id, report)
    if source != old_source:
        try:
            secrets.delete(before)
        except SecretsError as error:
            return f"The old password stays in the {old_source}: {error}"
    return ""


def unregister(registry: Registry, secrets: Secrets, connection: Connection, *, keep_secret: bool = False) -> None:
    """Remove a Connection with its secret and its last check; nothing is removed when one of them cannot be.

    `keep_secret` leaves the secret where it is: for a store that does not open any more.
    """
    if registry.get(connection.id).read_only:
        raise ReadOnlyConnection(connection.name)
    secret = None
    if not keep_secret and secrets.writable(connection.parameters.password_from):
        secret = _kept(secrets, connection)
        secrets.delete(connection)
    try:
        registry.remove(connection.id)
    except BaseException:
        if secret is not None:
            secrets.put(connection, secret)
        raise
    checks.delete(connection.id)


def _kept(secrets: Secrets, connection: Connection) -> Secret | None:
    try:
        return secrets.get(connection)
    except PasswordNeeded:
        return None


def _refuse_misplaced(secrets: Secrets, connection: Connection, secret: Secret | None) -> None:
    """Refuse a typed password that its source, which others write, does not hold: it would be lost."""
    source = connection.parameters.password_from
    if secret and not secrets.writable(source) and secrets.get(connection) != secret:
        kind = source.partition(":")[0]
        raise SecretsError(
            f"The password typed is not the one that {kind} gives, and pgconns writes none there: "
            "put it there yourself, or keep it in the vault"
        )
