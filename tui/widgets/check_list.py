"""The check list: one line per check, filled in as findings arrive, with the cause and the fix where one is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from tui.text import cells, pad, safe, safe_lines
from tui.widgets.cells import wrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.geometry import Size

    from tui.postgres.finding import Finding, Status

# Sign, word and colour of a status: the sign and the words carry the meaning without the colour.
SIGNS: dict[Status, tuple[str, str]] = {
    "ok": ("✓", "$ok"),
    "warning": ("!", "$warning"),
    "failed": ("✗", "$failed"),
    "skipped": ("–", "$muted"),
}
_WORST: tuple[Status, ...] = ("failed", "warning", "ok", "skipped")
_WAITING, _RUNNING = "·", "…"
_LABEL_WIDTH = 27
_NARROW = 60


def milliseconds(value: float) -> str:
    """Return how long a check took, in at most eight cells; nothing where it took no time worth telling."""
    if value < 0.5:
        return ""
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.0f} s"


def worst(findings: tuple[Finding, ...]) -> Status:
    """Return the status that a line shows for all its findings."""
    return min((finding.status for finding in findings), key=_WORST.index)


def _said(finding: Finding) -> str:
    """The message, with its code: people search for codes."""
    code = f" [{finding.code}]" if finding.code and finding.code not in finding.message else ""
    return safe(finding.message) + safe(code)


def check_lines(label: str, findings: tuple[Finding, ...], running: bool, width: int) -> list[Content]:
    """Return the lines of one check, at most `width` cells wide; an arrow below a finding marks its fix."""
    narrow = width < _NARROW
    indent = 2 if narrow else _LABEL_WIDTH + 2
    if not findings:
        sign = _RUNNING if running else _WAITING
        return [Content.styled(f"{sign} {label}", "" if running else "$muted")]
    status = worst(findings)
    sign, colour = SIGNS[status]
    head = Content.assemble((sign, f"{colour} bold"), " ", (pad(label, _LABEL_WIDTH), "$muted" * (status == "skipped")))
    lines: list[Content] = [head] if narrow else []
    for finding in findings:
        took = "" if finding.status == "skipped" else milliseconds(finding.milliseconds)
        texts = wrap(_said(finding), width - indent - 9)
        style = SIGNS[finding.status][1] if finding.status != "ok" else ""
        for number, text in enumerate(texts):
            left = head if not lines else Content(" " * indent)
            right = " " * max(1, width - indent - cells(text) - cells(took)) + took if number == 0 and took else ""
            lines.append(Content.assemble(left, (text, style), (right, "$muted")))
        for mark, words, tone in (("", finding.detail, "$muted"), ("→ ", finding.fix, "")):
            for number, text in enumerate(wrap(safe_lines(words, longest=4_000), width - indent - 2) if words else ()):
                lines.append(Content.assemble(" " * indent, (mark if number == 0 else "  ", "bold"), (text, tone)))
    return lines


class CheckLine(Widget):
    """One check and what it found so far."""

    DEFAULT_CSS = "CheckLine { height: auto; width: 1fr; }"

    def __init__(self, check: str, label: str) -> None:
        super().__init__()
        self.check = check
        self.label = label
        self.findings: tuple[Finding, ...] = ()
        self.running = False

    def set_state(self, findings: tuple[Finding, ...], running: bool) -> None:
        """Show these findings, or that the check is running."""
        if (findings, running) == (self.findings, self.running):
            return
        relaid = findings != self.findings
        self.findings, self.running = findings, running
        self.refresh(layout=relaid)

    def _lines(self, width: int) -> list[Content]:
        return check_lines(self.label, self.findings, self.running, width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the findings take at this width."""
        return len(self._lines(width))

    def render(self) -> Content:
        """The lines of the check."""
        return Content("\n").join(self._lines(self.content_size.width))


class CheckList(VerticalScroll):
    """A list of checks, in the order given, that fills in as `show` hands it findings.

    Several findings of one check stand together in its line; a finding of an unknown check gets a line of its own.
    """

    DEFAULT_CSS = "CheckList { height: 1fr; padding: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
    ]

    def __init__(
        self, checks: Mapping[str, str], *, id: str | None = None, classes: str | None = None, can_focus: bool = True
    ) -> None:
        self._lines = {check: CheckLine(check, label) for check, label in checks.items()}
        super().__init__(*self._lines.values(), id=id, classes=classes, can_focus=can_focus)
        self._known = frozenset(checks)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings shown, in the order of the lines."""
        return tuple(finding for line in self._lines.values() for finding in line.findings)

    def reset(self, *, running: bool = True) -> None:
        """Forget all findings; with `running`, the first check is shown as being made."""
        for check in [check for check in self._lines if check not in self._known]:
            self._lines.pop(check).remove()
        for number, line in enumerate(self._lines.values()):
            line.set_state((), running and number == 0)
        self.scroll_home(animate=False)

    def show(self, finding: Finding) -> None:
        """Add a finding to its check's line, and mark the next check as being made."""
        line = self._lines.get(finding.check)
        if line is None:
            line = CheckLine(finding.check, safe(finding.check.replace("_", " ").capitalize().replace("Tls", "TLS")))
            self._lines[finding.check] = line
            following = next((other for other in self.query(CheckLine) if not other.findings), None)
            self.mount(line, before=following)
        line.set_state((*line.findings, finding), False)
        waiting = [other for other in self._lines.values() if not other.findings]
        for number, other in enumerate(waiting):
            other.set_state((), number == 0)
        if finding.status == "failed":
            self.call_after_refresh(line.scroll_visible, animate=False)

    def finish(self) -> None:
        """No more findings will come: nothing is shown as being made, and what failed first is in view."""
        for line in self._lines.values():
            line.set_state(line.findings, False)
        failed = (line for line in self._lines.values() if line.findings and worst(line.findings) == "failed")
        if first := next(failed, None):
            self.call_after_refresh(first.scroll_visible, animate=False)
