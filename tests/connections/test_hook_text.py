"""Hooks in a registry's text: what is read, what is refused and where, and what an edit leaves as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.connections import hook_text, registry_text
from tui.connections.applying import plan_named
from tui.connections.model import Hook
from tui.connections.registry import Registry
from tui.connections.registry_text import TextError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
version = 1

# Who is on call
[[hooks]]
name = "pager"          # the old one
command = ["/usr/local/bin/page", "--dba"]
level = "critical"

[[hooks]]
name = "ops"
webhook = "https://alerts.example.com/pgconns"
secret_from = "file:/etc/pgconns/ops"
quiet_hours = ["22:00-07:00", "Sat-Sun 00:00-24:00"]
time_zone = "Europe/Madrid"
remind_hours = 4
"""
PAGER = Hook("pager", command=("/usr/local/bin/page", "--dba"), level="critical")
OPS = Hook(
    "ops",
    webhook="https://alerts.example.com/pgconns",
    secret_from="file:/etc/pgconns/ops",
    quiet_hours=("22:00-07:00", "Sat-Sun 00:00-24:00"),
    time_zone="Europe/Madrid",
    remind_hours=4,
)


def test_hooks_are_read_and_written_back() -> None:
    assert registry_text.read(TEXT).hooks == (PAGER, OPS)
    assert registry_text.read(registry_text.dumps((), (), (PAGER, OPS))).hooks == (PAGER, OPS)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('name = "a b"', "line 2: name: a hook's name"),
        ('webhok = "https://x.example"', "line 3: webhok: hooks have no such setting: did you mean webhook?"),
        ('token = "x"', "line 3: token: no secret belongs here"),
        ('command = "page"', "line 3: command: a command is a list of texts"),
        ("command = []", "line 3: command: a command is a list of texts"),
        ('webhook = "http://alerts.example.com"', "line 3: webhook: alerts name your servers: https"),
        ('webhook = "https://me:pw@x.example"', "line 3: webhook: no secret belongs here"),
        ('webhook = "https://x.example:99999/"', "line 3: webhook: this is no URL"),
        ('webhook = "//x.example"', "line 3: webhook: this is no URL"),
        ('apprise_from = "slack://token"', "line 3: apprise_from: a secret lives in"),
        ('webhook_from = "vault"', "line 3: webhook_from: a secret lives in"),
        ('command = ["x"]\nwebhook = "https://x.example"', "line 3: command: a hook has one of"),
        ('command = ["x"]\nsecret_from = "env:X"', "line 3: command: secret_from names the key"),
        ('command = ["x"]\nquiet_hours = ["22:00-07:00"]', "line 3: command: quiet_hours and time_zone"),
        ('command = ["x"]\nquiet_hours = ["22-07"]', "line 4: quiet_hours: Quiet hours are written like"),
        ('command = ["x"]\nquiet_hours = ["Someday 01:00-02:00"]', "line 4: quiet_hours: 'someday' is no day"),
        ('command = ["x"]\nquiet_hours = ["25:00-02:00"]', "line 4: quiet_hours: '25:00-02:00' names a time"),
        ('command = ["x"]\ntime_zone = "Mars/Base"', "line 4: time_zone: This machine knows no time zone"),
        ('command = ["x"]\nlevel = "bad"', "line 4: level: the least that is told"),
        ('command = ["x"]\nstands_seconds = "30"', "line 4: stands_seconds: how long an alert must stand is a number"),
        ('command = ["x"]\ncritical_in_quiet_hours = 1', "line 4: critical_in_quiet_hours: this is true or false"),
        ("level = 'warning'", "line 2: name: a hook has one of"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(line: str, said: str) -> None:
    head = "" if line.startswith("name") else 'name = "a"\n'
    with pytest.raises(TextError) as raised:
        registry_text.read(f"[[hooks]]\n{head}{line}\n")
    assert str(raised.value).startswith(said)


def test_names_are_unique_and_tables_are_tables() -> None:
    with pytest.raises(TextError, match="line 5: the hook 'a' is there twice"):
        registry_text.read('[[hooks]]\nname = "a"\ncommand = ["x"]\n[[hooks]]\nname = "a"\ncommand = ["x"]\n')
    with pytest.raises(TextError, match=r"each hook starts with a line \[\[hooks\]\]"):
        registry_text.read('hooks = "x"\n')
    with pytest.raises(TextError, match="has a name of its own"):
        registry_text.read('[[hooks]]\ncommand = ["x"]\n')


def test_an_edit_touches_only_what_differs() -> None:
    changed = hook_text.with_set(TEXT, PAGER._replace(level="warning", stands_seconds=5))
    assert "# Who is on call" in changed
    assert "# the old one" in changed
    assert "level" not in changed
    assert registry_text.read(changed).hooks == (PAGER._replace(level="warning", stands_seconds=5), OPS)
    assert hook_text.with_set(TEXT, OPS) == TEXT
    new = Hook("chat", apprise_from="env:CHAT")
    assert registry_text.read(hook_text.with_set(TEXT, new)).hooks == (PAGER, OPS, new)
    assert registry_text.read(hook_text.with_set("", new)).hooks == (new,)


WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@st.composite
def _hooks(draw: st.DrawFn) -> Hook:
    return Hook(
        draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)),
        command=tuple(draw(st.lists(WORD, min_size=1))),
        level=draw(st.sampled_from(["warning", "critical"])),
        stands_seconds=draw(st.integers(0, 1000)),
        critical_in_quiet_hours=draw(st.booleans()),
    )


@given(_hooks())
def test_whatever_is_written_is_read(hook: Hook) -> None:
    assert registry_text.read(registry_text.dumps((), (), (hook,))).hooks == (hook,)
    assert registry_text.read(hook_text.with_set(TEXT, hook)).hooks[-1] == hook


def test_the_users_hooks_hide_those_of_the_system(tmp_path: Path) -> None:
    mine, system = tmp_path / "mine.toml", tmp_path / "system.toml"
    system.write_text(TEXT)
    mine.write_text('[[hooks]]\nname = "ops"\ncommand = ["true"]\n')
    registry = Registry(mine, (system,))
    own = Hook("ops", command=("true",))
    assert registry.hooks() == (own, PAGER._replace(read_only=True))
    planned = plan_named(registry.hooks(), (OPS, PAGER))
    assert (planned.add, planned.change, planned.unchanged, planned.absent) == ((), (OPS,), ("pager",), ())
    registry.set_hook(OPS)
    assert registry.hooks()[0] == OPS
