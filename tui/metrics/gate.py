"""Whom the server lets in, by a web configuration that is read again whenever one of its files changes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import threading
from typing import TYPE_CHECKING

from tui.metrics.web_config import WebConfig, WebConfigError, context, read

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

# Of a password that nobody has: who asks for an unknown name waits as long as who guesses a password.
_NOBODYS_HASH = b"$2b$10$Md5VBpvTQ98jbTfsv/CQoewlomK/zqZXkUnCZpVz6hbbPbT3qYUWq"
_Stamp = tuple[tuple[int, int, int], ...]


class Gate:
    """Decides over TLS and over names with passwords; without a file, everybody is let in without TLS.

    A file that cannot be used any more is told to `tell`, once, and what it asked for before stays in force.
    """

    def __init__(self, path: Path | None, tell: Callable[[str], None] = lambda _: None) -> None:
        """Read the file. Raises WebConfigError."""
        self._path = path
        self._tell = tell
        self._reading, self._guessing = threading.Lock(), threading.Lock()
        self._right: frozenset[bytes] = frozenset()  # of whoever was let in: bcrypt is slow on purpose
        self._salt = os.urandom(16)
        self._config: WebConfig | None = None
        self._context: ssl.SSLContext | None = None
        self._stamp: _Stamp = ()
        if path is not None:
            self._read(path)

    @property
    def speaks_tls(self) -> bool:
        """Whether clients are to use https."""
        return self._context is not None

    @property
    def asks_names(self) -> bool:
        """Whether clients are to say who they are: by a name and a password, or by a certificate."""
        config = self._config
        certified = config is not None and config.tls is not None and config.tls.client_auth_type.startswith("Require")
        return certified or bool(config and config.users)

    def context(self) -> ssl.SSLContext | None:
        """Return how to speak TLS with the next client; None for not at all."""
        if self._path is not None and _stamp(self._config) != self._stamp:
            with self._reading:
                try:
                    self._read(self._path)
                except WebConfigError as error:
                    self._stamp = _stamp(self._config)
                    self._tell(f"{error}. What was asked for before stays in force")
        return self._context

    def _read(self, path: Path) -> None:
        config = read(path)
        stamp = _stamp(config)
        made = None if config.tls is None else context(config.tls)
        self._config, self._context, self._stamp = config, made, stamp
        self._right = frozenset()

    def admits(self, authorization: str) -> bool:
        """Tell whether the header Authorization of a request lets it in."""
        config = self._config
        if config is None or not config.users:
            return True
        name, password = _credentials(authorization)
        told = config.users.get(name)
        hash = _NOBODYS_HASH if told is None else told.encode()
        known = hmac.digest(self._salt, b"\0".join((name.encode(), hash, password)), hashlib.sha256)
        if known in self._right:
            return True
        with self._guessing:  # one at a time: whoever guesses keeps one core busy at most, and no scraper waiting
            right = _is_password(password, hash) and told is not None
        if right:
            self._right |= {known}
        return right


def _is_password(password: bytes, hash: bytes) -> bool:
    import bcrypt  # noqa: PLC0415 - only where names are asked for

    try:
        return bcrypt.checkpw(password, hash)
    except ValueError:  # longer than bcrypt's 72 bytes, or a NUL byte, or a hash that only looks like one
        return False


def _credentials(authorization: str) -> tuple[str, bytes]:
    """Return the name and the password of a header, by RFC 7617; empty where it is none."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", b""
    try:
        name, _, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
        return name.decode(), password
    except (binascii.Error, ValueError):
        return "", b""


def _stamp(config: WebConfig | None) -> _Stamp:
    """Return a cheap value that changes when one of the files does."""
    found = []
    for file in config.files if config is not None else ():
        try:
            status = file.stat()
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)
