"""What the tests of rules ask for: a region, a Connection, and the shells and tools that run what was written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tui.regions.rules import FIREWALLS, Wanted, networks

SHELL = ("ufw", "aws", "gcloud", "azure")
ADDRESSES = ("192.0.2.1", "198.51.100.0/28", "2001:db8::7")
TARGETS = {
    "nftables": "inet filter input",
    "aws": "sg-0123456789abcdef0",
    "gcloud": "maps-1",
    "azure": "my_group/my-server",
    "terraform-aws": "aws_security_group.db.id",
    "terraform-azure": "azurerm_postgresql_flexible_server.db.id",
}
assert set(TARGETS) < set(FIREWALLS)


def wanted(*addresses: str, **more: Any) -> Wanted:
    """Return what is wanted for the region us-east1; both kinds of addresses where none is given."""
    given = {"region": "us-east1", "origin": "built into pgconns, read 2026-11-22", **more}
    return Wanted(addresses=networks(addresses or ADDRESSES), **given)


class Ran(NamedTuple):
    """What a script did: its status, its words, and the arguments of every tool it called."""

    status: int
    out: str
    err: str
    calls: list[list[str]]


class Tools:
    """Stand-ins for cloud tools on PATH: each writes down its arguments, then runs its act, Python with `argv`."""

    def __init__(self, folder: Path, acts: dict[str, str]) -> None:
        self._folder = folder
        self._calls = folder / "calls"
        for name, act in acts.items():
            tool, program = folder / name, folder / f"{name}.py"
            tool.write_text(
                f"#!/bin/sh\nprintf '%s\\0' {name} \"$@\" >>{self._calls}\nprintf '\\n\\0' >>{self._calls}\n"
                + (f'exec {sys.executable} -S -E {program} "$@"\n' if act else "")
            )
            program.write_text(
                f"import json, pathlib, sys\nargv = sys.argv[1:]\nhere = pathlib.Path({str(folder)!r})\n{act}"
            )
            tool.chmod(0o755)

    def run(self, script: str, shell: str = "bash") -> Ran:
        """Run a script as if it were pasted into a shell."""
        self._calls.write_text("")
        environment = {**os.environ, "PATH": f"{self._folder}:{os.environ['PATH']}"}
        done = subprocess.run(
            [shell], input=script, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        calls = [call.split("\0") for call in self._calls.read_text().removesuffix("\0\n\0").split("\0\n\0") if call]
        return Ran(done.returncode, done.stdout, done.stderr, calls)
