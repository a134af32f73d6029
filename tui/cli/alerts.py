"""pgconns alerts: lists what stands and who sees to it, acknowledges, and tries the hooks that are told of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tui.cli.output import Refused
from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tui.cli.output import Output
    from tui.connections.model import Hook
    from tui.history.notices import Delivery, Listed
    from tui.hooks.message import Message

EXAMPLES = """
pgconns alerts
pgconns alerts --acknowledge 17 --for 2h
pgconns alerts --withdraw 17
pgconns alerts --test
pgconns alerts --test on-call --json
"""
STATUSES = {
    Exit.DONE: "nothing stands that nobody sees to; acknowledged; every hook took the test",
    Exit.BAD_NEWS: "something stands that nobody sees to; a hook did not take the test",
    Exit.USAGE: "no such alert or hook",
    Exit.UNUSABLE_STORE: "there is no history or registry, or it cannot be used",
}
# Who records has counted so lately; otherwise what stands now is not known.
_LATELY_S = 90.0


def add_arguments(parser: ArgumentParser) -> None:
    """Say what is to be done with which."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--acknowledge", metavar="ID", type=int, help="say that you see to an alert: no hook reminds of it"
    )
    what.add_argument("--withdraw", metavar="ID", type=int, help="take that back")
    what.add_argument("--test", nargs="?", const="", metavar="HOOK", help="send a test through a hook, or through all")
    parser.add_argument("--for", dest="length", metavar="TIME", help="acknowledge for so long, such as 2h; then remind")


def run(arguments: Namespace, output: Output) -> int:
    """List, acknowledge or test."""
    from tui import paths
    from tui.connections.files import followed

    if arguments.length is not None and arguments.acknowledge is None:
        raise Refused("--for goes with --acknowledge: pgconns alerts --acknowledge ID --for 2h")
    path = followed(paths.history_file())
    if arguments.test is not None:
        return _test(path, arguments.test, output)
    if arguments.acknowledge is not None:
        return _acknowledge(path, arguments.acknowledge, arguments.length, output)
    if arguments.withdraw is not None:
        return _withdraw(path, arguments.withdraw, output)
    return _list(path, output)


def _list(path: Path, output: Output) -> int:
    from tui.connections.registry import Registry
    from tui.history import notices
    from tui.history.reader import STANDS_S, History

    now = time.time()
    listed = notices.standing(path, now, STANDS_S)
    delivered = notices.deliveries(path)
    registry = Registry()
    hooks = registry.hooks()
    span = History(path).span()
    names = {one.id: one.name for one in registry.load()}
    if output.json:
        output.value(
            {
                "alerts": [_to_json(one, names) for one in listed],
                "hooks": [_hook_json(hook, delivered.get(hook.name)) for hook in hooks],
                "counted_at": None if span is None else _iso(span.end),
            }
        )
    else:
        _show(listed, now, output)
        for hook in hooks:
            output.note(how_it_fares(hook.name, delivered.get(hook.name)))
    if span is None or now - span.end > _LATELY_S:
        when = "never" if span is None else f"at {_moment(span.end)}"
        output.note(f"It was counted last {when}: what stands now is known while pgconns watch runs, or the console.")
    return Exit.BAD_NEWS if any(one.acknowledged is None for one in listed) else Exit.DONE


def _show(listed: Sequence[Listed], now: float, output: Output) -> None:
    from tui.cli.durations import words

    if not listed:
        output.line("Nothing stands.")
        return
    rows = [
        (
            str(one.id),
            one.alert.level,
            _moment(one.alert.since),
            words(max(0.0, now - one.alert.since)),
            _seen_to(one),
            one.alert.sentence,
        )
        for one in listed
    ]
    output.table(("ID", "LEVEL", "SINCE", "STOOD", "SEEN TO BY", "WHAT"), rows, right=frozenset({0, 3}))


def _seen_to(one: Listed) -> str:
    if one.acknowledged is None:
        return "–"
    until = one.acknowledged.until
    return one.acknowledged.by + (f" until {_moment(until)}" if until is not None else "")


def how_it_fares(name: str, one: Delivery | None) -> str:
    """Return a sentence on a hook's last deliveries."""
    if one is None:
        return f"Hook {name}: was never told anything."
    delivered = f"told last at {_moment(one.delivered)}" if one.delivered is not None else "was never reached"
    failed = f"; last delivery failed at {_moment(one.failed)}: {one.error}" if one.failed is not None else ""
    waiting = f"; {one.waiting} {'waits' if one.waiting == 1 else 'wait'}" if one.waiting else ""
    return f"Hook {name}: {delivered}{failed}{waiting}."


def _find(path: Path, id: int) -> Listed:
    from tui.history import notices
    from tui.history.reader import STANDS_S

    for one in notices.standing(path, time.time(), STANDS_S):
        if one.id == id:
            return one
    raise Refused(f"No alert {id} stands: pgconns alerts lists those that do")


def _acknowledge(path: Path, id: int, length: str | None, output: Output) -> int:
    from tui.cli.durations import seconds
    from tui.history import notices
    from tui.hooks.telling import Acknowledgement
    from tui.sockets.actions_log import os_user

    alert = _find(path, id).alert
    now = time.time()
    until = None if length is None else now + seconds("--for", length)
    one = Acknowledgement(alert.kind, alert.subject, alert.level, os_user(), now, until)
    notices.acknowledge(path, one)
    held = f"until {_moment(until)}" if until is not None else "until it is over"
    if output.json:
        output.value({"id": id, "acknowledged": _acknowledged_json(one)})
    else:
        output.line(f"{one.by} sees to it {held}: {alert.sentence}")
    return Exit.DONE


def _withdraw(path: Path, id: int, output: Output) -> int:
    from tui.history import notices

    found = _find(path, id)
    notices.withdraw(path, found.alert.key)
    if output.json:
        output.value({"id": id, "acknowledged": None})
    else:
        output.line(f"Nobody sees to it: {found.alert.sentence}")
    return Exit.DONE


def _test(path: Path, name: str, output: Output) -> int:
    import asyncio

    from tui.connections import sources
    from tui.connections.registry import Registry

    hooks = [hook for hook in Registry().hooks() if name in {"", hook.name}]
    if not hooks and name:
        raise Refused(f"No hook is called {name}: pgconns alerts lists them")
    if not hooks:
        raise Refused('No hook is registered: write one into the registry, such as\n[[hooks]]\nname = "on-call"\n'
                      'command = ["/usr/local/bin/page"]')  # fmt: skip
    for hook in hooks:
        for source in filter(None, (hook.webhook_from, hook.secret_from, hook.apprise_from)):
            kind, _, place = source.partition(":")
            if kind == "file" and sources.others_read(place):
                output.note(f"Hook {hook.name}: others may read {place}: run chmod 600 on it")
    output.progress("Telling the hooks…")
    results = asyncio.run(_try_all(hooks))
    _keep(path, results)
    if output.json:
        output.value({"hooks": [_result_json(hook, error, took) for hook, _, error, took in results]})
    else:
        for hook, _, error, took in results:
            said = f"did not arrive: {error}" if error else f"arrived, by {hook.kind}, in {took:.1f} s"
            output.line(f"{hook.name}: {said}")
    return Exit.BAD_NEWS if any(error for _, _, error, _ in results) else Exit.DONE


Result = tuple["Hook", "Message", str, float]


async def _try_all(hooks: Sequence[Hook]) -> list[Result]:
    """Send a test through each, at the same time; return why it did not arrive, or nothing, and the seconds it took."""
    import asyncio
    import uuid

    from tui.hooks.message import test_message
    from tui.hooks.sending import NotDelivered, send
    from tui.sockets.actions_log import os_user

    async def attempt(hook: Hook) -> Result:
        message = test_message(f"msg_{uuid.uuid4().hex}", hook.name, time.time(), os_user())
        began = time.monotonic()
        try:
            await send(hook, message)
        except NotDelivered as error:
            return hook, message, str(error), time.monotonic() - began
        return hook, message, "", time.monotonic() - began

    return await asyncio.gather(*map(attempt, hooks))


def _keep(path: Path, results: Sequence[Result]) -> None:
    """Keep what became of the tests, so that a failure that was mended is not told of any more."""
    from contextlib import suppress

    from tui.history import notices
    from tui.history.errors import HistoryError
    from tui.hooks.keeping import Outcome

    now = time.time()
    outcomes = [Outcome(message, now, not error, bool(error), error) for _, message, error, _ in results]
    with suppress(HistoryError):  # nothing was recorded yet
        notices.keep(path, {}, (), outcomes)


def _to_json(one: Listed, names: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": one.id, **one.alert.to_json(), "since": _iso(one.alert.since)}
    if one.alert.subject in names:
        told["connection"] = names[one.alert.subject]
    told["acknowledged"] = None if one.acknowledged is None else _acknowledged_json(one.acknowledged)
    return told


def _acknowledged_json(one: Any) -> dict[str, Any]:
    return {"by": one.by, "at": _iso(one.at), "until": None if one.until is None else _iso(one.until)}


def _hook_json(hook: Hook, one: Delivery | None) -> dict[str, Any]:
    delivered, failed = (one.delivered, one.failed) if one else (None, None)
    return {
        "hook": hook.name,
        "kind": hook.kind,
        "delivered_at": None if delivered is None else _iso(delivered),
        "failed_at": None if failed is None else _iso(failed),
        "error": one.error if one else "",
        "waiting": one.waiting if one else 0,
    }


def _result_json(hook: Hook, error: str, took: float) -> dict[str, Any]:
    told = {"hook": hook.name, "kind": hook.kind, "arrived": not error, "milliseconds": round(1000 * took)}
    return {**told, "error": error} if error else told


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _iso(at: float) -> str:
    from tui.hooks.message import iso

    return iso(at)
