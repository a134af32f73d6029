"""What is exported: whatever was seen, named as Prometheus' practice has it, and nothing unseen as zero."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.history.given import Traffic, samples
from tests.metrics.given import exported
from tests.servers.prometheus import promtool
from tests.widgets.given import connection, counted, sampled
from tui.metrics.families import Seen
from tui.metrics.serving import Telling
from tui.sockets.growth import Trend
from tui.sockets.model import Group, Polls, ServerCount

if TYPE_CHECKING:
    from tui.sockets.model import Sample

SERVER = "db.example.com:5432"
LABELS = {
    "server", "connection", "id", "state", "bounded_by", "verdict", "database", "username", "connector", "region",
    "version",
}  # fmt: skip


def _text(seen: Seen, form: str = "application/openmetrics-text") -> str:
    telling = Telling()
    telling.seen = seen
    registry = CollectorRegistry()
    registry.register(telling)
    encode, _ = choose_encoder(form)
    return encode(registry).decode()


def _told(seen: Seen) -> dict[str, float]:
    """Each series of one server and Connection, by its name and what else tells it apart."""
    found = {}
    for name, labels, value in exported(seen):
        more = [labels[label] for label in ("state", "bounded_by", "verdict") if label in labels]
        found[".".join((name.removeprefix("pgconns_"), *more))] = value
    return found


def _readable(sample: Sample) -> Sample:
    """The sample with names that a registry may hold: it is UTF-8, and no two servers are called alike."""
    return replace(
        sample,
        servers=tuple(replace(s, server=s.server.encode(errors="replace").decode()) for s in sample.servers),
        connections=tuple(
            replace(c, name=_plain(c.name), id=_plain(c.id), server=_plain(c.server)) for c in sample.connections
        ),
    )


def _plain(text: str) -> str:
    return text.encode(errors="replace").decode()


@given(samples())
def test_whatever_was_seen_can_be_scraped(sample: Sample) -> None:
    text = _text(Seen(_readable(sample), {"a": Polls(3, 1, 0.5)}))
    families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert {label for family in families for one in family.samples for label in one.labels} <= LABELS
    for family in families:
        assert re.fullmatch(r"pgconns_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert family.type in {"gauge", "counter", "summary", "info"}


def test_promtool_finds_nothing_to_say_of_the_names() -> None:
    sample = Traffic(11, 2).sample()
    growing = Trend("growing", 1.0, exhausted_at=sample.at + 60)
    servers = tuple(replace(one, trend=growing, stale=1, opened_per_minute=1.0) for one in sample.servers)
    connections = tuple(replace(one, trend=growing, opened_per_minute=1.0) for one in sample.connections)
    seen = Seen(replace(sample, servers=servers, connections=connections), {"a": Polls(1)}, (connection("a"),))
    assert promtool("check", "metrics", stdin=_text(seen, "text/plain")) == ""


def test_there_are_as_many_series_as_connections_ask_for_and_no_client_has_a_say() -> None:
    said = ("a query's text", "198.51.100.7", "the application", "a user of CARTO", "a stranger's database")
    groups = tuple(Group("gis", "carto", said[2] + str(n), said[1], "idle", 1, carto_user=said[3]) for n in range(50))
    few, many = (Seen(sampled(counted("prod", 50, groups=some), at=1.0)) for some in (groups[:1], groups))
    assert _text(few) == _text(many)
    assert not any(words in _text(many) for words in said)
    assert len(exported(Seen(Traffic(20, 4).sample()))) < 20 * 30 + 4 * 30


def test_what_one_connection_tells() -> None:
    growing = Trend("leaking", 6.0, exhausted_at=2000.0)
    count = counted(
        "prod", 20, headroom=5, limit=25, bounded_by="role", stale=7, from_region=3, trend=growing,
        oldest_idle_in_transaction_s=12.5, opened_per_minute=30.0,
    )  # fmt: skip
    told = _told(Seen(sampled(count, at=1000.0), {}, (connection("prod"), connection("other"))))
    expected = {
        "connection_up": 1, "connection_sockets": 20, "connection_headroom_sockets": 5,
        "connection_limit_sockets.role": 25, "connection_stale_sockets": 7, "connection_from_region_sockets": 3,
        "connection_oldest_idle_in_transaction_seconds": 12.5, "connection_opened_sockets_per_second": 0.5,
        "connection_trend_sockets_per_second": 0.1, "connection_exhausted_timestamp_seconds": 2000,
        "connection_trend.leaking": 1, "connection_trend.steady": 0, "connection_state_sockets.active": 1,
        "connection_state_sockets.idle": 19, "connection_info": 1, "registered_connections": 2,
        "last_sample_timestamp_seconds": 1000, "server_up": 1, "server_full": 0, "server_sockets": 47,
    }  # fmt: skip
    assert {name: told.get(name) for name in expected} == expected


def test_what_is_not_seen_is_absent_and_never_zero() -> None:
    gone = ServerCount(SERVER, seen_at=900.0, error="no route to host", trend=Trend("surging", 1.0, exhausted_at=1.0))
    lost = counted("prod", None, error="no route to host", trend=Trend("surging", 1.0, exhausted_at=1.0))
    told = _told(Seen(sampled(lost, at=1000.0, servers=[gone]), {SERVER: Polls(9, 4, 2.0)}))
    of_server = {name.removeprefix("server_"): value for name, value in told.items() if name.startswith("server_")}
    assert of_server == {
        "up": 0, "last_seen_timestamp_seconds": 900, "polls_total": 9, "poll_failures_total": 4,
        "poll_duration_seconds_count": 9, "poll_duration_seconds_sum": 2,
    }  # fmt: skip
    assert {name: told[name] for name in told if name.startswith("connection_")} == {"connection_up": 0}
    waiting = _told(Seen(sampled(counted("prod", None), at=1000.0, servers=[ServerCount(SERVER)])))
    assert not any(name.startswith(("server_", "connection_")) for name in waiting)
    refused = _told(Seen(sampled(at=1.0, servers=[replace(gone, full=True)])))
    assert (refused["server_up"], refused["server_full"]) == (0, 1)
