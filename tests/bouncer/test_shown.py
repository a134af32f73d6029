"""What the console shows, read by column whatever the version."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tui.bouncer import shown

# Columns as 1.18.0 and 1.25.2 showed them to the console of the tests.
OLD_DATABASE = {"name": "gis", "host": "10.0.0.9", "port": 5432, "database": "gis", "force_user": None, "pool_size": 20,
                "min_pool_size": 0, "reserve_pool": 3, "pool_mode": None, "max_connections": 0,
                "current_connections": 1, "paused": 0, "disabled": 1}  # fmt: skip
NEW_DATABASE = {"name": "gis", "host": "10.0.0.9", "port": 5432, "database": "gis", "force_user": None, "pool_size": 20,
                "min_pool_size": 0, "reserve_pool_size": 3, "server_lifetime": 3600, "pool_mode": None,
                "load_balance_hosts": "round-robin", "max_connections": 0, "current_connections": 1,
                "max_client_connections": 0, "current_client_connections": 4, "paused": 0, "disabled": 1}  # fmt: skip
OLD_POOL = {"database": "gis", "user": "carto", "cl_active": 3, "cl_waiting": 2, "cl_active_cancel_req": 0,
            "cl_waiting_cancel_req": 0, "sv_active": 3, "sv_active_cancel": 0, "sv_being_canceled": 0, "sv_idle": 1,
            "sv_used": 1, "sv_tested": 0, "sv_login": 1, "maxwait": 4, "maxwait_us": 500000,
            "pool_mode": "transaction"}  # fmt: skip


def test_old_and_new_columns_read_alike() -> None:
    assert shown.databases([OLD_DATABASE]) == shown.databases([NEW_DATABASE])
    (entry,) = shown.databases([NEW_DATABASE])
    assert (entry.reserve, entry.paused, entry.disabled) == (3, False, True)
    assert shown.pools([OLD_POOL]) == shown.pools([{**OLD_POOL, "load_balance_hosts": None}])
    (pool,) = shown.pools([OLD_POOL])
    assert (pool.clients, pool.servers, pool.maxwait_s) == (5, 6, 4.5)


def test_what_is_not_shown_is_none() -> None:
    (entry,) = shown.databases([{"name": "gis"}])
    assert (entry.reserve, entry.maximum, entry.paused, entry.disabled) == (None, None, None, None)
    (leg,) = shown.legs([{"user": "carto", "remote_pid": 0, "tls": ""}])
    assert (leg.pid, leg.tls, leg.application) == (None, None, None)
    (traffic,) = shown.traffic([{"database": "gis", "total_xact_count": Decimal(7), "avg_wait_time": Decimal(2500)}])
    assert (traffic.transactions, traffic.queries, traffic.wait_average_s) == (7, None, 0.0025)
    assert shown.State("x", {"max_client_conn": "many"}).setting("max_client_conn") is None


def test_versions_and_states() -> None:
    assert shown.version([{"version": "PgBouncer 1.18.0"}], "1.18.0/bouncer") == "PgBouncer 1.18.0"
    assert shown.version([], "1.9.0/bouncer") == "1.9.0/bouncer"
    rows = [{"key": "active", "value": "no"}, {"key": "paused", "value": "yes"}, {"key": "suspended", "value": "no"}]
    assert shown.halted(rows) == "paused"
    assert shown.halted([{"key": "active", "value": "yes"}]) == ""


cells = st.none() | st.text(max_size=8) | st.integers() | st.decimals() | st.floats() | st.booleans()
columns = st.sampled_from([*NEW_DATABASE, *OLD_POOL, "key", "value", "list", "items", "remote_pid", "wait", "addr"])


@given(st.lists(st.dictionaries(columns, cells)))
def test_no_answer_breaks_the_reading(rows: list[dict[str, Any]]) -> None:
    for read in (shown.pools, shown.databases, shown.legs, shown.traffic, shown.users):
        assert len(read(rows)) == len(rows)
    assert all(isinstance(value, str) for value in shown.config(rows).values())
    assert all(isinstance(value, int) for value in shown.lists(rows).values())
    shown.halted(rows)
