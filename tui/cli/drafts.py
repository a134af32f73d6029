"""What the flags of `add` and `edit` ask for: the draft they make, and the password that came with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cli import fields, prompts
from tui.cli.output import Refused
from tui.connections.connectors import BY_KEY, propose
from tui.connections.parameters import Problem, defaults

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from tui.cli.output import Output
    from tui.connections.secret import Secret
    from tui.connections.uri import Pasted


def read(arguments: Namespace, base: Mapping[str, str], output: Output) -> tuple[dict[str, str], Secret | None]:
    """Return `base` with what the flags and a URI set, flags winning, and the password of stdin or of the URI."""
    given = fields.given(arguments)
    fields.refuse_uri(given)
    pasted = _pasted(arguments, output) if arguments.from_uri is not None else None
    draft = {**base, **(pasted.draft if pasted else {}), **given}
    return draft, prompts.password_from_stdin() if arguments.password_stdin else pasted.password if pasted else None


def with_defaults(draft: Mapping[str, str]) -> dict[str, str]:
    """Return the draft of a new Connection, with its connector proposed and with what that connector presets."""
    port = draft.get("port", "")
    connector = draft.get("connector") or propose(draft.get("server", ""), int(port) if port.isdecimal() else None)
    presets = defaults(connector) if connector in BY_KEY else {}
    return {**presets, "connector": connector, **{name: text for name, text in draft.items() if text}}


def _pasted(arguments: Namespace, output: Output) -> Pasted:
    from tui.connections.pg_service import find
    from tui.connections.uri import read_pasted
    from tui.postgres.conninfo import parse

    from_stdin = arguments.from_uri == "-"
    if from_stdin and arguments.password_stdin:
        raise Refused("--from-uri - and --password-stdin both read stdin: put the password into the URI")
    text = prompts.uri() if from_stdin else arguments.from_uri
    if not text.strip():
        raise Refused("--from-uri: nothing is there; a URI looks like postgresql://carto@db.example.com:5432/gis")
    try:
        pasted = read_pasted(text, parse, find)
    except Problem as problem:
        raise Refused(f"--from-uri: {problem}") from None
    if pasted.password is not None and not from_stdin:
        raise Refused(
            "--from-uri: a password on the command line is seen by everyone on this machine, and was not used; "
            "write --from-uri - and hand the URI over on stdin. Consider changing that password"
        )
    for note in pasted.notes:
        output.note(f"--from-uri: {note}")
    return pasted
