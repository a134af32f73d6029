"""Secret and registry together, or neither: whichever of them fails."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from tests.connections.given import connection
from tui.connections import checks
from tui.connections.registration import register, unregister, update
from tui.connections.registry import NameTaken, ReadOnlyConnection, Registry, RegistryError
from tui.connections.registry_text import dumps
from tui.connections.secrets import PasswordNeeded, Secret, Secrets, SecretsError, VaultLocked, WrongPassphrase
from tui.connections.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from tui.connections.model import Connection

REPORT = {"verdict": "ok", "findings": [], "server": {}}
OLD, NEW = Secret("old"), Secret("new")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry.toml")


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(lambda new: Secret("word"), vault=Vault(tmp_path / "vault", 2**14))


@pytest.fixture
def prod(registry: Registry, secrets: Secrets) -> Connection:
    one = connection("prod", password_from="vault")
    register(registry, secrets, one, OLD, REPORT)
    return one


def _with(before: Connection, **changed: object) -> Connection:
    return before._replace(parameters=before.parameters._replace(**changed))  # type: ignore[arg-type]


def _break(registry: Registry) -> None:
    registry.path.write_text("[[")


def test_what_is_registered_has_its_secret_and_its_report(
    registry: Registry, secrets: Secrets, prod: Connection
) -> None:
    assert registry.get("prod") == prod
    assert secrets.get(prod) == OLD
    assert (checks.load(prod.id) or {})["verdict"] == "ok"


def test_a_registry_that_refuses_leaves_no_secret(registry: Registry, secrets: Secrets, prod: Connection) -> None:
    same_name = prod._replace(id="other")
    with pytest.raises(NameTaken):
        register(registry, secrets, same_name, NEW, REPORT)
    assert secrets.get(same_name) is None
    assert secrets.get(prod) == OLD
    assert checks.load("other") is None


def test_a_store_that_refuses_registers_nothing(registry: Registry, tmp_path: Path) -> None:
    closed = Secrets(vault=Vault(tmp_path / "none"))
    with pytest.raises(VaultLocked):
        register(registry, closed, connection(password_from="vault"), NEW)
    assert registry.load() == ()


def test_without_a_password_only_the_registry_is_written(registry: Registry, tmp_path: Path) -> None:
    closed = Secrets(vault=Vault(tmp_path / "none"))
    register(registry, closed, connection("a", password_from="vault"), None)
    register(registry, closed, connection("b", password_from="env:NOT_SET"), Secret(""))
    assert len(registry.load()) == 2
    assert not (tmp_path / "none").exists()


def test_a_password_typed_beside_a_source_that_others_write_must_be_the_same(
    registry: Registry, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_PASSWORD", "old")
    one = connection(password_from="env:A_PASSWORD")
    with pytest.raises(SecretsError, match="not the one that env gives"):
        register(registry, secrets, one, NEW)
    assert registry.load() == ()
    register(registry, secrets, one, OLD)
    assert registry.load() == (one,)


def test_a_rename_moves_nothing(registry: Registry, secrets: Secrets, prod: Connection, tmp_path: Path) -> None:
    before = (tmp_path / "vault").read_bytes()
    renamed = _with(prod, name="production", port=6432)
    assert update(registry, secrets, prod, renamed, None, REPORT) == ""
    assert secrets.get(registry.get("production")) == OLD
    assert (tmp_path / "vault").read_bytes() == before


def test_an_edit_takes_a_new_secret_or_keeps_the_old(registry: Registry, secrets: Secrets, prod: Connection) -> None:
    update(registry, secrets, prod, _with(prod, port=1), Secret(""))
    assert secrets.get(prod) == OLD
    update(registry, secrets, prod, _with(prod, port=2), NEW)
    assert secrets.get(prod) == NEW


def test_a_failed_edit_gives_the_old_secret_back(registry: Registry, secrets: Secrets, prod: Connection) -> None:
    _break(registry)
    with pytest.raises(RegistryError):
        update(registry, secrets, prod, _with(prod, port=1), NEW)
    assert secrets.get(prod) == OLD


def test_a_failed_edit_leaves_no_secret_in_a_new_place(registry: Registry, secrets: Secrets, prod: Connection) -> None:
    _break(registry)
    moved = _with(prod, password_from="ask")
    with pytest.raises(RegistryError):
        update(registry, secrets, prod, moved, None)
    assert secrets.get(prod) == OLD
    with pytest.raises(PasswordNeeded):
        secrets.get(moved)


def test_another_source_moves_the_secret(registry: Registry, secrets: Secrets, prod: Connection) -> None:
    asked = _with(prod, password_from="ask")
    update(registry, secrets, prod, asked, None)
    assert secrets.get(asked) == OLD
    assert secrets.get(prod) is None
    update(registry, secrets, asked, prod, None)
    assert secrets.get(prod) == OLD
    with pytest.raises(PasswordNeeded):
        secrets.get(asked)


def test_a_source_that_others_write_lets_go_of_ours(
    registry: Registry, secrets: Secrets, prod: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_PASSWORD", "new")
    by_env = _with(prod, password_from="env:A_PASSWORD")
    update(registry, secrets, prod, by_env, None)
    assert secrets.get(registry.get("prod")) == NEW
    assert secrets.get(prod) is None
    update(registry, secrets, by_env, prod, None)
    assert secrets.get(registry.get("prod")) == NEW


def test_an_old_place_that_fails_does_not_stop_a_move_with_a_new_password(registry: Registry, secrets: Secrets) -> None:
    broken = connection(password_from="keyring")  # no keyring answers in tests
    registry.add(broken)
    kept = _with(broken, password_from="vault")
    with pytest.raises(SecretsError):
        update(registry, secrets, broken, kept, None)
    assert registry.get("prod") == broken
    note = update(registry, secrets, broken, kept, NEW)
    assert "stays in the keyring" in note
    assert secrets.get(registry.get("prod")) == NEW


def test_what_is_removed_takes_its_secret_and_report_along(
    registry: Registry, secrets: Secrets, prod: Connection
) -> None:
    unregister(registry, secrets, prod)
    assert registry.load() == ()
    assert secrets.get(prod) is None
    assert checks.load(prod.id) is None


def test_a_registry_that_fails_keeps_the_secret(
    registry: Registry, secrets: Secrets, prod: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(connection_id: str) -> None:
        raise RegistryError("read-only")

    monkeypatch.setattr(registry, "remove", fails)
    with pytest.raises(RegistryError):
        unregister(registry, secrets, prod)
    assert secrets.get(prod) == OLD
    assert checks.load(prod.id) is not None


def test_a_vault_that_does_not_open_keeps_the_connection(registry: Registry, prod: Connection, tmp_path: Path) -> None:
    wrong = Secrets(lambda new: Secret("wrong"), vault=Vault(tmp_path / "vault"))
    with pytest.raises(WrongPassphrase):
        unregister(registry, wrong, prod)
    assert registry.load() == (prod,)
    unregister(registry, wrong, prod, keep_secret=True)
    assert registry.load() == ()


def test_a_system_wide_connection_is_not_removed(tmp_path: Path, secrets: Secrets) -> None:
    shipped = tmp_path / "etc.toml"
    shipped.write_text(dumps([connection("shipped", password_from="vault")]))
    registry = Registry(tmp_path / "registry.toml", (shipped,))
    secrets.put(connection("shipped", password_from="vault"), OLD)
    with pytest.raises(ReadOnlyConnection):
        unregister(registry, secrets, registry.get("shipped"))
    assert secrets.get(registry.get("shipped")) == OLD


PLANTED = "hunter2-planted-\u00e4"


@pytest.mark.parametrize("source", ["vault", "ask"])
def test_a_planted_password_is_in_no_file_and_in_no_error(
    registry: Registry, tmp_path: Path, home: Path, source: str
) -> None:
    store = Secrets(lambda new: Secret("word-planted"), vault=Vault(tmp_path / "vault", 2**14))
    one = connection(password_from=source)
    register(registry, store, one, Secret(PLANTED), REPORT)
    update(registry, store, one, _with(one, port=6000), Secret(PLANTED + "2"), REPORT)
    shown: list[str] = []
    for broken in (registry.path, tmp_path / "vault"):
        broken.write_text("[[")
        try:
            update(registry, store, one, _with(one, port=6001), Secret(PLANTED + "3"))
        except (RegistryError, SecretsError) as error:
            shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert shown
    files = [path.read_bytes() for folder in (tmp_path, home) for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 3
    for part in ("hunter2", "word-planted"):
        assert part not in "".join(shown)
        assert not any(part.encode() in content for content in files)
