"""The flags of `add` and `edit`: every one is derived from parameters.FIELDS, and so are the words about mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cli.output import Refused
from tui.connections import parameters

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping, Sequence

    from tui.connections.model import Parameters

# Other names come from `rename`; a Connection's name is no flag.
FLAGGED = tuple(field for field in parameters.FIELDS if field.name != "name")
_TITLES = {
    "basic": "the server",
    "security": "TLS and password",
    "matching": "how its sockets are told apart",
    "advanced": "CARTO's locations",
}
_METAVARS = {
    "sslmode": "MODE",
    "sslrootcert": "FILE",
    "password_from": "SOURCE",
    "match_application": "GLOB",
    "match_client": "CIDR",
}


def add_flags(parser: ArgumentParser) -> None:
    """Add one flag per parameter, in the groups of the form."""
    groups = {key: parser.add_argument_group(title) for key, title in _TITLES.items()}
    for field in FLAGGED:
        meaning = field.meaning.partition(";")[0]  # what follows is about the form
        if field.choices:
            meaning += f"; one of {', '.join(field.choices)}"
        if field.many:
            meaning += "; may be given several times"
        elif field.default and field.name not in {"connector", "sslmode", "port", "password_from"}:
            meaning += f" (default {field.default})"
        groups[field.group].add_argument(
            field.flag,
            dest=field.name,
            action="append" if field.many else "store",
            metavar=_METAVARS.get(field.name, "SCHEMA" if field.group == "advanced" else field.name.upper()),
            help=meaning.replace("%", "%%"),
        )


def add_source_flags(parser: ArgumentParser) -> None:
    """Add the ways in which a password and a URI come in, none of them through argv."""
    parser.add_argument("--password-stdin", action="store_true", help="read the password from stdin's first line")
    parser.add_argument(
        "--from-uri", metavar="-", help="read a URI or key=value conninfo from stdin; flags win over what it says"
    )


def given(arguments: Namespace) -> dict[str, str]:
    """Return the draft of the flags that were given; a flag with an empty value takes the default again."""
    draft = {}
    for field in FLAGGED:
        value = getattr(arguments, field.name)
        if value is not None:
            draft[field.name] = ", ".join(value) if field.many else value
    return draft


def read(draft: Mapping[str, str]) -> Parameters:
    """Return the Parameters of a draft; raises Refused with every problem, each by the name of its flag."""
    read_, problems = parameters.read(draft)
    if read_ is None:
        raise Refused(describe(problems))
    return read_


def describe(problems: Mapping[str, str]) -> str:
    """Return one sentence a problem, each with the flag or argument that it is about."""
    lines = [
        f"{'NAME' if name == 'name' else parameters.BY_NAME[name].flag}: {sentence}"
        for name, sentence in problems.items()
    ]
    if len(lines) == 1:
        return lines[0]
    return "\n  ".join([f"{len(lines)} values are not right", *lines])


def refuse_uri(draft: Mapping[str, str]) -> None:
    """Refuse a URI in --server: it may carry a password, and argv is seen by everyone on the machine."""
    server = draft.get("server", "")
    if "://" in server or "=" in server:
        raise Refused("--server: takes a host name; hand a URI over on stdin with --from-uri -, where nobody sees it")


def concern_server(names: Sequence[str]) -> bool:
    """Tell whether a change of these parameters may change what a probe finds: all but the matchers."""
    return any(parameters.BY_NAME[name].group != "matching" for name in names if name != "name")
