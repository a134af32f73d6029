"""Turns the facts of a failed statement into a finding. Pure."""

from __future__ import annotations

from tui.postgres.cause import Cause
from tui.postgres.errors import Failure
from tui.postgres.finding import Finding
from tui.postgres.target import Target


def explain_query(failure: Failure, target: Target, *, ended: bool = False) -> Finding:
    """Return what it means that a statement of an open session failed; `ended` when the socket is gone with it."""
    cause = _cause(failure, target, ended)
    said = " ".join(failure.text.split())
    detail = "" if said == cause.message else said
    return Finding(cause.check, "failed", cause.message, fix=cause.fix, detail=detail, code=cause.code or failure.code)


def _cause(failure: Failure, target: Target, ended: bool) -> Cause:
    text, code = failure.text, failure.code
    if failure.timeout_s and target.connector == "pgbouncer":
        return Cause(
            "session",
            f"{target.place} left a query without an answer for {failure.timeout_s:.0f} s: where its pool is busy,"
            " PgBouncer has it wait for a server socket",
            "Look at who waits with pgconns bouncer check; else at the network between here and there",
        )
    if failure.timeout_s:
        return Cause("session", f"{target.place} fell silent in the middle of a query, for {failure.timeout_s:.0f} s",
                     "Look at the network between here and there; a firewall may forget idle sockets")  # fmt: skip
    if "statement pooling mode" in text:
        return Cause(
            "session",
            "The pooler runs in statement mode, which takes no transactions",
            "pool_mode = transaction (or session) in pgbouncer.ini, and RELOAD",
        )
    if "invalid command" in text and "BEGIN" in text.upper():
        return Cause("session", f"{target.database} is PgBouncer's admin console, and no database",
                     "Give the name of an entry in its [databases] as Database")  # fmt: skip
    if "query_wait_timeout" in text:
        return Cause("session", "PgBouncer found no free server socket within query_wait_timeout",
                     "Raise default_pool_size as far as the server lets you; look at SHOW POOLS", "57014")  # fmt: skip
    if code == "57014":
        return Cause("session", "The server took too long over a query, and it was cancelled",
                     "Look at the server's load")  # fmt: skip
    if code == "55P03":
        return Cause("session", "A query waited too long for a lock that somebody holds",
                     "Look for the holder: SELECT pid, pg_blocking_pids(pid) FROM pg_stat_activity")  # fmt: skip
    if code == "42501":
        return Cause("session", f"The role {target.username} may not ask this: {' '.join(text.split())}",
                     "Give the role what a role has by default, or have an administrator look")  # fmt: skip
    if code in {"57P01", "57P02"}:
        return Cause("session", "The server ended the session: it is shutting down, or an administrator ended it",
                     "Wait until it is back, or ask who ended it")  # fmt: skip
    if code in {"57P05", "25P03"}:
        return Cause("session", "The server ended the session for being idle", "Look at idle_session_timeout")
    if ended or "closed the connection" in text:
        return Cause("session", f"{target.place} hung up in the middle of a query",
                     "Look at the server's log: it crashed, restarted, or something on the way cut the line",
                     code or "ECONNRESET")  # fmt: skip
    return Cause(
        "session", f"The server refuses a query: {' '.join(text.split()) or 'no reason was given'}", failure.hint
    )
