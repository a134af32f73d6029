"""PgBouncers as their consoles show them."""

from __future__ import annotations

from typing import Any

from tui.bouncer import shown
from tui.bouncer.shown import DatabaseState, PoolState, State

SOUND = {
    "auth_type": "scram-sha-256",
    "client_tls_sslmode": "require",
    "server_tls_sslmode": "verify-full",
    "default_pool_size": "20",
    "max_client_conn": "100",
    "max_db_connections": "0",
    "max_packet_size": "2147483647",
    "max_prepared_statements": "200",
    "pool_mode": "transaction",
    "query_wait_timeout": "120",
    "server_idle_timeout": "600",
}


def pool(**changes: Any) -> PoolState:
    """Return a pool, ten of whose sockets are busy; a change names a column of SHOW POOLS."""
    row = {"database": "gis", "user": "carto", "cl_active": 10, "sv_active": 10, "maxwait": 0, "pool_mode": None}
    return shown.pools([row | changes])[0]


def database(**changes: Any) -> DatabaseState:
    """Return an entry with a pool of 20 and a hard cap of 20; a change names a column of SHOW DATABASES."""
    row = {"name": "gis", "host": "db.example.com", "port": 5432, "database": "gis", "pool_size": 20,
           "max_connections": 20, "paused": 0, "disabled": 0}  # fmt: skip
    return shown.databases([row | changes])[0]


def state(version: str = "PgBouncer 1.26.1", **changes: Any) -> State:
    """Return a PgBouncer that nothing is wrong with, but for the changes; `config` adds to its settings."""
    config = SOUND | changes.pop("config", {})
    console = database(name="pgbouncer", host=None, pool_size=2, max_connections=0)
    databases = (console, *changes.pop("databases", (database(),)))
    return State(version, config, databases, **{"pools": (pool(),), **changes})
