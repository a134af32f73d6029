"""What a plan says: the pools of a PgBouncer before one server, what they rest on, and what they would do. Pure.

All of it has a JSON shape, both ways, so that a plan can be reviewed, kept in a file, and made into a configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Literal, get_args

PoolMode = Literal["session", "transaction"]
MODES: tuple[PoolMode, ...] = get_args(PoolMode)


class PlanError(ValueError):
    """A value is no plan; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of one database and role: so many server sockets, and `reserve` more once a client waits too long."""

    database: str
    username: str
    pool_size: int
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Database:
    """How many server sockets all pools of one database may hold together."""

    database: str
    max_db_connections: int


@dataclass(frozen=True, slots=True)
class TimeOut:
    """A time-out by PgBouncer's own name, in seconds (0 is none), and why so long."""

    setting: str
    seconds: int
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the arithmetic: what it counts, how many sockets (None: not known), and where the number is from."""

    what: str
    sockets: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the recorded load would have done through some pools, beside what it did without them.

    `peak_server_sockets` are those of PgBouncer on the server, `observed_peak` those of the Connections without it.
    Waiting is that of clients for a server socket, in seconds; its percentiles are over all that arrived. `refused`
    waited longer than query_wait_timeout.
    """

    peak_server_sockets: int
    peak_waiting: int
    wait_p95_s: float
    observed_peak: int
    wait_p50_s: float = 0.0
    wait_max_s: float = 0.0
    arrivals: int = 0
    waited: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The same load through other pools; `what` says how they differ."""

    what: str
    pool_mode: PoolMode
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Plan:
    """A PgBouncer before one server. It is told in full also where it is not `worth_it`: somebody may have to.

    `server` is host:port as people know it, `connections` are names of Connections, `merge` those that CARTO could
    use as one. `evidence` is "recorded", or "ceiling" where nothing was: then it is a guess, and `prediction` None.
    `max_db_connections` is PgBouncer's setting for each database; `databases` have their own. `cautions` are what to
    know, or to try, before it is used; `max_prepared_statements` asks for PgBouncer 1.21 or newer.
    """

    server: str
    connections: tuple[str, ...]
    worth_it: bool
    reasons: tuple[str, ...]
    merge: tuple[tuple[str, ...], ...]
    pool_mode: PoolMode
    max_client_conn: int
    max_db_connections: int
    pools: tuple[Pool, ...]
    databases: tuple[Database, ...]
    time_outs: tuple[TimeOut, ...]
    arithmetic: tuple[Line, ...]
    evidence: Literal["recorded", "ceiling"]
    mode_reason: str = ""
    cautions: tuple[str, ...] = ()
    max_prepared_statements: int = 0
    prediction: Prediction | None = None
    what_if: tuple[WhatIf, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of `bouncer plan`."""
        return {name: _plain(one) for name, one in asdict(self).items()}

    @classmethod
    def from_json(cls, value: Any) -> Plan:
        """Return the plan that `to_json` wrote, or one that somebody edited. Raises PlanError."""
        members: dict[str, Any] = _members(cls, value, "the plan")
        for name, kind in _LISTS.items():
            if name in members:
                members[name] = tuple(_made(kind, one, name) for one in _listed(members[name], name))
        if members.get("prediction") is not None:
            members["prediction"] = _made(Prediction, members["prediction"], "prediction")
        for name in ("connections", "reasons", "cautions"):
            members[name] = _texts(members.get(name, []), name)
        members["merge"] = tuple(_texts(group, "merge") for group in _listed(members["merge"], "merge"))
        return _checked(cls(**members))

    def time_out(self, setting: str) -> int:
        """Return a time-out in seconds by PgBouncer's name of it; 0 where the plan has none."""
        return next((one.seconds for one in self.time_outs if one.setting == setting), 0)


_LISTS: dict[str, type] = {
    "pools": Pool, "databases": Database, "time_outs": TimeOut, "arithmetic": Line, "what_if": WhatIf
}  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


def _members(kind: type, value: Any, where: str) -> dict[str, Any]:
    """Return what a dataclass is made of; more than it knows is from a newer pgconns, and passed over."""
    if not isinstance(value, Mapping):
        raise PlanError(f"{where} is no JSON object")
    known = {one.name: one for one in fields(kind)}
    found = {name: one for name, one in value.items() if name in known}
    missing = [name for name, one in known.items() if name not in found and one.default is MISSING]
    if missing:
        raise PlanError(f"{where} has no {', '.join(missing)}")
    return found


def _made(kind: type, value: Any, where: str) -> Any:
    members = _members(kind, value, where)
    if kind is WhatIf:
        members["prediction"] = _made(Prediction, members["prediction"], where)
    made = kind(**members)
    for one in fields(kind):
        _check(one.name, one.type, getattr(made, one.name), where)
    return made


def _check(name: str, kind: Any, value: Any, where: str) -> None:
    """Refuse a value of another type than the field's, by the name of the type as it is written here."""
    right = {
        "str": isinstance(value, str),
        "bool": isinstance(value, bool),
        "int": _is_count(value),
        "int | None": value is None or _is_count(value),
        "float": _is_count(value) or (isinstance(value, float) and 0 <= value < float("inf")),
        "PoolMode": value in MODES,
    }.get(kind, True)
    if not right:
        raise PlanError(f"{name} of {where} is not {_KINDS[kind]}")


_KINDS = {
    "str": "a text",
    "bool": "true or false",
    "int": "a count",
    "int | None": "a count or null",
    "float": "a number of seconds",
    "PoolMode": "session or transaction",
}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _checked(plan: Plan) -> Plan:
    for one in fields(plan):
        _check(one.name, one.type, getattr(plan, one.name), "the plan")
    if plan.evidence not in {"recorded", "ceiling"}:
        raise PlanError("evidence of the plan is not recorded or ceiling")
    return plan


def _listed(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise PlanError(f"{where} is no list")
    return list(value)


def _texts(value: Any, where: str) -> tuple[str, ...]:
    found = _listed(value, where)
    if not all(isinstance(one, str) for one in found):
        raise PlanError(f"{where} is no list of texts")
    return tuple(found)
