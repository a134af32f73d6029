"""Finds a region by its name, or by the code word of a tenant's URL. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tui.regions.model import BUILT_IN, Region


def find(name: str, regions: Iterable[Region] = BUILT_IN) -> Region | None:
    """Return the region of that name or code; None where there is none.

    >>> find("pinea").region
    'europe-west1'
    """
    wanted = name.strip().lower()
    return next((region for region in regions if wanted and wanted in {region.region.lower(), region.code}), None)
