"""An app of the same Textual widgets as the live panel, with nothing behind them: what Textual itself costs."""

from textual.app import App, ComposeResult
from textual.containers import Container
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Footer, Input, Static


class Table(ScrollView):
    """Lines, all of them blank."""

    def render_line(self, y: int) -> Strip:
        """Draw one."""
        return Strip.blank(self.size.width)


class Empty(App[None]):
    """A heading, what may be damaged, a table, a welcome, the cursor's words, a filter, and the keys."""

    CSS = """
    Table { height: 1fr; }
    #first, #filter, #damaged { display: none; }
    """
    BINDINGS = [(key, f"do_{key}", f"Key {key}") for key in "aecsfhq"]  # noqa: RUF012 - as Textual declares it

    def compose(self) -> ComposeResult:
        """Yield them."""
        yield Static("pgconns")
        yield Static("", id="damaged")
        yield Table()
        with Container(id="first"):
            yield Static("welcome")
        yield Static("")
        yield Input(compact=True, id="filter")
        yield Footer()


if __name__ == "__main__":
    Empty().run()
