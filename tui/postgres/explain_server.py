"""What a server's or a pooler's refusal means, by SQLSTATE, by the function that refused, and by words. Pure.

The words are in the server's language (lc_messages), so they decide only where nothing else can, and a sentence that
covers the cases stands in for them. Source: PostgreSQL's errcodes.txt, auth.c, miscinit.c, postinit.c, postmaster.c.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from tui.postgres import explain_pooler
from tui.postgres.cause import Cause, firewall_fix, restart_note
from tui.postgres.errors import Failure
from tui.postgres.explain_tls import lacks_tls
from tui.postgres.quoting import hba_name, identifier
from tui.postgres.target import Target

_SQLSTATE = re.compile(r"(?=.*\d)[0-9A-Z]{5}")
_TOKEN = re.compile(r"[0-9A-Fa-f.:]{3,45}")


def is_sqlstate(code: str) -> bool:
    """Whether `code` is the server's: names of errno such as EPERM hold no digit."""
    return bool(_SQLSTATE.fullmatch(code))


def cause(failure: Failure, target: Target) -> Cause:
    """Return what a server's refusal means."""
    pooled = explain_pooler.cause(failure, target)
    if pooled is not None:
        return pooled
    failure = explain_pooler.passed_on(failure)
    code = failure.code
    known = _KNOWN.get(code) or _CLASSES.get(code[:2])
    found = known(failure, target) if known else _other(failure, target)
    return found._replace(code=found.code or code)


def _other(failure: Failure, target: Target) -> Cause:
    return Cause(
        "authentication",
        f"The server refuses: {' '.join(failure.text.split())}",
        failure.hint or f"Look up SQLSTATE {failure.code} and the server's log at this moment",
    )


def _password(failure: Failure, target: Target) -> Cause:
    user = identifier(target.username)
    if target.password is None or not target.password:
        return _no_password(target)
    if "PAM" in failure.text and target.connector in {"rds", "aurora"}:
        return Cause(
            "authentication",
            f"The role {target.username} logs in by IAM only (rds_iam), and CARTO needs a password",
            f"REVOKE rds_iam FROM {user}; ALTER ROLE {user} PASSWORD '...';",
        )
    return Cause(
        "authentication",
        f"The server does not accept this password for {target.username}: it is wrong or has expired, or there is no"
        " such role (servers do not tell which)",
        f"Type the password again, or set it: ALTER ROLE {user} PASSWORD '...'; \\du+ shows the roles and how long each"
        " password is valid",
    )


def _no_password(target: Target) -> Cause:
    fix = "Type the password, or say where it is kept"
    if target.password_from == "pgpass":  # noqa: S105 - the place where it lives
        fix = (
            f"Add the line {target.host}:{target.port}:{target.database}:{target.username}:... to ~/.pgpass, and see"
            " that nobody else can read it: chmod 600 ~/.pgpass (libpq ignores it otherwise)"
        )
    return Cause("authentication", f"The server asks for the password of {target.username}, and none was given", fix,
                 "28P01")  # fmt: skip


def _authorization(failure: Failure, target: Target) -> Cause:
    text, user = failure.text, identifier(target.username)
    if "pg_hba.conf" in text:
        return _hba(failure, target)
    if failure.where == "InitializeSessionUserId" or "role " in text:
        if "not permitted to log in" in text:
            return Cause("authentication", f"The role {target.username} may not log in", f"ALTER ROLE {user} LOGIN;")
        if "does not exist" in text:
            return Cause("authentication", f"There is no role named {target.username}",
                         f"CREATE ROLE {user} LOGIN PASSWORD '...'; or check Username: capitals count")  # fmt: skip
        return Cause("authentication", f"The role {target.username} does not exist, or may not log in",
                     f"CREATE ROLE {user} LOGIN PASSWORD '...'; or ALTER ROLE {user} LOGIN;")  # fmt: skip
    if "client certificate" in text or "certificate authentication" in text.lower():
        return Cause(
            "authentication",
            "The server demands a client certificate, which a CARTO Connection cannot carry: it has six parameters",
            f"Let the role in by password: {_hba_line(target, _client_address(text))}",
        )
    return Cause(
        "authentication",
        f"The server does not let {target.username} in: {' '.join(text.split())}",
        "CARTO logs in with a password: the pg_hba.conf line that matches must say scram-sha-256 or md5",
    )


def _client_address(text: str) -> str:
    """Return the client's address as the server sees it, from a message in any language; empty where unsaid."""
    for token in _TOKEN.findall(text):
        try:
            return str(ipaddress.ip_address(token))
        except ValueError:
            continue
    return ""


def _hba_line(target: Target, address: str, kind: str = "host") -> str:
    network = "<its address>/32"
    if address:
        network = f"{address}/{128 if ':' in address else 32}"
    return f"{kind} {hba_name(target.database)} {hba_name(target.username)} {network} scram-sha-256"


def _hba(failure: Failure, target: Target) -> Cause:
    if target.connector in {"rds", "aurora", "azure", "cloudsql", "alloydb"}:
        if lacks_tls(failure):
            return _tls_required(failure, target)
        return Cause(
            "authentication",
            f"The service does not let this machine, role and database in: {' '.join(failure.text.split())}",
            f"Check Database and Username. {firewall_fix(target)}",
        )
    address = _client_address(failure.text)
    seen = f", which it sees as {address}" if address else ""
    rejects = "rejects" in failure.text
    plain = lacks_tls(failure)
    line = _hba_line(target, address, "hostssl" if target.sslmode in _ENCRYPTED else "host")
    message = (
        f"A line of pg_hba.conf rejects {target.username} on {target.database} from this machine{seen}"
        if rejects
        else f"pg_hba.conf has no line that lets {target.username} into {target.database} from this machine{seen}"
    )
    # In another language the two cannot be told apart: above a line that may reject is right for both.
    where = "as its own line" if "no pg_hba.conf entry" in failure.text else "above the line that rejects"
    if not rejects and "no pg_hba.conf entry" not in failure.text:
        message += ", or one that rejects it"
    fix = f"Add to pg_hba.conf, {where}: {line} and SELECT pg_reload_conf(); CARTO's addresses need such lines too"
    if plain:
        message += ", without TLS"
        fix = f"Choose the TLS mode require, if the lines are hostssl ones. {fix}"
    return Cause("authentication", message, fix)


_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})


def _tls_required(failure: Failure, target: Target) -> Cause:
    forced = {"rds": " (rds.force_ssl = 1)", "aurora": " (rds.force_ssl = 1)", "azure": " (require_secure_transport)"}
    return Cause(
        "tls",
        f"The server lets nobody in without TLS{forced.get(target.connector, '')}, and the mode {target.sslmode} came"
        " without",
        "Choose the TLS mode require, or verify-full where you have the root certificate",
    )


def _no_database(failure: Failure, target: Target) -> Cause:
    return Cause(
        "authentication",
        f"There is no database named {target.database} on this server",
        f"Check Database: capitals count, \\l lists them. To make it: CREATE DATABASE {identifier(target.database)};",
    )


def _no_privilege(failure: Failure, target: Target) -> Cause:
    database, user = identifier(target.database), identifier(target.username)
    return Cause(
        "authentication",
        f"The role {target.username} may not connect to {target.database}",
        f"GRANT CONNECT ON DATABASE {database} TO {user};",
    )


def _closed_database(failure: Failure, target: Target) -> Cause:
    return Cause(
        "authentication",
        f"The database {target.database} takes no connections just now (datallowconn is off, or it is being copied)",
        f"ALTER DATABASE {identifier(target.database)} ALLOW_CONNECTIONS true; a template is no place for data",
    )


def _full(failure: Failure, target: Target) -> Cause:
    user, database = identifier(target.username), identifier(target.database)
    where = failure.where or ("InitializeSessionUserId" if 'for role "' in failure.text else "")
    where = where or ("CheckMyDatabase" if 'for database "' in failure.text else "")
    if where == "InitializeSessionUserId":
        return Cause("authentication", f"The role {target.username} has as many sockets as its own limit lets it",
                     f"ALTER ROLE {user} CONNECTION LIMIT 50; or close sockets of it: merge Connections, use"
                     " PgBouncer")  # fmt: skip
    if where == "CheckMyDatabase":
        return Cause("authentication", f"The database {target.database} has as many sockets as its own limit lets it",
                     f"ALTER DATABASE {database} CONNECTION LIMIT -1; or close sockets of it: merge Connections, use"
                     " PgBouncer")  # fmt: skip
    left = (
        "only reserved ones are left"
        if failure.where == "InitPostgres" or "reserved" in failure.text
        else "none is left"
    )
    return Cause(
        "authentication",
        f"The server is full: max_connections sockets are open, {left}",
        "Close sockets that nobody uses (pg_stat_activity lists them), merge Connections, or put PgBouncer in between;"
        f" raising max_connections {restart_note(target)} needs a restart",
    )


def _not_now(failure: Failure, target: Target) -> Cause:
    text = failure.text.lower()
    if "shutting down" in text:
        return Cause("authentication", "The server is shutting down", "Start it again, or wait until it is back")
    if "hot standby mode is disabled" in text or "hot standby mode is off" in text:
        return Cause("authentication", "The server is a standby that takes no connections: hot_standby is off",
                     "Give the primary as Server; Workflows writes, so a standby would not do for it")  # fmt: skip
    if "recovery" in text:
        return Cause("authentication", "The server recovers from a crash, and takes no connections yet",
                     "Try again in a minute; the server's log shows how far it is")  # fmt: skip
    return Cause(
        "authentication",
        "The server is starting up or shutting down, and takes no connections now",
        "Try again in a minute. A standby that stays so has hot_standby = off, or waits for its primary's log",
    )


def _shut_down(failure: Failure, target: Target) -> Cause:
    return Cause("authentication", "The server ended the connection: it is shutting down, or an administrator ended it",
                 "Wait until it is back, or ask who ended it")  # fmt: skip


def _protocol(failure: Failure, target: Target) -> Cause:
    if lacks_tls(failure):
        return _tls_required(failure, target)
    return _other(failure, target)


def _server_trouble(failure: Failure, target: Target) -> Cause:
    return Cause(
        "authentication",
        f"The server has trouble of its own: {' '.join(failure.text.split())}",
        failure.hint or "Look at its log, its disk space and its memory",
    )


_KNOWN: dict[str, Callable[[Failure, Target], Cause]] = {
    "28P01": _password,
    "28000": _authorization,
    "3D000": _no_database,
    "42501": _no_privilege,
    "55000": _closed_database,
    "53300": _full,
    "57P03": _not_now,
    "57P01": _shut_down,
    "57P02": _shut_down,
    "08P01": _protocol,
}
_CLASSES: dict[str, Callable[[Failure, Target], Cause]] = {
    "53": _server_trouble,
    "58": _server_trouble,
    "XX": _server_trouble,
    "F0": _server_trouble,
}


def words_of_libpq(failure: Failure, target: Target) -> Cause | None:
    """Return what libpq's own words about logging in mean; None where they are about something else."""
    text = failure.text
    if failure.needs_password or "no password supplied" in text:
        return _no_password(target)
    if failure.code == "NUL":
        return Cause("authentication", "The password holds a NUL character, which PostgreSQL never accepts",
                     "Type the password again, or look at what the password's source prints")  # fmt: skip
    if "SASL authentication mechanisms" in text or "authentication method" in text or "OAuth" in text:
        return Cause(
            "authentication",
            f"The server asks for a way of logging in that CARTO does not know: {' '.join(text.split())}",
            f"Let the role in by password, in pg_hba.conf: {_hba_line(target, '')} (md5 for old ones)",
        )
    if "incorrect server signature" in text or "SCRAM" in text:
        return Cause("authentication", "The server could not prove that it knows the password: it may be an impostor",
                     "Check Server, and use verify-full")  # fmt: skip
    return None
