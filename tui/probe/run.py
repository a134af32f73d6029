"""Runs every check of Connect, and streams the findings as they are made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tui.connections.model import Parameters
from tui.connections.secret import Secret
from tui.postgres.door import Session, connect
from tui.postgres.errors import CannotConnect, QueryFailed
from tui.postgres.finding import Finding
from tui.postgres.target import Target, target
from tui.probe import limits, pooler, provider, server
from tui.probe.locations import CHECKS as LOCATIONS
from tui.probe.locations import check_locations
from tui.probe.postgis import check_postgis
from tui.probe.reach import reach, resolve_name
from tui.probe.region import check_region
from tui.probe.report import CHECKS, UNSEEN, Report, Server
from tui.probe.timing import timed
from tui.probe.tls import check_tls, is_local

_SESSION_S = 8.0


async def probe(
    parameters: Parameters, password: Secret | None, on_finding: Callable[[Finding], None] = lambda _: None
) -> Report:
    """Verify a Connection: every check of report.CHECKS in its order, each handed to `on_finding` as it is made.

    Cancelling ends it at once, and leaves no socket behind. It raises nothing of the server's.
    """
    run = _Run(target(parameters, password), parameters, on_finding)
    await run.all()
    return Report(tuple(run.findings), run.server)


class _Obstacle(Exception):
    """A check failed that all others need; the rest is skipped."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Run:
    """One probe under way: what was found so far, and what was learned of the server."""

    def __init__(self, to: Target, parameters: Parameters, on_finding: Callable[[Finding], None]) -> None:
        self.target = to
        self.parameters = parameters
        self.on_finding = on_finding
        self.findings: list[Finding] = []
        self.server = Server()

    def add(self, finding: Finding) -> None:
        """Keep a finding and hand it on."""
        self.findings.append(finding)
        self.on_finding(finding)

    async def all(self) -> None:
        """Make every check; those behind an obstacle are skipped, with the reason."""
        try:
            addresses = await self.reach()
            async with await self.log_in(addresses) as session:
                await self.look_around(session, is_local(session.address))
        except _Obstacle as obstacle:
            made = {finding.check for finding in self.findings}
            for check in CHECKS:
                if check not in made:
                    self.add(Finding(check, "skipped", UNSEEN + obstacle.reason))

    async def reach(self) -> tuple[str, ...]:
        """Check name, TCP and TLS; return the addresses that answer."""
        finding, addresses = await resolve_name(self.target)
        self.add(finding)
        if addresses:
            finding, addresses = await reach(self.target, addresses)
            self.add(finding)
        if not addresses:
            raise _Obstacle(f"{CHECKS[finding.check]} failed")
        finding = await check_tls(self.target, addresses[0])
        self.add(finding)
        if finding.status == "failed":
            raise _Obstacle("TLS failed")
        return addresses

    async def log_in(self, addresses: tuple[str, ...]) -> Session:
        """Open the one session that the other checks use."""
        started = time.monotonic()
        try:
            session = await connect(self.target, _SESSION_S, addresses)
        except CannotConnect as error:
            self.add(timed(replace(error.finding, check="authentication"), started))
            raise _Obstacle("nobody is logged in") from None
        how = "with the password" if session.used_password else "without being asked for a password"
        self.add(timed(Finding("authentication", "ok", f"{self.target.username} is logged in, {how}"), started))
        return session

    async def look_around(self, session: Session, local: bool) -> None:
        """Make the checks that need a session."""
        started = time.monotonic()
        reported = session.parameter("server_version") or ""
        self.server = Server(version=reported.split(" ", 1)[0] or None, version_num=server.number(reported) or None)
        pooled = await self._server(session, started, local=local)
        started = time.monotonic()
        try:
            finding, postgis = await check_postgis(session)
            self.add(timed(finding, started))
            self.server = replace(self.server, postgis=postgis)
        except QueryFailed as error:
            self.unseen(error, ("postgis",), session, started)
        started = time.monotonic()
        try:
            row = await limits.ask(session)
            self.add(timed(limits.socket_limits(self.target, row, pooled=pooled), started))
            self.add(timed(limits.visibility(self.target, row), started))
        except QueryFailed as error:
            self.unseen(error, ("socket_limits", "visibility"), session, started)
        started = time.monotonic()
        try:
            self.add(timed(await check_region(session, self.parameters), started))
        except QueryFailed as error:
            self.unseen(error, ("region_reach",), session, started)
        started = time.monotonic()
        try:
            for finding in await check_locations(session, self.parameters):
                self.add(timed(finding, started))
        except QueryFailed as error:
            self.unseen(error, LOCATIONS, session, started)

    async def _server(self, session: Session, started: float, *, local: bool) -> bool:
        """Check what stands between and who answers; return whether a pooler does."""
        version = server.version(session.parameter("server_version") or "")
        try:
            facts = await server.ask(session)
        except QueryFailed as error:
            self.unseen(error, ("encryption", "pooler", "provider"), session, started)
            self.add(timed(version, started))
            if version.status == "failed":
                raise _Obstacle("CARTO does not support this server") from None
            self.unseen(error, ("read_only",), session, started)
            return False
        kind = await pooler.find_pooler(session, facts["pid"], server.provider_of(facts)[0])
        self._learn(facts, kind, session)
        self.add(
            timed(
                server.encryption(
                    self.target, facts, encrypted=session.encrypted, pooled=kind is not None, local=local
                ),
                started,
            )
        )
        self.add(timed(pooler.judge(self.target, kind), started))
        self.add(timed(provider.judge(self.target, *server.provider_of(facts)), started))
        self.add(timed(version, started))
        if version.status == "failed":
            raise _Obstacle("CARTO does not support this server")
        self.add(timed(server.read_only(self.target, facts), started))
        return kind is not None

    def _learn(self, facts: dict[str, Any], kind: pooler.Kind | None, session: Session) -> None:
        self.server = replace(
            self.server,
            provider=server.provider_of(facts)[0],
            tls=(facts["tls"] if kind is None else "TLS") if session.encrypted else None,
            read_only=facts["in_recovery"] or facts["read_only"] == "on",
            pooler=kind,
        )

    def unseen(self, error: QueryFailed, checks: tuple[str, ...], session: Session, started: float) -> None:
        """Say of some checks that they could not be made; where the session is gone, that fails, and ends the rest."""
        for check in checks:
            if session.closed:
                self.add(timed(replace(error.finding, check=check), started))
                raise _Obstacle("the session had ended")
            said = replace(error.finding, check=check, status="warning")
            self.add(timed(replace(said, message=f"Could not be seen: {said.message}"), started))
