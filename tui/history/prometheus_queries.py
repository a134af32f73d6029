"""What is asked of Prometheus for a series, and what its answers mean. Pure.

A step of the clock holds what was scraped in it: [begin, begin + seconds) is asked for at its last millisecond. Where
several recorders count the same, their counts are one series: sums of what is summed, extremes of extremes.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tui.history.rollup import Rollup
from tui.sockets.model import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tui.history.prometheus_web import Line
    from tui.history.reader import Kind

# The label by which a series is known, and what tells series of one target apart.
KEY: Mapping[Kind, str] = {"connection": "id", "server": "server"}
_APART = frozenset({"__name__", "server", "connection", "id", "state", "bounded_by"})
_MINUTE_S = 60.0


def text(value: str) -> str:
    """Return a string of PromQL.

    >>> text('a "b"')
    '"a \\\\"b\\\\""'
    """
    return json.dumps(value, ensure_ascii=False)


def one_of(label: str, values: Iterable[str]) -> str:
    """Return a matcher of any of these values.

    >>> one_of("id", ["a.b", "c"])
    'id=~"a\\\\\\\\.b|c"'
    """
    return f"{label}=~{text('|'.join(map(re.escape, values)))}"


def metric(kind: Kind, name: str, matcher: str) -> str:
    """Return a selector.

    >>> metric("server", "up", 'server="a"')
    'pgconns_server_up{server="a"}'
    """
    return f"pgconns_{kind}_{name}{{{matcher}}}"


def stepped(kind: Kind, key: str, seconds: int) -> str:
    """Return one query for all that is told of each step: what each series is, is its label `what`."""
    matcher = f"{KEY[kind]}={text(key)}"
    within = f"[{seconds}s]"

    def told(name: str) -> str:
        return metric(kind, name, matcher)

    sockets, headroom, limit = told("sockets"), told("headroom_sockets"), told("limit_sockets")
    parts = {
        "asked": f"sum(count_over_time({told('up')}{within}))",
        "samples": f"sum(count_over_time({sockets}{within}))",
        "total": f"sum(sum_over_time({sockets}{within}))",
        "minimum": f"min(min_over_time({sockets}{within}))",
        "maximum": f"max(max_over_time({sockets}{within}))",
        "last": f"max(last_over_time({sockets}{within}))",
        "stale": f"min(min_over_time({told('stale_sockets')}{within}))",
        # Of a limit that was another one in the same step, the one that binds at its end.
        "limit": f"(max({limit}) or max(last_over_time({limit}{within})))",
        "headroom": f"min(last_over_time({headroom}{within}))",
        "least_headroom": f"min(min_over_time({headroom}{within}))",
        "opened": f"max(last_over_time({told('opened_sockets_per_second')}{within}))",
    }
    if kind == "connection":
        parts["oldest"] = f"max(max_over_time({told('oldest_idle_in_transaction_seconds')}{within}))"
        parts["state"] = f"max by (state) (last_over_time({told('state_sockets')}{within}))"
    return " or ".join(f'label_replace({query}, "what", "{what}", "", "")' for what, query in parts.items())


def singles(kind: Kind, key: str) -> str:
    """Return a selector of all that is told of each single count."""
    names = ["up", "sockets", "stale_sockets", "limit_sockets", "headroom_sockets", "opened_sockets_per_second"]
    names += ["state_sockets", "oldest_idle_in_transaction_seconds"] if kind == "connection" else []
    return f'{{__name__=~"pgconns_{kind}_({"|".join(names)})", {KEY[kind]}={text(key)}}}'


def of_steps(lines: Iterable[Line], seconds: int) -> list[Rollup]:
    """Return what the answer to `stepped` means, in the order of time."""
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for line in lines:
        what = line.labels.get("state") or line.labels["what"]
        for at, value in line.values:
            found[at][what] = value
    made = (_step(told, (at + 1) / 1000 - seconds, seconds) for at, told in sorted(found.items()))
    return [one for one in made if one.samples or one.unseen]


def _step(told: Mapping[str, float], at: float, seconds: int) -> Rollup:
    samples = int(told.get("samples", 0))
    unseen = max(0, int(told.get("asked", 0)) - samples)
    if not samples:
        return Rollup(at, seconds, unseen=unseen)

    def whole(name: str) -> int | None:
        return int(told[name]) if name in told else None

    return Rollup(
        at,
        seconds,
        samples,
        unseen,
        whole("minimum"),
        whole("total") or 0,
        whole("maximum"),
        whole("last"),
        _states(told),
        whole("stale"),
        whole("limit"),
        whole("headroom"),
        whole("least_headroom"),
        told.get("oldest"),
        _per_minute(told.get("opened")),
    )


def of_singles(lines: Iterable[Line]) -> list[Rollup]:
    """Return what the answer to `singles` means: one count for each scrape of each target, in the order of time."""
    scrapes: defaultdict[tuple[int, tuple[Any, ...]], dict[str, float]] = defaultdict(dict)
    for line in lines:
        target = tuple(sorted((name, value) for name, value in line.labels.items() if name not in _APART))
        what = line.labels.get("state") or line.labels["__name__"].removeprefix("pgconns_").partition("_")[2]
        for at, value in line.values:
            scrapes[at, target][what] = value
    return [_single(scrapes[key], key[0] / 1000) for key in sorted(scrapes)]


def _single(told: Mapping[str, float], at: float) -> Rollup:
    if "sockets" not in told:
        return Rollup(at, unseen=1)

    def whole(name: str) -> int | None:
        return int(told[name]) if name in told else None

    n, headroom = int(told["sockets"]), whole("headroom_sockets")
    return Rollup(
        at,
        0,
        1,
        0,
        n,
        n,
        n,
        n,
        _states(told),
        whole("stale_sockets"),
        whole("limit_sockets"),
        headroom,
        headroom,
        told.get("oldest_idle_in_transaction_seconds"),
        _per_minute(told.get("opened_sockets_per_second")),
    )


def _states(told: Mapping[str, float]) -> tuple[int, int, int, int, int] | None:
    if not all(state in told for state in STATES):
        return None
    active, idle, idle_in_transaction, other, unknown = (int(told[state]) for state in STATES)
    return active, idle, idle_in_transaction, other, unknown


def _per_minute(per_second: float | None) -> float | None:
    return None if per_second is None else round(per_second * _MINUTE_S, 6)


def many(kind: Kind, keys: Sequence[str], seconds: int) -> str:
    """Return one query for what trends are judged by, of many series."""
    matcher, by = one_of(KEY[kind], keys), KEY[kind]
    sockets, stale = metric(kind, "sockets", matcher), metric(kind, "stale_sockets", matcher)
    parts = {
        "samples": f"sum by ({by}) (count_over_time({sockets}[{seconds}s]))",
        "total": f"sum by ({by}) (sum_over_time({sockets}[{seconds}s]))",
        "stale": f"min by ({by}) (min_over_time({stale}[{seconds}s]))",
    }
    return " or ".join(f'label_replace({query}, "what", "{what}", "", "")' for what, query in parts.items())


def of_many(kind: Kind, lines: Iterable[Line], seconds: int) -> dict[str, list[Rollup]]:
    """Return what the answer to `many` means."""
    parted: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        parted[line.labels[KEY[kind]]].append(line)
    return {key: of_steps(theirs, seconds) for key, theirs in parted.items()}
