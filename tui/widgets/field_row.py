"""A line of a form: label, control, and beneath it what the field means or what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.text import Text
from textual import events, on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Select, Static

from tui.connections.secret import Secret
from tui.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.app import ComposeResult
    from textual.widget import Widget


class Option(NamedTuple):
    """A choice. With an example, a text follows it: `value` is then what stands before that text."""

    label: str
    value: str
    example: str = ""


class Choice(Select[str], inherit_bindings=False):
    """A choice on one line; up and down move between fields, as they do in a text field."""

    BINDINGS: ClassVar = [Binding("enter,space", "show_overlay", "Choose", show=False)]


class SafeInput(Input):
    """A text field on one line; control characters in it, from a file or a URI, are shown as signs."""

    def __init__(self, value: str = "", *, placeholder: str = "", password: bool = False) -> None:
        """Start with `value`; a `password` is masked."""
        super().__init__(value, placeholder=safe(placeholder), password=password, compact=True, select_on_focus=False)

    @property
    def _value(self) -> Text:
        # Textual writes what the value holds to the terminal as it is; `safe` keeps every character's place.
        return super()._value if self.password else Text(safe(self.value), no_wrap=True, overflow="ignore", end="")


class PasteInput(SafeInput):
    """A text field that hands a pasted URI on, unshown: a password may be in it."""

    class Pasted(Message):
        """A text was pasted that is more than one field's value."""

        def __init__(self, text: Secret) -> None:
            """Carry `text` where nothing prints it."""
            super().__init__()
            self.text = text

    def __init__(self, value: str, is_whole: Callable[[str], bool], placeholder: str = "") -> None:
        """`is_whole` tells a text that fills several fields."""
        super().__init__(value, placeholder=placeholder)
        self._is_whole = is_whole

    def _on_paste(self, event: events.Paste) -> None:
        if self._is_whole(event.text):
            event.stop()
            event.prevent_default()
            self.post_message(self.Pasted(Secret(event.text.strip())))


class Fields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Fields below each other; up and down go from one to the next, and what has the focus scrolls into view."""

    BINDINGS: ClassVar = [
        # Before the field sees the key: else, what is typed right after it would still go into the field left.
        Binding("up", "step('previous')", "Previous field", show=False, priority=True),
        Binding("down", "step('next')", "Next field", show=False, priority=True),
        Binding("enter", "step('next', True)", "Next field", show=False, priority=True),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave enter to a choice, and all keys to its open list."""
        typed_only = len(parameters) > 1
        return action != "step" or isinstance(self.screen.focused, Input if typed_only else (Input, Choice))

    def on_resize(self) -> None:
        """Keep the field that has the focus in view."""
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            self.call_after_refresh(focused.scroll_visible, animate=False)

    def action_step(self, way: str, typed_only: bool = False) -> None:
        """Go to the next or the previous field."""
        _ = self.screen.focus_next() if way == "next" else self.screen.focus_previous()


class FieldRow(Vertical):
    """One field of a form. Its text is `value`; what is wrong with it, `problem`."""

    @dataclass
    class Changed(Message):
        """A person changed the field; the row has the value, for it may be a password."""

        row: FieldRow

    @dataclass
    class Left(Message):
        """The focus left the field."""

        row: FieldRow

    def __init__(
        self,
        name: str,
        label: str,
        meaning: str,
        value: str = "",
        *,
        options: tuple[Option, ...] = (),
        example: str = "",
        control: Input | None = None,
    ) -> None:
        """Show a choice where there are options, else `control` or a plain text field."""
        super().__init__(name=name, id=f"field-{name.replace('_', '-')}")
        self._label = label
        self._meaning = meaning
        self._problem = ""
        self._options = options
        self._shown = value
        self.input = control or SafeInput(value, placeholder=example)
        self.choice: Choice | None = None
        if options:
            option, rest = _split(options, value)
            self.choice = Choice(
                [(Content(o.label), o.label) for o in options], value=option.label, allow_blank=False, compact=True
            )
            self.input.value = rest
            self._dress(option)

    def compose(self) -> ComposeResult:
        """Lay out the label, the control, and the line beneath."""
        with Horizontal(classes="line"):
            yield Static(self._label, classes="label", markup=False)
            yield from self._controls()
        yield Static(self._note(), classes="note", markup=False)

    def _controls(self) -> Iterator[Widget]:
        if self.choice is not None:
            yield self.choice
        if self.choice is None or any(option.example for option in self._options):
            yield self.input

    @property
    def value(self) -> str:
        """The text of the field."""
        if self.choice is None:
            return self.input.value
        option = self._option
        return option.value + self.input.value if option.example else option.value

    @property
    def _option(self) -> Option:
        chosen = self.choice.value if self.choice is not None else None
        return next((option for option in self._options if option.label == chosen), self._options[0])

    def show(self, value: str) -> None:
        """Replace the text, when it is not a person who changes it."""
        if value == self.value:
            return
        self._shown = value
        if self.choice is None:
            self.input.value = value
            self.input.cursor_position = len(value)
            return
        option, rest = _split(self._options, value)
        self.choice.value = option.label
        self.input.value = rest
        self._dress(option)

    def explain(self, meaning: str) -> None:
        """Replace what the field means."""
        self._meaning = meaning
        self._renew()

    def complain(self, problem: str) -> None:
        """Say what is wrong with the value; nothing is, when empty."""
        self._problem = problem
        self.set_class(bool(problem), "-wrong")
        self._renew()

    def _note(self) -> Content:
        if self._problem:
            return Content(safe(f"✗ {self._problem}"))
        return Content(safe(self._meaning))

    def _renew(self) -> None:
        if self.is_mounted:
            self.query_one(".note", Static).update(self._note())

    def _dress(self, option: Option) -> None:
        self.input.placeholder = safe(option.example)
        self.input.display = bool(option.example)

    def give_focus(self) -> None:
        """Focus the control, at once: `focus()` would wait until the keys typed meanwhile have gone elsewhere."""
        self.screen.set_focus(self.choice or self.input)

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        if self.choice is not None:
            self._dress(self._option)
        if self.value != self._shown:
            self._shown = self.value
            self.post_message(self.Changed(self))

    def _on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.add_class("-here")

    def _on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self.call_after_refresh(self._ask_left)

    def _ask_left(self) -> None:
        # The list of a choice takes the focus while it is open: that is not leaving.
        if self.is_attached and not self.has_focus_within:
            self.remove_class("-here")
            self.post_message(self.Left(self))


def _split(options: tuple[Option, ...], value: str) -> tuple[Option, str]:
    """Return the option that a value belongs to, and the text after it.

    >>> _split((Option("None", ""), Option("Variable", "env:", "PASSWORD")), "env:PROD")
    (Option(label='Variable', value='env:', example='PASSWORD'), 'PROD')
    """
    for option in options:
        if not option.example and option.value == value:
            return option, ""
    for option in sorted(options, key=lambda option: -len(option.value)):
        if option.example and value.startswith(option.value):
            return option, value[len(option.value) :]
    return options[0], ""
