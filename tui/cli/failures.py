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
    if status is not None:
        output.error(str(error))
        return status
    output.note(_report(error))
    return Exit.CRASHED


def _domain_status(error: Exception) -> Exit | None:
    from tui.connections.parameters import Problem

    return Exit.USAGE if isinstance(error, Problem) else None


def _report(error: Exception) -> str:
    """Describe a defect without its message, local variables or arguments: any of them may hold a password."""
    frames = traceback.extract_tb(error.__traceback__)
    house = Path(__file__).resolve().parent.parent
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(house)] or list(frames)
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in own[-3:]]
    python = ".".join(map(str, sys.version_info[:3]))
    return (
        f"pgconns: a defect of pgconns, not of yours: {type(error).__name__}\n"
        f"  at {' < '.join(reversed(places)) or 'an unknown place'}\n"
        f"  pgconns {__version__}, Python {python}, {sys.platform}\n"
        "Nothing was registered or removed by this step. Please report these lines to the project; they hold no secret."
    )
