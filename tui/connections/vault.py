"""The vault: one file of passwords, closed by a passphrase. Where no keyring answers, they live here.

Three lines: a header of JSON (scrypt's parameters and salt), the entries (AES-256-GCM, the header authenticated with
them), and a SHA-256 of both. The last needs no passphrase: it tells a damaged file from a wrong passphrase.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import stat
import threading
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from tui import paths
from tui.connections import files
from tui.connections.secret import Secret, SecretsError, VaultLocked, WrongPassphrase

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

COST = 2**17  # scrypt's n: 128 MiB and half a second
# A file from elsewhere must not make us guess for hours, nor take all memory.
_COST_LEAST, _COST_MOST = 2**14, 2**20
_LARGEST = 16 * 1024 * 1024
_NONCE = 12


class _Opened(NamedTuple):
    header: bytes
    cipher: AESGCM


class _Stored(NamedTuple):
    header: bytes
    body: bytes


class Vault:
    """The vault file. Its key is derived once; the file is read again by each call, as other processes write it."""

    def __init__(self, path: Path | None = None, cost: int = COST) -> None:
        self.path = path or paths.vault_file()
        self._cost = cost
        self._opened: _Opened | None = None
        self._lock = threading.RLock()

    def exists(self) -> bool:
        """Return whether there is a vault file."""
        return os.path.lexists(self.path)

    def is_open(self) -> bool:
        """Return whether the passphrase of the vault that is there now is known."""
        stored = self._read()
        return stored is not None and self._opened is not None and self._opened.header == stored.header

    def unlock(self, passphrase: Secret) -> None:
        """Open the vault, or make it where there is none; raise WrongPassphrase, which changes nothing."""
        if not passphrase:
            raise SecretsError("The passphrase is empty: type at least one character")
        with self._lock:
            stored = self._read()
            if stored is None:
                opened = self._derive(_new_header(self._cost), passphrase)
                with _Locked(self.path):
                    stored = self._read()
                    if stored is None:  # no other process made it meanwhile
                        self._write(opened, {})
                        self._opened = opened
                        return
            opened = self._derive(stored.header, passphrase)
            _decrypted(opened, stored)
            self._opened = opened

    def get(self, key: str) -> Secret | None:
        """Return a secret, None where the vault has none; raise VaultLocked."""
        with self._lock:
            text = self._entries()[1].get(key)
        return None if text is None else Secret(text)

    def put(self, key: str, secret: Secret) -> None:
        """Keep a secret; raise VaultLocked."""
        self._change(key, secret)

    def delete(self, key: str) -> None:
        """Forget a secret; nothing happens where there is none."""
        if self.exists():
            self._change(key, None)

    def _change(self, key: str, secret: Secret | None) -> None:
        with self._lock, _Locked(self.path):
            opened, entries = self._entries()
            if secret is not None:
                entries[key] = secret.reveal()
            elif entries.pop(key, None) is None:
                return
            self._write(opened, entries)

    def _entries(self) -> tuple[_Opened, dict[str, str]]:
        stored = self._read()
        if stored is None:
            raise VaultLocked(exists=False)
        if self._opened is None or self._opened.header != stored.header:
            raise VaultLocked(exists=True)
        return self._opened, _decrypted(self._opened, stored)

    def _read(self) -> _Stored | None:
        """Return the file's parts, None where there is no file; SecretsError where it is not fit to be used."""
        try:
            status = self.path.stat()
            if os.geteuid() not in {0, status.st_uid}:
                raise SecretsError(f"The vault {self.path} belongs to another user: it is not opened")
            if stat.S_IMODE(status.st_mode) & 0o077 and stat.S_ISREG(status.st_mode):
                raise SecretsError(f"Others may read the vault {self.path}: run chmod 600 on it")
            content = files.read_regular(self.path, _LARGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretsError(f"The vault {self.path} cannot be read: {files.reason(error)}") from None
        header, _, rest = content.partition(b"\n")
        body, _, digest = rest.partition(b"\n")
        if digest.strip() != _digest(header, body):
            raise self._damaged()
        return _Stored(header, body)

    def _damaged(self) -> SecretsError:
        return SecretsError(
            f"The vault {self.path} is damaged: restore it from a backup, or move it away and store the passwords again"
        )

    def _derive(self, header: bytes, passphrase: Secret) -> _Opened:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - 30 ms
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415

        try:
            values: dict[str, Any] = json.loads(header)
            version, cost, salt = values["version"], values["n"], base64.b64decode(values["salt"], validate=True)
            fixed = values["kdf"], values["r"], values["p"], values["cipher"]
        except (ValueError, KeyError, TypeError):
            raise self._damaged() from None
        if version != 1 or fixed != ("scrypt", 8, 1, "AES-256-GCM"):
            raise SecretsError(f"The vault {self.path} was made by a newer pgconns: upgrade pgconns")
        if not isinstance(cost, int) or not _COST_LEAST <= cost <= _COST_MOST or cost & (cost - 1) or len(salt) < 16:
            raise self._damaged()
        # The same word may be typed as different code points, by different keyboards.
        word = unicodedata.normalize("NFC", passphrase.reveal()).encode("utf-8", "surrogatepass")
        try:
            key = Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(word)
        except MemoryError:
            raise SecretsError(f"Opening the vault takes {cost // 1024} MiB of memory, and that is not free") from None
        return _Opened(header, AESGCM(key))

    def _write(self, opened: _Opened, entries: dict[str, str]) -> None:
        nonce = os.urandom(_NONCE)
        sealed = opened.cipher.encrypt(nonce, json.dumps(entries, sort_keys=True).encode(), opened.header)
        body = base64.b64encode(nonce + sealed)
        lines = (opened.header, body, _digest(opened.header, body), b"")
        try:
            files.write_private(files.followed(self.path), b"\n".join(lines))
        except OSError as error:
            raise SecretsError(f"The vault {self.path} cannot be written: {files.reason(error)}") from None


class _Locked:
    """The lock of the vault among processes, its failures as SecretsError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = files.locked(files.followed(path))

    def __enter__(self) -> None:
        try:
            self._lock.__enter__()
        except OSError as error:
            raise SecretsError(f"The vault {self._path} cannot be written: {files.reason(error)}") from None

    def __exit__(self, *error: object) -> None:
        self._lock.__exit__(None, None, None)


def _new_header(cost: int) -> bytes:
    salt = base64.b64encode(os.urandom(16)).decode()
    return json.dumps(
        {"version": 1, "kdf": "scrypt", "n": cost, "r": 8, "p": 1, "salt": salt, "cipher": "AES-256-GCM"}
    ).encode()


def _digest(header: bytes, body: bytes) -> bytes:
    return hashlib.sha256(header + b"\n" + body).hexdigest().encode()


def _decrypted(opened: _Opened, stored: _Stored) -> dict[str, str]:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415

    try:
        raw = base64.b64decode(stored.body, validate=True)
        entries: dict[str, str] = json.loads(opened.cipher.decrypt(raw[:_NONCE], raw[_NONCE:], stored.header))
    except (InvalidTag, ValueError, binascii.Error):
        raise WrongPassphrase("The passphrase does not open the vault") from None
    return entries
