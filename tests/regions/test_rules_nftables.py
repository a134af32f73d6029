"""The file for nft, loaded by the kernel in a network of its own: who gets in, and what the undo leaves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.regions.rules_given import wanted
from tests.servers.host import ROOT, give_up
from tui.regions.rules import Wanted, write

_PORT = 5432
_UNSHARE = ["unshare", "-n"] if ROOT else ["unshare", "-r", "-n"]
_FIREWALL = """
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        counter drop
    }
}
"""
# Runs in the network: brings up loopback, listens, and does what it is told, step by step.
_INSIDE = """
import fcntl, json, socket, struct, subprocess, sys
with socket.socket() as any_socket:  # ip link set lo up
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))
listeners = [socket.create_server((host, PORT), family=family, backlog=64)
             for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6))]

def enters(address):
    host, family = ("::1", socket.AF_INET6) if ":" in address else ("127.0.0.1", socket.AF_INET)
    with socket.socket(family) as client:
        client.settimeout(0.3)
        client.bind((address, 0))
        try:
            client.connect((host, PORT))
        except TimeoutError:
            return False
        return True

def run(command, text):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    return [done.returncode, done.stderr]

answers = []
for step, value in json.load(sys.stdin):
    if step == "nft": answers.append(run(["nft", "-f", "-"], value))
    elif step == "check": answers.append(run(["nft", "--check", "-f", "-"], value))
    elif step == "shell": answers.append(run(["sh"], value))
    elif step == "enters": answers.append([enters(address) for address in value])
    elif step == "list":
        listed = subprocess.check_output(["nft", "-j", "list", "ruleset"])
        answers.append(json.loads(listed)["nftables"])
print(json.dumps(answers))
"""


@cache
def _obstacle() -> str:
    """Return why this machine gives no network to play in; empty where it does."""
    done = subprocess.run([*_UNSHARE, "nft", "list", "ruleset"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip()


def _inside(*steps: tuple[str, Any]) -> list[Any]:
    if shutil.which("nft") is None:
        give_up("nft is missing: apt-get install nftables")
    if _obstacle():
        pytest.skip(f"no network of its own can be had here: {_obstacle()}")
    done = subprocess.run(
        [*_UNSHARE, sys.executable, "-c", _INSIDE.replace("PORT", str(_PORT))],
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def _kinds(ruleset: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [entry[kind] for entry in ruleset for kind in kinds if kind in entry]


def _without_counters(ruleset: list[dict[str, Any]]) -> list[Any]:
    """Return what rules say: counters, handles and the tool's version apart."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items() if key not in {"handle", "packets", "bytes"}}
        return [plain(each) for each in value] if isinstance(value, list) else value

    return [plain(entry) for entry in ruleset if "metainfo" not in entry]


def _loopback(**more: Any) -> Wanted:
    return wanted("127.0.0.2", "127.0.3.0/28", "::1", **more)


@pytest.mark.parametrize("target", ["", "inet filter input"])
def test_the_region_gets_in_and_nobody_else_until_the_undo(target: str) -> None:
    written = write("nftables", _loopback(target=target))
    asked = ["127.0.0.2", "127.0.3.5", "127.0.3.16", "127.0.0.3", "::1"]
    out, before, check, load, let_in, again, loaded, still, undo, shut, after = _inside(
        ("nft", _FIREWALL),
        ("list", None),
        ("check", written.rules),
        ("nft", written.rules),
        ("enters", asked),
        ("nft", written.rules),
        ("list", None),
        ("enters", asked),
        ("shell", written.undo),
        ("enters", asked),
        ("list", None),
    )
    assert out == check == load == again == undo == [0, ""]
    assert let_in == still == [True, True, False, False, True]
    assert shut == [False] * 5
    assert _without_counters(before) == _without_counters(after)
    (chain,) = [chain for chain in _kinds(loaded, "chain") if chain["name"] == "input"]
    assert chain["policy"] == "drop"
    assert len(_kinds(loaded, "set")) == 2


def test_a_list_that_changed_replaces_the_one_before() -> None:
    first, second = (write("nftables", wanted(address)) for address in ("127.0.0.2", "127.0.0.3"))
    both_versions = write("nftables", _loopback())
    *_, before, reload, after, more, undo, left = _inside(
        ("nft", _FIREWALL),
        ("nft", first.rules),
        ("enters", ["127.0.0.2", "127.0.0.3"]),
        ("nft", second.rules),
        ("enters", ["127.0.0.2", "127.0.0.3"]),
        ("nft", both_versions.rules),
        ("shell", first.undo),
        ("list", None),
    )
    assert (before, after) == ([True, False], [False, True])
    assert reload == more == undo == [0, ""]
    assert _kinds(left, "set") == []
    assert [chain["name"] for chain in _kinds(left, "chain")] == ["input"]


def test_it_loads_where_no_firewall_is_and_drops_nobody() -> None:
    written = write("nftables", _loopback())
    check, load, enter, undo = _inside(
        ("check", written.rules),
        ("nft", written.rules),
        ("enters", ["127.0.0.2", "127.0.0.3"]),
        ("shell", written.undo),
    )
    assert check == load == undo == [0, ""]
    assert enter == [True, True]


def test_a_chain_that_is_named_and_missing_changes_nothing() -> None:
    written = write("nftables", _loopback(target="ip filter INPUT"))
    (status, error), ruleset = _inside(("nft", written.rules), ("list", None))
    assert status == 1
    assert "No such file or directory" in error
    assert _kinds(ruleset, "table") == []


def test_a_chain_of_one_family_takes_its_addresses_and_names_the_others() -> None:
    written = write("nftables", _loopback(target="ip old INPUT"))
    old = (
        "table ip old { chain INPUT { type filter hook input priority 0; policy drop; ct state established accept; }; }"
    )
    out, load, enter, undo = _inside(
        ("nft", old), ("nft", written.rules), ("enters", ["127.0.0.2", "127.0.0.3"]), ("shell", written.undo)
    )
    assert out == load == undo == [0, ""]
    assert enter == [True, False]
    assert any("::1" in note for note in written.notes)


def test_overlapping_networks_and_odd_regions_load() -> None:
    asked = wanted("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32", "2001:db8::1", region="Unser Büro; drop")
    written = write("nftables", asked)
    assert _inside(("nft", written.rules), ("nft", written.rules), ("shell", written.undo)) == [[0, ""]] * 3
