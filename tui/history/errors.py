"""What may be wrong with the history."""


class HistoryError(Exception):
    """The history cannot be used: a sentence that names the file and what to do. Exit status 5."""


class NotAnswered(HistoryError):
    """The server that the history is read from gives no answer that can be used: worth a word wherever it is met."""
