"""The systemd unit that runs a PgBouncer on the files written for it.

Source: PgBouncer's etc/pgbouncer.service: Type=notify, SIGHUP reloads, SIGINT lets what runs come to its end.
"""

from __future__ import annotations

from tui.bouncer.configuration import SETTINGS, UNIT, Proxy
from tui.history.systemd import HARDENING, quoted

# Beside a socket for each client and for the server: log, DNS, console, and what opens and closes meanwhile.
_SPARE_FILES = 100


def unit(proxy: Proxy, program: str, user: str) -> str:
    """Return a unit that runs `program` as `user`, whose files those in the proxy's folder are."""
    files = proxy.max_client_conn + proxy.sockets + _SPARE_FILES
    command = f"{quoted(program)} {quoted(proxy.place(SETTINGS))}".replace("$", "$$")
    return f"""\
# Written by pgconns bouncer config. Save it as /etc/systemd/system/pgconns-{UNIT}, then:
#   systemctl daemon-reload && systemctl enable --now pgconns-pgbouncer
[Unit]
Description=PgBouncer between CARTO and PostgreSQL
Documentation=man:pgbouncer(1) man:pgbouncer(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
KillSignal=SIGINT
TimeoutStopSec=30
Restart=on-failure
RestartSec=2
User={quoted(user)}
LimitNOFILE={files}
{HARDENING}UMask=0077

[Install]
WantedBy=multi-user.target
"""
