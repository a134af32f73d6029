"""What a server lets its clients open, setting by setting, and what others of them hold. Values are pure; one asks.

Sources: `max_connections`, `superuser_reserved_connections`, `reserved_connections` (16 and newer), `rolconnlimit` and
`datconnlimit`, as `tui.sockets.queries` reads them; see `tui.sockets.limits` for which of them binds first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tui.sockets.queries import SETTINGS, read_limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from tui.sockets.lending import Asked

_HELD = """
SELECT coalesce(datname, '') AS database, coalesce(usename, '') AS username, count(*)::int AS sockets
FROM pg_stat_activity
WHERE (backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL)
  AND pid <> pg_backend_pid()
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The limits of a server; `reserved` by the setting that reserves. `roles` and `databases` are those with one.

    `held` are the sockets open at this moment by (database, role), without the one that asked. Where the server could
    not be `asked`, only what is known from elsewhere is there.
    """

    max_connections: int
    reserved: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, int] = field(default_factory=dict)
    databases: Mapping[str, int] = field(default_factory=dict)
    superusers: frozenset[str] = frozenset()
    held: Mapping[tuple[str, str], int] = field(default_factory=dict)
    asked: bool = True

    @property
    def open_to_all(self) -> int:
        """How many sockets roles without a privilege may open together."""
        return max(0, self.max_connections - sum(self.reserved.values()))


def read(settings: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]) -> ServerLimits:
    """Return what both statements found."""
    limits = read_limits(settings)
    reserved = {row["name"]: row["value"] for row in settings if row["kind"] == "reserved"}
    counted: Counter[tuple[str, str]] = Counter()
    for row in held:
        counted[row["database"], row["username"]] += row["sockets"]
    return ServerLimits(limits.max_connections, reserved, limits.roles, limits.databases, limits.superusers, counted)


async def ask(session: Asked) -> ServerLimits:
    """Ask a server for its limits and what is open. Raises ServerError."""
    return read(await session.rows(SETTINGS), await session.rows(_HELD))
