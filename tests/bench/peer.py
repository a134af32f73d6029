"""pg_activity, the peer: installed at one version into an environment of its own, and driven statement by statement."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.bench.report import say

if TYPE_CHECKING:
    from types import TracebackType

VERSION = "3.6.2"
_FOLDER = Path(__file__).parents[2] / ".cache" / f"pg_activity-{VERSION}"
_WANTED = f"pg_activity[psycopg]=={VERSION}"


def installed() -> Path:
    """Return the folder of its programs, which is filled the first time."""
    programs = _FOLDER / "bin"
    if not (programs / "pg_activity").exists():
        say(f"installing pg_activity {VERSION} into {_FOLDER}, once")
        shutil.rmtree(_FOLDER, ignore_errors=True)
        python = programs / "python"
        if shutil.which("uv"):
            subprocess.run(["uv", "venv", "-q", "--python", sys.executable, _FOLDER], check=True)
            subprocess.run(["uv", "pip", "install", "-q", "--python", python, _WANTED], check=True)
        else:
            subprocess.run([sys.executable, "-m", "venv", _FOLDER], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", _WANTED], check=True)
        subprocess.run([python, "-m", "compileall", "-q", _FOLDER / "lib"], check=True)
    return programs


class Peer:
    """Its data layer, in a process of its own: each poll runs the statements of one of its refreshes."""

    def __init__(self, host: str, port: int) -> None:
        driver = Path(__file__).with_name("peer_driver.py")
        command = [str(installed() / "python"), str(driver), host, str(port)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.backend_pid = int(self._answer()["pid"])

    def poll(self) -> dict[str, float]:
        """Refresh once; return what it cost the client: `cpu_s` and `received` bytes."""
        assert self._process.stdin is not None
        self._process.stdin.write("poll\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("pg_activity's driver ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
