"""Which line of pg_hba.conf decides about an address, as the server itself decides it. Pure.

After check_hba, check_db, check_role, check_ip, check_hostname and check_same_host_or_net of PostgreSQL's
src/backend/libpq/hba.c, 12 to 18: the first line that matches decides, and where none does nobody gets in. What SQL
does not tell is never guessed: such a line is a doubt, which counts only where it would change the answer.

pg_hba_file_rules shows words without their quotes. A word that is a keyword is taken for one, unless a database or
role of that very name exists: then it is a doubt, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import collapse_addresses, ip_address, ip_network
from typing import Literal, cast

from tui.regions.networks import Network, written

Fit = Literal["yes", "no", "part", "unknown"]
# What a method asks of a client: nothing, a password, something that CARTO does not have, or to go away.
Asks = Literal["nothing", "password", "other", "reject"]

DATABASE_KEYWORDS = ("all", "sameuser", "samerole", "samegroup", "replication")
# These ask for a password; ldap, radius, pam and bsd have it checked by somebody else.
_BY_PASSWORD = frozenset({"scram-sha-256", "md5", "password", "ldap", "radius", "pam", "bsd"})
# From here on a name that starts with a slash is a regular expression.
EXPRESSIONS_SINCE = 160000
# A mask with holes, or hundreds of lines, could cut a network into millions.
_MOST_PIECES = 2_000
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of pg_hba_file_rules. `file` is empty where the server does not name it, which it does from 16 on.

    A line with an `error` and no `kind` is broken: the server refuses the whole file. One with both is not.
    """

    line: int
    kind: str
    databases: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    address: str = ""
    netmask: str = ""
    method: str = ""
    client_certificate: bool = False
    file: str = ""
    error: str = ""

    @property
    def asks(self) -> Asks:
        """What the line asks of a client that it matches."""
        if self.method == "reject":
            return "reject"
        if self.client_certificate:
            return "other"
        if self.method == "trust":
            return "nothing"
        return "password" if self.method in _BY_PASSWORD else "other"

    @property
    def text(self) -> str:
        """The line as a person would write it, without options, which may hold secrets."""
        where = (written(self.address, self.netmask),) if self.address else ()
        names = (",".join(self.databases), ",".join(self.roles))
        certificate = ("clientcert",) if self.client_certificate and self.method != "cert" else ()
        return " ".join((self.kind, *names, *where, self.method, *certificate))


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks to be let in, and what the server's catalogues say of them.

    `groups` are the roles that the role is a member of, directly or not, by whatever grant, and itself. `expressions`
    says of (pattern, name) whether it matches; what it lacks is unknown. `quoted` are databases and roles that exist
    and are named like a keyword. `server` is the server's own address as the session sees it.
    """

    database: str
    username: str
    version: int
    groups: frozenset[str] = frozenset()
    expressions: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    quoted: frozenset[str] = frozenset()
    server: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the lines decide: None where a doubt decides. `rule` is the line; None where no line matches.

    `doubt` says why the line may not match; where it rejects all the same, no other lets in either. `method` is empty
    where doubtful lines that let in as well ask in other ways. A line to add must stand before `first`, the first one
    that matches or might.
    """

    admitted: bool | None
    rule: Rule | None = None
    first: Rule | None = None
    doubt: str = ""
    method: str = ""


def decide(
    rules: Iterable[Rule], network: Network, login: Login, *, encrypted: bool
) -> tuple[tuple[Network, Decision], ...]:
    """Return who of a network is let in: its pieces, as large as they can be, each with what is decided about it."""
    candidates = [(rule, fit) for rule in rules if (fit := _fit(rule, login, encrypted=encrypted)) != "no"]
    found: dict[Decision, list[Network]] = {}
    waiting: list[tuple[Network, int, tuple[tuple[Rule, Fit], ...]]] = [(network, 0, ())]
    left = _MOST_PIECES
    while waiting:
        piece, start, doubts = waiting.pop()
        decision: Decision | None = None
        for index in range(start, len(candidates)):
            rule, fit = candidates[index]
            where = _address_fit(rule, piece, login)
            if where == "no":
                continue
            if where == "part":
                left -= 1
                if left > 0:
                    waiting.extend((half, index, doubts) for half in piece.subnets())
                    break
                where = "unknown"
            if "unknown" in {fit, where}:
                doubts = (*doubts, (rule, where))
                continue
            decision = _settle(rule, doubts)
            break
        else:
            decision = _settle(None, doubts)
        if decision is not None:
            found.setdefault(decision, []).append(piece)
    whole = [(piece, decision) for decision, pieces in found.items() for piece in _joined(pieces)]
    return tuple(sorted(whole, key=lambda one: (int(one[0].network_address), one[0].prefixlen)))


def pieces(*partitions: Sequence[tuple[Network, Decision]]) -> tuple[tuple[Network, tuple[Decision, ...]], ...]:
    """Return the pieces that partitions of one network have in common, each with its decision in each of them."""
    common: list[tuple[Network, tuple[Decision, ...]]] = [(piece, (decision,)) for piece, decision in partitions[0]]
    for partition in partitions[1:]:
        common = [
            (min(piece, other, key=lambda one: one.num_addresses), (*decisions, decision))
            for piece, decisions in common
            for other, decision in partition
            if piece.overlaps(other)
        ]
    return tuple(common)


def patterns(rules: Iterable[Rule], login: Login) -> tuple[tuple[str, str], ...]:
    """Return the regular expressions that decisions may need, each with the name that it is held against."""
    if login.version < EXPRESSIONS_SINCE:
        return ()
    needed: dict[tuple[str, str], None] = {}
    for rule in rules:
        needed |= {(word, login.database): None for word in rule.databases if word.startswith("/")}
        needed |= {(word, login.username): None for word in rule.roles if word.startswith("/")}
    return tuple(needed)


def _settle(rule: Rule | None, doubts: Sequence[tuple[Rule, Fit]]) -> Decision:
    """Return what a matching line, or none, decides behind lines that might have matched before it."""
    asks: Asks = rule.asks if rule else "reject"
    first = doubts[0][0] if doubts else rule
    for doubtful, where in doubts:
        if doubtful.asks != asks:
            return Decision(None, doubtful, first, _why(doubtful, where))
    if rule is None and first is not None:
        return Decision(False, first, first, _why(*doubts[0]))
    same = rule is not None and all(doubtful.method == rule.method for doubtful, _ in doubts)
    return Decision(asks != "reject", rule, first, method=rule.method if rule and same else "")


def _why(rule: Rule, where: Fit) -> str:
    if where != "unknown":
        return "its names cannot be told from keywords, or not be compared from here"
    if rule.address in {"samehost", "samenet"}:
        return f"{rule.address} means the server's own networks, which cannot be seen from here"
    if rule.netmask:
        return "it cuts the network into more pieces than can be followed"
    return "it names a host, which the server looks up by itself"


def _fit(rule: Rule, login: Login, *, encrypted: bool) -> Fit:
    """Return whether a line is for such a login at all, whatever its address."""
    # CARTO's clients do not encrypt by GSSAPI.
    kinds = {"host", "hostnogssenc", "hostssl" if encrypted else "hostnossl"}
    if rule.kind not in kinds:
        return "no"
    database = _any(_database_fit(word, login) for word in rule.databases)
    role = _any(_role_fit(word, login) for word in rule.roles)
    if "no" in {database, role}:
        return "no"
    return "unknown" if "unknown" in {database, role} else "yes"


def _any(fits: Iterable[Fit]) -> Fit:
    seen = set(fits)
    return "yes" if "yes" in seen else "unknown" if "unknown" in seen else "no"


def _said(holds: bool) -> Fit:
    return "yes" if holds else "no"


def _database_fit(word: str, login: Login) -> Fit:
    if word not in DATABASE_KEYWORDS:
        return _name_fit(word, login.database, login)
    meant = {
        "all": True,
        "sameuser": login.database == login.username,
        "replication": False,  # physical replication alone
    }.get(word, login.database in login.groups)
    return _keyword_fit(word, meant, word == login.database, login)


def _role_fit(word: str, login: Login) -> Fit:
    if word == "all" or word.startswith("+"):
        meant = word == "all" or word[1:] in login.groups
        return _keyword_fit(word, meant, word == login.username, login)
    return _name_fit(word, login.username, login)


def _keyword_fit(word: str, meant: bool, named: bool, login: Login) -> Fit:
    """Return what a word means that may have stood in quotes: as a keyword, and as a name."""
    return _said(meant) if meant == named or word not in login.quoted else "unknown"


def _name_fit(word: str, name: str, login: Login) -> Fit:
    # Quotes do not take its meaning away: an expression with a comma in it needs them.
    if word.startswith("/") and login.version >= EXPRESSIONS_SINCE:
        matches = login.expressions.get((word, name))
        return "unknown" if matches is None else _said(matches)
    return _said(word == name)


def _address_fit(rule: Rule, network: Network, login: Login) -> Fit:
    if rule.netmask:
        return _mask_fit(rule, network)
    if rule.address == "all":
        return "yes"
    if rule.address in {"samehost", "samenet"}:
        return _own_fit(network, login, whole_net=rule.address == "samenet")
    return "unknown"


def _mask_fit(rule: Rule, network: Network) -> Fit:
    try:
        address, mask = ip_address(rule.address), ip_address(rule.netmask)
    except ValueError:
        return "unknown"
    if address.version != network.version:
        return "no"
    fixed = int(network.netmask)
    if (int(network.network_address) ^ int(address)) & int(mask) & fixed:
        return "no"
    return "part" if int(mask) & ~fixed else "yes"


def _own_fit(network: Network, login: Login, *, whole_net: bool) -> Fit:
    """Return whether a network is the server's own, as far as that can be told."""
    single = network.num_addresses == 1
    for loopback in _LOOPBACK:
        if loopback.version == network.version and loopback.overlaps(network):
            if whole_net and network.prefixlen >= loopback.prefixlen:
                return "yes"
            if single and network.network_address == loopback.network_address + (loopback.version == 4):
                return "yes"
            return "unknown"
    server = ip_network(login.server) if login.server else None
    if server is None or server.version != network.version:
        return "unknown"
    if server.overlaps(network):
        return "yes" if single else "part"
    # An address that the whole world routes to CARTO is none of the server's own, nor of a net that it is in; but for
    # a neighbour, which both might have from one hoster.
    near = server.supernet(new_prefix=16 if server.version == 4 else 32).overlaps(network)
    return "no" if network.is_global and not (near and whole_net) else "unknown"


def _joined(pieces: list[Network]) -> Iterable[Network]:
    """Return as few networks as the pieces of one network make together."""
    return cast("Iterable[Network]", collapse_addresses(pieces))
