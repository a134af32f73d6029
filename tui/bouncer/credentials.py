"""Who comes in to a PgBouncer: the list of users, and the function that looks passwords up at the server. Pure.

Sources: PgBouncer's config.md with its example of a secure function for auth_query; RFC 5803 for SCRAM verifiers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from tui.bouncer.configuration import AUTH, one_line
from tui.postgres.quoting import identifier, literal

_ITERATIONS = 4096  # PostgreSQL's own default


def users(secrets: Mapping[str, str]) -> str:
    """Return userlist.txt: passwords or verifiers by role. Raises ValueError where one cannot stand in it."""
    lines = [f"{identifier(one_line(role))} {identifier(one_line(secret))}\n" for role, secret in secrets.items()]
    return "".join(lines)


def lookup(roles: Sequence[str], verifier: str) -> str:
    """Return the SQL that makes the role and the function of auth_query; it is to be run in every database.

    The function hands out the verifiers of the Connections' own roles alone, never a superuser's, and none that has
    expired. It is PgBouncer's own example with that restriction: SECURITY DEFINER, its search_path pinned, EXECUTE
    for one role. Whom it will not let in, the SQL warns of when it is run. Raises ValueError where a role's name
    cannot stand in it.
    """
    listed = ", ".join(literal(role) for role in roles)
    for tag in ("$lookup$", "$warn$"):
        if tag in listed:
            raise ValueError(f"No role can be called {tag} here")
    return _LOOKUP.format(auth=AUTH, verifier=literal(verifier), roles=listed)


_LOOKUP = """\
-- Written by pgconns bouncer config. A superuser runs it in each database that PgBouncer is to serve, for instance with
-- psql -d DATABASE -f auth_query.sql. It is taken back by DROP SCHEMA pgbouncer CASCADE; DROP OWNED BY {auth};
-- in each of them, and then DROP ROLE {auth};
BEGIN;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{auth}') THEN
        CREATE ROLE {auth};
    END IF;
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO {auth}', pg_catalog.current_database());
END
$$;
ALTER ROLE {auth} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION
    PASSWORD {verifier};
CREATE SCHEMA IF NOT EXISTS pgbouncer;
REVOKE ALL ON SCHEMA pgbouncer FROM PUBLIC;
GRANT USAGE ON SCHEMA pgbouncer TO {auth};
CREATE OR REPLACE FUNCTION pgbouncer.user_lookup(IN i_username text, OUT uname text, OUT phash text)
RETURNS record LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $lookup$
    SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END
      FROM pg_authid
     WHERE rolname = i_username AND rolcanlogin AND NOT rolsuper
       AND rolname IN ({roles})
$lookup$;
REVOKE ALL ON FUNCTION pgbouncer.user_lookup(text) FROM PUBLIC, {auth};
GRANT EXECUTE ON FUNCTION pgbouncer.user_lookup(text) TO {auth};
DO $warn$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM pg_catalog.pg_authid WHERE rolname IN ({roles}) LOOP
        IF one.rolsuper THEN
            RAISE WARNING 'Role % is a superuser, whom this function lets nobody in as: give its Connection another',
                one.rolname;
        ELSIF one.rolpassword IS NULL OR one.rolpassword NOT LIKE 'SCRAM-SHA-256$%' THEN
            RAISE WARNING 'Role % has no SCRAM verifier: set its password again under password_encryption ='
                ' scram-sha-256', one.rolname;
        END IF;
    END LOOP;
END
$warn$;
COMMIT;
"""


def scram_verifier(password: str, salt: bytes) -> str:
    """Return what a server keeps of a password of ASCII letters, which SASLprep leaves as it is (RFC 5803).

    >>> scram_verifier("pencil", bytes(16))[:41]
    'SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA'
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client_key).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt_text}${stored_text}:{server_text}"
