"""Turns the facts of a failed connect into a finding: the cause in plain words, and the exact fix. Pure."""

from __future__ import annotations

from collections.abc import Callable

from tui.postgres import explain_server, explain_tls
from tui.postgres.cause import Cause, firewall_fix
from tui.postgres.errors import Failure
from tui.postgres.finding import Finding
from tui.postgres.target import Target


def explain(failure: Failure, target: Target) -> Finding:
    """Return what a failure to connect means, and what to do about it."""
    failure = telling(failure, target)
    cause = _cause(failure, target)
    return Finding(
        cause.check,
        "failed",
        cause.message,
        fix=cause.fix,
        detail=_detail(failure, cause),
        code=cause.code or failure.code,
    )


def telling(failure: Failure, target: Target) -> Failure:
    """Return the try that tells most, of the two that the TLS modes prefer and allow make.

    That a server refuses the one without TLS says nothing of why the one with TLS failed, and that is asked.
    """
    if failure.before is None:
        return failure
    with_tls, without = (failure, failure.before) if target.sslmode == "allow" else (failure.before, failure)
    refused = without.code == "28000" and "pg_hba.conf" in without.text
    return with_tls if refused or with_tls.code else without


def _detail(failure: Failure, cause: Cause) -> str:
    said = " ".join(failure.text.split())
    return "" if said == cause.message else said


def _cause(failure: Failure, target: Target) -> Cause:
    if failure.stage == "resolve":
        return _RESOLVE.get(failure.code, _unresolved)(failure, target)
    if failure.timeout_s:
        return _silence(failure, target)
    if explain_server.is_sqlstate(failure.code):
        return explain_server.cause(failure, target)
    return (
        explain_tls.cause(failure, target)
        or _by_errno(failure, target)
        or explain_server.words_of_libpq(failure, target)
        or Cause("authentication", f"Connecting to {target.place} failed: {' '.join(failure.text.split())}")
    )


def _unknown_name(failure: Failure, target: Target) -> Cause:
    return Cause(
        "name_resolution",
        f"There is no server named {target.host}: the name has no address",
        "Check the spelling of Server. A name that only a private network knows is not known to CARTO's cloud either",
    )


def _name_server(failure: Failure, target: Target) -> Cause:
    return Cause(
        "name_resolution",
        f"The address of {target.host} could not be looked up: no name server answered",
        "Try again in a moment; when it stays so, check this machine's network and /etc/resolv.conf",
    )


def _unresolved(failure: Failure, target: Target) -> Cause:
    return Cause(
        "name_resolution",
        f"The address of {target.host} could not be looked up: {failure.text or 'no reason was given'}",
        "Check the spelling of Server, and this machine's name server",
    )


_RESOLVE: dict[str, Callable[[Failure, Target], Cause]] = {
    "EAI_NONAME": _unknown_name,
    "EAI_NODATA": _unknown_name,
    "EAI_ADDRFAMILY": _unknown_name,
    "EAI_AGAIN": _name_server,
    "EAI_FAIL": _name_server,
    "ETIMEDOUT": _name_server,
}


def _silence(failure: Failure, target: Target) -> Cause:
    seconds = f"{failure.timeout_s:.0f} s" if failure.timeout_s >= 1 else f"{failure.timeout_s:.1f} s"
    at = _at(failure, target)
    if failure.stage == "tcp":
        return Cause(
            "tcp",
            f"No answer from {at} within {seconds}: a firewall swallows the packets, or the address is wrong",
            firewall_fix(target),
        )
    if failure.stage == "authenticated":
        return Cause(
            "authentication",
            f"{at} took the password and then said nothing for {seconds}: the server hangs, or a pooler waits for a"
            " free socket to the server behind it",
            "Look at the server's load and log; behind PgBouncer, at cl_waiting in SHOW POOLS and at its log",
        )
    return Cause(
        "tls" if failure.stage == "tls" else "authentication",
        f"{at} takes connections and then says nothing for {seconds}: this is no PostgreSQL, or it hangs",
        f"Check that PostgreSQL listens on port {target.port}, and look at the server's load and log",
    )


def _at(failure: Failure, target: Target) -> str:
    return target.place if failure.address in {"", target.host} else f"{target.place} ({failure.address})"


_LISTENING = (
    "Check the port: PostgreSQL's own is 5432, PgBouncer's 6432. A server that runs but listens on localhost only needs"
    " listen_addresses = '*' in postgresql.conf, and a restart"
)


def _by_errno(failure: Failure, target: Target) -> Cause | None:
    at = _at(failure, target)
    if failure.code == "ECONNREFUSED":
        return Cause(
            "tcp", f"{at} refuses connections: nothing listens on that port, or a firewall rejects it", _LISTENING
        )
    if failure.code == "ETIMEDOUT":
        return Cause("tcp", f"No answer from {at}: a firewall swallows the packets, or the address is wrong",
                     firewall_fix(target))  # fmt: skip
    if failure.code in {"EHOSTUNREACH", "EHOSTDOWN"}:
        return Cause(
            "tcp", f"{at} cannot be reached: the network says that no such machine is up", firewall_fix(target)
        )
    if failure.code in {"ENETUNREACH", "ENETDOWN", "EADDRNOTAVAIL"}:
        family = "IPv6 " if ":" in failure.address else ""
        return Cause("tcp", f"This machine has no {family}route to {at}",
                     "Check this machine's network; give Server an address that it has a route to")  # fmt: skip
    if failure.code in {"EACCES", "EPERM"}:
        return Cause(
            "tcp", f"This machine forbids connections to {at}", "Check this machine's own firewall and sandbox"
        )
    if failure.code in {"EMFILE", "ENOBUFS"}:
        return Cause("tcp", "This machine has no file descriptors or buffers left for another socket",
                     "Close programs, or raise the limit: ulimit -n")  # fmt: skip
    if failure.code in {"ECONNRESET", "EPIPE"} or "closed the connection unexpectedly" in failure.text:
        return Cause(
            "authentication",
            f"{at} hung up before anyone could log in",
            "Look at the server's log: it crashes, is shutting down, or a firewall or load balancer cuts the line."
            " A port of another service does this too",
            failure.code or "ECONNRESET",
        )
    return None
