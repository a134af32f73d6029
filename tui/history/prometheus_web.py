"""Asks a server with Prometheus' HTTP API: bounded in time and size, and never where a redirect would lead.

Source: prometheus.io/docs/prometheus/latest/querying/api. Thanos, Mimir and VictoriaMetrics offer the same.
"""

from __future__ import annotations

import json
import math
import os
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from tui import __version__
from tui.connections import sources
from tui.connections.secret import Secret, SecretsError
from tui.history.errors import NotAnswered
from tui.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tui.history.settings import Prometheus

CONNECT_S, SILENCE_S, TOTAL_S = 5.0, 20.0, 30.0
LARGEST = 64 * 1024 * 1024
# Prometheus returns no more points of a series than 11,000.
MOST_POINTS = 10_000
_MOST_PARTS = 100  # in which one series is asked for


class Line(NamedTuple):
    """One series of an answer: its labels, and its values from old to new, each with its moment in milliseconds."""

    labels: Mapping[str, str]
    values: list[tuple[int, float]]


class Api:
    """Asks one server; NotAnswered says why there is no answer. `notes` are what answers were lacking."""

    def __init__(self, place: Prometheus) -> None:
        self.place = place
        self.notes: tuple[str, ...] = ()

    def instant(self, query: str, at: float) -> list[Line]:
        """Return what a query gives at one moment: one value a series, or what its range selector holds."""
        return _lines(self._ask("query", {"query": query, "time": _moment(at)}))

    def ranged(self, query: str, start: float, end: float, step_s: float) -> list[Line]:
        """Return what a query gives at `start` and every `step_s` seconds up to `end`, however many these are."""
        found: dict[tuple[tuple[str, str], ...], Line] = {}
        step_ms, first, last = round(step_s * 1000), round(start * 1000), round(end * 1000)
        if last - first > step_ms * MOST_POINTS * _MOST_PARTS:
            raise NotAnswered(
                f"{self.place.url} is not asked for so many steps: ask for longer ones, or a shorter span"
            )
        while first <= last:
            until = min(last, first + step_ms * (MOST_POINTS - 1))
            form = {"query": query, "start": _moment(first / 1000), "end": _moment(until / 1000)}
            for line in _lines(self._ask("query_range", {**form, "step": f"{step_s:g}"})):
                key = tuple(sorted(line.labels.items()))
                found.setdefault(key, Line(line.labels, [])).values.extend(line.values)
            first = until + step_ms
        return list(found.values())

    def label_sets(self, selector: str, start: float, end: float) -> list[Mapping[str, str]]:
        """Return the labels of the series that there were in a span."""
        data = self._ask("series", {"match[]": selector, "start": _moment(start), "end": _moment(end)})
        if not isinstance(data, list) or not all(isinstance(labels, dict) for labels in data):
            raise NotAnswered(f"{self.place.url} answers otherwise than Prometheus does")
        return data

    def _ask(self, what: str, form: dict[str, str]) -> Any:
        where = self.place.url
        if what != "series":
            form["timeout"] = f"{TOTAL_S:g}s"
        try:
            with httpx.Client(**self._how()) as client:
                status, body = _answer(client, f"{where}/api/v1/{what}", form)
        except httpx.TimeoutException:
            raise NotAnswered(f"{where} does not answer in time: is it the right place, and is it up?") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotAnswered(f"{where} cannot be reached: {_why(error)}") from None
        return self._understood(status, body)

    def _how(self) -> dict[str, Any]:
        """Return the arguments of a client; passwords are fetched anew, so that a rotated one is the right one."""
        place = self.place
        headers = {"User-Agent": f"pgconns/{__version__}", "Accept": "application/json"}
        login = None
        try:
            if place.token_from:
                headers["Authorization"] = f"Bearer {_secret(place.token_from).reveal()}"
            elif place.username:
                login = httpx.BasicAuth(place.username, _secret(place.password_from).reveal())
        except SecretsError as error:
            raise NotAnswered(f"{error} (needed to ask {place.url})") from None
        timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
        how = {"timeout": timeout, "headers": headers, "auth": login, "verify": self._roots()}
        # A proxy of the environment is for elsewhere: this machine is asked directly.
        direct = (f"{scheme}://{host}" for scheme in ("http", "https") for host in ("localhost", "127.0.0.1", "[::1]"))
        return {**how, "mounts": dict.fromkeys(direct), "follow_redirects": False}

    def _roots(self) -> ssl.SSLContext | bool:
        """Return which certificates are trusted: those of this machine, or of the file that is named."""
        if not self.place.url.startswith("https:"):
            return True
        file = str(sources.expanded(self.place.ca_file)) if self.place.ca_file else None
        try:
            return ssl.create_default_context(cafile=file)
        except ssl.SSLError:
            raise NotAnswered(f"{file}, the ca_file under [history] in the registry, holds no certificates") from None
        except OSError as error:
            raise NotAnswered(f"{file}, the ca_file under [history], cannot be read: {error.strerror}") from None

    def _understood(self, status: int, body: bytes) -> Any:
        """Return the data of an answer."""
        where = self.place.url
        if status in {401, 403}:
            raise NotAnswered(
                f"{where} lets nobody in without a right name and password: [history] in the registry takes username "
                "with password_from, or token_from"
                if status == 401
                else f"{where} forbids reading: ask whoever runs it for the right to query"
            )
        try:
            told = json.loads(body)
            good = status == 200 and told["status"] == "success"
            data = told["data"] if good else None
            error = "" if good else str(told["error"])
            warnings = [str(one) for one in told.get("warnings") or ()]
        except (ValueError, TypeError, KeyError, RecursionError):
            said = "" if status == 200 else f" (status {status})"
            raise NotAnswered(
                f"{where} is no Prometheus, or not its address{said}: the URL ends before /api/v1"
            ) from None
        if not good:
            raise NotAnswered(f"{where} cannot answer (status {status}): {safe(error, longest=500)}")
        for warning in warnings:
            sentence = f"{where} says that its answer is not whole: {safe(warning, longest=500)}"
            if sentence not in self.notes:
                self.notes += (sentence,)
        return data


def _answer(client: httpx.Client, url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
    """Return the status and what came; raises what httpx raises."""
    until = time.monotonic() + TOTAL_S
    body = bytearray()
    with client.stream("POST", url, data=dict(form)) as response:
        for part in response.iter_bytes():
            body += part
            if len(body) > LARGEST:
                raise NotAnswered(f"{url} answers with more than {LARGEST >> 20} MB: ask for a shorter span")
            if time.monotonic() > until:
                raise httpx.ReadTimeout("in all")
        return response.status_code, bytes(body)


def _secret(place: str) -> Secret:
    kind, _, rest = place.partition(":")
    return {"env": sources.from_environment, "file": sources.from_file}.get(kind, sources.from_command)(rest)


def _lines(data: Any) -> list[Line]:
    """Return the series of an answer: of a vector, of a matrix. Values that are no numbers are left out."""
    try:
        return [_line(one) for one in data["result"]] if data["resultType"] in {"vector", "matrix"} else []
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise NotAnswered("The source of the history answers otherwise than Prometheus does") from None


def _line(one: Any) -> Line:
    pairs = one["values"] if "values" in one else [one["value"]]
    values = ((round(float(at) * 1000), float(value)) for at, value in pairs)
    return Line(
        {str(name): str(value) for name, value in one["metric"].items()},
        [(at, value) for at, value in values if math.isfinite(value)],
    )


def _moment(at: float) -> str:
    return f"{at:.3f}"


def _why(error: Exception) -> str:
    """Return why nothing came: the cause lies beneath what httpx raises."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted: {cause.verify_message.rstrip('.')}. The ca_file under [history] in "
                "the registry names the authority to trust"
            )
        if isinstance(cause, ssl.SSLError):
            return f"it does not speak TLS as it should ({cause.reason or 'handshake failed'})"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
    return safe(str(error), longest=200) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    beneath = error.__cause__ or error.__context__
    if beneath is not None:
        yield from _causes(beneath)
    yield error
