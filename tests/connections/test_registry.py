"""The registry as a file: layers, modes, locks, failures, and processes that write at once."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from pathlib import Path

import pytest

from tests.connections.given import connection, somebody_else
from tui.connections import files
from tui.connections.model import Connection, Parameters
from tui.connections.registry import (
    NameTaken,
    ReadOnlyConnection,
    Registry,
    RegistryError,
    UnknownConnection,
    new_id,
    read_connections,
)
from tui.connections.registry_text import dumps


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "registry.toml"


@pytest.fixture
def registry(path: Path) -> Registry:
    return Registry(path)


def _with(before: Connection, **changed: object) -> Connection:
    return before._replace(parameters=before.parameters._replace(**changed))  # type: ignore[arg-type]


def test_nothing_is_registered_where_there_is_no_file(registry: Registry, path: Path) -> None:
    assert registry.load() == ()
    assert registry.stamp() == (None,)
    assert not path.parent.exists()


def test_what_is_added_is_there_and_private(registry: Registry, path: Path) -> None:
    odd = connection('it\'s "odd" 🐘 שלום', database='a"b; drop', match_client=("10.0.0.0/8",), sslmode="require")
    registry.add(connection("prod"))
    registry.add(odd)
    assert registry.load() == (connection("prod"), odd)
    assert registry.get(odd.name) == registry.get(odd.id) == odd
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert sorted(file.name for file in path.parent.iterdir()) == [".registry.toml.lock", "registry.toml"]
    assert "analytics_toolbox" not in path.read_text()


def test_names_and_ids_are_unique(registry: Registry) -> None:
    registry.add(connection("prod"))
    with pytest.raises(NameTaken, match="prod is registered already"):
        registry.add(connection("prod", id="other"))
    with pytest.raises(NameTaken, match="id-prod"):
        registry.add(connection("other", id="id-prod"))
    registry.add(connection("test"))
    with pytest.raises(NameTaken):
        registry.replace(_with(connection("test"), name="prod"))
    assert [c.name for c in registry.load()] == ["prod", "test"]


def test_an_unknown_name_proposes_the_nearest(registry: Registry) -> None:
    registry.add(connection("analytics-prod"))
    with pytest.raises(UnknownConnection, match="did you mean analytics-prod"):
        registry.get("analytics-prd")
    with pytest.raises(UnknownConnection):
        registry.remove("nobody")
    with pytest.raises(UnknownConnection):
        registry.replace(connection("nobody"))


def test_a_rename_keeps_the_id_and_the_place(registry: Registry) -> None:
    for name in ("a", "b", "c"):
        registry.add(connection(name))
    registry.replace(_with(connection("b"), name="z", port=6432))
    assert [(c.id, c.name) for c in registry.load()] == [("id-a", "a"), ("id-b", "z"), ("id-c", "c")]
    registry.remove("id-b")
    assert [c.name for c in registry.load()] == ["a", "c"]


def test_two_editors_of_one_connection_keep_each_others_fields(registry: Registry) -> None:
    before = connection("prod")
    registry.add(before)
    registry.replace(_with(before, port=6000), before)
    registry.replace(_with(before, region="europe-west1"), before)
    assert registry.get("prod") == _with(before, port=6000, region="europe-west1")


def test_the_stamp_changes_with_the_file(registry: Registry, path: Path) -> None:
    registry.add(connection("a"))
    first = registry.stamp()
    assert registry.stamp() == first
    registry.add(connection("b"))
    assert registry.stamp() != first


def test_the_system_wide_layer_lies_under_the_users_own(path: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text(dumps([connection("shared"), connection("hidden-by-name"), connection("x", id="hidden-by-id")]))
    second.write_text(dumps([connection("shared", port=1), connection("low")]))
    registry = Registry(path, (first, second, tmp_path / "absent.toml"))
    registry.add(connection("hidden-by-name", id="mine"))
    registry.add(connection("mine", id="hidden-by-id"))
    assert [(c.name, c.read_only) for c in registry.load()] == [
        ("hidden-by-name", False),
        ("mine", False),
        ("shared", True),
        ("low", True),
    ]
    assert registry.get("shared").parameters.port == 5432
    with pytest.raises(ReadOnlyConnection, match="system-wide"):
        registry.remove("id-shared")
    with pytest.raises(ReadOnlyConnection, match="system-wide"):
        registry.replace(connection("shared", port=2))
    registry.add(connection("shared", id="own", port=7))
    assert registry.get("shared").parameters.port == 7


def test_the_users_registry_is_found_by_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    (tmp_path / "pgconns").mkdir()
    (tmp_path / "pgconns/registry.toml").write_text(dumps([connection("shipped")]))
    assert [c.name for c in Registry().load()] == ["shipped"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "registry.toml", tmp_path / "link.toml"
    real.parent.mkdir()
    link.symlink_to(real)
    Registry(link).add(connection("a"))
    Registry(link).add(connection("b"))
    assert link.is_symlink()
    assert [c.name for c in Registry(real).load()] == ["a", "b"]


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(RegistryError, match=r"registry\.toml cannot be read: a folder stands in its place"):
        Registry(path).load()
    with pytest.raises(RegistryError, match="a folder stands in its place"):
        Registry(path).add(connection())


def test_a_file_where_its_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegistryError, match="a file stands where a folder should be"):
        Registry(tmp_path / "file" / "registry.toml").add(connection())


def test_a_named_pipe_in_its_place_does_not_block(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(RegistryError, match="no ordinary file"):
        Registry(path).load()


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(RegistryError, match="circle"):
        Registry(tmp_path / "a").load()
    with pytest.raises(RegistryError):
        Registry(tmp_path / "a").add(connection())


def test_no_permission() -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        path = folder / "registry.toml"
        Registry(path).add(connection("kept"))
        if os.geteuid() != 0:
            path.chmod(0)
            folder.chmod(0o500)
        else:
            folder.chmod(0o755)
        content = None if os.geteuid() else path.read_bytes()
        with somebody_else():
            with pytest.raises(RegistryError, match="cannot be read: permission denied"):
                Registry(path).load()
            with pytest.raises(RegistryError, match="cannot be written: permission denied"):
                Registry(folder / "other.toml").add(connection())
        folder.chmod(0o700)
        assert content is None or path.read_bytes() == content


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EROFS, "the file system is read-only"), (errno.ENOSPC, "the disk is full")]
)
def test_a_disk_that_takes_nothing(
    registry: Registry, path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    registry.add(connection("kept"))
    before = path.read_bytes()

    def fails(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(RegistryError, match=words):
        registry.add(connection("lost"))
    assert path.read_bytes() == before
    assert not [file for file in path.parent.iterdir() if re.search(r"\d+-[0-9a-f]{8}$", file.name)]


def test_a_lock_that_is_never_given_back(registry: Registry, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.add(connection("a"))
    monkeypatch.setattr(files, "LOCK_WAIT_S", 0.05)
    with (path.parent / ".registry.toml.lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert len(registry.load()) == 1
        with pytest.raises(RegistryError, match="another pgconns holds its lock"):
            registry.add(connection("b"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root edits the files of others")
def test_who_runs_sudo_in_their_home_is_not_locked_out_of_it(registry: Registry, path: Path) -> None:
    os.chown(path.parent.parent, 65534, 65534)
    registry.add(connection("a"))
    registry.add(connection("b"))
    for made in (path, path.parent, path.parent / ".registry.toml.lock"):
        assert made.stat().st_uid == 65534


_WRITER = """
import sys
from tui.connections.model import Connection, Parameters
from tui.connections.registry import Registry
registry = Registry()
for number in range(8):
    name = f"{sys.argv[1]}-{number}"
    registry.add(Connection(name, Parameters(name, "h", "u", "d")))
    registry.replace(Connection(name, Parameters(name, "h", "u", "d", port=1000 + number)))
    if number % 4 == 3:
        registry.remove(name)
"""


def _child(code: str, path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PGCONNS_REGISTRY": str(path), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_that_write_at_once_lose_nothing(registry: Registry, path: Path) -> None:
    registry.add(connection("first"))
    writers = [_child(_WRITER, path, name) for name in "abcd"]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    kept = {f"{name}-{number}" for name in "abcd" for number in range(8) if number % 4 != 3}
    found = registry.load()
    assert {c.name for c in found} == kept | {"first"}
    assert all(c.parameters.port == 1000 + int(c.name[-1]) for c in found if c.name != "first")


def test_a_process_killed_while_it_writes_leaves_a_whole_file(registry: Registry, path: Path) -> None:
    registry.add(connection("kept"))
    code = """
        from tui.connections.model import Connection, Parameters
        from tui.connections.registry import Registry
        registry = Registry()
        number = 0
        while True:
            number += 1
            registry.replace(Connection("id-kept", Parameters("kept", "h" * (number % 60 + 1), "u", "d")))
            print(number, flush=True)
        """
    for _ in range(3):
        with _child(textwrap.dedent(code), path) as child:
            assert child.stdout is not None
            for _ in range(5):
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
        assert [c.name for c in registry.load()] == ["kept"]
    registry.add(connection("after"))


def test_another_registry_is_read_for_import_and_apply(tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.toml"
    wanted.write_text('[[connections]]\nname = "a"\nserver = "h"\nusername = "u"\ndatabase = "d"\n')
    (found,) = read_connections(wanted)
    assert found.parameters == Parameters("a", "h", "u", "d")
    assert found == read_connections(wanted)[0]
    with pytest.raises(RegistryError, match="There is no file"):
        read_connections(tmp_path / "absent.toml")


def test_export_is_toml_that_reads_back(registry: Registry, path: Path) -> None:
    everything = [connection("a"), connection("b", region="europe-west1", match_application=("x*", "y"))]
    text = dumps(everything)
    assert tomllib.loads(text)["version"] == 1
    path.parent.mkdir()
    path.write_text(text)
    assert list(registry.load()) == everything


def test_new_ids_differ() -> None:
    assert new_id() != new_id()
