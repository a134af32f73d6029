"""Hands passwords to the sampler: asks for the vault's passphrase once, not once per Connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tui.connections.secret import PasswordNeeded, SecretsError, VaultLocked

if TYPE_CHECKING:
    from textual.screen import Screen

    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.connections.secrets import Secrets


class Passwords:
    """The passwords of Connections for a screen that watches them all."""

    def __init__(self, screen: Screen[Any], secrets: Secrets) -> None:
        """Ask on `screen`, while it is the one on top."""
        self._screen = screen
        self._secrets = secrets
        self._one_question = asyncio.Lock()
        self._declined = False

    async def of(self, connection: Connection) -> Secret | None:
        """Return a Connection's password; raise SecretsError, whose sentence says which key gives it."""
        try:
            return await asyncio.to_thread(self._secrets.get, connection)
        except PasswordNeeded:
            raise SecretsError("its password is kept nowhere: press u to type it") from None
        except VaultLocked:
            pass
        async with self._one_question:  # all wait for the first answer
            ask = not self._declined and self._screen.is_current
            try:
                if ask:
                    from tui.screens.passphrase import unlocked  # noqa: PLC0415 - for a quick first frame

                    return await unlocked(self._screen, self._secrets, lambda: self._secrets.get(connection))
                return await asyncio.to_thread(self._secrets.get, connection)
            except VaultLocked:
                self._declined = self._declined or ask
        raise SecretsError("vault locked: press u to unlock it")

    async def ask(self, connection: Connection) -> bool:
        """Ask for what `connection` lacks, declined before or not; return whether its password is known now.

        Call it in a worker. Raises SecretsError where something else is wrong.
        """
        from tui.screens.passphrase import AskPassword, unlocked  # noqa: PLC0415 - for a quick first frame

        async with self._one_question:  # the sampler waits for the answer, and does not ask as well
            self._declined = False
            try:
                await unlocked(self._screen, self._secrets, lambda: self._secrets.get(connection))
            except PasswordNeeded:
                password = await self._screen.app.push_screen_wait(AskPassword(connection.name))
                if password is None:
                    return False
                self._secrets.remember(connection.id, password)
            except VaultLocked:
                self._declined = True
                return False
            return True
