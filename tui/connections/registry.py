"""The registry: the files that hold the registered Connections, the user's own over the system-wide ones."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tui import paths
from tui.connections import files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tui.connections.model import Connection, Hook, OwnRegion
    from tui.connections.registry_text import Content

__all__ = [
    "NameTaken",
    "ReadOnlyConnection",
    "Refused",
    "Registry",
    "RegistryError",
    "UnknownConnection",
    "new_id",
    "read_connections",
]

_LARGEST = 16 * 1024 * 1024


class RegistryError(Exception):
    """A registry cannot be used: a sentence that names the file and what to do. Exit status 5."""


class Refused(Exception):
    """What was asked for does not fit what is registered. Exit status 2."""


class UnknownConnection(Refused, LookupError):
    """No Connection has that name or id."""


class NameTaken(Refused, ValueError):
    """Another Connection has that name already."""


class ReadOnlyConnection(Refused, ValueError):
    """The Connection comes from a system-wide registry, which pgconns does not write."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} comes from a system-wide registry: its administrator changes it there")


def new_id() -> str:
    """Return an id for a new Connection."""
    import uuid  # noqa: PLC0415 - only needed to register

    return str(uuid.uuid4())


class Registry:
    """The registered Connections. Every call reads the files again: other processes and editors write them too."""

    def __init__(self, path: Path | None = None, system: Sequence[Path] | None = None) -> None:
        """Use the files of `paths`, or these; a registry that is given has no system-wide one under it by itself."""
        places = (str(path),) if path else paths.registry_places()
        self._place = places[0]  # texts: `list` reads them without importing pathlib
        self._system = places[1:] if system is None else tuple(map(str, system))

    @property
    def path(self) -> Path:
        """The user's file."""
        from pathlib import Path  # noqa: PLC0415

        return Path(self._place)

    def load(self) -> tuple[Connection, ...]:
        """Return all Connections: the user's, then the system-wide ones that none of them hides by id or name."""
        connections = list(self._read(self._place, aside=True)[1].connections)
        for path in self._system:
            hidden = {c.id for c in connections} | {c.name for c in connections}
            connections += [
                c._replace(read_only=True)
                for c in self._read(path)[1].connections
                if c.id not in hidden and c.name not in hidden
            ]
        return tuple(connections)

    def regions(self) -> tuple[OwnRegion, ...]:
        """Return the regions that somebody entered: the user's, then the system-wide ones that none of them hides."""
        regions = {region.name: region for region in self._read(self._place, aside=True)[1].regions}
        for path in self._system:
            for region in self._read(path)[1].regions:
                regions.setdefault(region.name, region._replace(read_only=True))
        return tuple(regions.values())

    def hooks(self) -> tuple[Hook, ...]:
        """Return whom `watch` tells of alerts: the user's hooks, then the system-wide ones that none of them hides."""
        hooks = {hook.name: hook for hook in self._read(self._place, aside=True)[1].hooks}
        for path in self._system:
            for hook in self._read(path)[1].hooks:
                hooks.setdefault(hook.name, hook._replace(read_only=True))
        return tuple(hooks.values())

    def get(self, name_or_id: str) -> Connection:
        """Return one Connection, by name or else by id; raise UnknownConnection."""
        return _find(self.load(), name_or_id)

    def settings(self, name: str) -> dict[str, Any]:
        """Return a table of settings, such as [history]: the user's over the system-wide ones."""
        from tui.connections import registry_text  # noqa: PLC0415 - reads TOML: not before the first frame, like all below

        found: dict[str, Any] = {}
        for path in (self._place, *self._system):
            try:
                found = {**registry_text.settings(self._read(path)[0], name), **found}
            except registry_text.TextError as error:
                raise RegistryError(f"{path}, {error}") from None
        return found

    def stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        """Return a cheap value that changes when one of the files does."""
        return tuple(_stamp(path) for path in (self._place, *self._system))

    def add(self, connection: Connection) -> None:
        """Register a Connection; raise NameTaken."""
        from tui.connections import registry_text  # noqa: PLC0415

        def edit(text: str, own: tuple[Connection, ...]) -> str:
            if any(other.id == connection.id for other in own):
                raise NameTaken(f"A Connection with the id {connection.id} is registered already")
            _refuse_taken(own, connection)
            return registry_text.with_added(text, connection)

        self._edit(edit)

    def replace(self, connection: Connection, before: Connection | None = None) -> None:
        """Change the Connection of that id; raise UnknownConnection, NameTaken or ReadOnlyConnection.

        With `before`, what the editor started from, only what differs from it is written: fields that somebody else
        changed meanwhile stay as they made them.
        """
        from tui.connections import registry_text  # noqa: PLC0415

        def edit(text: str, own: tuple[Connection, ...]) -> str:
            current = self._own(own, connection.id)
            changed = connection.parameters._asdict()
            if before is not None:
                start = before.parameters._asdict()
                changed = {name: value for name, value in changed.items() if value != start[name]}
            wanted = current._replace(parameters=current.parameters._replace(**changed))
            _refuse_taken(own, wanted)
            return registry_text.with_replaced(text, wanted)

        self._edit(edit)

    def remove(self, connection_id: str) -> None:
        """Take a Connection out of the registry; raise UnknownConnection or ReadOnlyConnection."""
        from tui.connections import registry_text  # noqa: PLC0415

        def edit(text: str, own: tuple[Connection, ...]) -> str:
            return registry_text.without(text, self._own(own, connection_id).id)

        self._edit(edit)

    def set_region(self, region: OwnRegion) -> None:
        """Enter a region, or change its addresses."""
        from tui.connections import region_text  # noqa: PLC0415

        self._edit(lambda text, own: region_text.with_set(text, region))

    def set_hook(self, hook: Hook) -> None:
        """Enter a hook, or change it."""
        from tui.connections import hook_text  # noqa: PLC0415

        self._edit(lambda text, own: hook_text.with_set(text, hook))

    def remove_region(self, name: str) -> None:
        """Take a region out of the registry; raise Refused where it is not there, or a Connection still names it."""
        from tui.connections import region_text, registry_text  # noqa: PLC0415

        def edit(text: str, own: tuple[Connection, ...]) -> str:
            if not any(region.name == name for region in registry_text.read(text).regions):
                if any(region.name == name for region in self.regions()):
                    raise ReadOnlyConnection(name)
                raise Refused(f"No own region is called {name}")
            users = [connection.name for connection in self.load() if connection.parameters.region == name]
            below = any(region.name == name for path in self._system for region in self._read(path)[1].regions)
            if users and not below:
                raise Refused(
                    f"{name} is still the region of {', '.join(users)}: give them another one first, "
                    "with pgconns edit NAME --region"
                )
            return region_text.without(text, name)

        self._edit(edit)

    def _own(self, own: tuple[Connection, ...], connection_id: str) -> Connection:
        for connection in own:
            if connection.id == connection_id:
                return connection
        found = _find(self.load(), connection_id)
        raise ReadOnlyConnection(found.name)

    def _read(self, path: str, *, aside: bool = False) -> tuple[str, Content]:
        """Return the text of one file and what it holds; an absent file holds nothing."""
        from tui.connections import registry_text  # noqa: PLC0415

        try:
            content = files.read_regular(path, _LARGEST)
        except FileNotFoundError:
            return "", registry_text.Content()
        except OSError as error:
            raise RegistryError(f"The registry {path} cannot be read: {files.reason(error)}") from None
        try:
            text = registry_text.decode(content)
            return text, registry_text.read(text)
        except registry_text.TextError as error:
            sentence = f"{path}, {error}" if error.line else f"{path}: {error}"
            if error.damaged:
                kept = _keep_aside(path, content) if aside else ""
                sentence = f"The registry {path} is damaged in {error}{kept}. Mend it with an editor."
            raise RegistryError(sentence) from None

    def _edit(self, edit: Callable[[str, tuple[Connection, ...]], str]) -> None:
        """Replace the user's file by what `edit` makes of it, among others who do the same."""
        from tui.connections.registry_text import TextError  # noqa: PLC0415

        path = files.followed(self.path)  # a symbolic link stays one, and all who write through it share one lock
        try:
            with files.locked(path):
                text, content = self._read(str(path), aside=True)
                try:
                    new = edit(text, content.connections)
                except TextError as error:
                    raise RegistryError(f"{path}: {error}") from None
                files.write_private(path, new.encode("utf-8"))
        except OSError as error:
            raise RegistryError(f"The registry {path} cannot be written: {files.reason(error)}") from None


def read_connections(path: Path) -> tuple[Connection, ...]:
    """Return the Connections of a file in the registry's format, for `import` and `apply`; raise RegistryError."""
    if not path.exists():
        raise RegistryError(f"There is no file {path}")
    return Registry(path, ()).load()


def _find(connections: Sequence[Connection], name_or_id: str) -> Connection:
    for kind in ("name", "id"):
        for connection in connections:
            if getattr(connection, kind) == name_or_id:
                return connection
    raise UnknownConnection(f"No Connection is called {name_or_id}{_near(connections, name_or_id)}")


def _near(connections: Sequence[Connection], name: str) -> str:
    import difflib  # noqa: PLC0415 - only needed for a mistake

    near = difflib.get_close_matches(name, [connection.name for connection in connections], n=1)
    return f": did you mean {near[0]}?" if near else ""


def _refuse_taken(own: Sequence[Connection], connection: Connection) -> None:
    if any(other.name == connection.name and other.id != connection.id for other in own):
        raise NameTaken(f"A Connection called {connection.name} is registered already: choose another name")


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - Path.stat is the same
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _keep_aside(place: str, content: bytes) -> str:
    """Copy a damaged registry beside itself, once; return the words that say so."""
    import hashlib  # noqa: PLC0415 - only needed for a mistake
    from pathlib import Path  # noqa: PLC0415

    copy = Path(f"{place}.damaged-{hashlib.sha256(content).hexdigest()[:8]}")
    try:
        if not copy.exists():
            files.write_private(copy, content)
    except OSError:
        return ""
    return f"; a copy is kept in {copy}"
