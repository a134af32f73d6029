"""Describes a defect of pgconns for whoever reports it, without telling a secret."""

import sys
import traceback
from pathlib import Path

from tui import __version__

_SHOWN = 4


def describe(error: BaseException) -> str:
    """Describe a defect without its message, local variables or arguments: any of them may hold a password."""
    house = Path(__file__).resolve().parent
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(house)] or list(frames)
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in own[-_SHOWN:]]
    python = ".".join(map(str, sys.version_info[:3]))
    return (
        f"pgconns: this is a defect of pgconns: {type(error).__name__}\n"
        f"  at {', called from '.join(reversed(places)) or 'an unknown place'}\n"
        f"  pgconns {__version__}, Python {python}, {sys.platform}\n"
        "Please report it to the project with these lines, which hold no secret, and what you did."
    )
