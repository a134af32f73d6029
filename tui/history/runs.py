"""The runs of samples in the file of the history: rows that are open, and chunks, as the decoder takes them."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tui.history.database import Damaged
from tui.history.decoding import Decoder
from tui.history.lines import EncodingError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tui.history.decoding import Tally
    from tui.sockets.model import Sample

# A chunk of a fleet is some megabytes; a file from elsewhere is not to fill the memory.
_LARGEST_RUN = 256 * 1024 * 1024


@contextmanager
def snapshot(database: sqlite3.Connection) -> Iterator[None]:
    """Let all reads of the block see the same moment."""
    database.execute("BEGIN")
    try:
        yield
    finally:
        database.execute("ROLLBACK")


def opened_rows(database: sqlite3.Connection, after: int = 0) -> list[tuple[int, str]]:
    """Return the samples that are in no chunk yet, by the chunk that will hold them."""
    return database.execute("SELECT chunk, line FROM beat WHERE seq > ? ORDER BY seq", (after,)).fetchall()


def inflated(path: Path, lines: bytes) -> list[str]:
    """Return the lines of a chunk. Raises Damaged."""
    try:
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(lines, _LARGEST_RUN).decode("ascii")
    except (zlib.error, UnicodeDecodeError, TypeError):
        raise Damaged(f"The history {path} is damaged") from None
    if not unpacking.eof:
        raise Damaged(f"The history {path} is damaged")
    return text.split("\n")


def decoded(path: Path, lines: list[str]) -> Iterator[Decoder]:
    """Yield the decoder after each line of a run. Raises Damaged."""
    decoder = Decoder()
    for line in lines:
        try:
            decoder.take(line)
        except EncodingError:
            raise Damaged(f"The history {path} is damaged") from None
        yield decoder


def decoded_rows(path: Path, rows: list[tuple[int, str]]) -> Iterator[Decoder]:
    """Yield the decoder after each of the rows that no chunk holds yet. Raises Damaged."""
    for chunk in dict.fromkeys(chunk for chunk, _ in rows):
        yield from decoded(path, [line for of, line in rows if of == chunk])


def understood(path: Path, decoder: Decoder) -> Sample:
    """Return the sample that a decoder holds. Raises Damaged."""
    try:
        return decoder.sample()
    except EncodingError:
        raise Damaged(f"The history {path} is damaged") from None


def tallied(path: Path, decoder: Decoder, ids: Sequence[str], label: str) -> Tally:
    """Return the counts of some Connections on one server in the sample that a decoder holds. Raises Damaged."""
    try:
        return decoder.tally(ids, label)
    except EncodingError:
        raise Damaged(f"The history {path} is damaged") from None
