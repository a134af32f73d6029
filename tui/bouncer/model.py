"""What a PgBouncer is planned to be, and its JSON shape. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Pool:
    """The sockets to the server that one role may have to one database."""

    database: str
    username: str
    pool_size: int
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Pools for the Connections of a server. `max_db_connections` is the cap of each database's entry, 0 for none."""

    server: str
    connections: tuple[str, ...]
    pool_mode: str
    max_client_conn: int
    max_db_connections: int
    pools: tuple[Pool, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the plan that `to_json` made `value` of. Raises ValueError where it is none."""
        try:
            pools = tuple(
                Pool(str(one["database"]), str(one["username"]), int(one["pool_size"]), int(one.get("reserve", 0)))
                for one in value["pools"]
            )
            return cls(
                str(value["server"]),
                tuple(map(str, value["connections"])),
                str(value["pool_mode"]),
                int(value["max_client_conn"]),
                int(value["max_db_connections"]),
                pools,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"it is no plan of pgconns: {error}") from None
