"""What `doctor` looks at: the terminal, the keyring, the files, and the versions. Nothing is changed by looking."""

from __future__ import annotations

import errno
import importlib.metadata
import os
import platform
import shutil
import stat
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tui import paths
from tui.connections import pgpass
from tui.connections.os_keyring import keyring_status
from tui.connections.registry import Registry, RegistryError
from tui.connections.vault import Vault
from tui.history import notices
from tui.history.errors import HistoryError
from tui.postgres import driver
from tui.postgres.finding import Finding, Status
from tui.postgres.target import system_roots
from tui.regions import cache

if TYPE_CHECKING:
    from tui.connections.model import Hook

_NARROWEST, _LOWEST = 80, 24
_PACKAGES = (
    "textual", "psycopg", "psycopg-pool", "keyring", "cryptography", "httpx", "prometheus-client", "PyYAML", "bcrypt",
)  # fmt: skip


def machine_findings() -> tuple[Finding, ...]:
    """Return what will work on this machine and in this terminal, and what will not."""
    return (
        *terminal(os.environ, sys.__stdout__, shutil.get_terminal_size((0, 0))),
        _keyring(),
        _vault(),
        _registry(),
        _regions(),
        _history(),
        *_hooks(),
        *(
            _folder(name, folder)
            for name, folder in (
                ("config_folder", paths.config_folder()),
                ("data_folder", paths.data_folder()),
                ("state_folder", paths.state_folder()),
                ("cache_folder", paths.cache_folder()),
            )
        ),
        _password_file(),
        _tls_roots(),
        _driver(),
        _versions(),
    )


def terminal(environment: Mapping[str, str], stream: TextIO | None, size: tuple[int, int]) -> tuple[Finding, ...]:
    """Return what the terminal can show. Pure but for asking the stream what it is."""
    name = environment.get("TERM", "")
    if stream is None or not stream.isatty():
        return (Finding("terminal", "ok", "Output goes to no terminal: commands work, the console needs one"),)
    findings = []
    if name in {"", "dumb", "unknown"}:
        findings.append(
            Finding("terminal", "failed", f"TERM is {name or 'not set'}: the console cannot draw here",
                    "Use a terminal, or set TERM to what it is, such as xterm-256color")
        )  # fmt: skip
    else:
        program = environment.get("TERM_PROGRAM", "")
        findings.append(Finding("terminal", "ok", f"{name}{f' in {program}' if program else ''}"))
    columns, lines = size
    if columns and (columns < _NARROWEST or lines < _LOWEST):
        findings.append(
            Finding("terminal_size", "warning", f"{columns} columns and {lines} lines: screens will be cut off",
                    f"Make the window at least {_NARROWEST} columns and {_LOWEST} lines")
        )  # fmt: skip
    else:
        findings.append(
            Finding("terminal_size", "ok", f"{columns} columns and {lines} lines" if columns else "unknown")
        )
    findings.append(_colours(environment, name))
    findings.append(_encoding(stream))
    return tuple(findings)


def _colours(environment: Mapping[str, str], name: str) -> Finding:
    if environment.get("NO_COLOR"):
        return Finding("colours", "ok", "None, as NO_COLOR asks: words and signs say the same")
    if environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return Finding("colours", "ok", "16 million")
    if "256color" in name:
        return Finding("colours", "ok", "256; COLORTERM=truecolor gives more, where the terminal can")
    return Finding("colours", "ok", "16: words and signs say what a colour would")


def _encoding(stream: TextIO) -> Finding:
    encoding = (stream.encoding or "").lower().replace("-", "").replace("_", "")
    if encoding == "utf8":
        return Finding("encoding", "ok", "UTF-8")
    return Finding("encoding", "warning", f"Output is in {stream.encoding}: signs and names may be garbled",
                   "Set LANG=C.UTF-8, or PYTHONUTF8=1")  # fmt: skip


def _keyring() -> Finding:
    name, sentence = keyring_status()
    if name:
        return Finding("keyring", "ok", sentence)
    # The vault does the same job, and is the default where no keyring answers.
    return Finding("keyring", "ok", f"{sentence.partition(':')[0]}; passwords are kept in the encrypted vault")


def _vault() -> Finding:
    path = Vault().path
    try:
        status = path.lstat()
    except FileNotFoundError:
        return Finding("vault", "ok", "None yet; it is made with the first password kept in it")
    except OSError as error:
        return Finding("vault", "failed", f"{path} cannot be looked at: {error.strerror}", code=_name(error))
    return _private("vault", path, status, "a vault that others may change is not trusted")


def _private(check: str, path: Path, status: os.stat_result, why: str) -> Finding:
    if not stat.S_ISREG(status.st_mode):
        return Finding(check, "failed", f"{path} is no ordinary file", f"Move it away: mv {path} {path}.old")
    if status.st_uid not in {os.geteuid(), 0}:
        return Finding(check, "failed", f"{path} belongs to somebody else (user {status.st_uid}): {why}",
                       f"chown {os.geteuid()} {path}")  # fmt: skip
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        return Finding(check, "warning", f"Others may read {path} (mode {mode:o})", f"chmod 600 {path}")
    return Finding(check, "ok", f"{path}, for this user alone")


def _registry() -> Finding:
    registry = Registry()
    try:
        connections = registry.load()
    except RegistryError as error:
        return Finding("registry", "failed", str(error), "Mend the file by hand; a copy of it is kept beside it")
    except OSError as error:
        return Finding("registry", "failed", f"{registry.path} cannot be read: {error.strerror}", code=_name(error))
    count = "1 Connection" if len(connections) == 1 else f"{len(connections)} Connections"
    return Finding("registry", "ok", f"{count} in {registry.path}")


def _regions() -> Finding:
    kept, note = cache.load()
    if note:
        return Finding("regions", "warning", note, "pgconns regions --refresh")
    if not kept.regions:
        return Finding("regions", "ok", "CARTO's addresses are those built in; pgconns regions --refresh asks for them")
    return Finding("regions", "ok", f"CARTO's addresses are kept in {cache.place()}")


def _history() -> Finding:
    """Return where what was recorded is read from; a server that it is read from is asked."""
    from tui.history.errors import HistoryError  # noqa: PLC0415 - only here
    from tui.history.prometheus import PrometheusHistory  # noqa: PLC0415 - httpx
    from tui.history.settings import parse  # noqa: PLC0415

    try:
        place = parse(Registry().settings("history")).source
        if place is None:
            path = paths.history_file()
            there = "What was recorded is in" if path.exists() else "Nothing is recorded yet; it will be in"
            return Finding("history", "ok", f"{there} {path}")
        recorders = PrometheusHistory(place).recorders()
    except RegistryError:
        return Finding("history", "skipped", "The registry, which may name another history, cannot be read")
    except HistoryError as error:
        return Finding("history", "failed", str(error), "Mend [history] in the registry, or what it names")
    if not recorders:
        return Finding("history", "warning", f"{place.url} answers, and holds nothing of pgconns",
                       "Let it scrape pgconns metrics, which the README shows")  # fmt: skip
    fed = f"{recorders} pgconns feed it" if recorders > 1 else "1 pgconns feeds it"
    return Finding("history", "ok", f"What was recorded is read from {place.url}: {fed}")


def _hooks() -> list[Finding]:
    """Return how each hook fares."""
    try:
        hooks = Registry().hooks()
        fares = notices.deliveries(paths.history_file()) if hooks else {}
    except RegistryError:
        return []  # told of above
    except HistoryError as error:
        return [Finding("hooks", "warning", f"Hooks are told by pgconns watch alone: {error}", "pgconns watch")]
    return [_hook(hook, fares.get(hook.name)) for hook in hooks]


def _hook(hook: Hook, fares: notices.Delivery | None) -> Finding:
    name = f"{hook.name}, by {hook.kind}"
    if fares is None:
        return Finding("hooks", "ok", f"{name}: was never told anything", "pgconns alerts --test tries it")
    if fares.failed is not None:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(fares.failed))
        return Finding("hooks", "warning", f"{name}: last delivery failed at {when}: {fares.error}",
                       f"Mend it, then: pgconns alerts --test {hook.name}")  # fmt: skip
    return Finding("hooks", "ok", f"{name}: its last delivery arrived" if fares.delivered else f"{name}: one waits")


def _folder(check: str, folder: Path) -> Finding:
    """Return whether a folder can be written, or made."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        return Finding(check, "failed", f"{nearest} is no folder, so {folder} cannot be made", f"Move {nearest} away")
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(check, "failed", f"{nearest} cannot be written, and {folder} lives there",
                       f"chown {os.geteuid()} {nearest}, or point its XDG variable elsewhere")  # fmt: skip
    if nearest != folder:
        return Finding(check, "ok", f"{folder} is made when it is needed")
    if stat.S_IMODE(folder.stat().st_mode) & 0o022:
        return Finding(check, "warning", f"Others may change what is in {folder}", f"chmod 700 {folder}")
    return Finding(check, "ok", str(folder))


def _password_file() -> Finding:
    problem = pgpass.problem()
    if problem:
        return Finding("password_file", "warning", problem, f"chmod 600 {pgpass.place()}")
    there = pgpass.place().exists()
    return Finding(
        "password_file", "ok", f"{pgpass.place()}, for this user alone" if there else "No ~/.pgpass, none needed"
    )


def _tls_roots() -> Finding:
    bundle = system_roots()
    own = Path("~/.postgresql/root.crt").expanduser()
    also = f"; {own} makes every TLS mode verify the chain" if own.exists() else ""
    if bundle:
        return Finding("tls_roots", "ok", f"sslrootcert=system means {bundle}{also}")
    return Finding("tls_roots", "warning", f"No bundle of root certificates is here: system verifies nothing{also}",
                   "Install ca-certificates, or set SSL_CERT_FILE")  # fmt: skip


def _driver() -> Finding:
    version, how = driver.libpq_version(), driver.implementation()
    message = f"libpq {version}, by psycopg's {how} build"
    if driver.tells_sqlstates():
        return Finding("driver", "ok", message)
    return Finding("driver", "warning", f"{message}: failures to connect come without SQLSTATE, and are told by words",
                   "pip install 'psycopg[binary]'")  # fmt: skip


def _versions() -> Finding:
    found = {"Python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}
    missing = [name for name, version in found.items() if not version]
    status: Status = "failed" if missing else "ok"
    message = ", ".join(f"{name} {version or 'is missing'}" for name, version in found.items())
    return Finding("versions", status, message, "Install pgconns again: its packages are not whole" if missing else "")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "")
