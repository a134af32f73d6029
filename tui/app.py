"""The console: themes, keys, screens, and what happens on a crash."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, ClassVar

if "SSH_CONNECTION" in os.environ or "SSH_TTY" in os.environ:
    # Textual reads these once, when it is imported: fewer frames over a line that may be slow.
    os.environ.setdefault("TEXTUAL_FPS", "20")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

from textual.app import App, SystemCommand
from textual.binding import Binding

from tui import paths
from tui.exits import Exit
from tui.screens.services import Services
from tui.screens.themes import DARK, LIGHT, NOCOLOR, TOKENS
from tui.styling import sheets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from textual.await_complete import AwaitComplete
    from textual.screen import Screen

    from tui.screens.replay import Start

_TERMINAL_LOOK_S = 3.0
_LEAVING_S = 5.0
_WRITTEN_WITHIN_S = 3.0
_STARTED_AFTER_S = 2.0


class Console(App[int]):
    """The pgconns console; it returns the exit status."""

    TITLE = "pgconns"
    # Textual loads no sheet for the screen that it starts with: that of the live panel stands here.
    CSS_PATH: ClassVar = sheets("app", "live_panel")
    # 80x24 is the design size: screens are -wide from 110 columns on, -tall from 32 rows on.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar = [
        Binding("f1", "help", "Help", id="app.help", tooltip="What this screen is for, and all of its keys"),
        Binding("f2", "theme", "Theme", id="app.theme", show=False, tooltip="Change between dark and light"),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", show=False, tooltip="Leave pgconns", priority=True),
    ]

    def __init__(self, services: Services, opens: Callable[[Services], Screen[Any]] | None = None) -> None:
        """Show what `services` reach; `opens` makes the first screen, where that is not the live panel."""
        no_color = bool(os.environ.get("NO_COLOR"))
        super().__init__(ansi_color=True if no_color else None)
        self.services = services
        self._opens = opens
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = NOCOLOR if no_color else _remembered_theme()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give every theme the tokens that the style sheets use."""
        return TOKENS

    def get_default_screen(self) -> Screen[Any]:
        """Start with the live panel, or what was asked for."""
        if self._opens is not None:
            return self._opens(self.services)
        from tui.screens.live_panel import LivePanel  # noqa: PLC0415 - tests of other screens need none of it

        return LivePanel(self.services)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every action that has a key just now in the palette, with its help."""
        offered = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.tooltip and binding.id not in offered:
                offered.add(binding.id)
                action, node = binding.action, active.node

                async def run(action: str = action, node: Any = node) -> None:
                    await self.run_action(action, node)

                yield SystemCommand(binding.description, f"{binding.tooltip} ({binding.key})", run)

    def pop_screen(self) -> AwaitComplete:
        """Close the screen on top; what it still does in the background must not meet it losing its parts."""
        closing = self.screen
        closed = super().pop_screen()
        for worker in list(self.workers):
            if closing in worker.node.ancestors_with_self:
                worker.cancel()
        return closed

    async def _shutdown(self) -> None:
        # However the console is left: Textual takes screens apart before it cancels what works on them.
        self.workers.cancel_all()
        await super()._shutdown()

    def action_help(self) -> None:
        """Show what the screen is for, and its keys."""
        from tui.screens.help import Help  # noqa: PLC0415 - late, for a quick first frame

        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.screen))

    def action_theme(self) -> None:
        """Change between dark and light, and remember it."""
        if self.ansi_color:
            self.notify("NO_COLOR is set: the terminal's own colours are used", markup=False)
            return
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name
        _remember_theme(self.theme)

    def _fatal_error(self) -> None:
        # Textual prints the error's message and the local variables of every frame: a password may be in any of them.
        from rich.text import Text  # noqa: PLC0415 - only for a crash

        from tui.faults import describe  # noqa: PLC0415

        error = getattr(self._exception, "error", self._exception)  # a worker's failure wraps its cause
        report = describe(error) if error is not None else ""
        self.bell()
        self._exit_renderables.append(Text(f"{report}\nNothing registered was changed."))
        self._close_messages_no_wait()


class ReplayConsole(Console):
    """The console that starts with a replay, and is left with it."""

    CSS_PATH: ClassVar = sheets("app", "live_panel", "replay")


def _remembered_theme() -> str:
    try:
        name = (paths.state_folder() / "theme").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return DARK.name
    return name if name in {DARK.name, LIGHT.name} else DARK.name


def _remember_theme(name: str) -> None:
    folder = paths.state_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "theme").write_text(name + "\n", encoding="utf-8")
    except OSError:
        return  # the next start is dark: not worth a word


def run_console(interval_s: float = 2.0) -> int:
    """Open the console on the registry of the environment; return the exit status.

    `interval_s` is how often sockets are counted.
    """
    from tui.connections.registry import Registry  # noqa: PLC0415 - the values handed in, not needed by tests
    from tui.connections.secrets import Secrets  # noqa: PLC0415
    from tui.history.recorder import Recorder, settings_of  # noqa: PLC0415

    registry = Registry()
    recorder = Recorder(settings=settings_of(registry))
    console = Console(Services(registry, Secrets(), interval_s, recorder=recorder))
    try:
        status = asyncio.run(_run(console))
    finally:
        recorder.close(_WRITTEN_WITHIN_S)
    if status is not None:
        return status
    return Exit.CRASHED if console.return_code else Exit.DONE


def run_replay(path: Path, start: Start) -> int:
    """Open the console on the replay of a history; return the exit status. It counts nothing, and records nothing."""
    from tui.connections.registry import Registry  # noqa: PLC0415
    from tui.connections.secrets import Secrets  # noqa: PLC0415
    from tui.history.reader import History  # noqa: PLC0415
    from tui.screens.replay import Replay  # noqa: PLC0415 - a screen that the live panel needs not

    console = ReplayConsole(Services(Registry(), Secrets()), lambda services: Replay(services, History(path), start))
    status = asyncio.run(_run(console))
    if status is not None:
        return status
    return Exit.CRASHED if console.return_code else Exit.DONE


async def _run(console: Console) -> int | None:
    """Run the console until it is left; a signal that asks for its end finds the terminal restored afterwards."""
    loop = asyncio.get_running_loop()

    def leave(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)  # a second one ends the process, should leaving take too long
        _leave(console, 128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, leave, number)
    _leave_with_terminal(console)
    loop.call_later(_STARTED_AFTER_S, _collect_garbage)
    return await console.run_async()


def _leave(console: Console, status: int) -> None:
    """Leave, and end in a few seconds whatever happens.

    Where the terminal is gone, Textual's writer has died of it, and its driver may wait for ever to hand it more.
    """
    anyway = threading.Timer(_LEAVING_S, os._exit, (status,))
    anyway.daemon = True
    anyway.start()
    console.exit(status)


def _leave_with_terminal(console: Console) -> None:
    """Look, now and again, whether the terminal is still there, and leave when it is not.

    SIGHUP tells only who has a controlling terminal: under `su -c` or `docker exec`, the console would stay for ever.
    """
    if not os.isatty(0):
        _leave(console, 128 + signal.SIGHUP)
        return
    asyncio.get_running_loop().call_later(_TERMINAL_LOOK_S, _leave_with_terminal, console)


def _collect_garbage() -> None:
    """Look for garbage from now on, but not among what start-up made and keeps: that would stall the screen."""
    gc.freeze()
    gc.enable()
