"""Takes argv, runs one command, and answers with an exit status. Also the crash boundary of the command line.

A command is a module with

    EXAMPLES: str                       shown by --help, one command line a line
    STATUSES: dict[Exit, str]           what its exit statuses mean, shown by --help
    add_arguments(parser) -> None       `--json` is added here, for all but those in WITHOUT_JSON
    run(arguments, output) -> int       raises Refused for what cannot be done; registry and secret errors pass through
    PLAIN = True                        it takes nothing but --json: `arguments` is None then, and argparse, which
                                        would be a sixth of the start-up budget of `list`, is not imported
    REFUSED: int                        what wrong usage answers, where convention wants another status than 2

or a group of commands, with

    group(words, output)                returns the name, the summary, the module and the words of the one asked for;
                                        None where it printed which there are

and is imported, with its parser, only when it is asked for.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

from tui.cli.output import Output, OutputLost, Refused, standard
from tui.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: dict[str, str] = {
    "add": "check a server, and register it when everything needed is OK",
    "list": "list the registered Connections",
    "show": "show one Connection and what its last check said",
    "edit": "change parameters of a Connection, or its password",
    "rename": "give a Connection another name",
    "remove": "forget a Connection and its password",
    "check": "check registered Connections again",
    "sockets": "count the open sockets of Connections, now or as a stream",
    "backends": "list the single sockets of a Connection",
    "end": "end sockets of a Connection, or cancel their queries",
    "alert": "answer as a monitoring plugin: nearly full, leaking, down",
    "alerts": "list what stands, acknowledge it, and try the hooks",
    "watch": "record all Connections until SIGTERM, without a screen",
    "metrics": "serve metrics for Prometheus; print rules and a dashboard",
    "history": "print or export what was recorded of a Connection",
    "replay": "play what was recorded as the panel showed it, or export it",
    "temp-tables": "list what workflows left behind, its size and age",
    "forecast": "say where a recorded series of socket counts leads",
    "regions": "list CARTO's static addresses, and enter your own",
    "allow": "write the firewall rules that let a region's addresses in",
    "reach": "say which of CARTO's addresses a server's rules let in",
    "bouncer": "plan a PgBouncer before a server, write its files, check it",
    "import": "register Connections from a file of another tool",
    "export": "write Connections as a registry file, without secrets",
    "apply": "bring the registry to what a file declares",
    "demo": "open the console on an embedded server with traffic",
    "doctor": "say what will not work on this machine, and why",
}
WITHOUT_JSON = frozenset({"demo", "metrics", "watch"})
_BROKEN_PIPE = 141  # what a shell reports for a program that SIGPIPE ended


def run(argv: Sequence[str]) -> int:
    """Run the command that `argv` asks for; return its exit status. Nothing escapes but the end of the process."""
    output = standard()
    try:
        status = _run(argv, output)
        output.flush()
    except BrokenPipeError:
        _silence()
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        if output.live:
            output.note("")  # the shell's prompt stands on a line of its own
        return Exit.INTERRUPTED
    except OutputLost as lost:
        _silence()
        print(f"pgconns: the output could not be written: {lost}", file=sys.stderr)
        return Exit.CRASHED
    return status


def _run(argv: Sequence[str], output: Output) -> int:
    try:
        return _dispatch(argv, output)
    except Refused as refused:
        output.error(str(refused))
        return refused.status
    except (BrokenPipeError, OutputLost):
        raise
    except Exception as error:  # noqa: BLE001 - the crash boundary: no traceback, whose frames hold passwords
        from tui.cli.failures import explain

        return explain(error, output)


def _dispatch(argv: Sequence[str], output: Output) -> int:
    if not argv:
        return _open_console()
    first, rest = argv[0], argv[1:]
    if first in {"-h", "--help", "help"}:
        if rest and first == "help":
            return _command(rest[0], ["--help"], output)
        output.block(_overview())
        return Exit.DONE
    if first in {"-V", "--version"}:
        from tui import __version__

        output.line(f"pgconns {__version__}")
        return Exit.DONE
    if first.startswith("-"):
        option = first.partition("=")[0]
        raise Refused(f"{option} stands before the command: write pgconns COMMAND {option}, or pgconns --help")
    return _command(first, rest, output)


def _command(name: str, rest: Sequence[str], output: Output) -> int:
    if name not in COMMANDS:
        from difflib import get_close_matches

        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"Did you mean pgconns {near[0]}?" if near else f"There are {', '.join(COMMANDS)}."
        raise Refused(f"There is no command {name[:40]!r}. {hint}")
    module, summary = _module(name), COMMANDS[name]
    if hasattr(module, "group"):
        asked = module.group(rest, output)
        if asked is None:
            return Exit.DONE
        name, summary, module, rest = asked
    if getattr(module, "PLAIN", False) and list(rest) in ([], ["--json"]):
        output.json = bool(rest)
        return int(module.run(None, output))
    gc.enable()
    from tui.cli.parser import parse

    try:
        arguments = parse(name, summary, module, rest, json=name not in WITHOUT_JSON)
    except Refused as refused:
        raise Refused(str(refused), getattr(module, "REFUSED", refused.status)) from None
    if arguments is None:  # --help was printed
        return Exit.DONE
    output.json = getattr(arguments, "json", False)
    return int(module.run(arguments, output))


def _module(name: str) -> Any:
    from importlib import import_module

    return import_module("tui.cli." + ("import_" if name == "import" else name.replace("-", "_")))


def _open_console() -> int:
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        raise Refused("The console needs a terminal. Here, use a command: pgconns --help lists them")
    if os.environ.get("TERM") == "dumb":
        raise Refused("TERM=dumb is a terminal that cannot move its cursor: use a command, or set TERM to what it is")
    from tui.cli.sockets import interval

    seconds = interval()
    from tui.app import run_console

    return run_console(seconds)


def _overview() -> str:
    widest = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{widest}}  {meaning}" for name, meaning in COMMANDS.items())
    return f"""\
usage: pgconns [COMMAND ...]

A terminal console for the PostgreSQL Connections that the CARTO platform uses.
Without a command it opens the console.

commands:
{commands}

options:
  --help      what pgconns, or COMMAND, does
  --version   print the version

examples:
  pgconns add prod --server db.example.com --username carto --database gis
  pgconns sockets --json
  pgconns check --help

exit status: 0 done, 1 the answer is bad news, 2 wrong usage or input,
3 cannot connect, 4 server not supported, 5 registry, secrets or history
unusable, 70 a defect of pgconns, 130 interrupted"""


def _silence() -> None:
    """Point stdout to nowhere: the interpreter flushes it once more at exit, and would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
