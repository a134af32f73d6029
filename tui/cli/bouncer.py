"""pgconns bouncer: the commands about a PgBouncer before a server, each a module of its own beside this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.cli.output import Output

COMMANDS = {
    "plan": "say whether a PgBouncer is worth it, and how large its pools must be",
    "config": "write a PgBouncer's files, try them, and lead Connections through it",
    "check": "say what is wrong with a running PgBouncer, and prove its cap",
}


def group(words: Sequence[str], output: Output) -> tuple[str, str, Any, Sequence[str]] | None:
    """Return the name, the summary, the module and the words of the command asked for. Raises Refused.

    None where --help asked which there are, which is printed.
    """
    from importlib import import_module

    if not words or words[0] in {"-h", "--help"}:
        if not words:
            raise Refused(f"pgconns bouncer needs a command: {', '.join(COMMANDS)}. pgconns bouncer --help tells more")
        output.block(_overview())
        return None
    name, *rest = words
    if name not in COMMANDS:
        raise Refused(f"There is no command bouncer {name[:40]!r}. There are {', '.join(COMMANDS)}")
    return f"bouncer {name}", COMMANDS[name], import_module(f"tui.cli.bouncer_{name}"), rest


def _overview() -> str:
    widest = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{widest}}  {meaning}" for name, meaning in COMMANDS.items())
    examples = "\n".join(f"  pgconns bouncer {name} --help" for name in COMMANDS)
    return f"""\
usage: pgconns bouncer COMMAND ...

A PgBouncer before a server holds down how many sockets CARTO opens there.

commands:
{commands}

examples:
{examples}

exit status:
  {int(Exit.DONE):<4} done; each command tells of its own"""
