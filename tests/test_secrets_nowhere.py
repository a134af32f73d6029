"""A planted password is looked for everywhere: output, files, argv, crash reports. It is to be found nowhere."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from tests.servers.host import wait_until
from tests.terminal import Terminal, fill_in_a_form
from tui.history.errors import HistoryError
from tui.history.reader import History

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.servers.fixtures import PgServer
    from tests.servers.impostors import Listener
    from tests.servers.postgres import Server

# The witness looks at every process of the machine, also at those of tests that run beside this one.
PLANTED = f"pl4nted{os.getpid():x}/Sä cret'%40\"x"
WRONG = f"wr0ng{os.getpid():x}/Sä cret'%40\"y"
PASSPHRASE = "the passphrase, planted too"
PROGRAM = [sys.executable, "-m", "tui"]
# Makes the deepest place that knows the password fail in a way nobody foresaw, its message holding the password.
SABOTAGED = [
    sys.executable,
    "-c",
    "import sys; from tui.postgres import opening\n"
    "def sabotage(target, address):\n"
    "    revealed = target.password.reveal()\n"
    "    raise ZeroDivisionError(f'sabotaged with {revealed}')\n"
    "opening._start = sabotage\n"
    "from tui.__main__ import main; sys.exit(main())",
]


def _forms(secret: str) -> set[bytes]:
    """Return the ways in which a secret may be written."""
    plain = secret.encode()
    return {
        plain,
        base64.b64encode(plain).rstrip(b"="),
        plain.hex().encode(),
        urllib.parse.quote(secret, safe="").encode(),
        secret.encode("unicode_escape"),
        repr(secret)[1:-1].encode(),
        secret.encode("utf-16-le"),
        # The parts that nothing escapes, for whatever cut or quoted it otherwise.
        secret.partition("/")[0].encode(),
    }


FORMS = _forms(PLANTED) | _forms(WRONG) | {PASSPHRASE.encode()}


def _found(content: bytes) -> set[bytes]:
    return {form for form in FORMS if form in content}


class Witness:
    """Looks at the words and variables that new processes were started with, as long as it is open."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        before = set(Path("/proc").iterdir())
        while not self._stop.wait(0.005):
            for process in set(Path("/proc").iterdir()) - before:
                for name in ("cmdline", "environ"):
                    try:
                        content = (process / name).read_bytes()
                    except OSError:
                        continue
                    if _found(content):
                        self.seen[f"{name} of {process.name}"] = content.decode("utf-8", "replace")


class Scene:
    """Runs the program as its users do, and keeps all that it printed."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.printed = b""

    def run(self, *arguments: str, text: str = "", program: Sequence[str] = PROGRAM) -> int:
        """Run a command with `text` on its stdin; return its exit status."""
        ended = subprocess.run(
            [*program, *arguments], check=False, input=text.encode(), capture_output=True, timeout=60
        )
        self.printed += ended.stdout + ended.stderr
        return ended.returncode

    def look_everywhere(self, witness: Witness, apart_from: Iterable[Path] = ()) -> None:
        """Fail where a secret is found; `apart_from` are the files that the user put it into."""
        assert not _found(self.printed), self.printed.decode("utf-8", "replace")
        assert not witness.seen
        files = {path for path in self._home.rglob("*") if path.is_file()} - set(apart_from)
        guilty = {str(path) for path in files if _found(path.read_bytes()) or _found(str(path).encode())}
        assert not guilty


def _record(scene: Scene) -> None:
    """Record some samples, and read them back."""
    recording = subprocess.Popen(
        [*PROGRAM, "watch", "--interval", "0.2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    wait_until(_is_recorded, "a sample was recorded")
    recording.send_signal(signal.SIGTERM)
    scene.printed += recording.communicate(timeout=20)[0]
    assert recording.returncode == 0
    scene.run("watch", "--systemd")
    for form in (("--json",), ("--step", "0s"), ("--export", "-"), ("--per-day",)):
        assert scene.run("history", "one", *form) == 0


def _is_recorded() -> bool:
    try:
        return any(True for _ in History().samples(0, 4e9))
    except HistoryError:  # the recorder has not made the file yet, or nothing is in it
        return False


@pytest.fixture
def scene(home: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The program with a vault whose passphrase is in a file."""
    passphrase = home / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    passphrase.chmod(0o600)
    monkeypatch.setenv("PGCONNS_VAULT_PASSPHRASE_FILE", str(passphrase))
    return Scene(home)


def _flags(server: Server, role: str) -> tuple[str, ...]:
    return ("--server", server.host, "--port", str(server.port), "--username", role, "--database", "postgres")


def test_the_command_line_shows_it_nowhere(
    scene: Scene, home: Path, pg_server: PgServer, impostor: Callable[[str], Listener]
) -> None:
    server = pg_server(17)
    role = server.role(PLANTED)
    silent = impostor("silence")
    uri = (
        f"postgresql://{role}:{urllib.parse.quote(PLANTED, safe='')}@{server.host}:{server.port}/postgres"
        "?application_name=mine"
    )
    pasted = home / "uris.txt"
    pasted.write_text(uri.replace("/postgres?", "/template1?") + "\n")
    with Witness() as witness:
        assert scene.run("add", "one", *_flags(server, role), "--password-stdin", text=PLANTED) == 0
        assert scene.run("add", "two", *_flags(server, role), "--password-stdin", "--json", text=WRONG) == 3
        assert scene.run("add", "three", "--from-uri", "-", text=uri) == 0
        assert scene.run("add", "four", "--from-uri", "-", text=uri.replace(":" + str(server.port), ":70000")) == 2
        assert scene.run("add", "--from-uri", "-", text=uri) == 2
        assert scene.run("import", str(pasted), "--dry-run") == 0
        assert scene.run("import", str(pasted), "--json") == 0
        for command in (
            "list",
            "show one",
            "export",
            "check",
            "sockets",
            "backends one",
            "end one --idle --yes",
            "doctor",
        ):
            scene.run(*command.split())
            scene.run(*command.split(), "--json")
        _record(scene)
        scene.run("edit", "one", "--password-stdin", text=WRONG)
        scene.run("edit", "one", "--database", "not there", "--password-stdin", text=PLANTED)
        scene.run("rename", "one", "uno")
        for place in (f"file:{home}/passphrase", "env:PGPASSWORD_NOT_SET", "command:false"):
            scene.run("add", "five", *_flags(server, role), "--password-from", place)
        interrupted = subprocess.Popen(
            [*PROGRAM, "add", "six", "--server", silent.host, "--port", str(silent.port), "--username", role,
             "--database", "d", "--password-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert interrupted.stdin is not None
        interrupted.stdin.write(PLANTED.encode() + b"\n")
        interrupted.stdin.flush()
        while silent.open == 0 and interrupted.poll() is None:
            threading.Event().wait(0.01)
        interrupted.send_signal(signal.SIGINT)
        scene.printed += interrupted.communicate(timeout=20)[0]
        assert scene.run("add", "seven", *_flags(server, role), "--password-stdin", text=PLANTED, program=SABOTAGED)
        assert b"defect" in scene.printed
        scene.run("check", "uno", program=SABOTAGED)
        scene.run("remove", "uno", "--yes")
    scene.look_everywhere(witness, apart_from=(pasted, home / "passphrase"))


def test_the_console_shows_it_nowhere(scene: Scene, home: Path, pg_server: PgServer) -> None:
    server = pg_server(17)
    role = server.role(PLANTED)
    with Witness() as witness, Terminal(PROGRAM, os.environ, 120, 40) as terminal:
        fill_in_a_form(terminal, server, role, WRONG, "postgres")
        terminal.wait_for("28P01", 30)
        terminal.press("escape")
        terminal.wait_for("Root certificate")
        terminal.press("ctrl+u")  # the password, at fault, has the focus
        terminal.wait_for(lambda text: "▌•" not in text)
        terminal.type_in(PLANTED, "•" * len(PLANTED))
        terminal.press("ctrl+s")
        terminal.wait_for("Registered", 30)
        terminal.press("enter")
        terminal.wait_for("0/97", 30)
        terminal.press("enter")
        terminal.wait_for("p Parameters")
        terminal.press("p")
        terminal.wait_for("Authentication")
        terminal.press("e")
        terminal.wait_for("Edit Connection")
        terminal.press("ctrl+q")
        assert terminal.end() == 0
        scene.printed += terminal.output
    scene.look_everywhere(witness, apart_from=[home / "passphrase"])


def test_a_crash_of_the_console_shows_it_nowhere(scene: Scene, home: Path, pg_server: PgServer) -> None:
    server = pg_server(17)
    with Witness() as witness, Terminal(SABOTAGED, os.environ, 120, 40) as terminal:
        fill_in_a_form(terminal, server, server.role(PLANTED), PLANTED, "postgres")
        assert terminal.end(30) == 70
        assert terminal.restored
        assert b"defect of pgconns: ZeroDivisionError" in terminal.output
        scene.printed += terminal.output
    scene.look_everywhere(witness, apart_from=[home / "passphrase"])
