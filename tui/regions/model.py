"""CARTO's regions: their static addresses, and where a list of addresses came from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

# Where a list came from: the region's endpoint, the documentation's page, this program, or somebody's own registry.
Source = Literal["live", "page", "built-in", "own"]

# The day on which the built-in addresses were read from the documentation, in seconds since the epoch (2026-11-22).
BUILT_IN_AT = 1_795_305_600.0


@dataclass(frozen=True, slots=True)
class Change:
    """What a list gained and lost against the one before it."""

    added: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


@dataclass(frozen=True, slots=True)
class Region:
    """A region, and the addresses (or networks, as CIDR) from which CARTO reaches databases there.

    `code` is the word that stands in a tenant's URL; a self-hosted installation's own region has none. `fetched_at`
    is when the list was last confirmed, in seconds since the epoch; None for a list that somebody wrote down.
    `changed` is how it differs from the list before it, which was seen at `changed_at`, and stays until it changes
    again; None where it never changed here.
    """

    region: str
    code: str
    addresses: tuple[str, ...]
    source: Source = "built-in"
    fetched_at: float | None = BUILT_IN_AT
    changed: Change | None = None
    changed_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of `regions`; times are of ISO 8601, in UTC."""
        told: dict[str, Any] = {
            "region": self.region,
            "code": self.code,
            "addresses": list(self.addresses),
            "source": self.source,
            "fetched_at": _iso(self.fetched_at),
        }
        if self.changed:
            told["changed"] = {"added": list(self.changed.added), "removed": list(self.changed.removed)}
            told["changed_at"] = _iso(self.changed_at)
        return told


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


BUILT_IN: tuple[Region, ...] = (
    Region("us-east1", "clausa", ("35.185.63.239", "104.196.59.4", "34.73.63.7", "34.139.239.104")),
    Region("europe-west1", "pinea", ("34.79.53.57", "35.195.132.75", "34.78.167.2", "35.187.123.190")),
    Region("asia-northeast1", "thunbergil", ("34.85.15.12", "35.200.23.186")),
    Region("australia-southeast1", "radiata", ("34.151.87.148", "35.201.15.104")),
)
