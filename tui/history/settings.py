"""How long and how much is kept, and where it is read from: the table [history] of the registry. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui.history.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_S = 86_400.0
_UNITS_S = {"raw_days": DAY_S, "minute_weeks": 7 * DAY_S, "hour_years": 365 * DAY_S}
_LARGEST = 1_000_000
_PROMETHEUS = "prometheus:"
_TEXTS = ("username", "password_from", "token_from", "ca_file")
_SECRET_PLACES = ("env", "file", "command")


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A server with Prometheus' HTTP API, and how to get in; what is secret lies where a `_from` says."""

    url: str
    username: str = ""
    password_from: str = ""  # a place, not a password
    token_from: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every sample is kept for `raw_days`, minutes for `minute_weeks`, hours for `hour_years`; the file is no larger.

    Where it would be, the oldest samples go first, then the oldest minutes, then the oldest hours. With `source`, what
    was recorded is read from there instead of this machine's file.
    """

    raw_days: float = 14
    minute_weeks: float = 8
    hour_years: float = 5
    largest_mb: float = 1024
    source: Prometheus | None = None

    def kept_s(self, name: str) -> float:
        """Return how many seconds something is kept."""
        return float(getattr(self, name)) * _UNITS_S[name]


def parse(table: Mapping[str, Any]) -> Settings:
    """Return the settings of a registry's table; what is not told is as by default. Raises HistoryError.

    >>> parse({"raw_days": 3}).raw_days
    3
    """
    told: dict[str, Any] = {}
    for name in (*_UNITS_S, "largest_mb"):
        if name in table:
            value = table[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
                raise HistoryError(f"{name} under [history] in the registry is a number from 0 to {_LARGEST}")
            told[name] = value
    if told.get("largest_mb", 1) < 1:
        raise HistoryError("largest_mb under [history] in the registry is 1 or more")
    return Settings(**told, source=_source(table))


def _source(table: Mapping[str, Any]) -> Prometheus | None:
    texts = {name: table[name] for name in ("source", *_TEXTS) if name in table}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.isprintable():
            raise HistoryError(f"{name} under [history] in the registry is a text")
    place = texts.pop("source", "")
    if not place:
        if texts:
            raise HistoryError(f"{', '.join(texts)} under [history] in the registry is for a source, and none is named")
        return None
    if not place.startswith(_PROMETHEUS):
        raise HistoryError(f'The source of [history] in the registry is "{_PROMETHEUS}" with a URL behind it')
    found = Prometheus(_url(place.removeprefix(_PROMETHEUS)), **texts)
    for name in ("password_from", "token_from"):
        kind, _, rest = getattr(found, name).partition(":")
        if kind and not (kind in _SECRET_PLACES and rest):
            # It is not repeated: somebody may have written the password itself there.
            raise HistoryError(
                f"{name} under [history] in the registry is env:NAME, file:/path or command:program args"
            )
    if bool(found.username) != bool(found.password_from) or (found.username and found.token_from):
        raise HistoryError("[history] in the registry takes username with password_from, or token_from alone")
    if (found.username or found.token_from) and not _is_private(found.url):
        raise HistoryError(
            f"A password or token would go to {found.url} for all to read: write https:// in [history] of the registry"
        )
    return found


def _url(text: str) -> str:
    from urllib.parse import urlsplit  # noqa: PLC0415 - not before the first frame, like those below

    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        port, url = None, urlsplit("")
    if url.username is not None or url.password is not None:
        raise HistoryError(
            "No password belongs in the registry: [history] takes username and password_from beside its source"
        )
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment or port == 0:
        raise HistoryError(
            "The source of [history] in the registry names a URL such as https://prometheus.example.com:9090"
        )
    return text.rstrip("/")


def _is_private(url: str) -> bool:
    """Return whether what is sent there is read by nobody else: by TLS, or because it stays on this machine."""
    import ipaddress  # noqa: PLC0415
    from urllib.parse import urlsplit  # noqa: PLC0415

    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
