"""Help: what the screen is for, all of its keys, and what the words and signs mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer

from tui.screens.base import Heading
from tui.styling import sheet
from tui.widgets.fact_list import Fact, FactList

if TYPE_CHECKING:
    from textual.app import ComposeResult

_LABEL = 18
_KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "asterisk": "*",
    "space": "space",
    "full_stop": ".",
    "comma": ",",
    "exclamation_mark": "!",
}

_MOVING = ("Up", "Down", "Page up", "Page down", "First", "Last")

WORDS: dict[str, tuple[tuple[str, str], ...]] = {
    "Words": (
        ("Connection", "what CARTO opens sockets with: server, database, role, and how they are checked"),
        ("server", "one PostgreSQL, whatever number of Connections point at it"),
        ("socket", "one client that is connected to a server"),
        ("active, act", "it runs a statement now"),
        ("idle", "it waits for its client; CARTO keeps idle sockets to use them again"),
        ("in tx, tx", "idle in a transaction: it holds locks, and keeps the server from cleaning up"),
        ("limit", "the one that is reached first: of the server, of the role or of the database"),
        ("free", "how many more sockets can open before that limit"),
        ("trend", "where the sockets lead, judged by the last minutes to the last day; /m is a minute, /h an hour"),
        ("leaking", "idle sockets that only accumulate: a client opens them and does not close them"),
        ("surging", "far more sockets within minutes"),
        ("full in, full", "when the limit is reached, should it go on like this"),
        ("alert", "raised once, with its time and cause; press ! to list them, b to hear them"),
        ("not registered", "sockets of databases and roles that no Connection here stands for"),
        ("own sockets only", "the role may not see those of others: GRANT pg_monitor TO it shows them"),
        ("shared by 2", "Connections with the same server, database and role: their sockets cannot be told apart"),
    ),
    "Signs": (
        ("✗", "it cannot be seen, it is full or will be within half an hour, or a check failed"),
        ("!", "a warning: over 80 % of a limit, leaking, surging, or in a transaction for more than a minute"),
        ("→ ↗ ↘ ↑", "steady, growing or leaking, shrinking, surging"),
        ("·", "worth knowing"),
        ("—", "not seen; that is not zero"),
        ("██▒▒··", "of the limit: its own sockets, those of others, free"),
        ("▁▂▅█", "the recent past; it rises with change, and lies low when nothing changes"),
        ("✓ – …", "of a check: all right, left out, being made"),
    ),
}


class Help(Screen[None]):
    """Explains the screen below it."""

    CSS_PATH = sheet("help")
    BINDINGS: ClassVar = [
        Binding("escape,q,f1,question_mark", "dismiss", "Back", id="help.back", tooltip="Go back to the screen"),
    ]

    def __init__(self, about: Screen[Any]) -> None:
        """Explain `about`, with the keys that its focused widget offers."""
        super().__init__()
        self._purpose = (type(about).__doc__ or "").partition("\n")[0]
        self._keys = keys(about)

    def compose(self) -> ComposeResult:
        """Yield the page."""
        yield Heading("Help", "")
        with VerticalScroll(id="page"):
            yield FactList(page(self._purpose, self._keys), id="words", label_width=_LABEL)
        yield Footer()

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self.query_one("#page").focus()


def keys(screen: Screen[Any]) -> list[tuple[str, str]]:
    """Return the keys that can be pressed on a screen just now, and what each does."""
    found: dict[str, tuple[list[str], str]] = {}
    for key, active in screen.active_bindings.items():
        binding = active.binding
        said = binding.tooltip or (binding.description if (binding.id or "").startswith("table.") else "")
        if said:
            shown = _KEY_NAMES.get(key) or screen.app.get_key_display(binding)
            names, _ = found.setdefault(binding.action, ([], said))
            if shown not in names:
                names.append(shown)
    # The focused widget's keys come first in Textual, but those of the screen are what one looks for.
    pairs = [(", ".join(names), said) for names, said in found.values()]
    return sorted(pairs, key=lambda pair: pair[1] in _MOVING)


def page(purpose: str, shown_keys: list[tuple[str, str]]) -> list[Fact]:
    """Return the page: keys, words and signs with their meaning."""
    facts = [Fact(None, Content(purpose))]
    for title, pairs in {"Keys": shown_keys, **WORDS}.items():
        facts += [Fact(None, Content("")), Fact(None, Content.styled(title, "bold $accent"))]
        facts += [Fact(left, Content(right)) for left, right in pairs]
    return facts
