"""PgBouncer's admin console: one socket to the database `pgbouncer`, which takes SHOW and no SQL.

Source: PgBouncer's usage.md, "Admin console": simple query protocol only; `stats_users` may SHOW.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Literal

from tui.bouncer import shown
from tui.bouncer.shown import CONSOLE, Leg, PoolState, State, Traffic
from tui.postgres.door import connect
from tui.postgres.errors import CannotConnect, QueryFailed
from tui.postgres.finding import Finding
from tui.postgres.session import Session
from tui.postgres.target import Target

What = Literal["VERSION", "CONFIG", "DATABASES", "POOLS", "CLIENTS", "SERVERS", "STATS", "USERS", "LISTS", "STATE"]

_SHOW_S = 5.0


class Console:
    """What an open session to the console is asked. Every question is bounded, and raises QueryFailed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def address(self) -> str:
        """The address that the session goes to."""
        return self._session.address

    async def show(self, what: What, timeout_s: float = _SHOW_S) -> list[dict[str, Any]]:
        """Return the rows of SHOW as they come, by column."""
        return await self._session.verbatim(f"SHOW {what}", timeout_s)

    async def pools(self) -> tuple[PoolState, ...]:
        """Return the pools: the cheapest look there is, whatever number of clients is in."""
        return shown.pools(await self.show("POOLS"))

    async def clients(self) -> tuple[Leg, ...]:
        """Return every client: 200 bytes each, so only when somebody asks."""
        return shown.legs(await self.show("CLIENTS"))

    async def servers(self) -> tuple[Leg, ...]:
        """Return every socket to the servers behind it."""
        return shown.legs(await self.show("SERVERS"))

    async def traffic(self) -> tuple[Traffic, ...]:
        """Return what each database's entry did since it started."""
        return shown.traffic(await self.show("STATS"))

    async def state(self) -> State:
        """Return everything that a check looks at."""
        reported = self._session.parameter("server_version") or ""
        return State(
            shown.version(await self.show("VERSION"), reported),
            shown.config(await self.show("CONFIG")),
            shown.databases(await self.show("DATABASES")),
            await self.pools(),
            shown.users(await self.show("USERS")),
            shown.lists(await self.show("LISTS")),
            await self._halted(),
        )

    async def _halted(self) -> str:
        try:
            return shown.halted(await self.show("STATE"))
        except QueryFailed:
            if self._session.closed:
                raise
            return ""  # 1.18 and older know no SHOW STATE


def console_target(door: Target, username: str | None = None) -> Target:
    """Return where the console behind a door is, for its own role or another's."""
    return replace(door, database=CONSOLE, username=username or door.username)


@contextlib.asynccontextmanager
async def console(target: Target, timeout_s: float = 10.0) -> AsyncIterator[Console]:
    """Open a console for the length of the block. Raises CannotConnect, with what to do in pgbouncer.ini."""
    try:
        session = await connect(target, timeout_s)
    except CannotConnect as error:
        raise CannotConnect(refusal(error.finding, target)) from None
    async with session:
        if not is_console(session):
            raise CannotConnect(_stranger(session, target))
        yield Console(session)


def is_console(session: Session) -> bool:
    """Whether PgBouncer's console answers: it says so in the version that it reports."""
    return (session.parameter("server_version") or "").endswith("/bouncer")


def refusal(finding: Finding, target: Target) -> Finding:
    """Return why a console did not open, in its own terms where it was PgBouncer that refused. Pure."""
    said = f"{finding.message} {finding.detail}".lower()
    user = target.username
    if "not allowed" in said:
        return replace(
            finding,
            check="console",
            message=f"{user} may not look into the console of {target.place}",
            fix=f"stats_users = {user} in pgbouncer.ini (it may SHOW and change nothing), and RELOAD; where auth_query"
            " finds the roles, that takes PgBouncer 1.19 and auth_dbname",
        )
    if finding.code == "3D000":
        return replace(finding, check="console", message=f"{target.place} is no PgBouncer: PostgreSQL itself answers",
                       fix="Give the place where PgBouncer listens; its own port is 6432")  # fmt: skip
    if finding.code == "ETIMEDOUT" and finding.check == "authentication":
        return replace(
            finding,
            check="console",
            message=f"The console of {target.place} does not answer {user}: {finding.message}",
            fix="Before 1.19 PgBouncer never answers a role that it has to look up with auth_query: look as one that is"
            " in auth_file and among stats_users, or upgrade and set auth_dbname",
        )
    if finding.code in {"28000", "28P01"} or "no such user" in said:
        return replace(
            finding,
            check="console",
            message=f"The console of {target.place} does not let {user} in: {finding.message}",
            fix="The console knows the roles in auth_file only, whatever auth_query finds: put the role and its SCRAM"
            f" verifier there, and stats_users = {user} into pgbouncer.ini, and RELOAD. Or it is PostgreSQL",
        )
    return finding


def _stranger(session: Session, target: Target) -> Finding:
    version = session.parameter("server_version") or "of no version"
    return Finding(
        "console",
        "failed",
        f"{target.place} is no PgBouncer with a console: a server {version} answers, with a database of that name",
        "Give the place where PgBouncer listens; RDS Proxy and Cloud SQL's pooling have no console",
    )
