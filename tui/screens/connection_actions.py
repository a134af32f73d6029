"""What one does with a registered Connection from more than one screen: rename, remove, copy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tui.connections.registry import Refused, RegistryError
from tui.connections.secret import SecretsError, VaultLocked
from tui.text import safe

if TYPE_CHECKING:
    from tui.connections.model import Connection
    from tui.screens.base import Base

# What a secret's source is called in a sentence; only the first two hold a password that pgconns put there.
PLACES = {
    "keyring": "the OS keyring",
    "vault": "the encrypted vault",
    "pgpass": "your .pgpass file",
    "env": "the environment variable",
    "file": "the file",
    "command": "the output of",
    "ask": "nowhere, asked for",
}


def place_of(connection: Connection) -> str:
    """Say where a Connection's password lives; never the password."""
    source, _, rest = connection.parameters.password_from.partition(":")
    return f"{PLACES.get(source, source)} {rest}".strip()


def address(connection: Connection) -> str:
    """Return a Connection as a URI, without its password."""
    from urllib.parse import quote  # noqa: PLC0415 - only to copy

    p = connection.parameters
    host = f"[{p.server}]" if ":" in p.server else quote(p.server, safe="")
    settings = f"sslmode={p.sslmode}" + (f"&sslrootcert={quote(p.sslrootcert, safe='')}" if p.sslrootcert else "")
    return f"postgresql://{quote(p.username, safe='')}@{host}:{p.port}/{quote(p.database, safe='')}?{settings}"


def copy(screen: Base[Any], connection: Connection) -> None:
    """Send the Connection's URI to the terminal's clipboard, and show it: the terminal gives no answer."""
    text = address(connection)
    screen.app.copy_to_clipboard(text)
    screen.tell(text, title="Sent to the terminal's clipboard")


def _refused(screen: Base[Any], connection: Connection, verb: str) -> bool:
    if connection.read_only:
        name = safe(connection.name)
        screen.tell(
            f"{name} comes from a system-wide registry: its administrator can {verb} it there", severity="warning"
        )
    return connection.read_only


def edit(screen: Base[Any], connection: Connection) -> None:
    """Open the form on the Connection's parameters."""
    if not _refused(screen, connection, "edit"):
        from tui.screens.parameter_form import ParameterForm  # noqa: PLC0415 - for a quick first frame

        screen.app.push_screen(ParameterForm(screen.services, editing=connection))


async def rename(screen: Base[Any], connection: Connection) -> bool:
    """Ask for another name and register it; return whether it was renamed. Call it in a worker."""
    if _refused(screen, connection, "rename"):
        return False
    from tui.screens.rename import Rename  # noqa: PLC0415 - for a quick first frame

    registry = screen.services.registry
    try:
        taken = frozenset(other.name for other in await asyncio.to_thread(registry.load))
        name = await screen.app.push_screen_wait(Rename(connection.name, taken))
        if name is None:
            return False
        renamed = connection._replace(parameters=connection.parameters._replace(name=name))
        await asyncio.to_thread(registry.replace, renamed, connection)
    except (RegistryError, Refused) as error:
        screen.tell(str(error), title="Not renamed", severity="error")
        return False
    screen.tell(f"{connection.name} is now called {name}")
    return True


async def remove(screen: Base[Any], connection: Connection) -> bool:
    """Ask, then remove entry, secret and kept check; return whether it was removed. Call it in a worker."""
    if _refused(screen, connection, "remove"):
        return False
    from tui.screens.confirm import Confirm  # noqa: PLC0415 - for a quick first frame
    from tui.screens.passphrase import unlocked  # noqa: PLC0415

    registry, secrets = screen.services.registry, screen.services.secrets
    source = connection.parameters.password_from.partition(":")[0]
    own = {
        "keyring": "its password in the keyring",
        "vault": "its password in the vault",
        "ask": "its password, as far as it was typed in this session",
    }
    goes = [f"its entry in {registry.path}", *([own[source]] if source in own else []), "what its last check found"]
    stays = "Its server, database and sockets stay as they are."
    if source not in own:
        stays += f" So does its password, which lives in {place_of(connection)}."
    words = "This removes:\n" + "\n".join(f"  · {part}" for part in goes) + f"\n{stays}"
    if not await screen.app.push_screen_wait(Confirm(f"Remove {connection.name}?", words, do="Remove")):
        return False
    from tui.connections.registration import unregister  # noqa: PLC0415 - imports what writes TOML: only to write

    try:
        await unlocked(screen, secrets, lambda: unregister(registry, secrets, connection))
    except VaultLocked:
        screen.tell("The vault stayed locked, so nothing was removed", severity="warning")
        return False
    except (RegistryError, Refused, SecretsError) as error:
        screen.tell(str(error), title="Not removed", severity="error")
        return False
    screen.tell(f"{connection.name} is removed")
    return True
