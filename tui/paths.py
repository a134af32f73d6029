"""Where pgconns keeps its files: the XDG base directories. Nothing is created by asking.

Source: XDG Base Directory Specification 0.8. Relative paths in its variables are ignored, as it demands.
"""

import os
from pathlib import Path

NAME = "pgconns"


def home() -> Path:
    """Return the home folder; for users without one the folder that does not exist, as in Debian's password file."""
    text = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    return Path(text if text.startswith("/") else "/nonexistent")


def _base(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else home() / default


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


def registry_file() -> Path:
    """Return the user's registry: ``PGCONNS_REGISTRY`` where it is set."""
    other = os.environ.get("PGCONNS_REGISTRY", "")
    return Path(os.path.expanduser(other)) if other else config_folder() / "registry.toml"  # noqa: PTH111


def system_registry_files() -> tuple[Path, ...]:
    """Return the system-wide registries that lie under the user's own, most important first.

    ``PGCONNS_REGISTRY`` names one registry, so nothing lies under it.
    """
    if os.environ.get("PGCONNS_REGISTRY"):
        return ()
    folders = os.environ.get("XDG_CONFIG_DIRS", "") or "/etc/xdg"
    return tuple(Path(f) / NAME / "registry.toml" for f in folders.split(":") if f.startswith("/"))


def vault_file() -> Path:
    """Return the encrypted vault of passwords."""
    return data_folder() / "vault"
