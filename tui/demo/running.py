"""The demo as a whole: a folder, a server, a registry, and traffic; all gone when it ends, however it ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tui.connections import registry_text
from tui.connections.model import Connection, Parameters
from tui.connections.registry import new_id
from tui.demo import programs, scenario
from tui.demo.janitor import Janitor
from tui.demo.programs import DemoError
from tui.demo.server import HOST, SUPERUSER, Server, new_password, write_private
from tui.postgres.client import Client
from tui.postgres.errors import ServerError
from tui.postgres.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tui.connections.secret import Secret


class Demo:
    """Starts everything on entering, and clears everything up on leaving. Raises DemoError.

    `tell` is given a few words on what is being done.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        found = programs.find()
        self.folder = programs.temporary_folder()
        self._janitor = Janitor()
        self._janitor.folder(self.folder)
        self._server = Server(self.folder, self._janitor.process)
        try:
            self._start(found)
        except BaseException:
            self._clear_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._clear_up()

    @property
    def private(self) -> Path:
        """The folder that only its owner enters: registry and passwords."""
        return self.folder / "private"

    @property
    def registry(self) -> Path:
        """The demo's registry."""
        return self.private / "registry.toml"

    def environment(self) -> dict[str, str]:
        """Return the variables under which pgconns knows the demo, and nothing of the person who runs it."""
        return {
            "PGCONNS_REGISTRY": str(self.registry),
            "XDG_CONFIG_HOME": str(self.private / "config"),
            "XDG_DATA_HOME": str(self.private / "data"),
            "XDG_STATE_HOME": str(self.private / "state"),
            "XDG_CACHE_HOME": str(self.private / "cache"),
            "PGPASSFILE": str(self.private / "pgpass"),
            "PGSERVICEFILE": str(self.private / "pg_service.conf"),
            # What is registered during the demo goes into a vault that ends with it.
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }

    def _start(self, found: Path) -> None:
        self.private.mkdir(mode=0o700)
        passwords = self.private / "passwords"
        passwords.mkdir(mode=0o700)
        self._tell("making a PostgreSQL server")
        self._server.make(found)
        self._tell("starting it")
        self._server.start()
        self._tell("making databases and roles")
        secrets = {role.name: new_password() for role in scenario.ROLES}
        for name, secret in secrets.items():
            write_private(passwords / name, secret)
        try:
            asyncio.run(self._fill(secrets))
        except ServerError as error:
            raise DemoError(f"The demo's server could not be filled: {error}") from None
        self._write_registry(passwords)
        self._tell("starting traffic")
        traffic = subprocess.Popen(
            [sys.executable, "-m", "tui.demo.traffic", str(self._server.port), str(passwords)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.private / "traffic.log").open("wb"),
            start_new_session=True,
        )
        self._processes.append(traffic)
        self._janitor.process(traffic.pid, signal.SIGTERM)

    async def _fill(self, secrets: dict[str, Secret]) -> None:
        roles = [
            f"CREATE ROLE {role.name} {role.attributes} PASSWORD '{secrets[role.name].reveal()}'"
            for role in scenario.ROLES
        ]
        await self._run("postgres", (*roles, *scenario.SERVER_STATEMENTS))
        for database, statements in scenario.DATABASE_STATEMENTS.items():
            await self._run(database, statements)

    async def _run(self, database: str, statements: tuple[str, ...]) -> None:
        client = await Client.open(Target(HOST, self._server.port, database, SUPERUSER, self._server.password))
        try:
            for statement in statements:
                await client.execute(statement)
        finally:
            await client.close()

    def _write_registry(self, passwords: Path) -> None:
        connections = [
            Connection(
                new_id(),
                Parameters(
                    registered.name,
                    HOST,
                    registered.username,
                    registered.database,
                    port=self._server.port,
                    password_from=f"file:{passwords / registered.username}",
                ),
            )
            for registered in scenario.CONNECTIONS
        ]
        self.registry.touch(mode=0o600)
        self.registry.write_text(registry_text.dumps(connections), "utf-8")

    def _clear_up(self) -> None:
        for process in self._processes:
            process.terminate()
        self._server.stop()
        for process in self._processes:
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._janitor.close()


def apply(environment: dict[str, str]) -> None:
    """Make this process one that knows the demo only."""
    for name in [name for name in os.environ if name.startswith(("PG", "XDG_CONFIG_DIRS"))]:
        del os.environ[name]
    os.environ.update(environment)
