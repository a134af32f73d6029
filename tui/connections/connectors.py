"""The connectors of the picker: what each kind of server needs, and the defaults it brings."""

from __future__ import annotations

import re
from typing import NamedTuple


class Connector(NamedTuple):
    """One kind of server. `needs` and `hints` are sentences for the person who sets it up."""

    key: str
    label: str
    summary: str
    needs: tuple[str, ...]
    port: int = 5432
    sslmode: str = "prefer"
    server_example: str = "db.example.com"
    username_example: str = "carto"
    hosts: str = ""  # a pattern of host names that give this connector away


CONNECTORS: tuple[Connector, ...] = (
    Connector(
        "postgresql",
        "PostgreSQL",
        "Your own PostgreSQL, 12 or newer",
        (
            "A role that may log in, and a pg_hba.conf line that admits CARTO's addresses",
            "PostGIS 2.4 or newer in the database: CREATE EXTENSION postgis",
            "TLS is used when the server offers it; choose verify-full where it has a certificate you trust",
        ),
    ),
    Connector(
        "rds",
        "Amazon RDS",
        "RDS for PostgreSQL, and RDS Proxy",
        (
            "A security group that admits CARTO's addresses on the port",
            "TLS is forced from PostgreSQL 15 on (rds.force_ssl); to verify it, download global-bundle.pem",
            "A public address, or a network path from CARTO",
        ),
        sslmode="require",
        server_example="mydb.abcdefghijkl.eu-west-1.rds.amazonaws.com",
        username_example="postgres",
        hosts=r"(?!.*\.(cluster|cluster-ro|cluster-custom)-).*\.rds\.amazonaws\.com(\.cn)?$",
    ),
    Connector(
        "aurora",
        "Amazon Aurora",
        "Aurora with PostgreSQL compatibility",
        (
            "The writer endpoint (.cluster-): a reader (.cluster-ro-) is read-only, so Workflows cannot use it",
            "A security group that admits CARTO's addresses on the port",
            "TLS as on RDS; to verify it, download global-bundle.pem",
        ),
        sslmode="require",
        server_example="mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com",
        username_example="postgres",
        hosts=r".*\.cluster-(ro-|custom-)?[^.]+\.[^.]+\.rds\.amazonaws\.com(\.cn)?$",
    ),
    Connector(
        "azure",
        "Azure Database for PostgreSQL",
        "Flexible Server",
        (
            "Firewall rules that admit CARTO's addresses (public access)",
            "TLS 1.2 or newer is forced; verify-full works with sslrootcert=system",
            "Extensions must be allow-listed first: azure.extensions = POSTGIS",
            "Its built-in PgBouncer listens on port 6432: pick PgBouncer for that door",
        ),
        sslmode="require",
        server_example="mydb.postgres.database.azure.com",
        hosts=r".*\.postgres\.database\.azure\.com$",
    ),
    Connector(
        "cloudsql",
        "Google Cloud SQL",
        "Cloud SQL for PostgreSQL",
        (
            "Authorized networks that hold CARTO's addresses",
            "Its certificate names project:instance: verify-ca with the instance's server-ca.pem, not verify-full",
            "An instance that demands client certificates cannot be used: six parameters cannot carry one",
        ),
        sslmode="require",
        server_example="34.78.0.10",
        username_example="postgres",
        hosts=r".*\.sql\.goog$",
    ),
    Connector(
        "alloydb",
        "Google AlloyDB",
        "AlloyDB for PostgreSQL",
        (
            "A public address with CARTO's addresses as authorized external networks",
            "TLS is required by default",
        ),
        sslmode="require",
        server_example="34.78.0.10",
        username_example="postgres",
        hosts=r".*\.alloydb\.goog$",
    ),
    Connector(
        "pgbouncer",
        "PgBouncer",
        "A connection pooler before PostgreSQL",
        (
            "An entry for the database in [databases], and the role in its auth_file or auth_query",
            "ignore_startup_parameters = extra_float_digits, options",
            "Transaction pooling breaks session state; prepared statements need 1.21 and max_prepared_statements",
        ),
        port=6432,
        server_example="pooler.example.com",
    ),
)

BY_KEY: dict[str, Connector] = {connector.key: connector for connector in CONNECTORS}


def propose(server: str, port: int | None = None) -> str:
    """Return the key of the connector that a host name and port give away; `postgresql` where nothing does.

    >>> propose("mydb.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com")
    'aurora'
    >>> propose("db.example.com", 6432)
    'pgbouncer'
    """
    if port == BY_KEY["pgbouncer"].port:
        return "pgbouncer"
    host = server.strip().rstrip(".").lower()
    for connector in CONNECTORS:
        if connector.hosts and re.fullmatch(connector.hosts, host):
            return connector.key
    return "postgresql"
