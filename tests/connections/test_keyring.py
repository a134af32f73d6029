"""A real keyring: gnome-keyring as Secret Service, on a session bus of its own, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.connections.given import AWKWARD, LONG
from tests.servers.host import give_up

_START = {
    "unlocked": """printf 'test\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec "$@" """,
    "locked": """gnome-keyring-daemon --start --components=secrets >/dev/null && exec "$@" """,
}


def _run(home: Path, state: str, code: str, *arguments: str) -> str:
    """Run Python on a bus whose keyring is locked or unlocked; return what it prints."""
    if not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")):
        give_up("no Secret Service: install gnome-keyring and dbus")
    for folder in ("run", ".local/share"):
        (home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if key != "DBUS_SESSION_BUS_ADDRESS"}
    command = ["dbus-run-session", "--", "sh", "-c", _START[state], "_", sys.executable, "-c", code, *arguments]
    done = subprocess.run(
        command,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


_ROUND_TRIP = """
import sys
from tui.connections.model import Connection, Parameters
from tui.connections.secrets import Secret, Secrets, keyring_status
secrets, again = Secrets(), Secrets()
print(keyring_status()[0], secrets.default_source())
kept = Connection("id-1", Parameters("prod", "h", "u", "d", password_from="keyring"))
other = Connection("id-2", Parameters("other", "h", "u", "d", password_from="keyring"))
assert secrets.get(kept) is None
secrets.delete(kept)
for password in sys.argv[1:]:
    secrets.put(kept, Secret(password))
    assert again.get(kept) == Secret(password)
    assert again.get(kept._replace(parameters=kept.parameters._replace(name="renamed"))) == Secret(password)
    assert again.get(other) is None
again.delete(kept)
assert secrets.get(kept) is None
"""

_LOCKED = """
from tui.connections.model import Connection, Parameters
from tui.connections.secrets import Secret, Secrets, SecretsError, keyring_status
secrets = Secrets()
print(keyring_status()[0], secrets.default_source())
kept = Connection("id-1", Parameters("prod", "h", "u", "d", password_from="keyring"))
for use in (lambda: secrets.get(kept), lambda: secrets.put(kept, Secret("planted"))):
    try:
        use()
    except SecretsError as error:
        assert "vault" in str(error) and "planted" not in str(error), error
    else:
        raise AssertionError("a locked keyring answered")
"""


def test_passwords_round_trip_through_the_secret_service(home: Path) -> None:
    assert _run(home, "unlocked", _ROUND_TRIP, AWKWARD, LONG, "x" * 1000) == "Secret Service keyring"


def test_a_keyring_that_nobody_can_unlock_is_a_sentence(home: Path) -> None:
    assert _run(home, "locked", _LOCKED) == "None vault"
