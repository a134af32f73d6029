"""What commands that run for weeks say to systemd, and the unit that has one run.

Sources: sd_notify(3), systemd.service(5), systemd.exec(5), systemd.syntax(7).
"""

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WATCHDOG_S = 60
# Variables that say where things are: the service finds them where whoever prints the unit does.
_TOLD = (
    "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "PGCONNS_REGISTRY",
    "PGCONNS_HISTORY", "PGSSLROOTCERT", "PGPASSFILE", "PGSERVICEFILE",
)  # fmt: skip

# systemd.exec(5): what a service that only speaks to networks and to folders of its own can do without.
HARDENING = """\
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""


def notify(*lines: str) -> bool:
    """Tell the service manager, such as READY=1; return whether there is one. It makes nobody wait."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as told:
        try:
            told.sendto("\n".join(lines).encode("utf-8", "replace"), place.replace("@", "\0", 1))
        except OSError:
            return False
    return True


def watchdog_s() -> float | None:
    """Return after how many seconds without a sign of life this process is restarted; None where it is not."""
    try:
        microseconds = int(os.environ.get("WATCHDOG_USEC", ""))
        meant = int(os.environ.get("WATCHDOG_PID", "") or os.getpid()) == os.getpid()
    except ValueError:
        return None
    return microseconds / 1e6 if meant and microseconds > 0 else None


def unit(
    name: str,
    does: str,
    command: Sequence[str],
    user: str,
    folders: Sequence[str],
    environment: Mapping[str, str],
    passphrase: str,
) -> str:
    """Return a unit that runs `command`, `pgconns NAME` with its options, as `user`, who writes into `folders`.

    `does` says what it does; `passphrase` is the file of the vault's. Of `environment` only what says where files are
    is told; no secret is.
    """
    told = "".join(f"Environment={quoted(f'{name}={environment[name]}')}\n" for name in _TOLD if environment.get(name))
    writes = " ".join(quoted(f"-{folder}") for folder in folders)
    written = f"ReadWritePaths={writes}\n" if writes else ""
    there = f"\n# The folders of ReadWritePaths are to be there, and {user}'s." if writes else ""
    return f"""\
# Written by pgconns {name} --systemd. Save it as /etc/systemd/system/pgconns-{name}.service, then:
#   systemctl daemon-reload && systemctl enable --now pgconns-{name}
# Where passwords are in the vault, its passphrase is to be in {passphrase} (mode 0600, owner root);
# where none is, remove the line LoadCredential.{there}
[Unit]
Description=pgconns: {does}
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart={" ".join(quoted(word).replace("$", "$$") for word in command)}
ExecReload=/bin/kill -HUP $MAINPID
User={user}
{told}LoadCredential=pgconns-vault:{passphrase}
WatchdogSec={WATCHDOG_S}
TimeoutStopSec=15
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2
{written}{HARDENING}UMask=0077

[Install]
WantedBy=multi-user.target
"""


def quoted(word: str) -> str:
    """Return a word as a unit's file takes it: one word, and no specifier in it.

    >>> quoted("/usr/bin/pgconns"), quoted("/opt/100 %")
    ('/usr/bin/pgconns', '"/opt/100 %%"')
    """
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return word if re.fullmatch(r"[\w/.,:=@%+-]+", word, re.ASCII) else f'"{word}"'
