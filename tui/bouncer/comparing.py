"""Where a running PgBouncer differs from its plan. Pure."""

from __future__ import annotations

from tui.bouncer.caps import entries
from tui.bouncer.configuration import entries_of
from tui.bouncer.model import Plan
from tui.bouncer.shown import State
from tui.postgres.finding import Finding


def against(plan: Plan, state: State) -> tuple[Finding, ...]:
    """Return where a running PgBouncer differs from a plan, in what the plan is about."""
    found = []
    shown = {one.name: one for one in entries(state)}
    for entry in entries_of(plan):
        one = shown.get(entry.database)
        if one is None:
            found.append(_unlike(f"has no entry for {entry.database}", "Add it to [databases]"))
            continue
        line = f"pool_size={entry.pool_size} max_db_connections={entry.cap} in the entry {entry.database}"
        size = one.pool_size if one.pool_size is not None else state.setting("default_pool_size")
        if size != entry.pool_size:
            found.append(_unlike(f"{entry.database} has pools of {size}, and the plan says {entry.pool_size}", line))
        if (one.maximum or 0) == 0 or (one.maximum or 0) > entry.cap:
            now = f"at most {one.maximum}" if one.maximum else "any number of"
            found.append(
                _unlike(f"{entry.database} may open {now} server sockets, and the plan says {entry.cap}", line)
            )
        reserve = one.reserve if one.reserve is not None else state.setting("reserve_pool_size") or 0
        if reserve != entry.reserve:
            found.append(_unlike(f"{entry.database} has a reserve of {reserve}, and the plan says {entry.reserve}",
                                 f"reserve_pool={entry.reserve} in the entry {entry.database}"))  # fmt: skip
        mode = one.pool_mode or state.config.get("pool_mode", "")
        if mode != plan.pool_mode:
            found.append(_unlike(f"{entry.database} pools by {mode or 'nothing'}, and the plan says {plan.pool_mode}",
                                 f"pool_mode = {plan.pool_mode}"))  # fmt: skip
    clients = state.setting("max_client_conn") or 0
    if clients < plan.max_client_conn:
        found.append(_unlike(f"{clients} clients may come in, and the plan says {plan.max_client_conn}",
                             f"max_client_conn = {plan.max_client_conn}"))  # fmt: skip
    wanted = {one.setting: one.seconds for one in plan.time_outs}
    if plan.max_prepared_statements:
        wanted["max_prepared_statements"] = plan.max_prepared_statements
    for name, value in wanted.items():
        shown_now = state.setting(name)
        if shown_now is None:
            what = f"Unlike the plan: this version knows no {name}, and the plan says {value}"
            since = "PgBouncer 1.21 or newer" if name == "max_prepared_statements" else "a newer PgBouncer"
            found.append(Finding("plan", "warning", what, f"Upgrade to {since}"))
        elif shown_now != value:
            found.append(_unlike(f"{name} is {shown_now}, and the plan says {value}", f"{name} = {value}"))
    return tuple(found) or (Finding("plan", "ok", f"It is as the plan for {plan.server} has it"),)


def _unlike(what: str, fix: str) -> Finding:
    return Finding("plan", "warning", f"Unlike the plan: {what}", f"{fix}, in pgbouncer.ini, and RELOAD")
