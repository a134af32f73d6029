"""The live panel's keys."""

from __future__ import annotations

from textual.binding import Binding


def _key(keys: str, action: str, said: str, tooltip: str, *, footer: bool = False) -> Binding:
    identity = f"panel.{said.lower().replace(' ', '_')}"
    return Binding(keys, action, said, id=identity, show=footer, tooltip=tooltip)


KEYS = (
    _key("a", "add", "Add", "Register a Connection: pick a connector, fill in, connect", footer=True),
    _key("enter", "open", "Open", "Show the Connection under the cursor in detail", footer=True),
    _key("e", "edit", "Edit", "Change the Connection's parameters", footer=True),
    _key("c", "check", "Check", "Check again everything CARTO needs of it", footer=True),
    _key("r", "rename", "Rename", "Give the Connection another name"),
    _key("d,delete", "remove", "Remove", "Remove the Connection; asks first"),
    _key("y", "copy", "Copy", "Copy its URI, without the password"),
    _key("slash", "filter", "Filter", "Show Connections whose names hold some text", footer=True),
    _key("s", "sort(1)", "Sort", "Sort by name, sockets, growth, time left or trouble", footer=True),
    _key("S", "sort(-1)", "Sort back", "Sort by the order before"),
    _key("n", "trouble(1)", "Next trouble", "Go to the next Connection with a trouble"),
    _key("N", "trouble(-1)", "Last trouble", "Go to the Connection with a trouble before"),
    _key("exclamation_mark", "alerts", "Alerts", "List what must be known: since when, and why"),
    _key("p", "pause", "Pause", "Hold the panel still; counting goes on behind it"),
    _key("full_stop", "step", "Step", "Hold the panel still, and show the next count"),
    _key("g", "edge(-1)", "Top", "Go to the first Connection"),
    _key("G", "edge(1)", "Bottom", "Go to the last Connection"),
    *(
        _key(
            str(number),
            f"server({number})",
            f"Server {number}",
            "Go to the first server; 2 to 9 go to the others" * (number == 1),
        )
        for number in range(1, 10)
    ),
    _key("b", "bell", "Bell", "Ring the terminal's bell at each new alert, or no longer"),
    _key("plus,equals_sign", "interval(1)", "Slower", "Count less often"),
    _key("minus", "interval(-1)", "Faster", "Count more often"),
    _key("u", "unlock", "Unlock", "Give the passphrase or password"),
    _key("X", "export_seen", "Export counts", "Write what is seen into a CSV or JSON file"),
    _key("I", "regions", "Regions", "CARTO's addresses per region, and the firewall rules for them"),
    _key("B", "bouncer", "PgBouncer", "Plan a PgBouncer before the server of the Connection under the cursor"),
    _key("i", "import", "Import", "Import Connections from a file or text"),
    _key("x", "export", "Export", "Show, write or copy the registry as TOML"),
    _key("A", "apply", "Apply", "Make the registry what a file says"),
    _key("D", "doctor", "Doctor", "Check this machine and terminal"),
    _key("R", "reload", "Reload", "Read the registry again"),
    _key("question_mark", "app.help", "Help", "What the screen is for"),
    Binding("escape", "clear_filter", "Clear", id="panel.clear", show=False),
    _key("q", "app.quit", "Quit", "Leave pgconns", footer=True),
)
