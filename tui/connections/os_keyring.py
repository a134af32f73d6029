"""The keyring of the operating system, by `keyring`'s own back ends only, and never for longer than a few seconds.

Chainers and plug-ins that are installed beside us are not used: some keep passwords in clear, some prompt on the
terminal. Where no person can unlock a keyring, a call may wait for ever: it runs in a thread that is given up.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING, Any

from tui.connections.secret import Secret, SecretsError

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 5.0
SERVICE = "pgconns"

_BACK_ENDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "linux": (
        ("SecretService", "Keyring", "Secret Service"),
        ("kwallet", "DBusKeyring", "KWallet"),
        ("libsecret", "Keyring", "libsecret"),
    ),
    "darwin": (("macOS", "Keyring", "macOS Keychain"),),
    "win32": (("Windows", "WinVaultKeyring", "Windows Credential Locker"),),
}
_HOW_ELSE = "keep the password in the vault instead, or start the keyring"


class OsKeyring:
    """The keyring, found at the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: tuple[Any, str] | None = None
        self._pending: Future[Any] | None = None

    def status(self) -> tuple[str | None, str]:
        """Return the keyring's name, None where there is none that works, and a sentence about it."""
        try:
            name = self._call(self._probe)
        except SecretsError as error:
            return None, str(error)
        return name, f"Passwords can be kept in the keyring ({name})"

    def get(self, key: str) -> Secret | None:
        """Return the secret of a key, None where the keyring has none."""
        text = self._call(lambda: self._back_end()[0].get_password(SERVICE, key))
        return None if text is None else Secret(text)

    def put(self, key: str, secret: Secret) -> None:
        """Keep a secret."""
        self._call(lambda: self._back_end()[0].set_password(SERVICE, key, secret.reveal()))

    def delete(self, key: str) -> None:
        """Forget a secret; nothing happens where there is none."""
        if self.get(key) is not None:
            self._call(lambda: self._back_end()[0].delete_password(SERVICE, key))

    def _probe(self) -> str:
        back_end, name = self._back_end()
        back_end.get_password(SERVICE, "doctor")  # a keyring may answer and still have no collection to keep things in
        return name

    def _back_end(self) -> tuple[Any, str]:
        if self._found is None:
            wanted = os.environ.get("PYTHON_KEYRING_BACKEND", "")
            for module, name, label in _BACK_ENDS.get(sys.platform, ()):
                if wanted and wanted != f"keyring.backends.{module}.{name}":
                    continue
                try:
                    back_end = getattr(importlib.import_module(f"keyring.backends.{module}"), name, None)
                except ImportError:
                    continue
                if back_end is not None and back_end.viable:
                    self._found = back_end(), label
                    break
            else:
                because = " (PYTHON_KEYRING_BACKEND rules it out)" if wanted else ""
                raise SecretsError(f"No keyring of the operating system answers here{because}: {_HOW_ELSE}")
        return self._found

    def _call(self, call: Callable[[], Any]) -> Any:
        """Return what a call to the keyring returns; SecretsError where it fails or does not return in time."""
        late = SecretsError(
            f"The keyring did not answer within {LIMIT_S:.0f} s; does it wait to be unlocked? {_HOW_ELSE}"
        )
        with self._lock:
            if self._pending is not None and not self._pending.done():
                raise late
            future: Future[Any] = Future()
            self._pending = future

            def work() -> None:
                try:
                    future.set_result(call())
                except Exception as error:  # noqa: BLE001 - D-Bus and its back ends raise whatever they like
                    future.set_exception(error)

            threading.Thread(target=work, daemon=True, name="keyring").start()
            try:
                error = future.exception(LIMIT_S)
            except FutureTimeout:
                raise late from None
        if error is None:
            return future.result()
        if isinstance(error, SecretsError):
            raise error from None
        # Only the kind of the failure: its words might hold what was to be kept.
        raise SecretsError(f"The keyring refused ({type(error).__name__}): {_HOW_ELSE}") from None


def keyring_status() -> tuple[str | None, str]:
    """Return the name of the keyring that works here, or None, and a sentence: for `doctor`."""
    return OsKeyring().status()
