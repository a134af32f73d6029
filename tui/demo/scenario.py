"""What the demo shows: a company's server, whose databases CARTO and others use. Values only.

Sockets at most: maps 9, their second Connection 5, workflows 6, geodata 6, tiles 8, data apps 2 and 14 leaked,
dashboard 3, nightly load 1. That is 54 of 57; those peaks hardly ever meet.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_CONNECTIONS = 60


class Role(NamedTuple):
    """A role of the demo's server. `attributes` are those of CREATE ROLE."""

    name: str
    attributes: str = "LOGIN"


class Registered(NamedTuple):
    """A Connection of the demo's registry."""

    name: str
    database: str
    username: str


class Actor(NamedTuple):
    """A client program: how many sockets it holds, between `least` and `most`, and what it does with them.

    `rhythm_s` is how long it takes from few sockets to many and back. `feature` is CARTO's, None for other programs.
    """

    database: str
    username: str
    application: str
    least: int
    most: int
    rhythm_s: float
    statements: tuple[str, ...]
    feature: str | None = None
    holds_transactions: bool = False
    leaks_up_to: int = 0


ROLES = (
    Role("carto_builder"),
    Role("carto_workflows", "LOGIN CONNECTION LIMIT 12"),
    Role("carto_tiles"),
    Role("carto_apps"),
    Role("dashboard"),
    Role("nightly_load"),
)
DATABASES = ("analytics", "geodata", "tiles")

CONNECTIONS = (
    Registered("Analytics", "analytics", "carto_builder"),
    Registered("Analytics for the sales maps", "analytics", "carto_builder"),
    Registered("Workflows", "analytics", "carto_workflows"),
    Registered("Geodata", "geodata", "carto_builder"),
    Registered("Tiles", "tiles", "carto_tiles"),
    Registered("Data apps", "geodata", "carto_apps"),
)

_MAPS = (
    "SELECT region, count(*), avg(revenue), pg_sleep(0.2) FROM stores GROUP BY region",
    "SELECT id, name, revenue FROM stores WHERE revenue > 900 ORDER BY revenue DESC LIMIT 50",
    "SELECT count(*) FROM stores a JOIN stores b USING (region) WHERE a.id < 200",
)
_TILES = (
    "SELECT id, x, y FROM tileset WHERE z = 7 LIMIT 400",
    "SELECT z, count(*), pg_sleep(0.1) FROM tileset GROUP BY z",
)
_WORKFLOWS = (
    "CREATE TABLE IF NOT EXISTS workflows_temp.node_7f3a AS SELECT * FROM stores LIMIT 100",
    "SELECT count(*) FROM workflows_temp.node_7f3a",
    "SELECT pg_sleep(1.5)",
)
_ROADS = (
    "SELECT kind, sum(length_km), pg_sleep(0.4) FROM roads GROUP BY kind",
    "SELECT * FROM roads WHERE length_km > 99 LIMIT 20",
)
_APPS = ("SELECT id, kind FROM roads ORDER BY id DESC LIMIT 10",)

ACTORS = (
    Actor("analytics", "carto_builder", "carto-maps-api", 2, 9, 50, _MAPS, feature="builder"),
    Actor("analytics", "carto_builder", "carto-workspace-api", 1, 5, 80, _MAPS, feature="data_explorer"),
    Actor(
        "analytics", "carto_workflows", "carto-sql-worker", 1, 6, 65, _WORKFLOWS, "workflows", holds_transactions=True
    ),
    Actor("geodata", "carto_builder", "carto-maps-api", 1, 6, 40, _ROADS, feature="builder"),
    Actor("tiles", "carto_tiles", "carto-maps-api", 2, 8, 30, _TILES, feature="tiles"),
    Actor("geodata", "carto_apps", "store-finder", 1, 2, 45, _APPS, feature="application", leaks_up_to=14),
    Actor("geodata", "dashboard", "dashboard", 1, 3, 25, _ROADS),
    Actor("analytics", "nightly_load", "nightly-load", 0, 1, 70, ("UPDATE stores SET revenue = revenue",)),
)

# Run in every database by the superuser, in this order.
SERVER_STATEMENTS = (
    *(f"CREATE DATABASE {name}" for name in DATABASES),
    "GRANT pg_monitor TO carto_builder",
    "GRANT CREATE ON DATABASE analytics TO carto_workflows",
)
DATABASE_STATEMENTS: dict[str, tuple[str, ...]] = {
    "analytics": (
        "CREATE TABLE stores AS SELECT n AS id, 'Store ' || n AS name, 'region ' || n % 12 AS region,"
        " (n * 7919) % 1000 AS revenue FROM generate_series(1, 4000) AS n",
        "GRANT SELECT ON stores TO carto_builder, carto_workflows",
        "GRANT SELECT, UPDATE ON stores TO nightly_load",
        "CREATE SCHEMA workflows_temp AUTHORIZATION carto_workflows",
        # A stand-in for data subscriptions, so that the Data Observatory's location has something in it.
        "CREATE SCHEMA carto",
        "CREATE TABLE carto.sub_demographics_sample AS SELECT n AS geoid, (n * 104729) % 5000 AS population"
        " FROM generate_series(1, 500) AS n",
        "GRANT USAGE ON SCHEMA carto TO carto_builder",
        "GRANT SELECT ON carto.sub_demographics_sample TO carto_builder",
    ),
    "geodata": (
        "CREATE TABLE roads AS SELECT n AS id, (ARRAY['motorway', 'street', 'path'])[1 + n % 3] AS kind,"
        " (n * 31) % 100 AS length_km FROM generate_series(1, 6000) AS n",
        "GRANT SELECT ON roads TO carto_builder, carto_apps, dashboard",
    ),
    "tiles": (
        "CREATE TABLE tileset AS SELECT n AS id, n % 9 AS z, n % 128 AS x, n % 64 AS y FROM generate_series(1, 8000) n",
        "GRANT SELECT ON tileset TO carto_tiles",
    ),
}
