"""Where pgconns keeps its files: the XDG base directories. Nothing is created by asking.

Source: XDG Base Directory Specification 0.8. Relative paths in its variables are ignored, as it demands.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = "pgconns"


def _path(text: str) -> Path:
    from pathlib import Path  # noqa: PLC0415 - costs `list` a tenth of its start-up budget, and it needs none

    return Path(text)


def _home() -> str:
    text = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    return text if text.startswith("/") else "/nonexistent"


def _base_text(variable: str, default: str) -> str:
    value = os.environ.get(variable, "")
    return value if value.startswith("/") else f"{_home()}/{default}"


def _base(variable: str, default: str) -> Path:
    return _path(_base_text(variable, default))


def home() -> Path:
    """Return the home folder; for users without one the folder that does not exist, as in Debian's password file."""
    return _path(_home())


def config_folder() -> Path:
    """Return the folder of what people edit: the registry."""
    return _base("XDG_CONFIG_HOME", ".config") / NAME


def data_folder() -> Path:
    """Return the folder of what must not be lost: the vault, the history."""
    return _base("XDG_DATA_HOME", ".local/share") / NAME


def state_folder() -> Path:
    """Return the folder of what was seen last: the findings of each Connection's last check, logs."""
    return _base("XDG_STATE_HOME", ".local/state") / NAME


def cache_folder() -> Path:
    """Return the folder of what can be fetched again: the regions' addresses."""
    return _base("XDG_CACHE_HOME", ".cache") / NAME


def registry_places() -> tuple[str, ...]:
    """Return where registries are: the user's, ``PGCONNS_REGISTRY`` where it is set, then the system-wide ones.

    ``PGCONNS_REGISTRY`` names one registry, so nothing lies under it.
    """
    other = os.environ.get("PGCONNS_REGISTRY", "")
    if other:
        return (os.path.expanduser(other),)  # noqa: PTH111
    folders = os.environ.get("XDG_CONFIG_DIRS", "") or "/etc/xdg"
    bases = (_base_text("XDG_CONFIG_HOME", ".config"), *(f for f in folders.split(":") if f.startswith("/")))
    return tuple(f"{base.rstrip('/')}/{NAME}/registry.toml" for base in bases)


def registry_file() -> Path:
    """Return the user's registry."""
    return _path(registry_places()[0])


def system_registry_files() -> tuple[Path, ...]:
    """Return the system-wide registries that lie under the user's own, most important first."""
    return tuple(map(_path, registry_places()[1:]))


def vault_file() -> Path:
    """Return the encrypted vault of passwords."""
    return data_folder() / "vault"


def history_file() -> Path:
    """Return what was recorded: ``PGCONNS_HISTORY`` where it is set, else in the data folder."""
    other = os.environ.get("PGCONNS_HISTORY", "")
    return _path(os.path.expanduser(other)) if other else data_folder() / "history.db"  # noqa: PTH111
