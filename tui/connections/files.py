"""Private files: locked, replaced whole or not at all, 0600 in folders of 0700; failures as words a person can use."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_WAIT_S = 10.0
_POLL_S = 0.01

_REASONS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EISDIR: "a folder stands in its place",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.ELOOP: "its symbolic links lead in a circle",
    errno.ENAMETOOLONG: "the path is too long",
    errno.EIO: "the disk failed to read or write",
}


class LockBusy(OSError):
    """Another process kept a lock longer than anyone should."""


def reason(error: OSError) -> str:
    """Return why a file operation failed, in words, without the path.

    >>> reason(OSError(errno.EROFS, "x"))
    'the file system is read-only'
    """
    if isinstance(error, LockBusy):
        return str(error)
    return _REASONS.get(error.errno or 0, (error.strerror or type(error).__name__).lower())


def read_regular(path: Path | str, largest: int) -> bytes:
    """Return what a file holds; OSError where it is missing, no ordinary file, or larger than `largest` bytes."""
    # Without O_NONBLOCK, opening a named pipe would wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"it is larger than {largest} bytes")
    return content


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents, mode 0700; folders that exist stay as they are."""
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, "is a file")
    if folder.parent != folder:
        make_private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _give(folder, folder.parent)


def make_private_file(path: Path) -> None:
    """Create an empty file, mode 0600, and its folder, owner kept by root; a file that exists stays as it is."""
    make_private_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        # Not opened: closing it would drop the locks that this process holds on it through SQLite.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file") from None
        return
    try:
        os.fchmod(descriptor, 0o600)
        _give(descriptor, path.parent)
    finally:
        os.close(descriptor)
    _sync_folder(path.parent)


def take_lock(path: Path) -> int | None:
    """Return the descriptor of a file's lock, which holds it until it is closed; None where another process does.

    The lock is a file of its own beside it, as in `locked`; it holds the id of the process that took it last.
    """
    make_private_folder(path.parent)
    lock = os.open(lock_place(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _give(lock, path.parent)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except BaseException as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return lock


def lock_place(path: Path) -> Path:
    """Return the lock of a file."""
    return path.with_name(f".{path.name}.lock")


def followed(path: Path) -> Path:
    """Return what a path leads to when its symbolic links are followed."""
    return type(path)(os.path.realpath(path))  # Path.resolve raises RuntimeError where links lead in a circle


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, among processes and threads, until the block ends; creates its folder.

    The lock is a file of its own beside it: `path` itself is replaced by each write, and a lock on it with it.
    """
    make_private_folder(path.parent)
    lock = os.open(lock_place(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _give(lock, path.parent)
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LockBusy("another pgconns holds its lock; is one suspended?") from None
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(lock)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file by `content`, whole or not at all, durable when this returns, mode 0600, owner kept by root."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            _give(descriptor, path if path.exists() else path.parent)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)  # noqa: PTH105 - Path.replace is the same
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def publish(made: Path, path: Path) -> None:
    """Give a file that was made in the same file system its name, mode 0600, durable when this returns.

    OSError, FileExistsError among them: what is there already stays as it is.
    """
    descriptor = os.open(made, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        _give(descriptor, path.parent)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(made, path)  # unlike a rename, it replaces nothing
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        os.replace(made, path)  # noqa: PTH105 - Path.replace is the same
    _sync_folder(path.parent)


def append_private(path: Path, content: bytes) -> None:
    """Add to the end of a file in one write, durable when this returns; mode 0600, its folder is made."""
    make_private_folder(path.parent)
    # No symbolic link: root's lines are not to end up in a file of somebody's choice. O_NONBLOCK: a pipe would wait.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")
        os.fchmod(descriptor, 0o600)
        _give(descriptor, path.parent)
        if os.write(descriptor, content) < len(content):
            raise OSError(errno.ENOSPC, "the disk is full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _give(made: int | Path, like: Path) -> None:
    """Give what root made to the owner of `like`: who runs sudo in their own home is not locked out of it."""
    if os.geteuid() == 0 and (owner := like.stat()).st_uid != 0:
        os.chown(made, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
