"""Starting: what is imported, help, version, the console's terminal, words that are no command."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tui.cli.main import COMMANDS

if TYPE_CHECKING:
    from tests.cli.conftest import Program

HEAVY = (
    "textual", "psycopg", "httpx", "keyring", "asyncio", "cryptography", "rich", "sqlite3", "prometheus_client", "yaml",
)  # fmt: skip


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["list"], ["list", "--json"], ["add", "--help"]])
def test_what_starts_fast_imports_nothing_heavy(words: list[str], home: object) -> None:
    program = (
        "import sys\n"
        "from tui.cli.main import run\n"
        f"status = run({words!r})\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'{heavy} were imported' if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_list_imports_nothing_that_its_budget_cannot_pay(pgconns: Program) -> None:
    program = (
        "import sys\nfrom tui.cli.main import run\nrun(['list'])\n"
        "print([n for n in ('argparse', 'pathlib', 'dataclasses', 'json', 'inspect', 'threading') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_version(pgconns: Program) -> None:
    assert pgconns("--version") == (0, "pgconns 0.1.0\n", "")


def test_the_overview_names_every_command_within_80_columns(pgconns: Program) -> None:
    result = pgconns("--help")
    assert result.status == 0
    assert all(re.search(rf"^  {name} ", result.out, re.MULTILINE) for name in COMMANDS)
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_shows_an_example_and_its_exit_statuses(pgconns: Program, command: str) -> None:
    result = pgconns(command, "--help")
    assert (result.status, result.err) == (0, "")
    assert f"  pgconns {command}" in result.out.split("examples:")[1]
    assert re.search(r"exit status:\n  0 ", result.out)
    assert pgconns("help", command) == result


def test_without_a_terminal_the_console_says_so(pgconns: Program) -> None:
    result = pgconns()
    assert (result.status, result.out) == (2, "")
    assert "needs a terminal" in result.err


def test_an_unknown_command_names_the_nearest(pgconns: Program) -> None:
    result = pgconns("chekc")
    assert (result.status, result.out) == (2, "")
    assert "pgconns check" in result.err
    assert "add, list, show" in pgconns("zzzzzz").err


def test_an_option_before_the_command_is_put_right(pgconns: Program) -> None:
    result = pgconns("--json", "list")
    assert result.status == 2
    assert "pgconns COMMAND --json" in result.err


@pytest.mark.parametrize(
    "words",
    [
        ["add", "x", "--password", "hunter2"],
        ["add", "x", "--password=hunter2"],
        ["edit", "x", "--password=hunter2"],
        ["edit", "x", "--password", "hunter2"],
        ["list", "hunter2"],
        ["check", "--hunter=hunter2"],
        ["check", "--json=hunter2"],
        ["add", "x", "--server", "postgresql://u:hunter2@h/d"],
        ["add", "x", "--from-uri", "postgresql://u:hunter2@h/d"],
        ["add", "x", "--from-uri", "host=h user=u password=hunter2"],
        ["add", "x", "--from-uri", "postgresql://u:hunter2@[h/d"],
    ],
)
def test_a_password_in_argv_is_refused_and_not_repeated(pgconns: Program, words: list[str]) -> None:
    result = pgconns(*words)
    assert (result.status, result.out) == (2, "")
    assert "hunter2" not in result.err
    assert result.err.startswith("pgconns: ")
    assert len(result.err.splitlines()) == 1
