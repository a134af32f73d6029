"""The connectors: their defaults hold together, and host names give them away."""

from __future__ import annotations

import pytest

from tui.connections import parameters
from tui.connections.connectors import BY_KEY, CONNECTORS, propose


@pytest.mark.parametrize(
    ("server", "port", "key"),
    [
        ("db.example.com", None, "postgresql"),
        ("db.example.com", 6432, "pgbouncer"),
        ("10.0.0.1", 5432, "postgresql"),
        ("mydb.abcdefghijkl.eu-west-1.rds.amazonaws.com", 5432, "rds"),
        ("mydb.proxy-abcdefghijkl.eu-west-1.rds.amazonaws.com", None, "rds"),
        ("mydb.abcdefghijkl.cn-north-1.rds.amazonaws.com.cn", None, "rds"),
        ("MYDB.ABCDEFGHIJKL.EU-WEST-1.RDS.AMAZONAWS.COM.", None, "rds"),
        ("mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com", None, "aurora"),
        ("mydb.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com", None, "aurora"),
        ("mydb.cluster-custom-abcdefghijkl.eu-west-1.rds.amazonaws.com", None, "aurora"),
        ("mydb.postgres.database.azure.com", None, "azure"),
        ("mydb.postgres.database.azure.com", 6432, "pgbouncer"),
        ("abc.europe-west1.sql.goog", None, "cloudsql"),
        ("abc.europe-west1.alloydb.goog", None, "alloydb"),
        ("postgres.database.azure.com.example.com", None, "postgresql"),
        ("evilrds.amazonaws.com", None, "postgresql"),
        ("", None, "postgresql"),
    ],
)
def test_a_host_name_gives_its_connector_away(server: str, port: int | None, key: str) -> None:
    assert propose(server, port) == key


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.key)
def test_what_a_connector_presets_is_valid_and_its_example_proposes_no_other(connector: object) -> None:
    known = BY_KEY[getattr(connector, "key", "")]
    draft = {
        **parameters.defaults(known.key),
        "name": "x",
        "server": known.server_example,
        "username": known.username_example,
        "database": "gis",
    }
    assert parameters.read(draft)[1] == {}
    assert propose(known.server_example, known.port) in {known.key, "postgresql"}
    assert known.needs
