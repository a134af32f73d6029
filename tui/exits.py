"""The exit statuses of the command line."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command answers; scripts rely on it."""

    DONE = 0
    BAD_NEWS = 1  # a check failed, a warning or critical level
    USAGE = 2
    CANNOT_CONNECT = 3
    UNSUPPORTED = 4
    UNUSABLE_STORE = 5  # registry, secret store or history
    CRASHED = 70  # a defect of pgconns, or its output could not be written; EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130
