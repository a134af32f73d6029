"""One message through one hook: what arrives, what is said where it does not, and what is left behind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import stat
import time
from typing import TYPE_CHECKING

import pytest

from tests.hooks.given import HOSTILE, hook, told
from tests.hooks.receiver import Receiver
from tests.servers.host import wait_until
from tui.hooks import sending, signing
from tui.hooks.sending import NotDelivered, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tui.connections.model import Hook

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server that keeps what it is told."""
    with Receiver() as one:
        yield one


def script(tmp_path: Path, text: str) -> tuple[str, ...]:
    """A program of this shell script."""
    path = tmp_path / "page"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return (str(path), "--dba")


async def refused(one: Hook, *, passing: bool = True) -> str:
    """Send, and return why it did not arrive."""
    with pytest.raises(NotDelivered) as raised:
        await send(one, told())
    assert raised.value.passing is passing
    return str(raised.value)


def test_the_published_example_is_signed_as_published() -> None:
    """The example of the reference libraries of Standard Webhooks."""
    found = signing.headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_a_webhook_is_told_and_can_verify_who_tells(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"whsec_{KEY}\n")
    one = hook(command=(), webhook=receiver.url, secret_from=f"file:{tmp_path / 'key'}")
    await send(one, told(subject="id-1", sentence=f"x {HOSTILE}"))
    (post,) = receiver.posts
    assert post.headers["content-type"] == "application/json"
    at = int(post.headers["webhook-timestamp"])
    assert abs(at - time.time()) < 300
    signed = f"{post.headers['webhook-id']}.{at}.".encode() + post.body
    expected = base64.b64encode(hmac.new(bytes(range(32)), signed, hashlib.sha256).digest()).decode()
    assert post.headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(post.body) == {
        "type": "alert.raised",
        "timestamp": "1970-01-01T00:16:40Z",
        "data": {
            "hook": "ops", "kind": "level", "level": "warning", "subject": "id-1", "connection": "Production",
            "sentence": f"x {HOSTILE}", "since": "1970-01-01T00:15:40Z",
        },
    }  # fmt: skip


async def test_what_a_webhook_answers(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    one = hook(command=(), webhook=receiver.url)
    receiver.statuses = [204, 503, 429, 400, 302]
    await send(one, told())
    assert "webhook-signature" not in receiver.posts[0].headers
    assert await refused(one) == "The webhook answered with status 503"
    with pytest.raises(NotDelivered) as raised:
        await send(one, told())
    assert (raised.value.passing, raised.value.wait_s) == (True, 7.0)
    assert await refused(one, passing=False) == "The webhook answered with status 400"
    assert "leads elsewhere" in await refused(one)
    receiver.hangs.set()
    monkeypatch.setattr(sending, "WEBHOOK_S", 0.2)
    assert "did not answer within 0.2 seconds" in await refused(one)
    receiver.close()
    assert "cannot be reached" in await refused(one)


async def test_a_secret_that_cannot_be_had_is_no_delivery(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    one = hook(command=(), webhook=receiver.url, secret_from="env:PGCONNS_TEST_KEY")
    assert "is not set" in await refused(one)
    for wrong, why in (("not base 64!", "not in Base64"), ("c2hvcnQ=", "shorter than 16 bytes")):
        monkeypatch.setenv("PGCONNS_TEST_KEY", wrong)
        said = await refused(one)
        assert why in said
        assert wrong not in said
    secret = hook(command=(), webhook_from="env:PGCONNS_TEST_URL")
    monkeypatch.setenv("PGCONNS_TEST_URL", "http://x.example/planted")
    said = await refused(secret)
    assert "https, or http on this machine" in said
    assert "planted" not in said
    monkeypatch.setenv("PGCONNS_TEST_URL", receiver.url)
    await send(secret, told())
    assert len(receiver.posts) == 1


async def test_a_command_finds_the_alert(tmp_path: Path) -> None:
    words = script(tmp_path, f'cat > {tmp_path}/told; echo "$1 $PGCONNS_EVENT $PGCONNS_SENTENCE" > {tmp_path}/said')
    message = told(subject="id-1", sentence=f"x {HOSTILE}")
    await send(hook(command=words), message)
    assert json.loads((tmp_path / "told").read_bytes()) == message.content
    said = (tmp_path / "said").read_text()
    assert said.startswith("--dba raised x ")
    assert said.rstrip("\n").isprintable()
    await send(hook(command=("true",)), told(sentence="x" * 90_000))  # who does not read its stdin does no harm


async def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    words = script(tmp_path, "cat >/dev/null; echo first >&2; echo '\033[31mno such pager' >&2; exit 3")
    assert (await refused(hook(command=words))).endswith("page failed with exit status 3: ␛[31mno such pager")
    assert "/nonexistent/page cannot be run" in await refused(hook(command=("/nonexistent/page",)))
    chatty = script(tmp_path, "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1")
    assert len(await refused(hook(command=chatty))) < 1000


async def test_a_command_that_hangs_is_killed_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "COMMAND_S", 0.5)
    words = script(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; wait")
    assert "did not end within 0.5 seconds and was killed" in await refused(hook(command=words))
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not _runs(child), "its child is gone")


async def test_a_command_whose_child_keeps_its_stderr_has_ended(tmp_path: Path) -> None:
    words = script(tmp_path, f"setsid sleep 600 & echo $! > {tmp_path}/child; exit 0")
    began = time.monotonic()
    await send(hook(command=words), told())
    assert time.monotonic() - began < sending.COMMAND_S
    child = int((tmp_path / "child").read_text())
    if _runs(child):  # it left the group, which is its right
        os.kill(child, 9)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as status:  # noqa: PTH123
            return status.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_service_is_told_through_the_library(receiver: Receiver, tmp_path: Path) -> None:
    place = tmp_path / "service"
    place.write_text(f"{receiver.url.replace('http', 'json')}?:token=planted\n")
    place.chmod(stat.S_IRUSR)
    one = hook(command=(), apprise_from=f"file:{place}")
    await send(one, told(sentence="db:5432 is full"))
    body = json.loads(receiver.posts[0].body)
    assert (body["title"], body["message"], body["type"]) == ("pgconns WARNING", "db:5432 is full", "warning")
    receiver.statuses = [500]
    assert await refused(one) == "The service did not take the notification"
    place.chmod(0o600)
    place.write_text("nothing://planted")
    assert "no URL that apprise knows" in await refused(one)
