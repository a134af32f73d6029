"""A process that records and prints the number of each sample once it is acknowledged."""

import sys
from pathlib import Path

from tests.history.given import Traffic
from tui.history.store import Store


def main() -> None:
    """Record until killed."""
    store = Store(Path(sys.argv[1]))
    traffic = Traffic(3, 2, every_s=3, seed=int(sys.argv[2]))
    traffic.at += int(sys.argv[2]) * 100_000
    while True:
        print(store.write(traffic.sample()), flush=True)


main()
