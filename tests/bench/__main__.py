"""Measures what is named, or everything, and prints one table."""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import site
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from tests.bench.peer import VERSION
from tests.bench.place import MAJOR, Place
from tests.bench.report import Row, say, table

# The module and the function of each measurement.
MEASUREMENTS = {
    "start": ("starting", "start"),
    "list": ("starting", "listing"),
    "poll": ("polling", "poll"),
    "console": ("console", "console"),
    "stalls": ("stalls", "stalls"),
    "scale": ("scale", "scale"),
    "week": ("week", "week"),
    "history": ("history", "history"),
}


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(MEASUREMENTS)}")
    names = parser.parse_args().names or list(MEASUREMENTS)
    unknown = set(names) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"nothing is called {', '.join(sorted(unknown))}: there is {', '.join(MEASUREMENTS)}")
    _compile()
    rows: list[Row] = []
    try:
        with Place() as place:
            for name in names:
                began = time.monotonic()
                say(f"{name} ...")
                module, function = MEASUREMENTS[name]
                rows += getattr(import_module(f"tests.bench.{module}"), function)(place)
                say(f"{name} took {time.monotonic() - began:.0f} s")
    finally:
        # A measurement that fails takes none of the others with it.
        print(
            f"Medians on {os.cpu_count()} cores; Python {platform.python_version()}, PostgreSQL {MAJOR},"
            f" pg_activity {VERSION}, Textual {version('textual')}.\n"
        )
        print(table(rows))


def _compile() -> None:
    """Compile what installers compile; PYTHONDONTWRITEBYTECODE would have every start pay for it."""
    for folder in (*site.getsitepackages(), str(Path(__file__).parents[2] / "tui")):
        compileall.compile_dir(folder, quiet=2)


if __name__ == "__main__":
    main()
