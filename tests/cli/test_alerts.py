"""pgconns watch and alerts as processes: who is told, across a kill, and what acknowledging does."""

from __future__ import annotations

import base64
import hmac
import json
import os
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.hooks.receiver import Receiver
from tests.servers.host import wait_until
from tests.widgets.given import counted, sampled
from tui.connections.model import Hook
from tui.connections.registry import Registry
from tui.history import notices
from tui.history.reader import History
from tui.history.store import Store
from tui.sockets.alerts import Alert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Door, Program

    Started = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server that keeps what it is told."""
    with Receiver() as one:
        yield one


@pytest.fixture
def watch(pgconns: Program) -> Iterator[Started]:
    """Starts `pgconns watch`; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tui", "watch", "--interval", "0.2"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **pgconns.environment},
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _register(pgconns: Program, door: Door, password_file: str, *hooks: Hook) -> None:
    """A server that answers, and one that nothing listens on."""
    assert pgconns("add", "one", *door.flags, "--password-from", password_file).status == 0
    registry = Registry()
    one = registry.get("one")
    registry.add(one._replace(id="down", parameters=one.parameters._replace(name="down", port=1)))
    for hook in hooks:
        registry.set_hook(hook)


def _told(receiver: Receiver) -> list[str]:
    return [json.loads(post.body)["type"] for post in receiver.posts]


def test_what_a_killed_watch_was_telling_is_told_by_the_next_one_and_nothing_else(
    pgconns: Program, door: Door, password_file: str, watch: Started, receiver: Receiver
) -> None:
    web = Hook("web", webhook=receiver.url, stands_seconds=0, gone_seconds=0)
    _register(pgconns, door, password_file, web)
    receiver.hangs.set()
    process = watch()
    wait_until(lambda: bool(receiver.posts), "it is being told")
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    first = receiver.posts[0]
    assert json.loads(first.body)["data"]["sentence"].startswith("down") or "127.0.0.1:1" in first.body.decode()
    receiver.hangs.clear()
    process = watch()
    wait_until(lambda: len(receiver.posts) == 2, "it is told again")
    assert receiver.posts[1].headers["webhook-id"] == first.headers["webhook-id"]
    assert receiver.posts[1].body == first.body
    wait_until(lambda: not notices.load(History().path).waiting, "that is kept")
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process = watch()
    before = History().span()
    assert before is not None
    wait_until(lambda: (History().span() or before).end > before.end + 1, "it counts")
    assert _told(receiver) == ["alert.raised"] * 2  # what was told is not told once more
    Registry().remove("down")
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: _told(receiver)[2:] == ["alert.cleared"], "its end is told")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_hooks_that_hang_and_fail_delay_nothing_and_are_told_of(
    pgconns: Program, door: Door, password_file: str, watch: Started, receiver: Receiver, tmp_path: Path
) -> None:
    hangs = Hook("hangs", command=("sleep", "600"), stands_seconds=0)
    fails = Hook("fails", command=("sh", "-c", "echo no pager >&2; exit 3"), stands_seconds=0)
    key = tmp_path / "key"
    key.write_text(f"{base64.b64encode(bytes(range(32))).decode()}\n")
    web = Hook("web", webhook=receiver.url, secret_from=f"file:{key}", stands_seconds=0)
    _register(pgconns, door, password_file, hangs, fails, web)
    receiver.statuses = [500]
    process = watch()
    wait_until(lambda: _told(receiver) == ["alert.raised"] * 2, "the web is told, after a failure")
    first, post = (each.headers for each in receiver.posts)
    assert first["webhook-id"] == post["webhook-id"]
    signed = f"{post['webhook-id']}.{post['webhook-timestamp']}.".encode() + receiver.posts[1].body
    digest = base64.b64encode(hmac.digest(bytes(range(32)), signed, "sha256")).decode()
    assert post["webhook-signature"] == f"v1,{digest}"
    wait_until(lambda: not notices.deliveries(History().path)["web"].error, "that is kept")
    wait_until(lambda: "fails" in notices.deliveries(History().path), "the failure is kept")
    seen = History().span()
    assert seen is not None
    wait_until(lambda: (History().span() or seen).end > seen.end + 1, "it counts on")
    listed = pgconns("alerts", "--json")
    assert listed.status == 1
    (one,) = listed.json["alerts"]
    assert (one["level"], one["acknowledged"]) == ("critical", None)
    fares = {each["hook"]: each for each in listed.json["hooks"]}
    assert fares["fails"]["error"] == "sh failed with exit status 3: no pager"
    assert (fares["fails"]["waiting"], fares["web"]["waiting"], fares["web"]["error"]) == (1, 0, "")
    assert fares["web"]["delivered_at"]
    doctor = pgconns("doctor")
    assert "fails, by command: last delivery failed at" in doctor.out
    assert pgconns("alerts", "--acknowledge", str(one["id"]), "--for", "2h").status == 0
    listed = pgconns("alerts", "--json")
    assert (listed.status, listed.json["alerts"][0]["acknowledged"]["until"] is not None) == (0, True)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Hook fails: sh failed with exit status 3: no pager; tried again in" in err


def test_settings_are_read_again(pgconns: Program, watch: Started) -> None:
    registry = Registry()
    registry.path.parent.mkdir(parents=True)
    registry.path.write_text("[history]\nraw_days = 1\n")
    process = watch()
    assert process.stderr is not None
    assert "Recording 0" in process.stderr.readline()
    for wrong, said in (("[history]\nraw_days = -1\n", "raw_days under"), ("[[hooks]]\nname = 'x'\n", "line 2: name")):
        registry.path.write_text(wrong)
        process.send_signal(signal.SIGHUP)
        assert said in process.stderr.readline()


def _recorded(*alerts: Alert) -> None:
    """A history in which these stand."""
    now = time.time()
    store = Store(History().path)
    store.write(sampled(counted("a"), at=now), [one._replace(since=now - 60, seen=now) for one in alerts])
    store.close()


def test_alerts_are_listed_acknowledged_and_withdrawn(pgconns: Program) -> None:
    assert pgconns("alerts").status == 5
    _recorded(
        Alert("level", "warning", "db:5432", "db:5432: \x1b[31m 90 %", 0, 0),
        Alert("full", "critical", "db2:5432", "db2:5432 is full", 0, 0),
    )
    listed = pgconns("alerts")
    assert listed.status == 1
    head, first, second = listed.out.splitlines()
    assert head.split() == ["ID", "LEVEL", "SINCE", "STOOD", "SEEN", "TO", "BY", "WHAT"]
    assert "critical" in first
    assert "db:5432: ␛[31m 90 %" in second
    id = first.split()[0]
    assert pgconns("alerts", "--acknowledge", "99").status == 2
    assert pgconns("alerts", "--acknowledge", id, "--for", "soon").status == 2
    assert pgconns("alerts", "--for", "2h").status == 2
    done = pgconns("alerts", "--acknowledge", id)
    assert (done.status, "sees to it until it is over: db2:5432 is full" in done.out) == (0, True)
    for other in pgconns("alerts", "--json").json["alerts"]:
        assert (other["acknowledged"] is not None) == (str(other["id"]) == id)
    assert pgconns("alerts", "--withdraw", id).status == 0
    assert all(one["acknowledged"] is None for one in pgconns("alerts", "--json").json["alerts"])


def test_a_test_says_of_each_hook_whether_it_arrived(pgconns: Program, receiver: Receiver) -> None:
    assert pgconns("alerts", "--test").status == 2
    registry = Registry()
    secret = registry.path.parent / "key"
    registry.set_hook(Hook("web", webhook=receiver.url, secret_from=f"file:{secret}"))
    registry.set_hook(Hook("fails", command=("false",)))
    secret.write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    secret.chmod(0o644)
    done = pgconns("alerts", "--test")
    assert done.status == 1
    assert "web: arrived, by webhook, in " in done.out
    assert "fails: did not arrive: false failed with exit status 1" in done.out
    assert f"others may read {secret}" in done.err
    assert _told(receiver) == ["alert.test"]
    secret.chmod(stat.S_IRUSR)
    only = pgconns("alerts", "--test", "web", "--json")
    assert (only.status, only.err) == (0, "")
    assert [(one["hook"], one["arrived"]) for one in only.json["hooks"]] == [("web", True)]
    assert pgconns("alerts", "--test", "nobody").status == 2


def test_hooks_are_exported_and_applied(pgconns: Program, tmp_path: Path) -> None:
    registry = Registry()
    registry.set_hook(Hook("web", webhook="https://alerts.example.com/x", level="critical"))
    written = pgconns("export")
    assert written.status == 0
    assert pgconns("export", "--json").json["hooks"] == [
        {"name": "web", "webhook": "https://alerts.example.com/x", "level": "critical"}
    ]
    (tmp_path / "declared.toml").write_text(written.out.replace('"critical"', '"warning"'))
    apply = ("apply", "-f", str(tmp_path / "declared.toml"))
    shown = pgconns(*apply, "--dry-run")
    assert (shown.status, shown.out) == (0, "change     hook web: webhook\n")
    assert registry.hooks()[0].level == "critical"
    assert pgconns(*apply, "--json").json["hooks"]["change"][0]["name"] == "web"
    assert registry.hooks()[0].level == "warning"
    assert pgconns(*apply).out == "unchanged  hook web\n"
    (tmp_path / "declared.toml").write_text("[[hooks]]\nname = 'web'\nwebhook = 'ftp://x'\n")
    wrong = pgconns(*apply)
    assert (wrong.status, "declared.toml, line 3: webhook: " in wrong.err) == (2, True)


def test_what_hooks_keep_secret_is_told_nowhere(pgconns: Program, tmp_path: Path) -> None:
    _recorded()
    registry = Registry()
    for one in (
        Hook("web", webhook_from="env:PLACE", secret_from="env:KEY"),
        Hook("wrong", webhook_from="env:WRONG"),
        Hook("key", webhook="http://127.0.0.1:9/", secret_from="env:WRONG"),
        Hook("chat", apprise_from="env:CHAT"),
        Hook("chats", apprise_from="env:WRONG"),
    ):
        registry.set_hook(one)
    planted = "pl4nted"
    environment = {
        "PLACE": f"http://{planted}:{planted}@127.0.0.1:9/{planted}",
        "KEY": f"whsec_{planted}{'A' * 33}",
        "WRONG": f"no://url.at.all/{planted}?%zz",
        "CHAT": f"json://user:{planted}@127.0.0.1:9/{planted}",
    }
    done = pgconns("alerts", "--test", env=environment)
    assert done.status == 1
    assert done.out.count("did not arrive: ") == 5
    told = [done, pgconns("alerts", env=environment), pgconns("alerts", "--json"), pgconns("doctor", env=environment)]
    assert not [each for each in told if planted in each.out + each.err]
    assert told[3].out.count("last delivery failed at") == 5
    for file in (*History().path.parent.rglob("*"), registry.path):
        assert not file.is_file() or planted.encode() not in file.read_bytes()
