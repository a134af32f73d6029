"""Hooks in the text of a registry: [[hooks]] tables, read and edited; `model.Hook` says what they hold. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tui.connections import quiet, toml_tables
from tui.connections.model import Hook
from tui.connections.parameters import BY_NAME, Problem
from tui.connections.registry_text import HEADER, UNEDITABLE, TextError, is_credential, read, reads_as

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ARRAY = "hooks"
_WAYS = ("command", "webhook", "webhook_from", "apprise_from")
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
_LONGEST_S = 30 * 86_400


def hooks(text: str, tables: object) -> tuple[Hook, ...]:
    """Return the hooks of a registry's `hooks`; raise TextError, which names the place and what is right."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise TextError("each hook starts with a line [[hooks]]", toml_tables.line_of_key(text, _ARRAY))
    found: dict[str, Hook] = {}
    for number, table in enumerate(tables):
        one = _hook(table, text, number)
        if one.name in found:
            raise TextError(
                f"the hook {one.name!r} is there twice: give each its own name", _line(text, number, "name")
            )
        found[one.name] = one
    return tuple(found.values())


def _hook(table: Mapping[str, Any], text: str, number: int) -> Hook:
    values: dict[str, Any] = {}
    key = "name"
    try:
        for key in table:
            values[key] = _read(key, table[key])
        key = next((way for way in _WAYS if way in table), "name")
        _check(values)
    except Problem as problem:
        raise TextError(f"{key}: {problem}", _line(text, number, key)) from None
    return Hook(**values)


def _read(key: str, value: object) -> Any:
    if key in _READ:
        return _READ[key](value)
    if is_credential(key):
        raise Problem("no secret belongs here; take it out, and say with secret_from where it lives")
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for a mistake

    near = get_close_matches(key, _READ, n=1)
    hint = f"did you mean {near[0]}?" if near else f"they have {', '.join(_READ)}"
    raise Problem(f"hooks have no such setting: {hint}")


def _check(values: Mapping[str, Any]) -> None:
    """Look at what goes together. Raises Problem."""
    if "name" not in values:
        raise Problem("a hook has a name of its own, by which it is told of")
    ways = [way for way in _WAYS if way in values]
    if len(ways) != 1:
        raise Problem(f"a hook has one of {', '.join(_WAYS)}" + (f", not {' and '.join(ways)}" if ways else ""))
    if "secret_from" in values and not ways[0].startswith("webhook"):
        raise Problem("secret_from names the key that signs a webhook: it goes with webhook or webhook_from")
    if bool(values.get("quiet_hours")) != bool(values.get("time_zone")):
        raise Problem('quiet_hours and time_zone go together: time_zone = "Europe/Madrid"')


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_NAME, value):
        raise Problem("a hook's name has 1 to 63 letters, digits, hyphens, dots or underscores, such as on-call")
    return value


def _words(value: object) -> tuple[str, ...]:
    texts = isinstance(value, list) and value and all(isinstance(word, str) and "\0" not in word for word in value)
    if not texts or not value[0]:  # type: ignore[index]
        raise Problem('a command is a list of texts, run without a shell: command = ["/usr/local/bin/page", "--dba"]')
    return tuple(value)  # type: ignore[arg-type]


def place(value: object, *, secret: bool = False) -> str:
    """Return the URL of a webhook that may be asked; one that lives where secrets do may hold some. Raises Problem."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - few registries hold hooks

    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise Problem('a webhook is a URL: webhook = "https://alerts.example.com/pgconns"')
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port
    except ValueError:
        raise Problem("this is no URL: write https://host/path") from None
    if not host or url.scheme not in {"http", "https"}:
        raise Problem("this is no URL of the web: write https://host/path")
    if url.scheme == "http" and not (host in {"localhost", "::1"} or host.startswith("127.")):
        raise Problem("alerts name your servers: https, or http on this machine alone")
    if not secret and (url.username is not None or url.password is not None):
        raise Problem("no secret belongs here: say with webhook_from where the whole URL lives")
    return value


def _source(value: object) -> str:
    if isinstance(value, str) and value.partition(":")[0].strip() in {"env", "file", "command"}:
        return str(BY_NAME["password_from"].read(value))
    raise Problem("a secret lives in env:VARIABLE, file:/path, or what command:program args prints")


def _level(value: object) -> str:
    if value not in {"warning", "critical"}:
        raise Problem('the least that is told is level = "warning" or level = "critical"')
    return str(value)


def _number(what: str, largest: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
            raise Problem(f"{what} is a number from 0 to {largest:.0f}")
        return value

    return read


def _windows(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Problem('quiet hours are a list of texts: quiet_hours = ["22:00-07:00", "Sat-Sun 00:00-24:00"]')
    for each in value:
        quiet.read(each)
    return tuple(value)


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise Problem('a time zone is a text: time_zone = "Europe/Madrid"')
    quiet.zone(value)
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Problem("this is true or false")
    return value


_READ: dict[str, Callable[[object], Any]] = {
    "name": _name,
    "command": _words,
    "webhook": place,
    "webhook_from": _source,
    "secret_from": _source,
    "apprise_from": _source,
    "level": _level,
    "stands_seconds": _number("how long an alert must stand", _LONGEST_S),
    "gone_seconds": _number("how long it must be gone", _LONGEST_S),
    "remind_hours": _number("after how many hours it is told again", _LONGEST_S / 3600),
    "quiet_hours": _windows,
    "time_zone": _zone,
    "critical_in_quiet_hours": _flag,
}


def block(hook: Hook) -> str:
    """Return the lines of one hook."""
    import tomlkit  # noqa: PLC0415 - only needed to write

    return "\n[[hooks]]\n" + tomlkit.dumps(hook.to_table())


def with_set(text: str, hook: Hook) -> str:
    """Return the text with a hook entered, at its end, or changed where it stands. Raises TextError."""
    hook = hook._replace(read_only=False)
    before = read(text)
    names = [one.name for one in before.hooks]
    if hook.name not in names:
        changed = toml_tables.with_block(text, block(hook)) if text.strip() else HEADER + block(hook)
        wanted = (*before.hooks, hook)
    else:
        number = names.index(hook.name)
        if len(toml_tables.entries(text, _ARRAY)) != len(names):
            raise TextError("pgconns edits hooks that start with a line [[hooks]]: write them so")
        changed = text
        if before.hooks[number] != hook:
            changed = toml_tables.with_named(text, _ARRAY, number, hook.to_table(), _READ)
        wanted = (*before.hooks[:number], hook, *before.hooks[number + 1 :])
    if not reads_as(changed, before._replace(hooks=wanted)):
        raise TextError(UNEDITABLE)
    return changed


def _line(text: str, number: int, key: str) -> int:
    return toml_tables.line(text, _ARRAY, number, key)
