"""python -m tui, and the command pgconns."""

import sys


def main() -> int:
    """Run the command line; return its exit status."""
    from tui.cli.main import run  # noqa: PLC0415 - `--version` of a broken installation still tells what is broken

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
