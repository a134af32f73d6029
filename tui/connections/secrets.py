"""Where the passwords of Connections live: one door to keyring, vault, .pgpass, variables, files and commands.

All calls may block, for a keyring's dialog or the vault's key: callers use a thread.
"""

from __future__ import annotations

import os
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tui.connections.os_keyring import OsKeyring, keyring_status
from tui.connections.secret import PasswordNeeded, Secret, SecretsError, VaultLocked, WrongPassphrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.connections.model import Connection
    from tui.connections.vault import Vault

__all__ = [
    "PasswordNeeded",
    "Secret",
    "Secrets",
    "SecretsError",
    "VaultLocked",
    "WrongPassphrase",
    "keyring_status",
]


class Secrets:
    """The passwords of Connections, each where its Connection's `password_from` says.

    `ask_passphrase` is called with whether a new vault is made; it returns None where nobody answers.
    """

    def __init__(
        self,
        ask_passphrase: Callable[[bool], Secret | None] | None = None,
        *,
        vault: Vault | None = None,
        keyring: OsKeyring | None = None,
    ) -> None:
        self._ask_passphrase = ask_passphrase
        self._given_vault = vault
        self._keyring = keyring or OsKeyring()
        self._remembered: dict[str, Secret] = {}
        self._opening = threading.Lock()
        self._default = ""

    @cached_property
    def _vault(self) -> Vault:
        from tui.connections.vault import Vault  # noqa: PLC0415 - hashes and JSON: not before the first frame

        return self._given_vault or Vault()

    def default_source(self) -> str:
        """Return where new passwords go: keyring where one works, else vault."""
        if not self._default:
            self._default = "keyring" if self._keyring.status()[0] else "vault"
        return self._default

    def writable(self, source: str) -> bool:
        """Return whether pgconns itself puts passwords there."""
        return source in {"keyring", "vault", "ask"}

    def get(self, connection: Connection) -> Secret | None:
        """Return a Connection's password, None where none is kept; raise SecretsError, PasswordNeeded, VaultLocked."""
        from tui.connections import sources  # noqa: PLC0415

        match connection.parameters.password_from:
            case "keyring":
                return self._keyring.get(connection.id)
            case "vault":
                return self._open_vault().get(connection.id) if self._vault.exists() else None
            case "ask":
                if connection.id not in self._remembered:
                    raise PasswordNeeded(f"The password of {connection.name} is asked for at each start: type it")
                return self._remembered[connection.id]
            case "pgpass":
                from tui.connections import pgpass  # noqa: PLC0415 - not before the first frame, like the next

                return pgpass.find(connection.parameters)
            case other:
                return sources.read(other)

    def put(self, connection: Connection, secret: Secret) -> None:
        """Keep a Connection's password where `password_from` says; SecretsError where pgconns does not write there."""
        match connection.parameters.password_from:
            case "keyring":
                self._keyring.put(connection.id, secret)
            case "vault":
                self._open_vault().put(connection.id, secret)
            case "ask":
                self.remember(connection.id, secret)
            case other:
                raise SecretsError(f"pgconns reads passwords from {other.partition(':')[0]}, and writes none there")

    def delete(self, connection: Connection) -> None:
        """Forget a Connection's password; what others keep stays theirs."""
        match connection.parameters.password_from:
            case "keyring":
                self._keyring.delete(connection.id)
            case "vault":
                if self._vault.exists():
                    self._open_vault().delete(connection.id)
            case "ask":
                self._remembered.pop(connection.id, None)

    def remember(self, connection_id: str, secret: Secret) -> None:
        """Keep a password that was typed in until this process ends."""
        self._remembered[connection_id] = secret

    def unlock(self, passphrase: Secret) -> None:
        """Open the vault, or make it; raise WrongPassphrase."""
        self._vault.unlock(passphrase)

    def warning(self, connection: Connection) -> str:
        """Return a sentence when a password is readable by others, else an empty text."""
        from tui.connections import sources  # noqa: PLC0415

        source, _, rest = connection.parameters.password_from.partition(":")
        if source == "file" and sources.others_read(rest):
            return f"Others may read the password file {rest}: run chmod 600 on it"
        return ""

    def _open_vault(self) -> Vault:
        """Return the vault, opened by the passphrase from systemd, from a file, or from a person."""
        with self._opening:  # of many threads that need it, one asks
            if not self._vault.is_open():
                passphrase, place = _passphrase_from_file()
                if passphrase is None and self._ask_passphrase is not None:
                    passphrase = self._ask_passphrase(not self._vault.exists())
                if passphrase is None:
                    raise VaultLocked(exists=self._vault.exists())
                try:
                    self._vault.unlock(passphrase)
                except WrongPassphrase:
                    if place:
                        raise WrongPassphrase(f"The passphrase in {place} does not open the vault") from None
                    raise
        return self._vault


def _passphrase_from_file() -> tuple[Secret | None, str]:
    """Return the passphrase that systemd or PGCONNS_VAULT_PASSPHRASE_FILE hands over, and the file it is in."""
    from tui.connections import sources  # noqa: PLC0415

    credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
    place = str(Path(credentials) / "pgconns-vault") if credentials else ""
    if not place or not Path(place).exists():
        place = os.environ.get("PGCONNS_VAULT_PASSPHRASE_FILE", "")
    return (sources.from_file(place), place) if place else (None, "")
