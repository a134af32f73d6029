"""The decision and the server agree: lines made at random, loaded for real, and asked from addresses of 127.0.0.0/8."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.postgres.given import to
from tests.regions.asking import Answer, ask, has_ipv6
from tests.servers.host import give
from tui.postgres.door import Session, connect
from tui.regions.admission import Admission
from tui.regions.reach import reach

if TYPE_CHECKING:
    from tests.servers.certificates import Authority
    from tests.servers.fixtures import PgServer
    from tests.servers.postgres import Server

# Names that are written like keywords make doubts: the servers with TLS do without them.
ODD = ('"all"', '"+g2"')
# The role's secrets are kept for MD5, so that the methods md5 and scram-sha-256 ask differently.
LOGINS = (("geo", "alice"), ("alice", "alice"), ("g1", "bob"), ("all", "alice"), ('o"d,d', "bob"), ("geo", "boss"))
SOURCES = ("127.0.0.2", "127.0.3.1", "127.1.2.3", "127.1.2.77", "127.200.0.9")
FILES = 6
# What the server asks for by each method.
ASKS = {
    "trust": "nothing", "scram-sha-256": "scram", "md5": "md5", "password": "password in clear", "cert": "certificate",
    "radius": "password in clear", "ident": "ident", "reject": "rejected",
}  # fmt: skip
DATABASES = (
    "all", '"all"', "sameuser", "samerole", "samegroup", "replication", "geo", '"geo"', "alice", '"o""d,d"', "nosuch",
    "/^g", '"/[,]d$"', ''"/(?i)^ALL$"'', "/.", "geo,alice", "@names",
)  # fmt: skip
ROLES = (
    "all", "+g1", "+g2", '"+g2"', "+nosuch", "alice", "bob", "boss", '"alice"', "/^a", '"/(?i)^BO"', "nosuch",
    "alice,+g2", "+alice",
)  # fmt: skip
ADDRESSES = (
    "all", "samenet", "samehost", "127.0.0.0/8", "127.1.0.0/16", "127.1.2.3/32", "127.1.2.3/24", "127.0.3.1/31",
    "127.0.0.0 255.0.0.0", "127.9.2.0 255.0.255.0", "127.1.2.77 255.255.255.255", "0.0.0.0/0", "::/0", "::1/128",
    "::ffff:127.0.0.0/104", "fe80::/10", "10.0.0.0/8", ".example.com", "localhost",
)  # fmt: skip
# What a line holds where an answer may be that it is not known.
DOUBTFUL = ("samehost", ".example.com", "localhost", "all", "+g2")


class Prepared(NamedTuple):
    """A server with its roles and databases, and an open session of each login."""

    server: Server
    tls: bool
    ipv6: bool
    sessions: dict[tuple[str, str], Session]


async def prepared(server: Server, authority: Authority, *, tls: bool) -> Prepared:
    for role, attributes in (("g1", "NOLOGIN"), ("g2", "NOLOGIN"), ("boss", "LOGIN SUPERUSER")):
        server.role("pw", attributes, role)
    if not tls:
        server.role("pw", "NOLOGIN", "+g2")
    server.role("pw", "LOGIN", "alice", member_of=("g1",))
    server.role("pw", "LOGIN NOINHERIT", "bob", member_of=("g2",))
    server.execute("GRANT g1 TO g2")
    logins = [login for login in LOGINS if not (tls and login[0] == "all")]
    for database in {database for database, _ in logins}:
        server.database(database)
        server.execute("GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO alice, bob", (), database)
    names = server.data / "names"
    names.write_text('"geo",\nall\n')
    give(names)
    if tls:
        root = server.data / "root.crt"
        root.write_bytes(authority.root.read_bytes())
        give(root)
        server.configure({"ssl_ca_file": "root.crt"})
    sessions = {
        (database, username): await connect(to(server, database=database, username=username, password="pw"))
        for database, username in logins
    }
    return Prepared(server, tls, has_ipv6(), sessions)


def line(chance: random.Random, *, tls: bool) -> str:
    """A line of pg_hba.conf."""
    kind = chance.choice(("host", "host", "host", "hostssl", "hostnossl", "hostnogssenc", "hostgssenc", "local"))
    database, role = chance.choice(DATABASES), chance.choice((*ROLES, "all", "all", "all"))
    if tls:
        database, role = ("geo" if database in ODD else database), ("bob" if role in ODD else role)
    methods = ["scram-sha-256", "md5", "password", "trust", "reject", "reject", "ident",
               'radius radiusservers="127.0.0.1" radiussecrets="no-secret-of-ours"']  # fmt: skip
    if kind == "hostssl" and tls:
        methods += ["cert", "cert", "scram-sha-256 clientcert=verify-ca"]
    method = chance.choice(methods)
    if kind == "local":
        return f"local {database} {role} {'trust' if method.startswith('ident') else method}"
    return f"{kind} {database} {role} {chance.choice(ADDRESSES)} {method}"


def attempts(sslmode: str, *, tls: bool) -> list[bool]:
    """How libpq's modes come: first one way, then the other."""
    ways = {"disable": [False], "allow": [False, True], "prefer": [True, False], "require": [True]}[sslmode]
    return [encrypted for encrypted in ways if tls or not encrypted]


def agrees(said: Admission, answers: dict[bool, Answer], sslmode: str, *, tls: bool) -> None:
    """See that what was said of one address is what the server answered, both without TLS (False) and under it."""
    plain, under_tls = answers[False].admitted, tls and answers[True].admitted
    if said.tls is not None or not (plain or under_tls):
        assert said.tls == {(True, True): "either", (False, True): "required", (True, False): "refused"}.get(
            (plain, under_tls)
        )
    tried = [answers[encrypted] for encrypted in attempts(sslmode, tls=tls)]
    assert said.admitted is any(answer.admitted for answer in tried)
    if said.admitted:
        assert said.rule is not None
        wanted = "certificate" if said.rule.client_certificate else ASKS[said.method] if said.method else ""
        assert not wanted or wanted in {answer.asked for answer in tried}
        enters = any(answer.asked in {"nothing", "scram", "md5", "password in clear"} for answer in tried)
        assert said.enters is enters
    elif tried and said.rule is None and len(set(tried)) == 1:
        assert tried[0].asked == "no entry"
    elif len(set(tried)) == 1 and said.rule and said.rule.method == "reject" and "or else" not in said.why:
        assert tried[0].asked == "rejected"


@pytest.mark.parametrize("tls", [False, True], ids=["without TLS", "TLS"])
@pytest.mark.parametrize("major", ["12", "15", "16", "18"])
async def test_the_server_says_the_same(
    pg_server: PgServer, certificate_authority: Authority, major: str, tls: bool
) -> None:
    opening = "host all alice,bob,boss 127.0.0.1/32 md5\n"
    listens = {"listen_addresses": "127.0.0.1,::1", "password_encryption": "md5"}
    server = pg_server(major, own=f"agreement {tls}", hba=opening, tls=tls, settings=listens)
    place = await prepared(server, certificate_authority, tls=tls)
    known = unknown = mended = 0
    seed = f"{major} {tls}"
    chance = random.Random(seed)
    try:
        for number in range(FILES):
            text = opening + "\n".join(line(chance, tls=tls) for _ in range(chance.randint(1, 7)))
            server.hba(text)
            for login in chance.sample(sorted(place.sessions), 2):
                session = place.sessions[login]
                sslmode = chance.choice(("disable", "allow", "prefer", "require"))
                session.target = replace(session.target, sslmode=sslmode)
                sources = [*chance.sample(SOURCES, 2), *(["::1"] if place.ipv6 and chance.random() < 0.3 else [])]
                told = await reach(session, "", sources)
                assert (told.visibility, told.loaded is False) == ("full", False), (seed, number, told)
                for said in told.addresses:
                    answers = {way: asked(place, said.address, login, way) for way in (False, True)}
                    try:
                        if said.admitted is None:
                            unknown += 1
                            assert any(word in text for word in DOUBTFUL)
                        else:
                            known += 1
                            agrees(said, answers, sslmode, tls=tls)
                    except AssertionError as error:
                        raise AssertionError(
                            f"{seed} {number}: {login} {sslmode}\n{text}\n{said}\n{answers}"
                        ) from error
                if told.lines:
                    missing = [one.address for one in told.addresses if not one.enters]
                    server.hba(with_lines(server, told.lines, told.before))
                    for source in missing:
                        answer = asked(place, source, login, tls)
                        assert answer.asked == "md5", (seed, number, told, answer)
                        mended += 1
                    server.hba(text)
    finally:
        for session in place.sessions.values():
            await session.close()
    assert known > (3 * unknown if tls else unknown), (known, unknown)
    assert mended


def asked(place: Prepared, source: str, login: tuple[str, str], encrypted: bool) -> Answer:
    """What the server answers a login from an address."""
    host = "::1" if ":" in source else place.server.host
    return ask((host, place.server.port), source, *login, encrypted=encrypted)


def with_lines(server: Server, lines: tuple[str, ...], before: int | None) -> str:
    """The file with lines put in where they were said to belong, but for the superuser's, which stands first."""
    present = (server.data / "pg_hba.conf").read_text().splitlines()
    at = len(present) if before is None else before - 1
    return "\n".join([*present[:at], *lines, *present[at:]][1:])
