"""The three locations of the advanced options: there, usable, or able to be made.

None of them is needed for a Connection to work, so what is wrong with one is a warning: CARTO registers the
Connection, and the feature that looks there fails later.
"""

from __future__ import annotations

from typing import Any

from tui.connections.locations import Place, place
from tui.connections.model import Parameters
from tui.postgres.errors import QueryFailed
from tui.postgres.finding import Finding
from tui.postgres.quoting import identifier
from tui.postgres.session import Session
from tui.postgres.target import Target
from tui.workflows.tables import size

CHECKS = ("analytics_toolbox", "data_observatory", "workflows_temp")
# Newer pages of CARTO's documentation call the schema of Workflows carto_temp.
_TEMPS = ("workflows_temp", "carto_temp")

SCHEMAS = """
SELECT s.name,
       n.nspname IS NOT NULL AS found,
       pg_get_userbyid(n.nspowner)::text AS owner,
       coalesce(has_schema_privilege(n.oid, 'USAGE'), false) AS may_use,
       coalesce(has_schema_privilege(n.oid, 'CREATE'), false) AS may_create,
       has_database_privilege(current_database(), 'CREATE') AS may_make,
       p.core, p.advanced, t.tables, t.readable
  FROM unnest(%s::text[]) AS s(name)
  LEFT JOIN pg_namespace n ON n.nspname = s.name
 CROSS JOIN LATERAL (
       SELECT coalesce(bool_or(proname = 'version_core'), false) AS core,
              coalesce(bool_or(proname = 'version_advanced'), false) AS advanced
         FROM pg_proc
        WHERE pronamespace = n.oid AND pronargs = 0 AND proname IN ('version_core', 'version_advanced')) AS p
 CROSS JOIN LATERAL (
       SELECT count(*) AS tables, count(*) FILTER (WHERE has_table_privilege(c.oid, 'SELECT')) AS readable
         FROM pg_class c
        WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'f', 'v', 'm')) AS t
"""
DATABASES = """
SELECT s.name,
       d.datname IS NOT NULL AS found,
       coalesce(has_database_privilege(d.oid, 'CONNECT'), false) AS may_connect,
       coalesce(has_database_privilege(d.oid, 'CREATE'), false) AS may_create
  FROM unnest(%s::text[]) AS s(name) LEFT JOIN pg_database d ON d.datname = s.name
"""
SIZE = """
SELECT count(*) AS tables, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relkind IN ('r', 'm')
"""


async def check_locations(session: Session, parameters: Parameters) -> list[Finding]:
    """Return one finding for each location. Raises QueryFailed."""
    texts = [getattr(parameters, check) for check in CHECKS]
    wanted = {name for text in texts for name in (text, place(text).schema)} | set(_TEMPS)
    schemas = {row["name"]: row for row in await session.rows(SCHEMAS, (sorted(wanted),))}
    there = frozenset(name for name, row in schemas.items() if row["found"])
    places = [place(text, there) for text in texts]
    named = sorted({spot.database for spot in places} - {"", session.target.database})
    databases = {row["name"]: row for row in await session.rows(DATABASES, (named,))} if named else {}
    findings = []
    for check, spot in zip(CHECKS, places, strict=True):
        if spot.database in databases:
            findings.append(elsewhere(session.target, check, spot, databases[spot.database]))
        elif check == "analytics_toolbox":
            findings.append(await _toolbox(session, schemas[spot.schema]))
        elif check == "data_observatory":
            findings.append(data_observatory(session.target, schemas[spot.schema]))
        else:
            findings.append(await _workflows(session, schemas, spot.schema))
    return findings


def elsewhere(target: Target, check: str, spot: Place, database: dict[str, Any]) -> Finding:
    """Return what can be told of a location in another database, into which this session cannot look."""
    name, role = identifier(spot.database), identifier(target.username)
    if not database["found"]:
        return Finding(check, "warning", f"There is no database {spot.database} on this server",
                       "Give a schema of the Connection's own database, or check the name")  # fmt: skip
    if not database["may_connect"]:
        return Finding(check, "warning", f"{target.username} may not connect to {spot.database}",
                       f"GRANT CONNECT ON DATABASE {name} TO {role};")  # fmt: skip
    creating = "may make schemas there" if database["may_create"] else "may make no schemas there"
    return Finding(
        check,
        "warning",
        f"{spot.database} is another database: {target.username} may connect to it and {creating}; whether its schema"
        f" {spot.schema} exists cannot be seen from here",
        f"Register a Connection to {spot.database} and check it there, or give a schema of {target.database}",
    )


def _unusable(target: Target, check: str, row: dict[str, Any]) -> Finding:
    return Finding(
        check,
        "warning",
        f"The schema {row['name']} is there, and the role {target.username} may not use it",
        f"GRANT USAGE ON SCHEMA {identifier(row['name'])} TO {identifier(target.username)};",
    )


async def _toolbox(session: Session, row: dict[str, Any]) -> Finding:
    versions = {}
    for name in ("core", "advanced"):
        if row["may_use"] and row[name]:
            try:
                function = f"{identifier(row['name'])}.version_{name}()"
                versions[name] = str((await session.rows(f"SELECT {function}::text AS version"))[0]["version"])
            except QueryFailed as error:
                return _toolbox_fails(session.target, row, error.finding)
    return analytics_toolbox(session.target, row, versions)


def analytics_toolbox(target: Target, row: dict[str, Any], versions: dict[str, str]) -> Finding:
    """Return whether the toolbox's functions can be called, and which versions of it are there."""
    schema, role = identifier(row["name"]), identifier(target.username)
    if not row["found"]:
        return Finding(
            "analytics_toolbox",
            "warning",
            f"There is no schema {row['name']}: Workflows, tilesets, geocoding and enrichment need the toolbox",
            f"Install CARTO's Analytics Toolbox into {schema}, then GRANT USAGE ON SCHEMA {schema} TO {role};",
        )
    if not row["may_use"]:
        return _unusable(target, "analytics_toolbox", row)
    if not versions:
        return Finding(
            "analytics_toolbox",
            "warning",
            f"The schema {row['name']} is there, and no toolbox is in it: version_core() is missing",
            f"Install CARTO's Analytics Toolbox into {schema}, or give the schema that holds it",
        )
    seen = ", ".join(f"{name} {version}" for name, version in versions.items())
    return Finding("analytics_toolbox", "ok", f"Analytics Toolbox in the schema {row['name']}: {seen}")


def _toolbox_fails(target: Target, row: dict[str, Any], said: Finding) -> Finding:
    schema, role = identifier(row["name"]), identifier(target.username)
    fix = f"Install CARTO's Analytics Toolbox into {schema} again"
    if said.code == "42501":
        fix = f"GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {schema} TO {role};"
    return Finding("analytics_toolbox", "warning", f"The toolbox in {row['name']} cannot be called: "
                   f"{said.detail or said.message}", fix, code=said.code)  # fmt: skip


def data_observatory(target: Target, row: dict[str, Any]) -> Finding:
    """Return how many tables can be read where subscriptions are looked for."""
    schema, role = identifier(row["name"]), identifier(target.username)
    if not row["found"]:
        return Finding(
            "data_observatory",
            "warning",
            f"There is no schema {row['name']}: data subscriptions are looked for there",
            f"CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO {role}; or give the schema that holds them",
        )
    if not row["may_use"]:
        return _unusable(target, "data_observatory", row)
    tables, readable = row["tables"], row["readable"]
    if readable < tables:
        return Finding(
            "data_observatory",
            "warning",
            f"{target.username} can read {readable} of {tables} tables in the schema {row['name']}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};",
        )
    there = "1 table" if tables == 1 else f"{tables} tables"
    message = f"{there} in the schema {row['name']}, all readable" if tables else f"No table in {row['name']} yet"
    return Finding("data_observatory", "ok", message)


async def _workflows(session: Session, schemas: dict[str, Any], name: str) -> Finding:
    row = schemas[name]
    stored: dict[str, Any] | None = None
    if row["found"] and row["may_use"]:
        try:
            stored = (await session.rows(SIZE, (name,)))[0]
        except QueryFailed:  # a table that somebody holds locked: the count is a courtesy
            stored = None
    other = next((temp for temp in _TEMPS if temp != name and schemas[temp]["found"]), "")
    return workflows_temp(session.target, row, stored, other)


def workflows_temp(target: Target, row: dict[str, Any], stored: dict[str, Any] | None, other: str) -> Finding:
    """Return whether Workflows can put its tables there, and what lies there already; `other` is a like schema."""
    schema, role = identifier(row["name"]), identifier(target.username)
    if not row["found"]:
        hint = f" ({other} is there: give that, if CARTO uses it)" if other else ""
        if row["may_make"]:
            return Finding("workflows_temp", "warning" if other else "ok",
                           f"There is no schema {row['name']} yet; CARTO can make it{hint}",
                           f"Set Workflows temp. to {other}, or leave it" if other else "")  # fmt: skip
        return Finding(
            "workflows_temp",
            "warning",
            f"There is no schema {row['name']}, and {target.username} may not make one{hint}",
            f"CREATE SCHEMA {schema} AUTHORIZATION {role}; or"
            f" GRANT CREATE ON DATABASE {identifier(target.database)} TO {role};",
        )
    missing = [what for what, has in (("USAGE", row["may_use"]), ("CREATE", row["may_create"])) if not has]
    if missing:
        return Finding(
            "workflows_temp",
            "warning",
            f"{target.username} lacks {' and '.join(missing)} on the schema {row['name']}, which {row['owner']} owns",
            f"GRANT ALL ON SCHEMA {schema} TO {role};",
        )
    holds = ""
    if stored is not None:
        tables = "1 table" if stored["tables"] == 1 else f"{stored['tables']} tables"
        holds = f": {tables}, {size(stored['bytes'])}" if stored["tables"] else ": empty"
    return Finding("workflows_temp", "ok", f"The schema {row['name']} is there and can be written{holds}",
                   detail="Nothing cleans it by itself" if stored and stored["tables"] else "")  # fmt: skip
