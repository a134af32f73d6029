"""A list of labels and what stands at each; long texts are broken and keep clear of the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.widget import Widget

from tui.text import pad
from tui.widgets.cells import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size

LABEL_WIDTH = 13


class Fact(NamedTuple):
    """A label, and what stands at it; without a label, a sentence as wide as the list."""

    label: str | None
    said: Content


def fact_lines(facts: Sequence[Fact], width: int, label_width: int = LABEL_WIDTH) -> list[Content]:
    """Return the lines of the list, at most `width` cells wide."""
    lines: list[Content] = []
    for label, said in facts:
        indent = label_width if label is not None else 0
        room = max(8, width - indent)
        style = said.spans[0].style if said.spans else ""
        broken = [said] if said.cell_length <= room else [Content.styled(t, style) for t in wrap(said.plain, room)]
        for number, text in enumerate(broken):
            left = pad(label or "", indent) if number == 0 else " " * indent
            lines.append(Content.assemble((left, "$muted"), text))
    return lines


class FactList(Widget):
    """Shows facts; the same facts again send nothing to the terminal."""

    DEFAULT_CSS = "FactList { height: auto; width: 1fr; }"

    def __init__(self, facts: Sequence[Fact] = (), *, id: str | None = None, label_width: int = LABEL_WIDTH) -> None:
        super().__init__(id=id)
        self._label_width = label_width
        self._facts = tuple(facts)

    def show(self, facts: Sequence[Fact]) -> None:
        """Replace the facts."""
        if tuple(facts) != self._facts:
            before, self._facts = self._lines(), tuple(facts)
            relaid = len(before) != len(self._lines())
            self.refresh(layout=relaid)

    def _lines(self) -> list[Content]:
        return fact_lines(self._facts, self.content_size.width, self._label_width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the facts take at this width."""
        return len(fact_lines(self._facts, width, self._label_width))

    def render(self) -> Content:
        """The lines of the list."""
        return Content("\n").join(self._lines())
