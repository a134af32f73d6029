"""Which of a region's addresses a server lets in, in words and as JSON, and the line that lets in the rest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tui.postgres.quoting import hba_name
from tui.regions.hba import Decision, Login, Rule, decide, pieces
from tui.regions.networks import Network, name_of, read_network

Visibility = Literal["full", "none"]
Tls = Literal["required", "refused", "either"]

_RELOAD = "SELECT pg_reload_conf();"


@dataclass(frozen=True, slots=True)
class Terms:
    """How sockets would come: under which TLS mode, to a server with TLS on or off, by which passwords.

    `scram` is whether the server keeps new passwords for SCRAM; one kept for MD5 does not do for scram-sha-256.
    """

    sslmode: str
    tls: bool
    scram: bool = True

    @property
    def attempts(self) -> tuple[bool, ...]:
        """Whether each attempt of a client is under TLS, in the order of libpq's sslmode."""
        wanted = {"disable": (False,), "allow": (False, True), "prefer": (True, False)}.get(self.sslmode, (True,))
        return tuple(encrypted for encrypted in wanted if self.tls or not encrypted)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an address is let in: None where that is not known.

    `by_password` is whether CARTO's password is enough then. `why` is the reason in few words, `reason` in full.
    """

    address: str
    admitted: bool | None
    why: str
    rule: Rule | None = None
    method: str = ""
    tls: Tls | None = None
    by_password: bool = False
    unguarded: Rule | None = None
    first: Rule | None = None

    @property
    def reason(self) -> str:
        """The reason, with the text of the line."""
        return f"{self.why}: {self.rule.text}" if self.rule else self.why

    @property
    def enters(self) -> bool:
        """Whether CARTO gets in from here, for certain."""
        return self.admitted is True and self.by_password

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of an address in `reach`."""
        rule = self.rule
        return {
            "address": self.address,
            "admitted": self.admitted,
            **({"method": self.method} if self.admitted and self.method else {}),
            **({"by_password": self.by_password} if self.admitted else {}),
            **({"tls": self.tls} if self.tls else {}),
            **({"line": rule.line} if rule else {}),
            **({"file": rule.file} if rule and rule.file else {}),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Reach:
    """What a server lets in of a region. `fix` is what to do for the rest; `warnings` hold whatever the result.

    `lines` of the fix go into `file` before its line `before`, or to its end. `loaded` is whether the server is known
    to use the very lines that were read; None where that cannot be seen. `notes` are what else can be told.
    """

    region: str
    visibility: Visibility
    addresses: tuple[Admission, ...]
    fix: str = ""
    lines: tuple[str, ...] = ()
    before: int | None = None
    file: str = ""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    loaded: bool | None = None

    @property
    def all_in(self) -> bool:
        """Whether every address gets in, as far as the server's rules go, and these are the rules in force."""
        return all(one.enters for one in self.addresses) and self.loaded is not False

    @property
    def decided(self) -> bool:
        """Whether anything is known of any address."""
        return any(one.admitted is not None for one in self.addresses)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of `reach`, without the Connection's name."""
        return {
            "region": self.region,
            "visibility": self.visibility,
            "addresses": [one.to_json() for one in self.addresses],
            "loaded": self.loaded,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            **({"fix": self.fix} if self.fix else {}),
            **({"lines": list(self.lines), "before_line": self.before} if self.lines else {}),
        }


def admissions(rules: Sequence[Rule], addresses: Iterable[str], login: Login, terms: Terms) -> tuple[Admission, ...]:
    """Return who is let in; a network whose addresses fare differently is cut into those that fare alike."""
    found = []
    for address in addresses:
        network = read_network(address)
        plain = decide(rules, network, login, encrypted=False)
        under_tls = decide(rules, network, login, encrypted=True)
        for piece, (without, within) in pieces(plain, under_tls):
            found.append(_admission(piece, without, within if terms.tls else None, terms))
    return tuple(found)


def unknown(addresses: Iterable[str], why: str) -> tuple[Admission, ...]:
    """Return that it is not known who is let in, and why."""
    return tuple(Admission(address, None, why) for address in addresses)


def _admission(piece: Network, plain: Decision, under_tls: Decision | None, terms: Terms) -> Admission:
    address = name_of(piece)
    tls = _tls(plain, under_tls)
    if not terms.attempts:
        return Admission(address, False, f"the server has TLS off, and the TLS mode is {terms.sslmode}", tls=tls)
    tried = [under_tls if encrypted and under_tls else plain for encrypted in terms.attempts]
    # A client that is turned away tries the other way, where its TLS mode has one.
    decision = max(tried, key=_worth)
    first = under_tls.first if under_tls else plain.first
    both = (plain, under_tls or plain)
    unguarded = next((one.rule for one in both if one.admitted and one.rule and one.rule.asks == "nothing"), None)
    rule = decision.rule
    other = under_tls if decision is plain else plain
    if decision.admitted is False and other and other.admitted and other.rule and len(tried) == 1:
        how = "under TLS alone" if other is under_tls else "without TLS alone"
        why = f"{_line(other.rule)} is for sockets {how}, and the TLS mode is {terms.sslmode}"
        return Admission(address, False, why, other.rule, tls=tls, first=first)
    return Admission(
        address,
        decision.admitted,
        _why(decision),
        rule,
        decision.method,
        tls,
        by_password=_worth(decision) == 3,
        unguarded=unguarded,
        first=first,
    )


def _worth(decision: Decision) -> int:
    """Return how good an outcome is: in, in by other means than a password, not known, out."""
    if decision.admitted and decision.rule:
        return 3 if decision.rule.asks in {"nothing", "password"} else 2
    return 1 if decision.admitted is None else 0


def _tls(plain: Decision, under_tls: Decision | None) -> Tls | None:
    within = under_tls.admitted if under_tls else False
    if None in {plain.admitted, within}:
        return None
    if plain.admitted and within:
        return "either"
    return "required" if within else "refused" if plain.admitted else None


def _line(rule: Rule) -> str:
    return f"line {rule.line}"


def _why(decision: Decision) -> str:
    rule = decision.rule
    if rule is None:
        return "no line matches"
    first = decision.first or rule
    line = _line(rule) if first == rule else f"line {first.line} or {rule.line}"
    if decision.admitted is None:
        return f"{_line(rule)} may decide: {decision.doubt}"
    if decision.admitted is False:
        return f"{line} rejects it, or else no line matches" if decision.doubt else f"{line} rejects it"
    if rule.client_certificate:
        return f"{line} asks for a certificate, and CARTO has none"
    return {
        "nothing": f"{line} asks for no password",
        "password": f"{line} lets it in",
        "other": f"{line} asks for {rule.method}, and CARTO has a password",
        "reject": "",
    }[rule.asks]


def mend(found: Sequence[Admission], rules: Sequence[Rule], login: Login, terms: Terms) -> Reach:
    """Return, in a Reach without region and warnings, what lets in those of `found` who do not get in for certain."""
    missing = [one for one in found if not one.enters]
    reach = Reach("", "full", tuple(found))
    if not missing:
        return reach
    if not terms.attempts:
        return _with(reach, f"Turn TLS on at the server (ssl = on); the Connection's TLS mode is {terms.sslmode}")
    if terms.sslmode == "disable" and all(one.tls == "required" for one in missing):
        return _with(reach, "Give the Connection the TLS mode require: these lines let it in under TLS only")
    if any(character in login.database + login.username for character in "\n\r"):
        return _with(reach, "A line break in a name cannot be written in pg_hba.conf: rename the database or role")
    kind = "hostssl" if terms.tls else "host"
    method = "scram-sha-256" if terms.scram else "md5"
    who = f"{hba_name(login.database)} {hba_name(login.username)}"
    lines = tuple(f"{kind} {who} {read_network(one.address)} {method}" for one in missing)
    order = {rule: number for number, rule in enumerate(rules)}
    first = min((one.first for one in missing if one.first), key=order.__getitem__, default=None)
    last = rules[-1] if rules else None
    file = (first or last or Rule(0, "")).file
    named = file or "pg_hba.conf"
    where = f"before line {first.line} of {named}" if first else f"at the end of {named}"
    added = "these lines" if len(lines) > 1 else "this line"
    mode = "\nand give the Connection the TLS mode require" if kind == "hostssl" and terms.sslmode == "disable" else ""
    text = "\n".join((f"Add {added} {where}:", *lines, f"then run {_RELOAD}{mode}"))
    return Reach("", "full", tuple(found), text, lines, first.line if first else None, file)


def _with(reach: Reach, fix: str) -> Reach:
    return Reach(reach.region, reach.visibility, reach.addresses, fix)


def unguarded_warnings(found: Iterable[Admission]) -> tuple[str, ...]:
    """Return a warning for each line that asks whoever comes from these addresses for no password."""
    lines = {one.unguarded: None for one in found if one.unguarded}
    return tuple(
        f"Line {rule.line} lets in without a password whoever comes from there: write scram-sha-256 there instead of"
        " trust"
        for rule in lines
    )
