"""The screens that one opens from the live panel, whatever Connection is under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.screens.panel_feed import PanelFeed

if TYPE_CHECKING:
    from textual.screen import Screen


class PanelDoors(PanelFeed):
    """Opens screens, each imported when it is first opened; none that writes while the registry is damaged."""

    def _push(self, screen: Screen[Any]) -> None:
        self.app.push_screen(screen)

    def writing_refused(self) -> bool:
        """Say, where it is so, that the registry cannot be written to now."""
        if self.damaged:
            self.tell("The registry is not written to while it is damaged: mend it, then press R", severity="error")
        return bool(self.damaged)

    def action_add(self) -> None:
        """Register a Connection."""
        if not self.writing_refused():
            from tui.screens.connector_picker import ConnectorPicker  # noqa: PLC0415 - for a quick first frame

            self._push(ConnectorPicker(self.services))

    def action_import(self) -> None:
        """Import Connections from a file or from pasted text."""
        if not self.writing_refused():
            from tui.screens.import_connections import ImportConnections  # noqa: PLC0415 - for a quick first frame

            self._push(ImportConnections(self.services))

    def action_export(self) -> None:
        """Show, write or copy the registry."""
        from tui.screens.export_connections import ExportConnections  # noqa: PLC0415 - for a quick first frame

        self._push(ExportConnections(self.services))

    def action_apply(self) -> None:
        """Make the registry what a file says."""
        if not self.writing_refused():
            from tui.screens.apply_registry import ApplyRegistry  # noqa: PLC0415 - for a quick first frame

            self._push(ApplyRegistry(self.services))

    def action_doctor(self) -> None:
        """Check this machine and terminal."""
        from tui.screens.doctor import Doctor  # noqa: PLC0415 - for a quick first frame

        self._push(Doctor(self.services))

    def action_regions(self) -> None:
        """Show CARTO's addresses, and the rules that let them in."""
        from tui.screens.region_ips import RegionIps  # noqa: PLC0415 - for a quick first frame

        self._push(RegionIps(self.services))

    def action_replay(self) -> None:
        """Replay what was recorded."""
        from tui.screens.replay import Replay  # noqa: PLC0415 - for a quick first frame

        self._push(Replay(self.services, self.services.history()))
