"""The one module that asks the web: bounded in time, size and redirects, and over TLS only."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import httpx

from tui import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LARGEST = 2 * 1024 * 1024
_MOST_REDIRECTS = 5
_TO_ZLIB = zlib.MAX_WBITS | 32  # takes gzip and zlib alike


class NotAnswered(Exception):
    """No answer came that could be looked at; a sentence without the place that was asked."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for a connection, for the next bytes, and for all of an answer."""

    connect_s: float = 5.0
    silence_s: float = 8.0
    total_s: float = 20.0


class Answer(NamedTuple):
    """What came; `content` is None where nothing changed since the marks that were sent along."""

    content: bytes | None
    etag: str = ""
    last_modified: str = ""


def is_allowed(place: str) -> bool:
    """Tell whether a place that a person set may be asked: by https, or on this machine by http.

    >>> is_allowed("https://example.com/meta"), is_allowed("http://127.0.0.1:8000/"), is_allowed("http://example.com/")
    (True, True, False)
    """
    try:
        url = httpx.URL(place)
    except httpx.InvalidURL:
        return False
    return (
        bool(url.host)
        and not url.userinfo
        and (url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host)))
    )


class Web:
    """Asks places; proxies and roots of trust are those of the environment, but this machine is asked directly."""

    def __init__(self, places: Iterable[str], patience: Patience) -> None:
        """Be ready to ask these; NotAnswered where the environment's proxies or certificates cannot be used."""
        self._patience = patience
        here = {host for host in (httpx.URL(place).host for place in places) if _is_loopback(host)}
        direct = [f"all://[{host}]" if ":" in host else f"all://{host}" for host in here]
        try:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(patience.silence_s, connect=patience.connect_s),
                # What is not asked for cannot blow up; what comes compressed all the same is inflated within bounds.
                headers={"User-Agent": f"pgconns/{__version__}", "Accept-Encoding": "identity", "Accept": "*/*"},
                mounts=dict.fromkeys(direct),
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            raise NotAnswered(
                "The proxy that HTTPS_PROXY or ALL_PROXY names cannot be used: write http://host:port"
            ) from None
        except OSError as error:
            raise NotAnswered(f"SSL_CERT_FILE or SSL_CERT_DIR cannot be used: {error.strerror or error}") from None

    async def close(self) -> None:
        """Leave no socket behind."""
        await self._client.aclose()

    async def ask(self, place: str, etag: str = "", last_modified: str = "") -> Answer:
        """Return what a place answers; raise NotAnswered."""
        marks = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: mark for name, mark in marks.items() if mark}
        try:
            async with asyncio.timeout(self._patience.total_s):
                return await self._follow(httpx.URL(place), headers)
        except TimeoutError:
            raise NotAnswered(f"It did not answer in full within {self._patience.total_s:g} seconds") from None
        except httpx.ConnectTimeout:
            raise NotAnswered(f"It cannot be reached: no connection within {self._patience.connect_s:g} s") from None
        except httpx.TimeoutException:
            raise NotAnswered(f"It fell silent for {self._patience.silence_s:g} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotAnswered(_words(error)) from None

    async def _follow(self, start: httpx.URL, headers: dict[str, str]) -> Answer:
        url = start
        for _ in range(_MOST_REDIRECTS + 1):
            async with self._client.stream("GET", url, headers=headers) as response:
                if response.next_request is None:
                    return await _answer(response, conditional=bool(headers))
                url = _checked(response.next_request.url, start)
        raise NotAnswered(f"It redirects more than {_MOST_REDIRECTS} times")


async def _answer(response: httpx.Response, *, conditional: bool) -> Answer:
    if response.status_code == httpx.codes.NOT_MODIFIED and conditional:
        return Answer(None)
    if response.status_code != httpx.codes.OK:
        raise NotAnswered(f"It answered with status {response.status_code}")
    content = bytearray()
    async for part in response.aiter_raw():
        content += part
        if len(content) > LARGEST:
            raise NotAnswered(f"Its answer is larger than {LARGEST} bytes")
    marks = response.headers.get("etag", ""), response.headers.get("last-modified", "")
    return Answer(_inflated(bytes(content), response.headers.get("content-encoding", "")), *map(_mark, marks))


def _mark(text: str) -> str:
    return text if text.isascii() and text.isprintable() and len(text) <= 1000 else ""


def _inflated(content: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return content
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise NotAnswered("Its answer is compressed in a way that was not asked for")
    inflater = zlib.decompressobj(_TO_ZLIB)
    try:
        text = inflater.decompress(content, LARGEST + 1)
    except zlib.error:
        raise NotAnswered("Its compressed answer is damaged") from None
    if len(text) > LARGEST:
        raise NotAnswered(f"Its answer is larger than {LARGEST} bytes")
    if not inflater.eof:
        raise NotAnswered("Its compressed answer ends early")
    return text


def _checked(url: httpx.URL, start: httpx.URL) -> httpx.URL:
    """Return where a redirect leads, when it may be followed: by https, and into no private network."""
    if url.scheme != "https":
        raise NotAnswered(f"It redirects to {url.scheme or 'no'}://{url.host}, which is not https: not followed")
    if url.host != start.host and _is_inside(url.host):
        raise NotAnswered(f"It redirects to {url.host}, an address of a private network: not followed")
    return url.copy_with(userinfo=b"")


def _is_inside(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _words(error: Exception) -> str:
    """Return why nothing came, in words that help: the cause lies beneath what httpx raises."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "Its name cannot be resolved: is this machine offline?"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"Its certificate is not trusted: {cause.verify_message.rstrip('.')}. Behind a proxy that inspects "
                "TLS, SSL_CERT_FILE names the roots to trust"
            )
        if isinstance(cause, ssl.SSLError):
            return f"It does not speak TLS as it should ({cause.reason or 'handshake failed'})"
        if isinstance(cause, OSError) and cause.errno:  # asyncio puts the address into its words
            return f"It cannot be reached: {os.strerror(cause.errno).lower()}"
    if isinstance(error, httpx.ProxyError):
        return f"The proxy of the environment refuses: {error}"
    return f"It broke off: {str(error) or type(error).__name__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what led to an error, the first cause first."""
    beneath = error.__cause__ or error.__context__
    if beneath is not None:
        yield from _causes(beneath)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _causes(one)
    yield error
