"""What PgBouncer's admin console shows, as values. Pure.

Columns are taken by name: unknown ones are left out, and what a version does not show is None. Source: PgBouncer's
usage.md and admin.c, 1.16 to 1.25.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PoolState:
    """A line of SHOW POOLS: the sockets of one role to one database, clients in and servers out.

    `maxwait_s` is how long the first of the waiting clients has waited; zero where none waits.
    """

    database: str
    username: str
    clients_active: int
    clients_waiting: int
    servers_active: int
    servers_idle: int
    servers_used: int
    servers_tested: int
    servers_login: int
    maxwait_s: float
    pool_mode: str | None

    @property
    def clients(self) -> int:
        """The clients that are in."""
        return self.clients_active + self.clients_waiting

    @property
    def servers(self) -> int:
        """The sockets to the server, those that are being opened among them."""
        return self.servers_active + self.servers_idle + self.servers_used + self.servers_tested + self.servers_login


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """A line of SHOW DATABASES. `maximum` is its cap on server sockets, 0 without one."""

    name: str
    host: str | None
    port: int | None
    database: str
    force_user: str | None
    pool_size: int | None
    reserve: int | None
    pool_mode: str | None
    maximum: int | None
    current: int | None
    paused: bool | None
    disabled: bool | None


@dataclass(frozen=True, slots=True)
class Leg:
    """A line of SHOW CLIENTS or SHOW SERVERS: one socket.

    `pid` is the server's process, None for clients on another host; `pointer` names this socket and `link` its
    counterpart while the two are tied together, else empty.
    """

    username: str
    database: str
    state: str
    address: str
    port: int | None
    wait_s: float
    application: str | None
    pid: int | None
    tls: str | None
    pointer: str
    link: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """A line of SHOW STATS: what one database's entry did since PgBouncer started; times in seconds."""

    database: str
    transactions: int | None
    queries: int | None
    transaction_s: float | None
    wait_s: float | None
    wait_average_s: float | None


@dataclass(frozen=True, slots=True)
class UserState:
    """A line of SHOW USERS; sizes and caps only where this user has ones of its own."""

    name: str
    pool_mode: str | None
    pool_size: int | None
    maximum: int | None


@dataclass(frozen=True, slots=True)
class State:
    """A PgBouncer as its console shows it. `config` holds its settings as text; `lists` counts what it keeps.

    `halted` is how all of it stands still, paused or suspended; empty where it runs, or its version does not say.
    """

    version: str
    config: Mapping[str, str] = field(default_factory=dict)
    databases: tuple[DatabaseState, ...] = ()
    pools: tuple[PoolState, ...] = ()
    users: tuple[UserState, ...] = ()
    lists: Mapping[str, int] = field(default_factory=dict)
    halted: str = ""

    @property
    def number(self) -> tuple[int, int, int] | None:
        """Its version, to compare; None where it names none."""
        return version_number(self.version)

    def setting(self, name: str) -> int | None:
        """A setting's number; None where this version has no such setting, or it is no number."""
        return _whole(self.config.get(name))

    @property
    def clients(self) -> int:
        """All clients that are in, those of the console left out."""
        return sum(pool.clients for pool in self.pools if pool.database != CONSOLE)


CONSOLE = "pgbouncer"


def version_number(version: str) -> tuple[int, int, int] | None:
    """Return a version as numbers.

    >>> version_number("PgBouncer 1.18.0"), version_number("1.25.1/bouncer"), version_number("Odyssey")
    ((1, 18, 0), (1, 25, 1), None)
    """
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def pools(rows: Iterable[Row]) -> tuple[PoolState, ...]:
    """Read SHOW POOLS."""
    return tuple(
        PoolState(
            _text(row, "database") or "",
            _text(row, "user") or "",
            _count(row, "cl_active"),
            _count(row, "cl_waiting"),
            _count(row, "sv_active"),
            _count(row, "sv_idle"),
            _count(row, "sv_used"),
            _count(row, "sv_tested"),
            _count(row, "sv_login"),
            _count(row, "maxwait") + _count(row, "maxwait_us") / 1e6,
            _text(row, "pool_mode"),
        )
        for row in rows
    )


def databases(rows: Iterable[Row]) -> tuple[DatabaseState, ...]:
    """Read SHOW DATABASES."""
    return tuple(
        DatabaseState(
            _text(row, "name") or "",
            _text(row, "host"),
            _whole(row.get("port")),
            _text(row, "database") or "",
            _text(row, "force_user"),
            _whole(row.get("pool_size")),
            # reserve_pool until 1.23, reserve_pool_size from 1.24 on.
            _whole(row.get("reserve_pool_size", row.get("reserve_pool"))),
            _text(row, "pool_mode"),
            _whole(row.get("max_connections")),
            _whole(row.get("current_connections")),
            _flag(row, "paused"),
            _flag(row, "disabled"),
        )
        for row in rows
    )


def legs(rows: Iterable[Row]) -> tuple[Leg, ...]:
    """Read SHOW CLIENTS or SHOW SERVERS."""
    return tuple(
        Leg(
            _text(row, "user") or "",
            _text(row, "database") or "",
            _text(row, "state") or "",
            _text(row, "addr") or "",
            _whole(row.get("port")),
            _count(row, "wait") + _count(row, "wait_us") / 1e6,
            _text(row, "application_name"),
            _whole(row.get("remote_pid")) or None,
            _text(row, "tls") or None,
            _text(row, "ptr") or "",
            _text(row, "link") or "",
        )
        for row in rows
    )


def traffic(rows: Iterable[Row]) -> tuple[Traffic, ...]:
    """Read SHOW STATS."""
    return tuple(
        Traffic(
            _text(row, "database") or "",
            _whole(row.get("total_xact_count")),
            _whole(row.get("total_query_count")),
            _seconds(row, "total_xact_time"),
            _seconds(row, "total_wait_time"),
            _seconds(row, "avg_wait_time"),
        )
        for row in rows
    )


def users(rows: Iterable[Row]) -> tuple[UserState, ...]:
    """Read SHOW USERS."""
    return tuple(
        UserState(
            _text(row, "name") or "",
            _text(row, "pool_mode") or None,
            _whole(row.get("pool_size")),
            _whole(row.get("max_user_connections")),
        )
        for row in rows
    )


def config(rows: Iterable[Row]) -> dict[str, str]:
    """Read SHOW CONFIG."""
    return {str(row["key"]): _text(row, "value") or "" for row in rows if row.get("key")}


def lists(rows: Iterable[Row]) -> dict[str, int]:
    """Read SHOW LISTS."""
    return {str(row["list"]): _count(row, "items") for row in rows if row.get("list")}


def halted(rows: Iterable[Row]) -> str:
    """Read SHOW STATE (1.19 and newer): `paused` or `suspended`, else an empty text."""
    return next((str(row["key"]) for row in rows if row.get("key") != "active" and row.get("value") == "yes"), "")


def version(rows: Iterable[Row], reported: str) -> str:
    """Read SHOW VERSION, which old versions answer with a notice: then what was `reported` at start-up."""
    return next((_text(row, "version") or "" for row in rows), "") or reported


def _text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return None if value is None else str(value)


def _whole(value: Any) -> int | None:
    try:
        return None if value is None else int(value)
    except (ValueError, TypeError, OverflowError):
        return None


def _count(row: Row, name: str) -> int:
    return _whole(row.get(name)) or 0


def _seconds(row: Row, name: str) -> float | None:
    microseconds = _whole(row.get(name))
    return None if microseconds is None else microseconds / 1e6


def _flag(row: Row, name: str) -> bool | None:
    value = row.get(name)
    return None if value is None else str(value).lower() in {"1", "t", "true", "yes"}
