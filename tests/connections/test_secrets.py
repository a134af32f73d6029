"""The one door to passwords: each source gives what it holds, and fails in a sentence that holds no secret."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.connections.given import AWKWARD, LONG, connection
from tests.servers.host import wait_until
from tui.connections import os_keyring, sources
from tui.connections.os_keyring import OsKeyring
from tui.connections.secrets import (
    PasswordNeeded,
    Secret,
    Secrets,
    SecretsError,
    VaultLocked,
    WrongPassphrase,
    keyring_status,
)
from tui.connections.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable

WORD = Secret("correct horse")
PASSWORDS = [AWKWARD, LONG, "x" * 1000, "trailing  ", "quote'\"`$(x)"]


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(lambda new: WORD, vault=Vault(tmp_path / "vault", 2**14))


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("source", ["vault", "ask"])
def test_what_is_put_is_what_comes_back(secrets: Secrets, source: str, password: str) -> None:
    prod = connection(password_from=source)
    assert secrets.writable(source)
    secrets.put(prod, Secret(password))
    assert secrets.get(prod) == Secret(password)
    secrets.delete(prod)
    secrets.delete(prod)
    if source == "ask":
        with pytest.raises(PasswordNeeded, match="prod"):
            secrets.get(prod)
    else:
        assert secrets.get(prod) is None


@pytest.mark.parametrize("password", PASSWORDS)
def test_what_others_keep_is_read(
    secrets: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    file = tmp_path / "with space"
    file.write_text(f"{password}\nsecond line\n")
    file.chmod(0o400)
    windows = tmp_path / "windows"
    windows.write_bytes(password.encode() + b"\r\n")
    monkeypatch.setenv("A_PASSWORD", password)
    for source in (
        "env:A_PASSWORD",
        f"file:{file}",
        f"file:{windows}",
        f"command:cat '{file}'",
        f"command:{sys.executable} -c 'import os; print(os.environ[\"A_PASSWORD\"])'",
    ):
        assert secrets.get(connection(password_from=source)) == Secret(password)
        assert not secrets.writable(source)


def test_a_file_in_the_home(secrets: Secrets, home: Path) -> None:
    (home / "p").write_text("here")
    assert secrets.get(connection(password_from="file:~/p")) == Secret("here")


def test_a_file_that_others_read_is_warned_of(secrets: Secrets, tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text("x")
    file.chmod(0o644)
    prod = connection(password_from=f"file:{file}")
    assert secrets.get(prod) == Secret("x")
    assert "chmod 600" in secrets.warning(prod)
    file.chmod(0o400)
    assert secrets.warning(prod) == ""
    assert secrets.warning(connection(password_from="vault")) == ""


PLANTED = "hunter2-planted"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("env:NOT_SET", "NOT_SET, where the password should be, is not set"),
        ("env:EMPTY", "is empty"),
        ("file:{folder}/absent", "no such file"),
        ("file:{folder}", "a folder stands in its place"),
        ("file:{folder}/empty", "gave nothing in its first line"),
        ("file:{folder}/blank", "gave nothing in its first line"),
        ("file:{folder}/latin1", "not UTF-8"),
        ("file:{folder}/nul", "NUL"),
        ("file:{folder}/large", "more than 64 KB"),
        ("file:{folder}/pipe", "gave nothing"),
        ("file:/dev/zero", "more than 64 KB"),
        ("command:no-such-program-here --x", "no-such-program-here is not found"),
        ("command:{folder}/empty", "permission denied"),
        ("command:{folder}/absent", "no such file"),
        ("command:false", "exit status 1"),
        ("command:sh -c 'echo " + PLANTED + "; echo " + PLANTED + " >&2; exit 7'", "exit status 7"),
        ("command:sh -c 'kill -9 $$'", "exit status -9"),
        ("command:true", "gave nothing"),
        ("command:yes " + PLANTED, "more than 64 KB"),
        ("command:printf '\\377'", "not UTF-8"),
    ],
)
def test_failures_are_sentences_without_the_secret(
    secrets: Secrets,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    source: str,
    words: str,
) -> None:
    monkeypatch.setenv("EMPTY", "")
    for name, content in {
        "empty": b"",
        "blank": b"\n" + PLANTED.encode(),
        "latin1": PLANTED.encode() + b"\xff",
        "nul": PLANTED.encode() + b"\0",
        "large": b"x" * 70_000,
    }.items():
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SecretsError) as caught:
        secrets.get(connection(password_from=source.replace("{folder}", str(tmp_path))))
    assert words in str(caught.value)
    assert PLANTED not in str(caught.value)
    assert caught.value.__cause__ is None
    assert capfd.readouterr() == ("", "")


def test_a_command_that_waits_is_ended_with_its_children(
    secrets: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "COMMAND_LIMIT_S", 0.3)
    note = tmp_path / "pid"
    prod = connection(password_from=f"command:sh -c 'sleep 600 & echo $! > {note}; wait'")
    with pytest.raises(SecretsError, match="does it wait for a person"):
        secrets.get(prod)
    stat = Path(f"/proc/{note.read_text().strip()}/stat")

    def ended() -> bool:
        try:
            return stat.read_text().rsplit(")", 1)[1].split()[0] in {"Z", "X"}
        except (FileNotFoundError, ProcessLookupError):
            return True

    wait_until(ended, "the command's child has ended")


def test_a_command_has_no_terminal_and_no_input(secrets: Secrets) -> None:
    prod = connection(password_from="command:sh -c 'read x; (: < /dev/tty) 2>&- && echo tty || echo none'")
    assert secrets.get(prod) == Secret("none")


@pytest.mark.parametrize("source", ["env:A", "file:/a", "command:a", "pgpass"])
def test_what_others_keep_is_not_written(secrets: Secrets, source: str) -> None:
    with pytest.raises(SecretsError, match="writes none there"):
        secrets.put(connection(password_from=source), Secret(PLANTED))
    secrets.delete(connection(password_from=source))


def test_a_vault_that_is_not_there_holds_nothing_and_asks_nobody(tmp_path: Path) -> None:
    asked: list[bool] = []
    secrets = Secrets(asked.append, vault=Vault(tmp_path / "vault"))
    assert secrets.get(connection(password_from="vault")) is None
    secrets.delete(connection(password_from="vault"))
    assert asked == []
    with pytest.raises(VaultLocked) as caught:
        secrets.put(connection(password_from="vault"), Secret("x"))
    assert not caught.value.exists
    assert asked == [True]


def test_of_many_threads_one_asks_for_the_passphrase(tmp_path: Path) -> None:
    Vault(tmp_path / "vault", 2**14).unlock(WORD)
    asked: list[bool] = []

    def ask(new: bool) -> Secret:
        asked.append(new)
        return WORD

    secrets = Secrets(ask, vault=Vault(tmp_path / "vault"))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: secrets.get(connection(f"c{n}", password_from="vault")), range(8)))
    assert found == [None] * 8
    assert asked == [False]


def _passphrase_by(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir(exist_ok=True)
    file = folder / "pgconns-vault"
    file.write_text(f"{word}\n")
    if kind == "systemd":
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    else:
        monkeypatch.setenv("PGCONNS_VAULT_PASSPHRASE_FILE", str(file))
    return file


@pytest.mark.parametrize("kind", ["systemd", "file"])
def test_the_passphrase_of_a_headless_server(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prod = connection(password_from="vault")
    file = _passphrase_by(kind, tmp_path, monkeypatch, WORD.reveal())
    Secrets(vault=Vault(tmp_path / "vault", 2**14)).put(prod, Secret("kept"))
    assert Secrets(vault=Vault(tmp_path / "vault")).get(prod) == Secret("kept")
    file.write_text("wrong word\n")
    with pytest.raises(WrongPassphrase, match=f"The passphrase in {file} does not open"):
        Secrets(lambda new: WORD, vault=Vault(tmp_path / "vault")).get(prod)
    typed = Secrets(vault=Vault(tmp_path / "vault"))
    typed.unlock(WORD)
    assert typed.get(prod) == Secret("kept")
    file.unlink()
    if kind == "file":
        with pytest.raises(SecretsError, match="no such file"):
            Secrets(vault=Vault(tmp_path / "vault")).get(prod)
    else:
        with pytest.raises(VaultLocked):
            Secrets(vault=Vault(tmp_path / "vault")).get(prod)


def test_without_a_keyring_the_vault_is_where_passwords_go() -> None:
    name, sentence = keyring_status()
    assert name is None
    assert "vault" in sentence
    secrets = Secrets()
    assert secrets.default_source() == "vault"
    with pytest.raises(SecretsError, match="keyring"):
        secrets.get(connection(password_from="keyring"))


class _BackEnd:
    """Stands for a keyring's back end that misbehaves as told."""

    def __init__(self, get: Callable[[], str | None]) -> None:
        self.get = get

    def get_password(self, service: str, username: str) -> str | None:
        return self.get()

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot keep {password}")


def _keyring(monkeypatch: pytest.MonkeyPatch, get: Callable[[], str | None]) -> OsKeyring:
    keyring = OsKeyring()
    monkeypatch.setattr(keyring, "_back_end", lambda: (_BackEnd(get), "Test"))
    return keyring


def test_a_keyring_that_waits_for_a_person_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os_keyring, "LIMIT_S", 0.05)
    unlocked = threading.Event()
    calls: list[int] = []

    def waits() -> str:
        calls.append(1)
        unlocked.wait(30)
        return "late"

    keyring = _keyring(monkeypatch, waits)
    secrets = Secrets(keyring=keyring)
    assert secrets.default_source() == "vault"
    for _ in range(3):
        with pytest.raises(SecretsError, match="wait to be unlocked"):
            secrets.get(connection(password_from="keyring"))
    assert len(calls) == 1  # no thread is heaped on another
    unlocked.set()


def test_what_a_keyring_says_when_it_fails_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = _keyring(monkeypatch, lambda: None)
    with pytest.raises(SecretsError, match="RuntimeError") as caught:
        Secrets(keyring=keyring).put(connection(password_from="keyring"), Secret(PLANTED))
    assert PLANTED not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_plug_ins_beside_us_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    assert "PYTHON_KEYRING_BACKEND rules it out" in keyring_status()[1]


def test_importing_the_door_imports_no_keyring_and_no_cipher() -> None:
    code = "import sys, tui.connections.secrets; print([m for m in ('keyring','cryptography') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
