"""The folders: the XDG variables mean what they mean everywhere, and asking creates nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui import paths


def test_the_defaults_stand_in_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    assert paths.registry_file() == home / ".config/pgconns/registry.toml"
    assert paths.vault_file() == home / ".local/share/pgconns/vault"
    assert paths.state_folder() == home / ".local/state/pgconns"
    assert paths.cache_folder() == home / ".cache/pgconns"
    assert paths.system_registry_files() == (Path("/etc/xdg/pgconns/registry.toml"),)


def test_the_variables_of_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "new"))
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    monkeypatch.setenv("XDG_CONFIG_DIRS", "/a:relative:/b")
    assert paths.config_folder() == tmp_path / "new/pgconns"
    assert paths.data_folder().is_absolute()
    assert paths.system_registry_files() == (Path("/a/pgconns/registry.toml"), Path("/b/pgconns/registry.toml"))
    assert not (tmp_path / "new").exists()


def test_another_registry_has_none_under_it(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("PGCONNS_REGISTRY", "~/other.toml")
    assert paths.registry_file() == home / "other.toml"
    assert paths.system_registry_files() == ()


def test_a_user_without_a_home_gets_a_folder_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # what it does for a uid that no one knows
    assert paths.config_folder() == Path("/nonexistent/.config/pgconns")
