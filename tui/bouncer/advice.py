"""The rest of a plan, in words: time-outs with their reasons, and what breaks in a mode for CARTO's use. Pure.

Source: PgBouncer's documentation, config.html and features.html (its table of what the modes support).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.bouncer.model import TimeOut

if TYPE_CHECKING:
    from tui.bouncer.model import PoolMode

PREPARED_STATEMENTS = 200


def time_outs(mode: PoolMode) -> tuple[TimeOut, ...]:
    """Return the time-outs for a mode."""
    common = (
        TimeOut("query_wait_timeout", 120, "a client that waits longer gets an error, rather than hang for ever"),
        TimeOut("reserve_pool_timeout", 3, "who waits so long may use the reserve"),
        TimeOut("server_idle_timeout", 300, "gives sockets back to the server after a busy time"),
        TimeOut("server_lifetime", 3600, "renews sockets, whose memory grows with use"),
        TimeOut("server_connect_timeout", 15, "a server that does not answer is no reason to hang"),
    )
    if mode == "session":
        return common
    return (*common, TimeOut("idle_transaction_timeout", 300, "a forgotten transaction blocks a server socket"))


def cautions(mode: PoolMode, sockets: int, *, guessed: bool) -> tuple[str, ...]:
    """Return what to know of a mode before it is used; `sockets` are the most on both sides together."""
    of_mode = _TRANSACTION if mode == "transaction" else _SESSION
    recording = (
        ("Record first, with pgconns watch or the console, and plan again after a busy week",) if guessed else ()
    )
    return (
        *recording,
        *of_mode,
        "Unknown start-up parameters are refused: ignore_startup_parameters = extra_float_digits, options",
        f"PgBouncer needs a file for each socket, of clients and to the server: LimitNOFILE well above {sockets}",
        "Behind PgBouncer every client address is its own: pg_hba rules and matchers by address must fit that",
    )


_SESSION = (
    "Session pooling holds a server socket for each CARTO socket, an idle one as well: it caps, it does not share;"
    " who comes when the pool is full waits until another hangs up",
)
_TRANSACTION = (
    "Try it with one Connection before the others: CARTO does not document what of a session its SQL relies on",
    "Temporary tables are gone after the transaction, or another client's. Those of Workflows are ordinary tables in a"
    " schema, and stay",
    "SET lasts in the server socket, for whoever gets it next; only SET LOCAL ends with the transaction. What a role"
    " needs belongs into ALTER ROLE ... SET",
    "Prepared statements of the protocol work from PgBouncer 1.21 on, with max_prepared_statements; older ones answer"
    " that they do not exist. PREPARE in SQL never works",
    "LISTEN, advisory locks of a session and cursors WITH HOLD do not work; NOTIFY and pg_advisory_xact_lock do",
)
