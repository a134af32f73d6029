"""python -m tui, and the command pgconns."""

import gc
import os
import sys


def main() -> int:
    """Run the command line; return its exit status."""
    gc.disable()  # start-up leaves no garbage worth looking for; commands that live longer enable it again
    from tui.cli.main import run  # noqa: PLC0415 - `--version` of a broken installation still tells what is broken

    status = run(sys.argv[1:])
    if "threading" not in sys.modules:
        # Everything is flushed, and nothing runs beside: taking the interpreter apart would be a tenth of `list`.
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
