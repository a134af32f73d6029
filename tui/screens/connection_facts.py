"""What the screen of a Connection tells: its parameters, its sockets now, and what its last check found."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from textual.content import Content

from tui.connections.connectors import BY_KEY
from tui.postgres.finding import Finding
from tui.screens import connection_actions
from tui.text import safe
from tui.widgets.cells import duration, level_bar, plural
from tui.widgets.fact_list import Fact
from tui.widgets.panel import server_name
from tui.widgets.plot import Plotted
from tui.widgets.socket_lines import share_tone
from tui.widgets.trend_words import full_sentence, trend_sentence, trend_tone
from tui.widgets.troubles import SIGNS, kept_words, leads, sockets_out
from tui.workflows.tables import size as amount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tui.connections.model import Connection
    from tui.sockets.growth import Point
    from tui.sockets.model import ConnectionCount
    from tui.widgets.socket_lines import Row
    from tui.workflows.tables import Ledger

_BAR = 16
_COLOURS = {"accent": "$accent", "warning": "$warning", "failed": "$failed", "plain": "", "muted": "$muted"}
_LEVEL_COLOURS = {"failed": "$failed", "warning": "$warning", "note": ""}


def parameter_facts(connection: Connection) -> list[Fact]:
    """Return the Connection's parameters, and where its password lives."""
    p = connection.parameters
    pairs = {
        "Connector": BY_KEY[p.connector].label if p.connector in BY_KEY else p.connector,
        "Server": server_name(connection),
        "Database": p.database,
        "Role": p.username,
        "TLS": p.sslmode,
        "Trusted": p.sslrootcert,
        "Password in": connection_actions.place_of(connection),
        "Region": p.region,
        "Matches": ", ".join((*p.match_application, *p.match_client)),
        "Toolbox": p.analytics_toolbox,
        "Observatory": p.data_observatory,
        "Workflows": p.workflows_temp,
        "Registry": "system-wide, read-only here" if connection.read_only else "",
    }
    return [Fact(label, Content(safe(text))) for label, text in pairs.items() if text]


def socket_facts(row: Row | None, ledger: Ledger | None = None) -> list[Fact]:
    """Return the Connection's sockets now, the limit that binds them, where they go, and what is wrong.

    `ledger` is what is known of its tables for workflows.
    """
    seen = row.seen if row else None
    if row is None or seen is None:
        return [Fact(None, Content.styled("connecting…", "$muted"))]
    way = leads(seen, row.at)
    wrong = [
        Fact(None, Content.styled(f"{SIGNS[each.level]} {safe(each.sentence)}", _LEVEL_COLOURS[each.level]))
        for each in row.wrong
        if each.short != kept_words(row.kept) and each.sentence != way  # each is told in its own line
    ]
    if row.kept:
        wrong.append(Fact(None, Content(f"· The last check left {kept_words(row.kept)}: press p to read")))
    if seen.sockets is None:
        return [Fact("Sockets", Content.styled("—", "$muted")), *_pool(seen), *_temporary(ledger), *wrong]
    counts = [Fact("Sockets", _use(seen)), *_states(seen), *_pool(seen), *_leading(row, seen)]
    return [*counts, *_temporary(ledger), *wrong]


def _temporary(ledger: Ledger | None) -> list[Fact]:
    """Return what lies in the location for temporary tables; nothing where nobody looked, or nothing is there."""
    if ledger is None or ledger.looked is None or not ledger.total:
        return []
    now = time.time()
    said = f"{plural(ledger.total, 'table')}, {'about ' * ledger.estimated}{amount(ledger.bytes)}"
    if ledger.tables:
        oldest = ledger.tables[0]
        said += f", the oldest for {duration(oldest.age_s(now))}" + " at least" * oldest.is_vague
    return [Fact("Temp.", Content(f"{said} in {safe(ledger.schema)}"))]


def _use(seen: ConnectionCount) -> Content:
    if not seen.limit or seen.headroom is None:
        return Content.styled(str(seen.sockets), "bold")
    own = seen.sockets or 0
    bar = level_bar(own, max(0, seen.limit - seen.headroom - own), seen.limit, _BAR)
    colour = _COLOURS[share_tone(seen.limit, seen.headroom)]
    return Content.assemble(
        (str(own), "bold"), f" of {seen.limit}, {seen.headroom} more can open ",
        (bar.own, colour), (bar.others, "$muted"), (bar.free, "$line"),
        (f" of the {seen.bounded_by}" if seen.bounded_by else "", "$muted"),
    )  # fmt: skip


def _states(seen: ConnectionCount) -> list[Fact]:
    facts: list[Fact] = []
    if seen.states is not None:
        active, idle, in_tx, other, unknown = seen.states
        oldest = seen.oldest_idle_in_transaction_s
        said = [f"{active} active", f"{idle} idle"]
        said.append(f"{in_tx} in tx, the oldest for {duration(oldest)}" if oldest else f"{in_tx} in tx")
        said += [f"{other} other"] if other else []
        said += [f"{unknown} not visible"] if unknown else []
        facts.append(Fact("States", Content(" · ".join(said))))
    if seen.from_region is not None:
        facts.append(Fact("From CARTO", Content(f"{seen.from_region} of {seen.sockets}")))
    return facts


def _pool(seen: ConnectionCount) -> list[Fact]:
    """Tell of the PgBouncer before the server: clients in and sockets out, which are not the same."""
    pooled = seen.pooled
    if pooled is None or pooled.error:  # why it is not seen stands among what is wrong
        return []
    clients = f"{plural(pooled.clients or 0, 'client')} in"
    if pooled.waiting:
        clients += f", {pooled.waiting} of them waiting, {pooled.maxwait_s or 0.0:.1f} s at most"
    mode = f" ({pooled.pool_mode})" if pooled.pool_mode else ""
    return [Fact("PgBouncer", Content(clients)), Fact("Its pool", Content(safe(sockets_out(pooled) + mode)))]


def _leading(row: Row, seen: ConnectionCount) -> list[Fact]:
    colour = _COLOURS[trend_tone(seen.trend)]
    facts = [Fact("Trend", Content.styled(trend_sentence(seen.trend), colour))]
    now = row.series.at[-1] if row.series.at else time.time()
    full = full_sentence(seen.trend, now)
    return [*facts, Fact("Full", Content.styled(full, colour))] if full else facts


def plotted(row: Row | None, past: Sequence[Point] = ()) -> Plotted:
    """Return what is plotted of a Connection: its counts, and how many of its own sockets make it full.

    Of `past` only what is older than the row's own counts is taken: these tell what was not seen as well.
    """
    if row is None:
        return Plotted()
    seen = row.seen
    full = None
    if seen is not None and seen.sockets is not None and seen.headroom is not None:
        full = seen.sockets + seen.headroom
    first = row.series.at[0] if row.series.at else 0.0
    older = [point for point in past if point.at < first]
    return Plotted(
        (*(point.at for point in older), *row.series.at),
        (*(point.sockets for point in older), *row.series.sockets),
        full,
    )


def kept_findings(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return the findings of a kept check; what is not in its shape is left out."""
    names = ("check", "status", "message", "fix", "detail", "code")
    return tuple(
        Finding(**{name: str(each.get(name, "")) for name in names}, milliseconds=float(each.get("milliseconds", 0)))  # type: ignore[arg-type]
        for each in report.get("findings", ())
        if isinstance(each, dict) and each.get("status") in {"ok", "warning", "failed", "skipped"}
    )


def how_long_ago(at: str) -> str:
    """Return the age of a kept check, which says when it was made in ISO 8601."""
    try:
        made = datetime.fromisoformat(at)
    except ValueError:
        return "at an unknown time"
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    return f"{duration((datetime.now(UTC) - made).total_seconds())} ago"


def verdict(findings: tuple[Finding, ...]) -> str:
    """Return how many failures and warnings a check found."""
    failed = sum(finding.status == "failed" for finding in findings)
    warnings = sum(finding.status == "warning" for finding in findings)
    said = [plural(number, word) for number, word in ((failed, "failure"), (warnings, "warning")) if number]
    return ", ".join(said) if said else "everything is OK"


def read_ledger(path: Path, connection: Connection) -> Ledger | None:
    """Return what is known of a Connection's temporary tables; None where nothing can be read."""
    from tui.history import ledger  # noqa: PLC0415 - sqlite3, when it is first used
    from tui.history.errors import HistoryError  # noqa: PLC0415
    from tui.workflows.tables import spot  # noqa: PLC0415

    try:
        return ledger.read(path, spot(connection))
    except HistoryError:
        return None
