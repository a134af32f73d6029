"""What may be wrong with the history."""


class HistoryError(Exception):
    """The history cannot be used: a sentence that names the file and what to do. Exit status 5."""
