"""Samples as metrics that a Prometheus has stored."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from tui.metrics.families import Seen, families

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prometheus_client.core import Metric

    from tui.connections.model import Connection
    from tui.sockets.model import Polls, Sample


def stored(
    samples: Iterable[Sample],
    connections: tuple[Connection, ...] = (),
    polls: Iterable[Mapping[str, Polls]] = repeat({}),
    targets: Sequence[str] = ("one",),
) -> list[Metric]:
    """The metrics of samples, each at the moment of its sample, as these targets would tell them."""
    whole: dict[str, Metric] = {}
    for sample, done in zip(samples, polls, strict=False):
        for family in families(Seen(sample, done, connections), "0"):
            told = [
                one._replace(timestamp=sample.at, labels={**one.labels, "instance": target, "job": "pgconns"})
                for one in family.samples
                for target in targets
            ]
            family.samples = []
            whole.setdefault(family.name, family).samples.extend(told)
    for family in whole.values():  # each series in one go, from old to new
        family.samples.sort(key=lambda one: (one.name, sorted(one.labels.items()), one.timestamp))
    return list(whole.values())


def exported(seen: Seen) -> list[tuple[str, dict[str, str], float]]:
    """Every series of a moment, as the target `one` tells it."""
    return [
        (one.name, {**one.labels, "instance": "one", "job": "pgconns"}, float(one.value))
        for family in families(seen, "0")
        for one in family.samples
    ]
