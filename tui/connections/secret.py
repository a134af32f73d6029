"""A secret that shows itself nowhere by accident."""

from __future__ import annotations


class Secret:
    """A password or passphrase. Printing, formatting, comparing in a test's output or pickling never show it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself: only where it is handed to a server or a store."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not pickled")


class SecretsError(Exception):
    """A password cannot be had or kept: a sentence that says why and what to do, never the secret. Exit status 5."""


class PasswordNeeded(SecretsError):
    """A password is asked for at each start, and nobody has typed this one yet."""


class VaultLocked(SecretsError):
    """The vault's passphrase is not known; without a vault (`exists` is False) a first one is to be chosen."""

    def __init__(self, *, exists: bool) -> None:
        super().__init__(
            "The vault is locked: its passphrase is needed, typed in or from the file that "
            "PGCONNS_VAULT_PASSPHRASE_FILE names"
            if exists
            else "There is no vault yet: a passphrase is needed to make it, typed in or from the file that "
            "PGCONNS_VAULT_PASSPHRASE_FILE names"
        )
        self.exists = exists


class WrongPassphrase(SecretsError):
    """The passphrase does not open the vault."""
