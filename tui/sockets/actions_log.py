"""The log of who cancelled or ended what: one JSON value a line, in the state folder, for its owner only."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import pwd
from typing import TYPE_CHECKING

from tui import paths
from tui.connections import files

if TYPE_CHECKING:
    from pathlib import Path

    from tui.sockets.control import Action, Result


def place() -> Path:
    """Return where the log is."""
    return paths.state_folder() / "actions.log"


async def record(server: str, role: str, action: Action, result: Result) -> str:
    """Add what became of one backend; return a sentence where that was not possible, empty where it was.

    `role` is who acted, by the server's account. The query is left out: it may hold what nobody should keep.
    """
    backend = result.backend
    line = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "os_user": os_user(),
        "action": action,
        "server": server,
        "role": role,
        **result.to_json(),
        "database": backend.database,
        "username": backend.username,
        "application": backend.application,
        "client": backend.client,
        "state": backend.state,
    }
    try:
        await asyncio.to_thread(files.append_private, place(), json.dumps(line).encode() + b"\n")
    except OSError as error:
        return f"{place()} cannot be written: {files.reason(error)}. What was done is not logged"
    return ""


def os_user() -> str:
    """Return who runs this process, by the system's account and not by the environment's."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # an account without an entry, as in containers
        return str(os.getuid())
