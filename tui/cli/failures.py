"""What the command line answers when a command raised: a domain error's sentence, or the report of a defect."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from tui import __version__
from tui.exits import Exit

if TYPE_CHECKING:
    from tui.cli.output import Output


def explain(error: Exception, output: Output) -> Exit:
    """Write why a command failed; return its exit status."""
    status = _domain_status(error)
    if status is None:
        output.note(_report(error))
        return Exit.CRASHED
    output.error(str(error))
    return status


def _domain_status(error: Exception) -> Exit | None:
    """Return the status of an error that has words for people; None for a defect."""
    from tui.connections import parameters, registry, secrets

    if isinstance(error, (registry.RegistryError, secrets.SecretsError)):
        return Exit.UNUSABLE_STORE
    if isinstance(error, (registry.Refused, parameters.Problem)):
        return Exit.USAGE
    return None


def _report(error: Exception) -> str:
    """Describe a defect without its message, local variables or arguments: any of them may hold a password."""
    house = Path(__file__).resolve().parent.parent
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(house)] or list(frames)
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in own[-4:]]
    python = ".".join(map(str, sys.version_info[:3]))
    return (
        f"pgconns: this is a defect of pgconns: {type(error).__name__}\n"
        f"  at {', called from '.join(reversed(places)) or 'an unknown place'}\n"
        f"  pgconns {__version__}, Python {python}, {sys.platform}\n"
        "Please report it to the project with these lines, which hold no secret, and what you did."
    )
