"""PostGIS: installed, in which schema, new enough, and able to run."""

from __future__ import annotations

import re
from typing import Any

from tui.postgres.errors import QueryFailed
from tui.postgres.finding import Finding
from tui.postgres.quoting import identifier
from tui.postgres.session import Session
from tui.postgres.target import Target

MINIMUM = (2, 4)

INSTALLED = """
SELECT e.extversion AS version,
       n.nspname AS schema,
       has_schema_privilege(n.oid, 'USAGE') AS usable,
       (SELECT reset_val FROM pg_settings WHERE name = 'search_path') AS search_path,
       (SELECT p.proname::text FROM pg_proc p
         WHERE p.pronamespace = n.oid AND p.proname = 'postgis_lib_version' AND p.pronargs = 0) AS probe
  FROM (SELECT) AS one
  LEFT JOIN pg_extension e ON e.extname = 'postgis'
  LEFT JOIN pg_namespace n ON n.oid = e.extnamespace
"""
AVAILABLE = """
SELECT (SELECT default_version FROM pg_available_extensions WHERE name = 'postgis') AS available,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
       OR EXISTS (SELECT FROM pg_roles WHERE rolname IN ('rds_superuser', 'azure_pg_admin', 'cloudsqlsuperuser',
                                                         'alloydbsuperuser')
                     AND pg_has_role(oid, 'USAGE')) AS may_create,
       has_database_privilege(current_database(), 'CREATE') AS may_write,
       current_setting('server_version_num')::int / 10000 AS major
"""


async def check_postgis(session: Session) -> tuple[Finding, str | None]:
    """Return the finding and PostGIS's version. Raises QueryFailed."""
    row = (await session.rows(INSTALLED))[0]
    if row["version"] is None:
        return missing(session.target, (await session.rows(AVAILABLE))[0]), None
    loaded: str | None = None
    if row["usable"] and row["probe"]:
        try:
            function = identifier(row["schema"]) + ".postgis_lib_version()"
            loaded = (await session.rows(f"SELECT {function} AS version"))[0]["version"]
        except QueryFailed as error:
            return _does_not_load(row, error.finding), row["version"]
    return installed(session.target, row, loaded), row["version"]


def parse(version: str) -> tuple[int, int] | None:
    """Return major and minor of a version of PostGIS.

    >>> parse("3.3.2"), parse("2.5.0dev"), parse("unpackaged")
    ((3, 3), (2, 5), None)
    """
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else None


def missing(target: Target, row: dict[str, Any]) -> Finding:
    """Return what to do where the database has no PostGIS."""
    if not row["available"]:
        fix = {
            "azure": "Add POSTGIS to the server parameter azure.extensions, then CREATE EXTENSION postgis;",
        }.get(
            target.connector,
            f"Install it on the server's machine (Debian: postgresql-{row['major']}-postgis-3), then CREATE EXTENSION"
            " postgis;",
        )
        return Finding(
            "postgis", "warning", "PostGIS is not installed, and the server does not have it to install", fix
        )
    message = f"PostGIS is not installed in {target.database}; the server has {row['available']} ready"
    if row["may_create"]:
        return Finding("postgis", "warning", message, "CREATE EXTENSION postgis;")
    return Finding(
        "postgis",
        "warning",
        f"{message}, and {target.username} may not install it",
        f"As an administrator, in {target.database}: CREATE EXTENSION postgis;",
    )


def installed(target: Target, row: dict[str, Any], loaded: str | None) -> Finding:
    """Return whether CARTO can use the PostGIS that is there; `loaded` is what its library says of itself."""
    schema, version = row["schema"], row["version"]
    if not row["usable"]:
        return Finding(
            "postgis",
            "warning",
            f"PostGIS {version} is in the schema {schema}, which {target.username} may not use",
            f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {identifier(target.username)};",
        )
    numbers = parse(loaded or version) or parse(version)
    if numbers is None or numbers < MINIMUM:
        return Finding(
            "postgis",
            "failed",
            f"This is PostGIS {loaded or version}, and CARTO supports 2.4 and newer",
            "Install a newer PostGIS on the server, then ALTER EXTENSION postgis UPDATE;",
        )
    if loaded and parse(version) not in {None, numbers}:
        return Finding(
            "postgis",
            "warning",
            f"PostGIS's functions are of {version}, and its library is {loaded}: an upgrade stopped half-way",
            "SELECT postgis_extensions_upgrade();",
        )
    path = schemas(row["search_path"] or "", target.username)
    if schema not in path and schema != "pg_catalog":
        wanted = ", ".join(identifier(name) for name in (*path, schema))
        return Finding(
            "postgis",
            "warning",
            f"PostGIS {version} is in the schema {schema}, which is not on {target.username}'s search_path: CARTO's SQL"
            " does not find its functions",
            f"ALTER ROLE {identifier(target.username)} IN DATABASE {identifier(target.database)} SET search_path ="
            f" {wanted};",
        )
    return Finding("postgis", "ok", f"PostGIS {loaded or version} in the schema {schema}")


def _does_not_load(row: dict[str, Any], said: Finding) -> Finding:
    return Finding(
        "postgis",
        "warning",
        f"PostGIS {row['version']} is installed, and does not run: {said.detail or said.message}",
        "Install the package of this version for this PostgreSQL, or ALTER EXTENSION postgis UPDATE;",
        code=said.code,
    )


def schemas(search_path: str, username: str) -> list[str]:
    """Return the schemas that a search_path names, "$user" replaced.

    >>> schemas('"$user", public, "A b"', "carto")
    ['carto', 'public', 'A b']
    """
    found = []
    for quoted, bare in re.findall(r'"((?:[^"]|"")*)"|([^\s,"]+)', search_path):
        name = quoted.replace('""', '"') if quoted else bare.lower()
        found.append(username if name == "$user" else name)
    return found
