"""Starts a real PgBouncer on written files, on a loopback port of its own, asks it what it understood, and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from tui.bouncer.admin import console, console_target
from tui.bouncer.configuration import ADMIN, SETTINGS, STATS, Proxy
from tui.bouncer.shown import CONSOLE, State, version_number
from tui.connections.secret import Secret
from tui.postgres.door import connect
from tui.postgres.errors import CannotConnect, ServerError
from tui.postgres.finding import Finding
from tui.postgres.quoting import entry_name
from tui.postgres.target import Target

_START_S = 20.0
_STOP_S = 5.0
_LOG_LINES = 6
_LOOPBACK = "127.0.0.1"


def program() -> str | None:
    """Return where PgBouncer is on this machine; None where it is not."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


def installed_version(where: str | None) -> tuple[int, int, int] | None:
    """Return the version of a PgBouncer; None where there is none, or it does not tell."""
    if where is None:
        return None
    try:
        told = subprocess.run([where, "--version"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return version_number(told.stdout.decode("utf-8", "replace").partition("\n")[0])


async def try_out(
    proxy: Proxy, where: str, passwords: Mapping[str, Secret], clients: Mapping[tuple[str, str], Secret | None]
) -> tuple[Finding, ...]:
    """Return what came of it: whether it starts, understood the settings, and lets those in who are to come in.

    `passwords` are those of ADMIN and STATS; `clients` maps databases and roles to passwords: all of them are
    to get through to the server. Everything is bounded in time, and the process is gone when this returns.
    """
    runner = _runner(Path(proxy.folder))
    if isinstance(runner, str):
        return (Finding("validation", "skipped", f"Not validated: {runner}"),)
    with _scratch() as scratch:
        port = _free_port()
        settings, log = scratch / SETTINGS, scratch / "log"
        # Later settings win: what is tried is the very file that was written, on another port. No section is named: a
        # second [pgbouncer] would set back all that the first one says.
        overlay = f"listen_addr = {_LOOPBACK}\nlisten_port = {port}\n"
        settings.write_text(f"%include {proxy.place(SETTINGS)}\n{overlay}", encoding="utf-8")
        async with _running(where, settings, log, runner) as process:
            return await _asked(proxy, port, process, passwords, clients, log)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Lend a folder that any user can look into: it will hold no secret."""
    with tempfile.TemporaryDirectory(prefix="pgconns-trial-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        yield folder


def _runner(folder: Path) -> dict[str, Any] | str:
    """Return Popen's arguments for the user whose files they are; or why there is no such user: root may not run it."""
    if os.geteuid() != 0:
        return {}
    owner = folder.stat().st_uid
    if owner == 0:
        return (
            "PgBouncer refuses to run as root, whose folder this is; give it to PgBouncer's user (chown -R), and run"
            " this again with --overwrite"
        )
    group = pwd.getpwuid(owner).pw_gid
    closed = [parent for parent in folder.absolute().parents if not _may_enter(parent, owner, group)]
    if closed:
        return f"the user whose files they are cannot get to {folder}: {closed[0]} is closed to it"
    return {"user": owner, "group": group, "extra_groups": []}


def _may_enter(folder: Path, user: int, group: int) -> bool:
    """Whether a user that is not root may pass through a folder."""
    status = folder.stat()
    bit = 0o100 if status.st_uid == user else 0o010 if status.st_gid == group else 0o001
    return bool(status.st_mode & bit)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((_LOOPBACK, 0))
        return int(taken.getsockname()[1])


@contextlib.asynccontextmanager
async def _running(
    where: str, settings: Path, log: Path, runner: Mapping[str, Any]
) -> AsyncIterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            [where, str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "")},
            start_new_session=True,
            **runner,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.to_thread(process.wait, _STOP_S), _STOP_S + 1)
        except (subprocess.TimeoutExpired, TimeoutError):
            process.kill()
            process.wait()


async def _asked(
    proxy: Proxy,
    port: int,
    process: subprocess.Popen[bytes],
    passwords: Mapping[str, Secret],
    clients: Mapping[tuple[str, str], Secret | None],
    log: Path,
) -> tuple[Finding, ...]:
    door = Target(_LOOPBACK, port, CONSOLE, ADMIN, passwords[ADMIN], "require")
    try:
        state = await _answer(door, process)
    except ServerError as error:
        said = f"PgBouncer does not run with these files: {_last_words(log) or error.finding.message}"
        return (Finding("validation", "failed", said, _mending(proxy)),)
    wrong = _misunderstood(proxy, state)
    if wrong:
        return (Finding("validation", "failed", f"PgBouncer understood the files otherwise: {wrong}"),)
    found = [Finding("validation", "ok", f"{state.version} starts with these files and read them as they are meant")]
    found.append(await _lets_in(door, STATS, passwords[STATS]))
    for (database, role), password in clients.items():
        found.append(await _gets_through(door, database, role, password))
    return tuple(found)


def _mending(proxy: Proxy) -> str:
    quoted = [one.database for one in proxy.entries if entry_name(one.database) != one.database]
    if not quoted:
        return "Mend what it names, or have them written again"
    return (
        f"If it names a line of {', '.join(quoted)}: old versions, 1.18 for one, read only names of letters, digits and"
        " _ . - there; upgrade PgBouncer, or rename the database"
    )


async def _answer(door: Target, process: subprocess.Popen[bytes]) -> State:
    """Return what the console shows once it answers. Raises ServerError when it ends, or the time is over."""
    deadline = asyncio.get_running_loop().time() + _START_S
    while True:
        try:
            async with console(console_target(door), timeout_s=_STOP_S) as opened:
                return await opened.state()
        except CannotConnect as error:
            over = asyncio.get_running_loop().time() > deadline
            if over or process.poll() is not None or error.finding.code != "ECONNREFUSED":
                raise
        await asyncio.sleep(0.05)


def _misunderstood(proxy: Proxy, state: State) -> str:
    """Return what the console shows otherwise than it was written, in words; empty where all is as meant."""
    written = {entry.database: (entry.pool_size, entry.cap) for entry in proxy.entries}
    shown = {one.name: (one.pool_size, one.maximum) for one in state.databases if one.name != CONSOLE}
    wrong = [f"{name} has pool_size and cap {shown.get(name)}" for name in written if shown.get(name) != written[name]]
    told = {"pool_mode": proxy.pool_mode, "max_client_conn": str(proxy.max_client_conn)}
    wrong += [f"{name} = {state.config.get(name)}" for name, value in told.items() if state.config.get(name) != value]
    return ", ".join(wrong)


async def _lets_in(door: Target, user: str, password: Secret) -> Finding:
    try:
        async with console(console_target(Target(door.host, door.port, CONSOLE, user, password, "require"))) as opened:
            await opened.pools()
    except ServerError as error:
        return Finding("validation", "failed", f"{user} cannot look at the console: {error.finding.message}")
    return Finding("validation", "ok", f"{user} can look at its console, under TLS")


async def _gets_through(door: Target, database: str, role: str, password: Secret | None) -> Finding:
    to = Target(door.host, door.port, database, role, password, "require")
    try:
        async with await connect(to) as session:
            await session.rows("SELECT 1")
    except ServerError as error:
        found = error.finding
        return Finding("validation", "failed", f"{role} does not get through to {database}: {found.message}", found.fix)
    return Finding("validation", "ok", f"{role} gets through to {database}")


def _last_words(log: Path) -> str:
    """Return what its log complains of at its end, without the time and the process in front of each line."""
    try:
        lines = log.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    spoken = [re.sub(r"^\S+ \S+ \S+ \[\d+\] ", "", line) for line in lines]
    wrong = [line for line in spoken if line.startswith(("ERROR", "FATAL", "WARNING"))]
    return "; ".join(wrong[-_LOG_LINES:])
