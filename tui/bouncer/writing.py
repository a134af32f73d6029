"""Puts PgBouncer's files into a folder: private, whole or not at all, and never over what is there unasked."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from tui.connections.files import make_private_folder, reason, write_private


class NotWritten(Exception):
    """The files cannot be written: a sentence that says why and what to do."""


def taken(folder: Path, names: Mapping[str, bytes]) -> list[str]:
    """Return which of these files are there already."""
    return [name for name in names if (folder / name).exists()]


def write(folder: Path, files: Mapping[str, bytes], user: str) -> bool:
    """Write the files, mode 0600; return whether they are `user`'s, whom root gives a new folder to. Raises NotWritten.

    A folder that was there keeps its owner, and so do the files in it.
    """
    try:
        made = not folder.exists()
        make_private_folder(folder)
        if made and os.geteuid() == 0 and (account := _account(user)) is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        for name, content in files.items():
            write_private(folder / name, content)
    except OSError as error:
        raise NotWritten(f"{folder} cannot be written: {reason(error)}") from None
    account = _account(user)
    return account is not None and all((folder / name).stat().st_uid == account.pw_uid for name in files)


def _account(user: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        return None


def default_user() -> str:
    """Return the user that PgBouncer is to run as: this one, or Debian's where it is root."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
