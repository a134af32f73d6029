"""The locations of the advanced options, taken apart. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A location taken apart: the schema, and the database where one is named."""

    schema: str
    database: str = ""


def place(text: str, schemas: frozenset[str] = frozenset()) -> Place:
    """Return the place that a location means; a schema whose own name has a dot is known by being there.

    >>> place("analytics.carto"), place("carto")
    (Place(schema='carto', database='analytics'), Place(schema='carto', database=''))
    """
    database, dot, schema = text.partition(".")
    return Place(text) if not dot or text in schemas else Place(schema, database)
