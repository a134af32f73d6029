"""What PgBouncer's own refusals mean. It says them in English, most of them under SQLSTATE 08P01. Pure.

Source: PgBouncer's client.c, objects.c and janitor.c, 1.18 to 1.24. Other poolers borrow many of its words.
"""

from __future__ import annotations

from dataclasses import replace

from tui.postgres.cause import Cause
from tui.postgres.errors import Failure
from tui.postgres.quoting import identifier
from tui.postgres.target import Target


def cause(failure: Failure, target: Target) -> Cause | None:
    """Return what a pooler's refusal means; None where PostgreSQL itself spoke, or the words are unknown."""
    if failure.where:  # PostgreSQL itself names the function that refused
        return None
    text, user = failure.text, target.username
    entry = f"{target.database} = host=... port=5432"
    rules: tuple[tuple[str, str, str, str], ...] = (
        ("no such database", "3D000", f"PgBouncer knows no database {target.database}",
         f"Add it to [databases] in pgbouncer.ini: {entry} and RELOAD"),
        ("no such user", "28000", f"PgBouncer knows no role {user}",
         "Add it to auth_file, or set auth_query, and RELOAD"),
        ("SASL authentication failed", "28P01", f"PgBouncer does not accept this password for the role {user}",
         "Type the password again; its auth_file must hold the role's current SCRAM verifier"),
        ("no more connections allowed", "53300", "PgBouncer is full: max_client_conn clients are connected",
         "Raise max_client_conn in pgbouncer.ini (and its ulimit -n), or close clients"),
        ("query_wait_timeout", "57014", "PgBouncer found no free server socket within query_wait_timeout",
         "Raise default_pool_size as far as the server's max_connections lets you; look at SHOW POOLS"),
        ("unsupported startup parameter", "08P01", "PgBouncer refuses a start-up parameter",
         "ignore_startup_parameters = extra_float_digits, options in pgbouncer.ini"),
        ("SSL required", "08P01", "PgBouncer lets nobody in without TLS", "Choose the TLS mode require"),
        ("is disabled", "08P01", f"The database {target.database} is disabled in PgBouncer",
         f"ENABLE {identifier(target.database)}; on its admin console"),
        ("server login", "08006", f"PgBouncer cannot log in to the server behind it: {' '.join(text.split())}",
         "Check host, port, user and password of the entry in [databases], and that server's log"),
        ("cannot connect to server", "08006", "PgBouncer cannot reach the server behind it",
         "Check host and port of the entry in [databases], and that the server runs"),
        ("server_connect_timeout", "08006", "PgBouncer gets no answer from the server behind it",
         "Check host and port of the entry in [databases], and the firewall between the two"),
        ("bouncer config error", "08P01", "PgBouncer's configuration is broken", "Look at PgBouncer's log"),
    )  # fmt: skip
    for words, code, message, fix in rules:
        if words in text:
            return Cause("authentication", message, fix, code)
    return None


# The server's own words: a pooler passes them on under a SQLSTATE of its own, and a libpq that cannot be asked for
# more gives nothing else.
_PASSED_ON = (
    ("pg_hba.conf", "28000"),
    ("is not permitted to log in", "28000"),
    ("password authentication failed", "28P01"),
    ("too many clients", "53300"),
    ("connection slots", "53300"),
    ("too many connections", "53300"),
    ("permission denied for database", "42501"),
    ("not currently accepting connections", "55000"),
    ("the database system is", "57P03"),
    ("does not exist", "3D000"),
)


def passed_on(failure: Failure) -> Failure:
    """Return a failure with the SQLSTATE that the server behind a pooler meant."""
    if failure.where or failure.code not in {"08P01", "XX000"}:
        return failure
    return replace(failure, code=by_words(failure.text) or failure.code)


def by_words(text: str) -> str:
    """Return the SQLSTATE of a server's refusal in English; empty where the words are unknown.

    >>> by_words("sorry, too many clients already")
    '53300'
    """
    return next((code for words, code in _PASSED_ON if words in text), "")
