"""Which service runs the server, by marks that only that service leaves. Pure."""

from __future__ import annotations

from collections.abc import Collection

from tui.connections.connectors import BY_KEY
from tui.postgres.finding import Finding
from tui.postgres.target import Target

# The marks, most telling first: Aurora is RDS as well, and AlloyDB has Cloud SQL's roles too.
ROLES = {
    "alloydb": ("alloydbsuperuser", "alloydbadmin"),
    "cloudsql": ("cloudsqlsuperuser", "cloudsqladmin"),
    "azure": ("azure_pg_admin",),
    "rds": ("rds_superuser", "rdsadmin"),
}
DATABASES = {"alloydb": ("alloydbadmin",), "cloudsql": ("cloudsqladmin",), "azure": ("azure_sys", "azure_maintenance"),
             "rds": ("rdsadmin",)}  # fmt: skip
MARKS: tuple[str, ...] = tuple(
    sorted({name for table in (ROLES, DATABASES) for names in table.values() for name in names})
)


def recognise(roles: Collection[str], databases: Collection[str], *, aurora: bool, rds_settings: bool) -> str:
    """Return the connector's key of the service that left these marks; `postgresql` where none did."""
    if aurora:
        return "aurora"
    for key, names in ROLES.items():
        if set(names) & set(roles) or set(DATABASES[key]) & set(databases):
            return key
    return "rds" if rds_settings else "postgresql"


def judge(target: Target, provider: str, marks: Collection[str]) -> Finding:
    """Return whether the service is the one that was picked."""
    label = BY_KEY[provider].label
    evidence = f"seen by {', '.join(sorted(marks))}" if marks else ""
    picked = target.connector
    if picked in {provider, "pgbouncer"}:
        message = "PostgreSQL of no known cloud service" if provider == "postgresql" else label
        return Finding("provider", "ok", message, detail=evidence)
    if provider == "postgresql":
        message = f"{BY_KEY[picked].label} was picked, and the server has none of its marks"
    else:
        message = f"This is {label}, and {BY_KEY[picked].label} was picked: the advice given may not fit"
    return Finding("provider", "warning", message, f"Pick the connector {label} ({provider})", evidence)
