"""Finds the Connections that people name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.connections.model import Connection
    from tui.connections.registry import Registry


def pick_some(registry: Registry, names: Sequence[str]) -> tuple[Connection, ...]:
    """Return the Connections of those names or ids, each once, in the order given; all of them where none is named."""
    if not names:
        return registry.load()
    return tuple({connection.id: connection for connection in map(registry.get, names)}.values())
