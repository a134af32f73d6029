"""Whether the server's pg_hba rules let CARTO's addresses in."""

from __future__ import annotations

import asyncio

from tui.connections.model import Parameters
from tui.connections.parameters import Problem
from tui.connections.registry import RegistryError
from tui.postgres.finding import Finding
from tui.postgres.session import Session
from tui.regions.admission import Reach
from tui.regions.directory import known
from tui.regions.naming import find
from tui.regions.reach import reach

_CHECK = "region_reach"
_SHOWN = 6


async def check_region(session: Session, parameters: Parameters) -> Finding:
    """Return whether the addresses of the Connection's region are let in. Raises QueryFailed."""
    if not parameters.region:
        return Finding(_CHECK, "skipped", "No region is set, so CARTO's addresses are not known")
    try:
        region = find(await asyncio.to_thread(known), parameters.region)
    except (Problem, RegistryError) as problem:
        return Finding(_CHECK, "skipped", f"CARTO's addresses are not known: {problem}")
    return judge(await reach(session, region.region, region.addresses))


def judge(answer: Reach) -> Finding:
    """Return what it means that some addresses are let in and others are not. Pure."""
    notes = "\n".join(answer.warnings)
    count = len(answer.addresses)
    if not answer.decided and not answer.lines:
        told = "\n".join(answer.notes)
        why = answer.addresses[0].why if answer.addresses else "it has none"
        return Finding(_CHECK, "skipped", f"Not known of {answer.region}: {why}", answer.fix, notes or told)
    outside = [one for one in answer.addresses if not one.enters]
    if outside:
        shown = "; ".join(f"{one.address}: {one.why}" for one in outside[:_SHOWN])
        more = f"; and {len(outside) - _SHOWN} more" if len(outside) > _SHOWN else ""
        known = "do not get in" if all(one.admitted is not None for one in outside) else "may not get in"
        message = f"{len(outside)} of {count} addresses of {answer.region} {known} ({shown}{more})"
        return Finding(_CHECK, "warning", message, answer.fix, notes)
    message = f"All {count} addresses of {answer.region} are let in by pg_hba.conf"
    if answer.warnings:
        return Finding(_CHECK, "warning", f"{message}, and there is something to mend", detail=notes)
    return Finding(_CHECK, "ok", message)
