"""Single sockets: who holds each of them, since when, and what it asked last. Read on demand, never by a poll."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString

from tui.postgres.errors import ServerError
from tui.sockets import queries
from tui.sockets.backend_queries import LIST
from tui.sockets.model import Group, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.connections.model import Connection
    from tui.sockets.attribution import Attribution
    from tui.sockets.lending import Asked

MOST_BACKENDS = 2_000
QUERY_BYTES = 1_000  # of each query, in a list
WHOLE_QUERY_BYTES = 200_000  # of one that is looked at
# What the server's encoding cannot hand out as UTF-8.
_UNREADABLE = frozenset({"22021", "22P05"})
_AS_IT_STANDS: Final[LiteralString] = "SET LOCAL client_encoding = 'SQL_ASCII';\n"
# As the poll recognises a comment: see `queries`.
_COMMENT_STARTS = "/* CARTO/"
_LONGEST_COMMENT = 400

# Not inherited: a member whose grant (from 16 on), or who itself (before), does not inherit.
Right = Literal["yes", "no_grant", "grant_not_inherited", "role_not_inheriting", "superuser"]


@dataclass(frozen=True, slots=True)
class Carto:
    """What CARTO's comment at the start of a query says; empty where it says nothing."""

    feature: str = ""
    user: str = ""
    connection_id: str = ""
    map_id: str = ""


@dataclass(frozen=True, slots=True)
class Backend:
    """One client backend. Times are ages in seconds by the server's clock, None where they could not be seen.

    `pid` and `started` (microseconds since the epoch) together name it for good; `started` is None where the role may
    not see it, and then nothing can be done to it. Texts are as raw as others wrote them. `right` says whether the
    role of the session may cancel or end it. `console` are sockets of pgconns: whoever's, they are left alone.
    """

    pid: int
    started: int | None
    database: str
    username: str
    application: str
    client: str | None  # None for a Unix socket or unseen
    state: State
    state_s: float | None
    age_s: float | None
    query_s: float | None  # since its last query began
    transaction_s: float | None
    wait_event: str
    query: str
    query_cut: bool  # there is more of the query than is here
    query_started: int | None
    carto: Carto | None
    console: bool
    right: Right

    @property
    def group(self) -> Group:
        """The group of one that it is, for attribution."""
        carto = self.carto or Carto()
        return Group(
            self.database,
            self.username,
            self.application,
            self.client,
            self.state,
            1,
            feature=carto.feature or None,
            carto_user=carto.user or None,
            connection_id=carto.connection_id or None,
        )

    @property
    def statement(self) -> str:
        """The query without CARTO's comment."""
        return self.query if self.carto is None else self.query.partition("*/")[2].lstrip()

    def to_json(self) -> dict[str, Any]:
        """Return its part of the JSON shape of `backends` and `end`."""
        carto = self.carto
        return {
            "pid": self.pid,
            "backend_start": None if self.started is None else iso(self.started),
            "database": self.database,
            "username": self.username,
            "application": self.application,
            "client": self.client,
            "state": self.state,
            "state_s": _rounded(self.state_s),
            "age_s": _rounded(self.age_s),
            "query_s": _rounded(self.query_s),
            "transaction_s": _rounded(self.transaction_s),
            "wait_event": self.wait_event or None,
            "query": self.query,
            "query_cut": self.query_cut,
            "carto": None
            if carto is None
            else {
                "feature": carto.feature,
                "user": carto.user,
                "connection_id": carto.connection_id,
                "map_id": carto.map_id,
            },
            "console": self.console,
        }


@dataclass(frozen=True, slots=True)
class Filter:
    """Which backends are wanted: all that fit everything that is not None.

    `client` is an address, empty for those without one. `least_s` is how long a backend is in its state at least.
    """

    database: str | None = None
    username: str | None = None
    application: str | None = None
    client: str | None = None
    state: State | None = None
    least_s: float | None = None
    pids: tuple[int, ...] | None = None
    feature: str | None = None
    carto_user: str | None = None
    carto_connection: str | None = None

    @property
    def by_comment(self) -> bool:
        """Whether CARTO's comment is asked for, which is read here and not on the server."""
        return (self.feature, self.carto_user, self.carto_connection) != (None, None, None)

    def fits_comment(self, carto: Carto | None) -> bool:
        """Return whether a comment says what is wanted; one that is missing says nothing, which is empty."""
        said = carto or Carto()
        wanted = (self.feature, self.carto_user, self.carto_connection)
        return all(w in {None, s} for w, s in zip(wanted, (said.feature, said.user, said.connection_id), strict=True))


ALL = Filter()


@dataclass(frozen=True, slots=True)
class Listing:
    """The backends that were read, longest in their state first; `left_out` more were not read, and may fit as well."""

    at: float  # seconds since the epoch, by this machine's clock
    backends: tuple[Backend, ...]
    left_out: int = 0
    username: str = ""  # the role that read them, whose rights they tell

    @property
    def total(self) -> int:
        """How many there are, at most."""
        return len(self.backends) + self.left_out


async def backends(
    session: Asked, wanted: Filter = ALL, *, most: int = MOST_BACKENDS, query_bytes: int = QUERY_BYTES
) -> Listing:
    """Return single backends of the session's server, in one round trip. Raises ServerError.

    One of them with its whole query: ``Filter(pids=(pid,))`` and ``query_bytes=WHOLE_QUERY_BYTES``.
    """
    arguments = (
        wanted.database,
        wanted.username,
        wanted.application,
        wanted.client,
        wanted.state,
        wanted.least_s,
        None if wanted.pids is None else list(wanted.pids),
        most,
        query_bytes,
    )
    try:
        rows = await session.rows(LIST, arguments)
    except ServerError as error:
        if error.finding.code not in _UNREADABLE or session.closed:
            raise
        rows = await session.rows(_AS_IT_STANDS + LIST, arguments)
    found = tuple(map(_backend, rows))
    left_out = rows[0]["total"] - len(rows) if rows else 0
    kept = tuple(one for one in found if wanted.fits_comment(one.carto)) if wanted.by_comment else found
    return Listing(time.time(), kept, left_out, session.target.username)


def belonging(listing: Listing, attribution: Attribution, connection: Connection) -> Listing:
    """Return those of the backends that are a Connection's by the evidence that its counts follow.

    `attribution` is of all Connections of the server: each has a say in what is another's. It learns from the
    comments in the list: from all of the server's backends, rather than from a filtered list.
    """
    attribution.learn(one.group for one in listing.backends)
    claim = attribution.claim_of(connection)
    mine = tuple(one for one in listing.backends if not one.console and attribution.owner(one.group) == claim)
    return replace(listing, backends=mine)


def read_comment(query: str) -> Carto | None:
    """Return what CARTO's comment at the start of a query says; None where there is none.

    >>> read_comment("/* CARTO/3.0 (ACCID:ac; USERID:auth0|u; CM:builder; connectionId:c; mapId:m) */ SELECT 1")
    Carto(feature='builder', user='auth0|u', connection_id='c', map_id='m')
    """
    if not query.startswith(_COMMENT_STARTS):
        return None
    comment = query.partition("*/")[0]
    if len(comment.partition("; mapId:")[0].encode("utf-8", "replace")) >= _LONGEST_COMMENT:
        return None
    said = queries.read_comment(comment)
    return Carto(said.get("CM", ""), said.get("USERID", ""), said.get("connectionId", ""), said.get("mapId", ""))


def iso(microseconds: int) -> str:
    """Return a time as text, to the microsecond.

    >>> iso(1700000000000001)
    '2023-11-14T22:13:20.000001+00:00'
    """
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - only when printed

    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds")


def _backend(row: Mapping[str, Any]) -> Backend:
    application = row["application"]
    masked = row["state"] == "unknown"
    query = b"" if masked else row["query"] or b""
    text = query.decode("utf-8", "replace")
    return Backend(
        pid=row["pid"],
        started=row["started"],
        database=row["database"],
        username=row["username"],
        application=application,
        client=row["client"] or None,
        state=row["state"],
        state_s=_age(row["state_s"]),
        age_s=_age(row["age_s"]),
        query_s=_age(row["query_s"]),
        transaction_s=_age(row["transaction_s"]),
        wait_event=row["wait_event"],
        query=text,
        query_cut=not masked and (row["query_bytes"] or 0) > len(query),
        query_started=row["query_started"],
        carto=read_comment(text),
        console=row["own"] or application == queries.CONSOLE or application.startswith(f"{queries.CONSOLE} - "),
        right=row["right"],
    )


def _age(seconds: float | None) -> float | None:
    """Return an age; a clock that was set back makes none negative."""
    return None if seconds is None else max(0.0, seconds)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
