"""The vault: what it keeps, who may open it, and that nothing is lost by a wrong word or a damaged file."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.connections.given import AWKWARD, LONG
from tui.connections.secret import Secret, SecretsError, VaultLocked, WrongPassphrase
from tui.connections.vault import COST, Vault

if TYPE_CHECKING:
    from collections.abc import Callable

CHEAP = 2**14
WORD = Secret("correct horse")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "vault"


@pytest.fixture
def vault(path: Path) -> Vault:
    made = Vault(path, CHEAP)
    made.unlock(WORD)
    made.put("prod", Secret("s3cret"))
    return made


def _opened(path: Path) -> Vault:
    vault = Vault(path)
    vault.unlock(WORD)
    return vault


def _uses(vault: Vault) -> tuple[Callable[[], object], ...]:
    return partial(vault.get, "prod"), partial(vault.put, "prod", Secret("x")), partial(vault.delete, "prod")


@pytest.mark.parametrize("password", [AWKWARD, LONG, "x" * 1000, " ", "\udc80undecodable", "trailing  "])
def test_any_password_comes_back_as_it_went_in(vault: Vault, path: Path, password: str) -> None:
    vault.put("odd", Secret(password))
    again = _opened(path)
    assert again.get("odd") == Secret(password)
    assert again.get("prod") == Secret("s3cret")
    assert again.get("nobody") is None


def test_the_file_is_private_and_shows_nothing(vault: Vault, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    content = path.read_bytes()
    assert b"s3cret" not in content
    assert b"prod" not in content
    vault.put("prod", Secret("s3cret"))
    assert path.read_bytes().split(b"\n")[1] != content.split(b"\n")[1]


def test_it_costs_what_it_should_to_guess(path: Path) -> None:
    Vault(path).unlock(WORD)
    header = json.loads(path.read_bytes().split(b"\n")[0])
    assert (header["kdf"], header["n"], header["r"], header["p"]) == ("scrypt", COST, 8, 1)
    assert COST >= 2**17


def test_without_the_passphrase_it_is_locked(vault: Vault, path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    closed = Vault(path)
    assert not closed.is_open()
    for use in _uses(closed):
        with pytest.raises(VaultLocked) as caught:
            use()
        assert caught.value.exists
    with pytest.raises(VaultLocked) as caught:
        Vault(tmp_path / "none").get("prod")
    assert not caught.value.exists
    assert path.read_bytes() == before
    assert vault.is_open()


def test_a_wrong_passphrase_changes_nothing(vault: Vault, path: Path) -> None:
    before = path.read_bytes()
    closed = Vault(path)
    with pytest.raises(WrongPassphrase, match="does not open the vault") as caught:
        closed.unlock(Secret("planted-wrong"))
    assert "planted" not in str(caught.value)
    assert path.read_bytes() == before
    assert not closed.is_open()
    with pytest.raises(VaultLocked):
        closed.get("prod")
    with pytest.raises(WrongPassphrase):
        vault.unlock(Secret("other"))
    assert vault.get("prod") == Secret("s3cret")


def test_an_empty_passphrase_is_refused(path: Path) -> None:
    with pytest.raises(SecretsError, match="empty"):
        Vault(path).unlock(Secret(""))
    assert not path.exists()


def test_the_same_word_typed_by_another_keyboard_opens_it(path: Path) -> None:
    Vault(path, CHEAP).unlock(Secret("caf\u00e9"))
    other = Vault(path)
    other.unlock(Secret("cafe\u0301"))
    assert other.is_open()


@pytest.mark.parametrize("where", ["header", "body", "digest", "half", "empty", "zeros", "foreign"])
def test_a_damaged_file_is_told_from_a_wrong_passphrase_and_never_overwritten(
    vault: Vault, path: Path, where: str
) -> None:
    header, body, digest, _ = path.read_bytes().split(b"\n")
    path.write_bytes(
        {
            "header": b"\n".join([header.replace(b"scrypt", b"scrypu"), body, digest, b""]),
            "body": b"\n".join([header, body[:-9] + b"AAAAAAAAA", digest, b""]),
            "digest": b"\n".join([header, body, digest[:-1] + b"g", b""]),
            "half": path.read_bytes()[: path.stat().st_size // 2],
            "empty": b"",
            "zeros": b"\0" * 500,
            "foreign": b"PK\x03\x04 something else entirely",
        }[where]
    )
    before = path.read_bytes()
    uses: tuple[Callable[[], object], ...] = (partial(Vault(path).unlock, WORD), *_uses(vault))
    for use in uses:
        with pytest.raises(SecretsError, match="is damaged: restore it") as caught:
            use()
        assert not isinstance(caught.value, WrongPassphrase)
    assert path.read_bytes() == before


def _resealed(path: Path, **changed: object) -> None:
    """Write a header that somebody altered, with a digest that fits."""
    header, body, _, _ = path.read_bytes().split(b"\n")
    new = json.dumps({**json.loads(header), **changed}).encode()
    path.write_bytes(b"\n".join([new, body, _digest(new, body), b""]))


def _digest(header: bytes, body: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(header + b"\n" + body).hexdigest().encode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"n": 2**26}, "damaged"),
        ({"n": 2}, "damaged"),
        ({"n": 2**14 + 1}, "damaged"),
        ({"n": "many"}, "damaged"),
        ({"salt": "%%%"}, "damaged"),
        ({"salt": base64.b64encode(b"short").decode()}, "damaged"),
        ({"r": 1024}, "newer pgconns"),
        ({"version": 2}, "newer pgconns"),
        ({"kdf": "argon2id"}, "newer pgconns"),
        ({"note": "altered"}, "does not open"),
    ],
)
@pytest.mark.usefixtures("vault")
def test_a_header_from_elsewhere_is_not_believed(path: Path, changed: dict[str, object], words: str) -> None:
    _resealed(path, **changed)
    with pytest.raises(SecretsError, match=words):
        Vault(path).unlock(WORD)


def test_others_must_not_read_it(vault: Vault, path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(SecretsError, match=r"Others may read the vault .*chmod 600"):
        vault.get("prod")
    with pytest.raises(SecretsError, match="chmod 600"):
        vault.put("prod", Secret("x"))


def test_it_must_be_ours(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(SecretsError, match="belongs to another user"):
        vault.get("prod")


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True, mode=0o755)
    with pytest.raises(SecretsError, match="a folder stands in its place"):
        Vault(path).unlock(WORD)


def test_a_disk_that_takes_nothing(vault: Vault, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def fails(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(SecretsError, match="the disk is full"):
        vault.put("prod", Secret("x"))
    assert path.read_bytes() == before


def test_two_that_have_it_open_keep_each_others_entries(vault: Vault, path: Path) -> None:
    other = _opened(path)
    vault.put("a", Secret("1"))
    other.put("b", Secret("2"))
    vault.delete("prod")
    for each in (vault, other):
        assert [each.get(key) for key in ("a", "b", "prod")] == [Secret("1"), Secret("2"), None]


def test_one_that_was_made_anew_is_locked_again(vault: Vault, path: Path) -> None:
    path.unlink()
    assert not vault.is_open()
    with pytest.raises(VaultLocked) as caught:
        vault.put("a", Secret("1"))
    assert not caught.value.exists
    Vault(path, CHEAP).unlock(Secret("other word"))
    with pytest.raises(VaultLocked) as caught:
        vault.get("prod")
    assert caught.value.exists


_WRITER = """
import sys
from tui.connections.secret import Secret
from tui.connections.vault import Vault
from pathlib import Path
vault = Vault(Path(sys.argv[1]), 2**14)
vault.unlock(Secret("correct horse"))
for number in range(10):
    vault.put(f"{sys.argv[2]}-{number}", Secret(sys.argv[2] * number))
"""


def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    """The first of them makes the vault, while the others want to make it too."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), name],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        for name in "abc"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    found = _opened(path)
    assert all(found.get(f"{name}-{number}") == Secret(name * number) for name in "abc" for number in range(10))
