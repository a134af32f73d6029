"""Parses the arguments of the one command asked for; what is wrong becomes a sentence, never a value repeated."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, NoReturn

from tui.cli.output import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(name: str, summary: str, module: Any, words: Sequence[str], *, json: bool) -> argparse.Namespace | None:
    """Return the arguments of a command; None when they asked for --help, which is printed. Raises Refused."""
    parser = Parser(name, summary, module)
    if json:
        parser.add_argument("--json", action="store_true", help="print one JSON value")
    try:
        arguments, unknown = parser.parse_known_args(words)
    except SystemExit:
        return None
    if unknown:
        parser.error(_unknown(unknown))
    return arguments


def _unknown(words: Sequence[str]) -> str:
    # Values are not repeated: a password typed by mistake would reach logs.
    options = sorted({word.partition("=")[0] for word in words if word.startswith("-")})
    if "--password" in options or "-W" in options:
        return "a password does not belong on the command line, where others see it: use --password-stdin"
    if options:
        return f"there is no option {', '.join(options)} here"
    return f"{len(words)} word{'s' * (len(words) > 1)} too many: put quotes around a name with spaces"


class Parser(argparse.ArgumentParser):
    """A command's parser; what is wrong becomes a sentence and exit status 2."""

    def __init__(self, name: str, summary: str, module: Any) -> None:
        super().__init__(
            prog=f"pgconns {name}",
            description=summary[0].upper() + summary[1:] + ".",
            epilog=_epilog(module),
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        module.add_arguments(self)

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments, and say where the right ones are told."""
        if "ignored explicit argument" in message:  # its value may be a password
            message = message.partition(": ignored")[0].removeprefix("argument ") + " takes no value"
        raise Refused(f"{message}. {self.prog} --help shows what would be right")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Knows its width: argparse would import shutil for it, which costs 10 ms at every start."""

    def __init__(self, prog: str) -> None:
        try:
            width = os.get_terminal_size(1).columns
        except OSError:
            width = 80
        super().__init__(prog, max_help_position=32, width=max(40, min(width, 100)) - 1)


def _epilog(module: Any) -> str:
    examples = "\n".join(f"  {line}" for line in module.EXAMPLES.strip().splitlines())
    statuses = "\n".join(f"  {int(status):<4} {meaning}" for status, meaning in module.STATUSES.items())
    return f"examples:\n{examples}\n\nexit status:\n{statuses}"
