"""What every screen shares: one line on top that says where one is, the keys below, safe notices, dialogs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Footer, Static

from tui.styling import sheets
from tui.text import safe

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui.screens.services import Services

Result = TypeVar("Result")

# Before the focused field sees the key: else, what is typed right after it would still go into the field left.
FIELD_TO_FIELD = (
    Binding("tab", "app.focus_next", "Next field", show=False, priority=True),
    Binding("shift+tab", "app.focus_previous", "Previous field", show=False, priority=True),
)


class Heading(Static):
    """The one line on top: the program, the screen, and at the right what it is about."""

    def __init__(self, title: str, about: str = "") -> None:
        """Show `title`; `about` may be text of a user or a server."""
        super().__init__(markup=False)
        self.title = title
        self.about = about

    def tell(self, about: str) -> None:
        """Replace what stands at the right."""
        self.about = about
        self.refresh()

    def render(self) -> Content:
        """Return the line, cut to its width."""
        left = Content.assemble(("pgconns", "bold $primary"), ("  ", ""), (safe(self.title), "bold"))
        room = self.size.width - left.cell_length - 2
        if room < 4 or not self.about:
            return left
        right = Content.styled(safe(self.about), "$muted").truncate(room, ellipsis=True)
        return left + Content(" " * (room + 2 - right.cell_length)) + right


class Base(Screen[Result]):
    """A whole screen: `heading` on top, what `body` yields, and the keys below."""

    heading: str = ""
    CSS_PATH: ClassVar = sheets("forms")
    BINDINGS: ClassVar = [*FIELD_TO_FIELD]

    def __init__(self, services: Services, about: str = "") -> None:
        """Show what `services` reach; `about` stands at the right of the heading."""
        super().__init__()
        self.services = services
        self._about = about

    def compose(self) -> ComposeResult:
        """Frame the body."""
        yield Heading(self.heading, self._about)
        yield from self.body()
        yield Footer()

    def body(self) -> ComposeResult:
        """Yield what stands between heading and keys."""
        raise NotImplementedError

    def tell(
        self, text: str, title: str = "", severity: Literal["information", "warning", "error"] = "information"
    ) -> None:
        """Show a notice; the text may come from a user or a server."""
        self.notify(safe(text), title=title, severity=severity, markup=False)

    def leave_after(self, question: Dialog[bool]) -> None:
        """Leave this screen with None when `question` is answered by yes."""

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.app.push_screen(question, answered)

    def about(self, text: str) -> None:
        """Say at the right of the heading what the screen is about."""
        self.query_one(Heading).tell(text)


class Dialog(ModalScreen[Result]):
    """A question over the screen: what `body` yields, in a box with a title. Escape answers with None."""

    CSS_PATH: ClassVar = sheets("forms")
    BINDINGS: ClassVar = [
        *FIELD_TO_FIELD,
        Binding("escape", "dismiss(None)", "Cancel", id="dialog.cancel", tooltip="Close without doing anything"),
    ]

    def __init__(self, title: str) -> None:
        """Ask under `title`, which may hold text of a user."""
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """Frame the body."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(safe(self._title))
            yield from self.body()
        yield Footer()

    def body(self) -> ComposeResult:
        """Yield what stands in the box."""
        raise NotImplementedError
