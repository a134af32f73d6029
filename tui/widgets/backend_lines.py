"""The lines of groups of sockets, and of single ones. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from tui.text import pad, safe, shorten
from tui.widgets.cells import NOT_SEEN, duration, fitting, plural
from tui.widgets.fact_list import Fact
from tui.widgets.live_table import Span, Spans
from tui.widgets.roster import BYS, STATE_WORDS, TITLES, By, GroupOf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.sockets.backends import Backend, Listing

# The columns of groups beside their name, most wanted first, each with its width.
_NUMBERS = (("Sockets", 8), ("Active", 7), ("Idle", 7), ("In tx", 7), ("Oldest", 9), ("Idle for", 9), ("Other", 7))
_LABEL = 28
HIDDEN = "What it does is not visible to this role: GRANT pg_read_all_stats TO it shows that"
_IN_THE_LINE = ("PID", "State", "Open for")  # of a single socket
STATE_TONES = {"active": "ok", "idle": "muted", "idle_in_transaction": "warning", "other": "plain", "unknown": "muted"}


class _Column(NamedTuple):
    """One column of a single socket's line."""

    title: str
    width: int
    right: bool = False


def tabs(by: By, bys: Sequence[By] = BYS) -> Content:
    """Return what one can group by, with what it is grouped by now marked."""
    parts = [Content.styled("by  ", "$muted")]
    for each in bys:
        name = TITLES[each].casefold().replace("carto ", "") if each != "age" else "age"
        parts.append(Content.styled(f"[{name}]", "bold $accent") if each == by else Content.styled(f" {name} ", ""))
    return Content("").join(parts)


def group_heading(by: By, width: int) -> Spans:
    """Draw the titles of the columns of groups."""
    shown = _numbers(width)
    return (Span("  " + pad(TITLES[by], _label_width(width)) + "".join(title.rjust(size) for title, size in shown)),)


def _numbers(width: int) -> list[tuple[str, int]]:
    return fitting(_NUMBERS, width - 2 - _LABEL)


def _label_width(width: int) -> int:
    return max(1, width - 2 - sum(size for _, size in _numbers(width)))


def group_spans(group: GroupOf, cursor: bool, width: int) -> Spans:
    """Draw one group."""
    active, idle, in_tx, other, unknown = group.states

    def known(number: int) -> str:  # never a zero where some could not be seen
        return NOT_SEEN if unknown == len(group.backends) else f"{number}+" if unknown else str(number)

    said = {
        "Sockets": (str(len(group.backends)), "strong"),
        "Active": (known(active), "plain"),
        "Idle": (known(idle), "plain"),
        "In tx": (known(in_tx), "warning" if in_tx else "plain"),
        "Oldest": (_time(group.oldest_s), "muted"),
        "Idle for": (_time(group.longest_idle_s), "muted"),
        "Other": (known(other), "plain"),
    }
    return (
        Span("❯ " if cursor else "  ", "accent"),
        Span(pad(safe(group.label), _label_width(width)), "strong"),
        *(Span(said[title][0].rjust(size), said[title][1]) for title, size in _numbers(width)),
    )


def _time(seconds: float | None) -> str:
    return NOT_SEEN if seconds is None else duration(seconds)


def _columns(by: By, width: int) -> list[_Column]:
    """Return the columns of single sockets; what they are grouped by stands above them already."""
    wanted = [_Column("PID", 8, right=True), _Column("State", 12), _Column("For", 7), _Column("Open for", 9)]
    if by != "application":
        wanted.append(_Column("Application", 18))
    if by != "client" and (width >= 100 or by == "application"):
        wanted.append(_Column("Client", 16))
    if width >= 130:
        wanted += [_Column("Role", 16)] if by != "role" else []
        wanted += [_Column("Database", 14)] if by != "database" else []
    left = width - 2 - sum(column.width + 1 for column in wanted)
    return [*wanted, _Column("Query", left)] if left >= 10 else wanted


def backend_heading(by: By, width: int) -> Spans:
    """Draw the titles of the columns of single sockets."""
    return (Span("  " + " ".join(_cell(column, column.title) for column in _columns(by, width))),)


def _cell(column: _Column, text: str) -> str:
    cut = shorten(text, column.width)
    return cut.rjust(column.width) if column.right else pad(cut, column.width)


def backend_spans(backend: Backend, by: By, cursor: bool, width: int) -> Spans:
    """Draw one socket."""
    said = {
        "PID": (str(backend.pid), "strong"),
        "State": (STATE_WORDS[backend.state], STATE_TONES[backend.state]),
        "For": (_time(backend.state_s), "plain"),
        "Open for": (_time(backend.age_s), "plain"),
        "Application": (safe(backend.application), "plain"),
        "Client": (safe(backend.client or NOT_SEEN), "plain"),
        "Role": (safe(backend.username), "plain"),
        "Database": (safe(backend.database), "plain"),
        "Query": (query_words(backend), "muted"),
    }
    spans = [Span("❯ " if cursor else "  ", "accent")]
    for column in _columns(by, width):
        text, tone = said[column.title]
        spans.append(Span(_cell(column, text) + " ", tone))
    return tuple(spans)


def query_words(backend: Backend) -> str:
    """Return a query in one line without CARTO's comment, whose parts stand elsewhere."""
    if backend.console:
        return "(pgconns itself)"
    query = backend.query
    if backend.carto is not None:
        query = query.partition("*/")[2]
    return " ".join(safe(query, longest=2_000).split())


def backend_facts(backend: Backend) -> list[Fact]:
    """Return everything about one socket but its query."""
    carto = backend.carto
    since = f" for {duration(backend.state_s)}" if backend.state_s is not None else ""
    waits = f", waits for {backend.wait_event}" if backend.wait_event and backend.state == "active" else ""
    pairs = {
        "PID": str(backend.pid),
        "State": f"{STATE_WORDS[backend.state]}{since}{waits}",
        "Open for": _time(backend.age_s),
        "Transaction": duration(backend.transaction_s) if backend.transaction_s is not None else "",
        "Role": backend.username,
        "Database": backend.database,
        "Application": backend.application,
        "Client": backend.client or "",
        "Feature": carto.feature if carto else "",
        "CARTO user": carto.user if carto else "",
        "Connection": carto.connection_id if carto else "",
        "Map": carto.map_id if carto else "",
    }
    return [Fact(label, Content(safe(text))) for label, text in pairs.items() if text]


def about_listing(listing: Listing | None, whose: str) -> str:
    """Return how many sockets of whom are shown, for the line on top."""
    if listing is None:
        return whose
    left_out = f", {listing.left_out:,} more not read" if listing.left_out else ""
    return f"{whose}: {plural(len(listing.backends), 'socket')}{left_out}"


def group_words(backends: tuple[Backend, ...]) -> Content:
    """Return whose the sockets of a group are, in a line, and what one of them asked last."""
    roles = sorted({f"{one.username}@{one.database}" for one in backends})
    more = f" and {len(roles) - 3} more" if len(roles) > 3 else ""
    newest = min(backends, key=lambda one: (one.console, float("inf") if one.query_s is None else one.query_s))
    words = f"last query: {query_words(newest)}" if newest.state != "unknown" else HIDDEN
    return Content.assemble((safe(f"{', '.join(roles[:3])}{more}") + "\n", ""), (words, "$muted"))


def backend_words(backend: Backend) -> Content:
    """Return what a socket's line has no room for."""
    facts = [f"{fact.label} {fact.said.plain}" for fact in backend_facts(backend) if fact.label not in _IN_THE_LINE]
    words = query_words(backend) if backend.state != "unknown" else HIDDEN
    return Content.assemble(" · ".join(facts) + "\n", (words, "$muted"))
