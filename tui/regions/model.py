"""CARTO's regions and their static addresses, as its documentation listed them. Pure.

Source: https://docs.carto.com/carto-user-manual/connections/ip-whitelisting, read in November 2026.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """A region of CARTO's cloud; `code` is the word that stands in a tenant's URL."""

    region: str
    code: str
    addresses: tuple[str, ...]


BUILT_IN: tuple[Region, ...] = (
    Region("us-east1", "clausa", ("35.185.63.239", "104.196.59.4", "34.73.63.7", "34.139.239.104")),
    Region("europe-west1", "pinea", ("34.79.53.57", "35.195.132.75", "34.78.167.2", "35.187.123.190")),
    Region("asia-northeast1", "thunbergil", ("34.85.15.12", "35.200.23.186")),
    Region("australia-southeast1", "radiata", ("34.151.87.148", "35.201.15.104")),
)
