"""Files for PgBouncer: private, and tried by a real one."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bouncer.test_configuration import PROXY
from tests.servers.host import ROOT, Host
from tui.bouncer import trial, writing
from tui.bouncer.configuration import ADMIN, CERTIFICATE, KEY, STATS, USERS, Proxy, settings
from tui.bouncer.credentials import scram_verifier, users
from tui.bouncer.self_signed import self_signed
from tui.connections.secret import Secret

PASSWORDS = {ADMIN: Secret("one"), STATS: Secret("two")}
USER = "nobody" if ROOT else writing.default_user()


def written(folder: Path, files: Mapping[str, bytes] | None = None) -> Proxy:
    """Write what a PgBouncer needs to start."""
    tls = f"{folder}/{CERTIFICATE}", f"{folder}/{KEY}"
    proxy = replace(PROXY, folder=str(folder), tls=tls, server_root=False, server_sslmode="prefer",
                    entries=PROXY.entries[:1], version=(1, 18, 0), authentication="passwords")  # fmt: skip
    certificate, key = self_signed(["localhost", "127.0.0.1"])
    listed = {name: scram_verifier(one.reveal(), os.urandom(16)) for name, one in PASSWORDS.items()}
    made = {
        "pgbouncer.ini": settings(proxy).encode(),
        USERS: users(listed).encode(),
        CERTIFICATE: certificate,
        KEY: key,
    }
    assert writing.write(folder, made | dict(files or {}), USER)
    return proxy


def test_private_and_whose(server_host: Host) -> None:
    folder = server_host.make_folder("written") / "new" / "proxy"
    written(folder)
    for path in (folder, *folder.iterdir()):
        status = path.stat()
        assert stat.S_IMODE(status.st_mode) == (0o700 if path == folder else 0o600)
    assert writing.taken(folder, {USERS: b"", "other": b""}) == [USERS]
    assert not writing.write(folder, {"x": b""}, "no-such-user")


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(writing.NotWritten, match="a file stands"):
        writing.write(tmp_path / "file" / "proxy", {"x": b""}, USER)


async def test_a_real_one_reads_them(server_host: Host) -> None:
    where = trial.program()
    assert where is not None
    assert trial.installed_version(where) is not None
    proxy = written(server_host.make_folder("written") / "proxy")
    found = await trial.try_out(proxy, where, PASSWORDS, {})
    assert [one.status for one in found] == ["ok", "ok"], found


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"pgbouncer.ini": b"[pgbouncer]\nno_such_setting = 1\n"}, "no_such_setting"),
        ({"pgbouncer.ini": b"[databases]\nsyntax error\n"}, "syntax error"),
        ({CERTIFICATE: b"no certificate"}, "TLS|tls|SSL|certificate"),
        ({USERS: b""}, "pgconns_admin|does not let|authentication"),
    ],
)
async def test_what_does_not_work_is_said(server_host: Host, files: dict[str, bytes], words: str) -> None:
    where = trial.program()
    assert where is not None
    proxy = written(server_host.make_folder("written") / "proxy", files)
    (found,) = await trial.try_out(proxy, where, PASSWORDS, {})
    assert found.status == "failed"
    assert re.search(words, found.message), found.message


async def test_what_is_read_otherwise_is_said(server_host: Host) -> None:
    where = trial.program()
    assert where is not None
    proxy = written(server_host.make_folder("written") / "proxy")
    (found,) = await trial.try_out(replace(proxy, pool_mode="session"), where, PASSWORDS, {})
    assert (found.status, "pool_mode = transaction" in found.message) == ("failed", True)


@pytest.mark.skipif(not ROOT, reason="only root has files that PgBouncer may not run on")
async def test_root_does_not_run_it(tmp_path: Path) -> None:
    (found,) = await trial.try_out(replace(PROXY, folder=str(tmp_path)), "/bin/true", PASSWORDS, {})
    assert (found.status, "refuses to run as root" in found.message) == ("skipped", True)
