"""The one owner of stdout and stderr: data, notes, tables, findings, progress and colour.

Data goes to stdout, everything else to stderr. Everything passes `text.safe` here, so that a command may hand over
names and texts of servers as they are. No dataclasses and no json on the way to `pgconns list`: see the budgets.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from tui.exits import Exit
from tui.text import cells, pad, safe, safe_lines, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.postgres.finding import Finding

# Sign, sign where the encoding has no such letter, colour (SGR).
_SIGNS = {
    "ok": ("✓", "+", "32"),
    "warning": ("!", "!", "33"),
    "failed": ("✗", "x", "31"),
    "skipped": ("–", "-", "2"),
}
NONE_YET = "No Connection is registered yet. pgconns add --help shows how to register one."
_MARK_WIDTH = 10  # a sign, a word, spaces
_INDENT = " " * 4
_NARROWEST_COLUMN = 8


class Refused(Exception):
    """A command cannot do what was asked: a sentence that says why and what would be right, and the exit status."""

    def __init__(self, sentence: str, status: Exit = Exit.USAGE) -> None:
        super().__init__(sentence)
        self.status = status


class OutputLost(Exception):
    """The data could not be written; the message is the system's reason."""


class Output:
    """Where a command writes. `json` says that stdout takes JSON values only."""

    def __init__(self, stdout: TextIO, stderr: TextIO, *, json: bool = False) -> None:
        self.json = json
        self._stdout = stdout
        self._stderr = stderr
        self._progress_shown = False

    @property
    def width(self) -> int | None:
        """The columns of stdout's terminal; COLUMNS where it is set; None in a pipe, where nothing is cut."""
        return _columns(self._stdout)

    @property
    def live(self) -> bool:
        """Whether stderr is a terminal: progress is shown there and nowhere else."""
        return _is_terminal(self._stderr)

    def line(self, text: str = "") -> None:
        """Write one line of data to stdout."""
        self._write(self._stdout, safe(text) + "\n")

    def block(self, text: str) -> None:
        """Write lines of data to stdout: the text of a file, which keeps its line breaks and is never cut."""
        self._write(self._stdout, safe_lines(text.removesuffix("\n"), longest=len(text)) + "\n")

    def value(self, value: Any) -> None:
        """Write one JSON value to stdout, on one line; escaped to ASCII, so that no terminal obeys what is in it."""
        import json

        self._write(self._stdout, json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")

    def note(self, text: str) -> None:
        """Write a sentence to stderr; it may have several lines."""
        self._write(self._stderr, safe_lines(text) + "\n")

    def error(self, text: str) -> None:
        """Write to stderr what went wrong and what to do about it."""
        self.note(f"pgconns: {text}")

    def progress(self, text: str) -> None:
        """Show on a terminal's stderr what is being done; the next thing written there takes its place."""
        if self.live:
            self._write(self._stderr, pad(safe(text), (_columns(self._stderr) or 80) - 1).rstrip(), end=False)

    def finding(self, finding: Finding, *, data: bool = False) -> None:
        """Write one line of a check list to stderr, or as data to stdout; its fix is indented beneath."""
        stream = self._stdout if data else self._stderr
        took = f" ({finding.milliseconds:.0f} ms)" if finding.milliseconds >= 1 else ""
        code = f" [{safe(finding.code)}]" if finding.code else ""
        width = _columns(stream)
        said = _wrapped(f"{_label(finding)}: {safe(finding.message)}{code}{took}", width, _MARK_WIDTH)
        lines = [f"{self._mark(finding.status, stream)} {said}"]
        if finding.detail:
            lines += [_INDENT + _wrapped(line, width) for line in safe_lines(finding.detail).split("\n")]
        if finding.fix:  # never wrapped: statements are copied from here
            lines.append(_INDENT + "Fix: " + safe_lines(finding.fix).replace("\n", f"\n{_INDENT}     "))
        self._write(stream, "\n".join(lines) + "\n")

    def not_looked_at(self, findings: Sequence[Finding], *, data: bool = False) -> None:
        """Write one line for the checks among these that an obstacle above them left out: it is the same for each."""
        from tui.probe.report import is_behind_obstacle

        skipped = [_label(finding) for finding in findings if is_behind_obstacle(finding)]
        if skipped:
            stream = self._stdout if data else self._stderr
            said = _wrapped(f"Not looked at: {', '.join(skipped)}", _columns(stream), _MARK_WIDTH)
            self._write(stream, f"{self._mark('skipped', stream)} {said}\n")

    def table(
        self,
        headers: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        right: frozenset[int] = frozenset(),
        whole: frozenset[int] = frozenset(),
    ) -> None:
        """Write aligned columns to stdout, cut to the terminal's width, but for those that are to stay `whole`.

        Columns in `right` stand flush right.
        """
        cleaned = [[safe(cell) for cell in row] for row in rows]
        widths = [max([cells(header), *(cells(row[n]) for row in cleaned)]) for n, header in enumerate(headers)]
        if self.width is not None:
            widths = fit(widths, self.width, whole=whole)
        self._write(self._stdout, "".join(_aligned(row, widths, right) for row in (headers, *cleaned)))

    def flush(self) -> None:
        """Bring out what is buffered, and take progress away; raises like a write."""
        self._clear()
        self._write(self._stdout, "")

    def _mark(self, status: str, stream: TextIO) -> str:
        sign, plain, colour = _SIGNS[status]
        text = f"{sign if _is_unicode(stream) else plain} {status:<7}"
        return f"\x1b[{colour}m{text}\x1b[0m" if _is_colourful(stream) else text

    def _write(self, stream: TextIO, text: str, *, end: bool = True) -> None:
        try:
            if text:
                self._clear()
            stream.write(text)
            if not end:
                self._progress_shown = True
            stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.strerror or type(error).__name__) from None

    def _clear(self) -> None:
        if self._progress_shown:
            self._progress_shown = False
            self._stderr.write("\r\x1b[K")
            self._stderr.flush()


def _label(finding: Finding) -> str:
    from tui.probe.report import CHECKS

    return CHECKS.get(finding.check) or finding.check.replace("_", " ").capitalize().replace("Tls", "TLS")


def _aligned(row: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
    parts = []
    for n, (cell, width) in enumerate(zip(row, widths, strict=True)):
        cut = shorten(cell, width)
        space = " " * (width - cells(cut))
        parts.append(space + cut if n in right else cut + space)
    return "  ".join(parts).rstrip() + "\n"


def fit(widths: Sequence[int], total: int, gap: int = 2, whole: frozenset[int] = frozenset()) -> list[int]:
    """Return widths that fit into `total` cells with gaps between: the widest columns give first, `whole` ones nothing.

    >>> fit([30, 10, 20], 50), fit([30, 10, 20], 50, whole=frozenset({0}))
    ([18, 10, 18], [30, 8, 8])
    """
    fitted = list(widths)
    room = total - gap * (len(fitted) - 1)
    giving = [n for n in range(len(fitted)) if n not in whole]
    while sum(fitted) > room and (widest := max(giving, key=fitted.__getitem__, default=-1)) >= 0:
        if fitted[widest] <= _NARROWEST_COLUMN:
            break
        fitted[widest] -= 1
    return fitted


def standard(*, json: bool = False) -> Output:
    """Return the Output over the process's own streams, which never fail over a letter their encoding lacks."""
    streams = []
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # closed by the caller: `>&-`
            stream = open(os.devnull, "w")  # noqa: PTH123, SIM115, PLW2901 - pathlib costs 10 ms; lives as long as the process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
        streams.append(stream)
    return Output(streams[0], streams[1], json=json)


def _wrapped(text: str, width: int | None, taken: int = len(_INDENT)) -> str:
    """Return a text broken into lines of at most `width`, the next ones indented; `taken` cells stand before it."""
    if width is None or cells(text) + taken <= width:
        return text
    from textwrap import wrap

    lines = wrap(text, max(width, 40), initial_indent=" " * taken, subsequent_indent=_INDENT, break_on_hyphens=False)
    return "\n".join(lines).lstrip(" ")


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _is_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"


def _is_colourful(stream: TextIO) -> bool:
    return _is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _columns(stream: TextIO) -> int | None:
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    if not _is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80
