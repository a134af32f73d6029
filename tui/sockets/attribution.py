"""Whose socket is it: exactly one Connection's, or nobody's who is registered. Pure.

A Connection claims sockets by its role and database, and by its matchers. Connections with equal claims cannot be
told apart: they share one claim and its sockets. Each socket goes to the claim with the best evidence:

    MATCHED    its matchers fit, in its own role and database
    OWN        role and database fit, and it has no matchers
    PRESUMED   role and database fit, and its client address, which is to match, could not be seen
    ELSEWHERE  only its matchers fit: behind a proxy, role and database may have other names. Where matchers of
               several claims fit in that way, nobody gets the socket

A claim with matchers that do not fit gets nothing: so a pattern tells Connections of one role and database apart.
Of equally good claims the one with more matchers wins, then the one registered first.

The comment with which CARTO begins its SQL names the Connection by an id that nobody registers. So it is learned: an id
whose sockets the evidence above gives to one claim, and no other, is that claim's, and so are those of its sockets,
in the same role and database, that nobody would get otherwise. It overrules no matcher, which somebody wrote down, and
says nothing about Connections that share a claim: which of them has which id cannot be known.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from tui.sockets.matching import application_matches, client_matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.connections.model import Connection
    from tui.sockets.model import Group

_MOST_REMEMBERED = 20_000


class Evidence(IntEnum):
    """Why a socket is taken for a Connection's, best first."""

    MATCHED = 1
    OWN = 2
    PRESUMED = 3
    ELSEWHERE = 4


class Claim(NamedTuple):
    """What makes a socket a Connection's."""

    database: str
    username: str
    applications: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()

    @property
    def matchers(self) -> int:
        """How many kinds of matchers it has."""
        return bool(self.applications) + bool(self.clients)

    def evidence(self, group: Group) -> Evidence | None:
        """Return how well the sockets of a group fit; None where they do not."""
        own = (group.database, group.username) == (self.database, self.username)
        if not self.matchers:
            return Evidence.OWN if own else None
        if self.applications and not application_matches(self.applications, group.application):
            return None
        unseen = group.state == "unknown" and group.client is None
        if self.clients and not (group.client is not None and client_matches(self.clients, group.client)):
            return Evidence.PRESUMED if own and unseen else None
        return Evidence.MATCHED if own else Evidence.ELSEWHERE


def claim(connection: Connection) -> Claim:
    """Return what a Connection claims."""
    p = connection.parameters
    return Claim(p.database, p.username, tuple(sorted(set(p.match_application))), tuple(sorted(set(p.match_client))))


class Attribution:
    """The claims of one server's Connections. Answers are remembered: groups stay alike from poll to poll."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self.connections = tuple(connections)
        self.claims: dict[Claim, list[Connection]] = {}
        self._claim_of = {connection.id: claim(connection) for connection in connections}
        for connection in connections:
            self.claims.setdefault(self._claim_of[connection.id], []).append(connection)
        ordered = sorted(self.claims, key=lambda one: -one.matchers)  # stable: registered first stays first
        self._own: dict[tuple[str, str], list[Claim]] = {}
        for one in ordered:
            self._own.setdefault((one.database, one.username), []).append(one)
        self._matching = [one for one in ordered if one.matchers]
        self._remembered: dict[tuple[str, str, str, str | None, bool], Claim | None] = {}
        self._learned: dict[tuple[str, str, str], Claim | None] = {}  # None: several claims have sockets of this id

    def claim_of(self, connection: Connection) -> Claim:
        """Return the claim of one of its Connections."""
        return self._claim_of[connection.id]

    def learn(self, groups: Iterable[Group]) -> None:
        """Take in which ids of CARTO's comments the other evidence gives to whom."""
        for group in groups:
            if group.connection_id is None:
                continue
            found = self._by_evidence(group)
            if found is None or (found.database, found.username) != (group.database, group.username):
                continue
            key = (group.database, group.username, group.connection_id)
            if self._learned.setdefault(key, found) != found:
                self._learned[key] = None
            if len(self._learned) > _MOST_REMEMBERED:
                self._learned.clear()

    def owner(self, group: Group) -> Claim | None:
        """Return the claim that a group's sockets belong to; None where nobody registered has one."""
        found = self._by_evidence(group)
        if found is None and group.connection_id is not None:
            return self._learned.get((group.database, group.username, group.connection_id))
        return found

    def _by_evidence(self, group: Group) -> Claim | None:
        key = (group.database, group.username, group.application, group.client, group.state == "unknown")
        if key not in self._remembered:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = self._judge(group)
        return self._remembered[key]

    def _judge(self, group: Group) -> Claim | None:
        own = [
            (evidence, number, one)
            for number, one in enumerate(self._own.get((group.database, group.username), ()))
            if (evidence := one.evidence(group)) is not None
        ]
        if own:
            return min(own)[2]
        elsewhere = [one for one in self._matching if one.evidence(group) is Evidence.ELSEWHERE]
        return elsewhere[0] if len(elsewhere) == 1 else None
