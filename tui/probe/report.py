"""The report of a probe: its findings, what is known of the server, the verdict and the exit status. Pure."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tui.exits import Exit
from tui.postgres.finding import Finding

Verdict = Literal["ok", "warning", "failed"]


# The checks in the order in which they run, with the words that the check list shows.
CHECKS: dict[str, str] = {
    "name_resolution": "Name resolution",
    "tcp": "TCP",
    "tls": "TLS",
    "authentication": "Authentication",
    "encryption": "Encryption in force",
    "pooler": "Pooler",
    "provider": "Provider",
    "server_version": "PostgreSQL version",
    "read_only": "Read-only or standby",
    "postgis": "PostGIS",
    "socket_limits": "Socket limits",
    "visibility": "What the role may see",
    "region_reach": "CARTO's addresses",
    "analytics_toolbox": "Analytics Toolbox location",
    "data_observatory": "Data Observatory location",
    "workflows_temp": "Workflows temp. location",
}

# How the message of a skipped check starts where an obstacle stood before it.
UNSEEN = "Not looked at: "
# A failure of one of these means that no session was opened at all.
CONNECTING = frozenset({"password", "name_resolution", "tcp", "tls", "authentication"})
# A failure of one of these means that CARTO does not support the server.
SUPPORTING = frozenset({"server_version", "postgis"})


def is_behind_obstacle(finding: Finding) -> bool:
    """Whether a check was skipped because another failed, and has no reason of its own."""
    return finding.status == "skipped" and finding.message.startswith(UNSEEN)


@dataclass(frozen=True, slots=True)
class Server:
    """What a probe learned of the server; None where it could not be seen."""

    version: str | None = None
    version_num: int | None = None
    provider: str | None = None
    postgis: str | None = None
    tls: str | None = None
    read_only: bool | None = None
    pooler: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of one probe, in the order of CHECKS."""

    findings: tuple[Finding, ...]
    server: Server

    @property
    def verdict(self) -> Verdict:
        """The worst status among the findings; a skipped check says nothing."""
        statuses = {finding.status for finding in self.findings}
        return "failed" if "failed" in statuses else "warning" if "warning" in statuses else "ok"

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that are kept with a registered Connection."""
        return tuple(finding for finding in self.findings if finding.status == "warning")

    @property
    def exit_status(self) -> Exit:
        """The command line's answer: the first obstacle decides."""
        failed = {finding.check for finding in self.findings if finding.status == "failed"}
        if failed & CONNECTING:
            return Exit.CANNOT_CONNECT
        if failed & SUPPORTING:
            return Exit.UNSUPPORTED
        return Exit.BAD_NEWS if failed else Exit.DONE

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of `add` and `check`, without the Connection's name and id."""
        return {
            "verdict": self.verdict,
            "findings": [finding.to_json() for finding in self.findings],
            "server": asdict(self.server),
        }
