"""Asks a server which of some addresses its pg_hba rules let in, for the database and role of the session.

pg_hba_file_rules() reads the file as it stands now. Whether that is what the server uses is told by its errors, by the
file's time against that of the last load, and by the session itself, which the rules must have let in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, LiteralString

from tui.connections.connectors import propose
from tui.postgres.cause import firewall_fix
from tui.postgres.errors import QueryFailed
from tui.postgres.quoting import identifier
from tui.postgres.session import Session
from tui.regions.admission import Reach, Terms, Visibility, admissions, mend, unguarded_warnings, unknown
from tui.regions.hba import DATABASE_KEYWORDS, EXPRESSIONS_SINCE, Login, Rule, decide, patterns
from tui.regions.networks import read_network

# Membership is what is_member_of_role_nosuper of acl.c goes by: every grant, inherited or not, and no superuser's word.
FACTS: Final[LiteralString] = """
WITH RECURSIVE belongs AS (
  SELECT oid FROM pg_roles WHERE rolname = session_user
  UNION SELECT roleid FROM pg_auth_members JOIN belongs ON member = belongs.oid
)
SELECT current_setting('server_version_num')::int AS version, session_user::text AS username,
  current_database()::text AS database, current_setting('ssl') = 'on' AS tls,
  current_setting('password_encryption') = 'scram-sha-256' AS scram, current_setting('listen_addresses') AS listens,
  host(inet_server_addr()) AS server, host(inet_client_addr()) AS client, pg_backend_pid() AS pid,
  coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
  (extract(epoch FROM pg_conf_load_time()) * 1000000)::bigint AS loaded,
  has_function_privilege('pg_hba_file_rules()', 'EXECUTE') AS may_read,
  has_function_privilege('pg_stat_file(text)', 'EXECUTE') AS may_stat,
  (SELECT setting FROM pg_settings WHERE name = 'hba_file') AS file,
  ARRAY(SELECT rolname::text FROM pg_roles JOIN belongs USING (oid)) AS groups,
  ARRAY(SELECT datname::text FROM pg_database WHERE datname = ANY (%s::text[])
        UNION SELECT rolname::text FROM pg_roles WHERE rolname = 'all' OR starts_with(rolname, '+')) AS quoted
"""
# Options hold secrets of directories: only that of certificates leaves the server. {} is what names the file.
_RULES: Final[LiteralString] = """
SELECT {} AS file, line_number AS line, type, database, user_name, address, netmask, auth_method AS method, error,
  EXISTS (SELECT FROM unnest(options) AS option WHERE starts_with(option, 'clientcert=verify')) AS certificate
FROM pg_hba_file_rules() WITH ORDINALITY ORDER BY ordinality
"""
# The server compares names by their bytes, in the collation C, before it knows any database.
EXPRESSIONS: Final[LiteralString] = """
SELECT number, name ~ (pattern COLLATE "C") AS matches
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS one (name, pattern, number)
"""
CHANGED: Final[LiteralString] = """
SELECT max(extract(epoch FROM (pg_stat_file(file)).modification) * 1000000)::bigint AS changed
FROM unnest(%s::text[]) AS file
"""
_SECOND = 1_000_000  # file times are told in whole seconds, everything here is in microseconds
_EXPRESSIONS_S = 2.0
_MANAGED = frozenset({"rds", "aurora", "azure", "cloudsql", "alloydb"})


async def reach(session: Session, region: str, addresses: Sequence[str]) -> Reach:
    """Return which addresses and networks are let in, in a few round trips. Raises QueryFailed."""
    facts = (await session.rows(FACTS, (list(DATABASE_KEYWORDS),)))[0]
    if facts["pid"] != session.backend_pid:
        return _behind_a_pooler(region, addresses, facts)
    if not facts["may_read"]:
        return _unread(session, region, addresses, facts)
    rules = read_rules(await session.rows(_rules(facts["version"])), facts["file"] or "")
    usable = [rule for rule in rules if rule.kind]
    login = await _login(session, usable, facts)
    terms = Terms(session.target.sslmode, facts["tls"], facts["scram"])
    found = admissions(usable, addresses, login, terms)
    outdated = (*_broken(rules), *_contradicted(session, usable, login, facts))
    changed = None if outdated else await _changed(session, rules, facts)
    if changed:
        outdated = (f"{_file(rules)} was changed after the server had loaded it: SELECT pg_reload_conf();",)
    return replace(
        mend(found, usable, login, terms),
        region=region,
        warnings=(*outdated, *unguarded_warnings(found), *_other_warnings(facts, addresses)),
        notes=("Whether the file was changed since it was loaded cannot be seen",) * (not outdated and changed is None),
        loaded=False if outdated else None if changed is None else True,
    )


def read_rules(rows: Sequence[Mapping[str, Any]], file: str) -> tuple[Rule, ...]:
    """Return the lines that the server showed, in its order; `file` is the one they are in before 16."""
    return tuple(
        Rule(
            row["line"],
            row["type"] or "",
            tuple(row["database"] or ()),
            tuple(row["user_name"] or ()),
            row["address"] or "",
            row["netmask"] or "",
            row["method"] or "",
            row["certificate"],
            row["file"] or file,
            row["error"] or "",
        )
        for row in rows
    )


def _rules(version: int) -> LiteralString:
    return _RULES.format("file_name" if version >= EXPRESSIONS_SINCE else "NULL")


async def _login(session: Session, rules: Sequence[Rule], facts: Mapping[str, Any]) -> Login:
    login = Login(
        facts["database"],
        facts["username"],
        facts["version"],
        frozenset(facts["groups"]),
        quoted=frozenset(facts["quoted"]),
        server=facts["server"] or "",
    )
    needed = patterns(rules, login)
    if not needed:
        return login
    as_bytes = session.parameter("server_encoding") != "SQL_ASCII"
    texts = [(_bytewise(pattern[1:]), _bytewise(name)) if as_bytes else (pattern[1:], name) for pattern, name in needed]
    try:
        rows = await session.rows(
            EXPRESSIONS, ([name for _, name in texts], [pattern for pattern, _ in texts]), _EXPRESSIONS_S
        )
    except QueryFailed:
        if session.closed:
            raise
        return login
    matches = {needed[row["number"] - 1]: row["matches"] for row in rows}
    return replace(login, expressions=matches)


def _bytewise(text: str) -> str:
    """Return a text with a letter for each of its bytes: so the server reads it, which knows no encoding yet."""
    return text if text.isascii() else text.encode().decode("latin-1")


async def _changed(session: Session, rules: Sequence[Rule], facts: Mapping[str, Any]) -> bool | None:
    """Return whether a file with rules is newer than what the server has loaded; None where that cannot be told."""
    files = list({rule.file: None for rule in rules if rule.file})
    if not files or not facts["may_stat"]:
        return None
    try:
        changed = (await session.rows(CHANGED, (files,)))[0]["changed"]
    except QueryFailed:
        if session.closed:
            raise
        return None
    if changed > facts["loaded"]:
        return True
    return False if changed + _SECOND <= facts["loaded"] else None


def _file(rules: Sequence[Rule]) -> str:
    return next((rule.file for rule in rules if rule.file), "pg_hba.conf")


def _broken(rules: Sequence[Rule]) -> tuple[str, ...]:
    broken = [rule for rule in rules if not rule.kind]
    if not broken:
        return ()
    first = broken[0]
    more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
    return (
        f"Line {first.line} of {first.file or 'pg_hba.conf'} is wrong ({first.error}){more}: the server goes by what it"
        " loaded before, and will not start again with this file",
    )


def _contradicted(session: Session, rules: Sequence[Rule], login: Login, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a warning where the rules say no to this very session, or let it in another way than it came."""
    if not facts["client"]:
        return ()
    ((_, decision),) = decide(rules, read_network(facts["client"]), login, encrypted=facts["encrypted"])
    came = "password" if session.used_password else "nothing"
    asked = decision.rule.asks if decision.rule else "reject"
    if decision.admitted is None or asked in {came, "other"}:
        return ()
    return (
        f"These rules would not have let in this session, from {facts['client']}, the way it came: the server goes by"
        " others than its file holds now, or a word in quotes was taken for a keyword",
    )


def _other_warnings(facts: Mapping[str, Any], addresses: Sequence[str]) -> tuple[str, ...]:
    told = []
    listens = [one.strip() for one in facts["listens"].split(",")]
    if all(_is_loopback(one) for one in listens) and not all(_is_loopback(one) for one in addresses):
        told.append(
            f"The server listens on {facts['listens'] or 'no address'} alone (listen_addresses), where no other machine"
            " reaches it"
        )
    return tuple(told)


def _is_loopback(name: str) -> bool:
    if name in {"localhost", ""}:
        return True
    try:
        return read_network(name).is_loopback
    except ValueError:
        return False


def _behind_a_pooler(region: str, addresses: Sequence[str], facts: Mapping[str, Any]) -> Reach:
    pooler = f" ({facts['client']})" if facts["client"] else ""
    why = "a pooler stands in between, whose own rules decide"
    note = (
        f"The server's pg_hba rules see the pooler's address{pooler}, which they let in; who may come to the pooler is"
        " said by its auth_hba_file or its service's firewall"
    )
    visibility: Visibility = "full" if facts["may_read"] else "none"
    return Reach(region, visibility, unknown(addresses, why), notes=(note,))


def _unread(session: Session, region: str, addresses: Sequence[str], facts: Mapping[str, Any]) -> Reach:
    """Return what can be told of rules that the role may not read."""
    target = session.target
    tls = "under TLS" if session.encrypted else "without TLS"
    password = "with a password" if session.used_password else "without a password"
    client = f" from {facts['client']}" if facts["client"] else ""
    came = f"This session was let in{client}, {tls} and {password}; of other addresses that says nothing"
    notes = (came, *_other_warnings(facts, addresses))
    if {target.connector, propose(target.host)} & _MANAGED:
        why = "the service keeps its pg_hba rules to itself"
        return Reach(region, "none", unknown(addresses, why), firewall_fix(target), notes=notes)
    why = "the role may not read the server's pg_hba rules"
    grant = f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO {identifier(facts['username'])};"
    # A grant on a function holds in one database. A line break would end the comment, and start a statement.
    fix = f"{grant} -- as a superuser, in the database {' '.join(facts['database'].split())}"
    return Reach(region, "none", unknown(addresses, why), fix, notes=notes)
