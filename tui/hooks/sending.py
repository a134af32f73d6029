"""Sends one message through one hook, once; whoever calls it tries again."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tui import __version__
from tui.connections import hook_text, sources
from tui.connections.parameters import Problem
from tui.connections.secret import SecretsError
from tui.hooks import signing
from tui.hooks.program import NotRun, run
from tui.text import safe

if TYPE_CHECKING:
    import httpx

    from tui.connections.model import Hook
    from tui.hooks.message import Message

COMMAND_S, WEBHOOK_S, APPRISE_S = 30.0, 20.0, 60.0
_CONNECT_S = 5.0
_LONGEST_SAID = 300
# Answers after which another try is no use: the message is refused as it is, or, by Standard Webhooks, all are (410).
# All others may pass, or be mended: who is on call is to hear of the alert once somebody has corrected a URL.
_REFUSED = frozenset({400, 410, 413, 422})


class NotDelivered(Exception):
    """A message did not arrive: a sentence, without a secret.

    `passing` says that another try may do, after `wait_s` where the other side asked for patience.
    """

    def __init__(self, sentence: str, *, passing: bool = True, wait_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.passing = passing
        self.wait_s = wait_s


async def send(hook: Hook, message: Message) -> None:
    """Tell a hook. Raises NotDelivered."""
    if hook.command:
        await _command(hook, message)
    elif hook.apprise_from:
        await _apprise(hook, message)
    else:
        await _webhook(hook, message)


async def _secret(source: str) -> str:
    try:
        return (await asyncio.to_thread(sources.read, source)).reveal()
    except SecretsError as error:
        raise NotDelivered(str(error)) from None


async def _command(hook: Hook, message: Message) -> None:
    try:
        ended = await run(hook.command, message.body + b"\n", message.environment, COMMAND_S)
    except NotRun as error:
        raise NotDelivered(str(error)) from None
    if ended.status:
        raise NotDelivered(f"{hook.command[0]} {_ending(ended.status)}{_said(ended.said)}")


def _ending(status: int) -> str:
    return f"failed with exit status {status}" if status > 0 else f"was ended by signal {-status}"


def _said(text: str) -> str:
    """Return the last line that a program wrote to stderr, as the rest of a sentence."""
    lines = [line for line in text.splitlines() if line.strip()]
    return f": {safe(lines[-1].strip(), longest=_LONGEST_SAID)}" if lines else ""


async def _apprise(hook: Hook, message: Message) -> None:
    """Have a process of its own tell it: the library costs 40 MB and a second, and blocks while it sends."""
    url = await _secret(hook.apprise_from)
    told = {"url": url, "title": message.title, "body": message.sentence, "tone": message.tone}
    try:
        words = (sys.executable, "-m", "tui.hooks.announcing")
        ended = await run(words, json.dumps(told).encode(), {}, APPRISE_S)
    except NotRun as error:
        raise NotDelivered(str(error).replace(sys.executable, "The service")) from None
    if ended.status:
        # What the library says may hold the URL, and with it the secret: only its status is told.
        from tui.hooks.announcing import SENTENCES  # noqa: PLC0415 - only needed for a failure

        raise NotDelivered(SENTENCES.get(ended.status, "The notification library failed"))


async def _webhook(hook: Hook, message: Message) -> None:
    import httpx  # noqa: PLC0415 - 290 ms: when something is delivered

    place = hook.webhook or await _secret_place(hook.webhook_from)
    secret = await _secret(hook.secret_from) if hook.secret_from else None
    try:
        signed = signing.headers(secret, message.id, int(time.time()), message.body)
    except ValueError as error:
        raise NotDelivered(
            f"The key that secret_from names is {error}: make one with openssl rand -base64 32"
        ) from None
    headers = {"content-type": "application/json", "user-agent": f"pgconns/{__version__}", **signed}
    try:
        async with asyncio.timeout(WEBHOOK_S), _client(place) as client:
            request = client.stream("POST", place, content=message.body, headers=headers)
            async with request as response:  # its answer's body is of no interest
                _judge(response)
    except TimeoutError:
        raise NotDelivered(f"The webhook did not answer within {WEBHOOK_S:g} seconds") from None
    except httpx.HTTPError as error:
        raise NotDelivered(_words(error)) from None
    except (
        ImportError,
        ValueError,
        OSError,
        httpx.InvalidURL,
    ):  # names a proxy or certificates, perhaps with a password
        raise NotDelivered("The proxy or certificates that the environment names cannot be used") from None


async def _secret_place(source: str) -> str:
    try:
        return hook_text.place(await _secret(source), secret=True)
    except Problem as problem:
        raise NotDelivered(f"What webhook_from names cannot be used: {problem}") from None


def _client(place: str) -> httpx.AsyncClient:
    """Return a client that asks this machine directly, and others through the environment's proxy."""
    import httpx  # noqa: PLC0415

    host = urlsplit(place).hostname or ""
    here = host in {"localhost", "::1"} or host.startswith("127.")
    return httpx.AsyncClient(timeout=httpx.Timeout(WEBHOOK_S, connect=_CONNECT_S), trust_env=not here)


def _judge(response: httpx.Response) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise NotDelivered(
            f"The webhook answered with status {status} and leads elsewhere, which is not followed: name the right URL"
        )
    wait_s = _patience(response.headers.get("retry-after", "")) if status in {429, 503} else 0.0
    raise NotDelivered(f"The webhook answered with status {status}", passing=status not in _REFUSED, wait_s=wait_s)


def _patience(text: str) -> float:
    """Return the seconds that a Retry-After header asks for; 0 where it says nothing that is understood."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _words(error: httpx.HTTPError) -> str:
    import httpx  # noqa: PLC0415

    if isinstance(error, httpx.ConnectTimeout):
        return f"The webhook cannot be reached: no connection within {_CONNECT_S:g} seconds"
    if isinstance(error, httpx.TimeoutException):
        return f"The webhook did not answer within {WEBHOOK_S:g} seconds"
    if isinstance(error, httpx.ConnectError):
        return f"The webhook cannot be reached: {safe(str(error), longest=_LONGEST_SAID) or 'no connection'}"
    return "The webhook broke off: its answer was none of HTTP, or ended early"
