"""What a connector needs from the person who sets it up, and the defaults it brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from tui.connections.connectors import BY_KEY
from tui.widgets.cells import wrap

if TYPE_CHECKING:
    from textual.geometry import Size


class Needs(Widget):
    """The needs of one connector, as a list."""

    def __init__(self, connector: str) -> None:
        """Show the connector with this key."""
        super().__init__()
        self._connector = connector

    def show(self, connector: str) -> None:
        """Show another connector."""
        if connector != self._connector:
            self._connector = connector
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the needs take at this width."""
        return len(_lines(self._connector, width))

    def render(self) -> Content:
        """The needs, wrapped."""
        return Content("\n").join(_lines(self._connector, self.content_size.width))


def _lines(key: str, width: int) -> list[Content]:
    connector = BY_KEY[key]
    lines = [Content.styled(f"What {connector.label} needs", "bold")]
    for need in connector.needs:
        for number, text in enumerate(wrap(need, width - 2)):
            lines.append(Content.assemble(("• " if number == 0 else "  ", "$primary"), text))
    presets = f"Presets: port {connector.port}, TLS mode {connector.sslmode}"
    return [*lines, *(Content.styled(text, "$muted") for text in wrap(presets, width))]
