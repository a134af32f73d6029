"""What is known of the driver, for `doctor`: nobody above this room imports psycopg."""

from __future__ import annotations

from psycopg import pq

from tui.postgres.opening import tells_sqlstates

__all__ = ["implementation", "libpq_version", "tells_sqlstates"]


def libpq_version() -> str:
    """Return libpq's version, such as 18.6."""
    number = pq.version()
    return f"{number // 10000}.{number % 10000}"


def implementation() -> str:
    """Return how psycopg reaches libpq: binary, c or python."""
    return pq.__impl__
