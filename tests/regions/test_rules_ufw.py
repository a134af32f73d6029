"""The commands for ufw, given to ufw itself in a dry run."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.regions.rules_given import ADDRESSES, wanted
from tests.servers.host import ROOT, give_up
from tui.regions.rules import write

if TYPE_CHECKING:
    from pathlib import Path


_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_ENVIRONMENT = {"PATH": _PATH, "LC_ALL": "C.UTF-8"}
_MARK = "-- added so far:"


def _there() -> None:
    if shutil.which("ufw", path=_PATH) is None:
        give_up("ufw is missing: apt-get install ufw")
    if not ROOT:
        pytest.skip("ufw answers nobody but root, not even in a dry run")


def _dry(command: str) -> str:
    _there()
    tool, *words = shlex.split(command)
    done = subprocess.run(
        [tool, "--dry-run", *words], env=_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("region", ["us-east1", 'it\'s $(reboot) "here"'])
def test_ufw_takes_each_command(region: str) -> None:
    asked = wanted(region=region, port=6432)
    commands = [line for line in write("ufw", asked).rules.splitlines() if not line.startswith("#")]
    for command, address in zip(commands, ADDRESSES, strict=True):
        everywhere = "::/0" if ":" in address else "0.0.0.0/0"
        comment = asked.label.encode().hex()
        assert f"### tuple ### allow tcp 6432 {everywhere} any {address} in comment={comment}\n" in _dry(command)


def test_ufw_adds_each_once_and_the_undo_takes_each_out(tmp_path: Path) -> None:
    asked = write("ufw", wanted(connection="prod"))
    # Its rules are files, which are this machine's own: in here they are a copy.
    script = f"""
        set -eu
        cp -a /etc/ufw {tmp_path}/ufw
        mount --bind {tmp_path}/ufw /etc/ufw
        ufw allow ssh >/dev/null
        show() {{ echo "{_MARK}"; ufw show added | grep '^ufw'; }}
        show
        {{\n{asked.rules}}} >/dev/null; show
        {{\n{asked.rules}}} >/dev/null; show
        {{\n{asked.undo}}} >/dev/null; show
    """
    _there()
    if subprocess.run(["unshare", "-m", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no mounts of one's own, and its own firewall is left alone")
    done = subprocess.run(
        ["unshare", "-m", "-n", "sh"], input=script, env=_ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    _, before, once, twice, after = (part.strip().splitlines() for part in done.stdout.split(_MARK))
    assert before == after
    assert once == twice
    assert [line for line in once if "ssh" not in line and "22" not in line] == [
        f"ufw allow from {address} to any port 5432 proto tcp comment 'CARTO us-east1 for prod'"
        for address in ADDRESSES
    ]
