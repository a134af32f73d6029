"""The process that tells a service through apprise: a JSON value on stdin, and an exit status.

A process of its own, because the library takes a second and 40 MB to load, and waits where a service hangs.
"""

from __future__ import annotations

import json
import sys

_MISSING, _NO_SERVICE, _NOT_TOLD = 3, 4, 5
# What each status means.
SENTENCES = {
    _MISSING: "The notification library is not installed: pip install 'pgconns[apprise]'",
    _NO_SERVICE: "What apprise_from names is no URL that apprise knows, such as mailto:// or slack://",
    _NOT_TOLD: "The service did not take the notification",
}


def main() -> int:
    """Tell the service; return the status."""
    try:
        from apprise import Apprise  # noqa: PLC0415 - says so where it is missing
    except ImportError:
        return _MISSING
    told = json.load(sys.stdin)
    services = Apprise()
    if not services.add(told["url"]):
        return _NO_SERVICE
    done = services.notify(body=told["body"], title=told["title"], notify_type=told["tone"])
    return 0 if done else _NOT_TOLD


if __name__ == "__main__":
    sys.exit(main())
