"""pgconns apply: brings the registry to what a file declares; doing it twice changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.exits import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tui.cli.output import Output
    from tui.cli.probing import Candidate
    from tui.cli.settling import Outcome
    from tui.connections.applying import NamedPlan, Plan
    from tui.connections.model import Connection, Hook, OwnRegion
    from tui.connections.registry import Registry
    from tui.connections.registry_text import Content
    from tui.probe.report import Report

EXAMPLES = """
pgconns apply -f connections.toml --dry-run
pgconns apply -f connections.toml --json
pgconns export | ssh other-host pgconns apply -f -
"""
STATUSES = {
    Exit.DONE: "the registry holds what the file declares, or --dry-run showed what would be done",
    Exit.BAD_NEWS: "a check failed; what was OK is applied",
    Exit.USAGE: "the file is not right: nothing was done",
    Exit.CANNOT_CONNECT: "a server could not be connected to; what was OK is applied",
    Exit.UNSUPPORTED: "PostgreSQL is older than 12, or PostGIS than 2.4; what was OK is applied",
    Exit.UNUSABLE_STORE: "the registry cannot be used, or a password cannot be had",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Name the file."""
    parser.add_argument("-f", "--file", required=True, help="a registry file, as export writes it; - reads stdin")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")


def run(arguments: Namespace, output: Output) -> int:
    """Probe additions and changes, register those that did not fail; what the file lacks is told, never removed."""
    from tui.connections.applying import plan, plan_named
    from tui.connections.registry import Registry

    wanted = _declared(arguments.file)
    registry = Registry()
    planned = plan(registry.load(), wanted.connections)
    regions = plan_named(registry.regions(), wanted.regions)
    hooks = plan_named(registry.hooks(), wanted.hooks)
    if not output.json:
        _show_regions(regions, output)
        _show_hooks(hooks, output)
        _show(planned, output)
    if not arguments.dry_run:
        for region in (*regions.add, *regions.change):
            registry.set_region(region)
        for hook in (*hooks.add, *hooks.change):
            registry.set_hook(hook)
    outcomes = [] if arguments.dry_run else _carry_out(planned, registry, output)
    if output.json:
        output.value(_answer(planned, regions, hooks, outcomes, dry_run=arguments.dry_run))
    return max((outcome.status for outcome in outcomes), default=Exit.DONE)


def _declared(name: str) -> Content:
    from tui.cli.output import Refused
    from tui.cli.prompts import content_of
    from tui.connections.registry_text import TextError, decode, read

    try:
        return read(decode(content_of(name)))
    except TextError as error:
        place = "stdin" if name == "-" else name
        raise Refused(f"{place}, {error}" if error.line else f"{place}: {error}") from None


def _carry_out(planned: Plan, registry: Registry, output: Output) -> list[Outcome]:
    from tui.cli import fields, probing, prompts
    from tui.cli.settling import newcomer, settle
    from tui.connections.registration import register, update

    secrets = prompts.open_secrets()
    changes = {change.after.id: change for change in planned.change}
    for change in planned.change:
        if not fields.concern_server(change.fields):
            update(registry, secrets, change.before, change.after, None)
    candidates = [newcomer(connection, None, secrets) for connection in planned.add]
    candidates += [
        probing.edited(change.before, change.after, None, secrets)
        for change in planned.change
        if fields.concern_server(change.fields)
    ]

    def store(chosen: Candidate, report: Report) -> None:
        change = changes.get(chosen.connection.id)
        if change is None:
            kept = probing.to_keep(chosen, secrets)
            register(registry, secrets, chosen.connection, kept, report.to_json())
        else:
            left = update(registry, secrets, change.before, change.after, None, report.to_json())
            if left:
                output.note(left)

    return settle(candidates, output, store, "applied")


def _show_regions(regions: NamedPlan[OwnRegion], output: Output) -> None:
    for word, some in (("add", regions.add), ("change", regions.change)):
        for region in some:
            output.line(f"{word:<10} region {region.name}: {', '.join(region.addresses)}")
    for name in regions.unchanged:
        output.line(f"unchanged  region {name}")
    for name in regions.absent:
        output.line(f"absent     region {name}: entered, not in the file; it stays until pgconns regions --remove")


def _show_hooks(hooks: NamedPlan[Hook], output: Output) -> None:
    for word, some in (("add", hooks.add), ("change", hooks.change)):
        for hook in some:
            output.line(f"{word:<10} hook {hook.name}: {hook.kind}")
    for name in hooks.unchanged:
        output.line(f"unchanged  hook {name}")
    for name in hooks.absent:
        output.line(f"absent     hook {name}: entered, not in the file; it stays until somebody edits the registry")


def _show(planned: Plan, output: Output) -> None:
    from tui.connections.parameters import BY_NAME

    for connection in planned.add:
        output.line(f"add        {connection.name}")
    for change in planned.change:
        labels = ", ".join(BY_NAME[name].label for name in change.fields)
        output.line(f"change     {change.before.name}: {labels}")
    for connection in planned.unchanged:
        output.line(f"unchanged  {connection.name}")
    for connection in planned.absent:
        output.line(f"absent     {connection.name}: registered, not in the file; it stays until pgconns remove")


def _answer(
    planned: Plan,
    regions: NamedPlan[OwnRegion],
    hooks: NamedPlan[Hook],
    outcomes: list[Outcome],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    from tui.cli.probing import answer

    made = {o.candidate.connection.id: o for o in outcomes}

    def result(connection: Connection, *, registered: bool) -> dict[str, Any]:
        outcome = made.get(connection.id)
        if outcome is None:
            return {"name": connection.name, "id": connection.id, "applied": not dry_run}
        told = answer(connection, outcome.report, registered=registered or outcome.stored)
        return {**told, "applied": outcome.stored}

    return {
        "dry_run": dry_run,
        "add": [result(connection, registered=False) for connection in planned.add],
        "change": [
            {**result(change.after, registered=True), "changed": list(change.fields)} for change in planned.change
        ],
        "unchanged": [connection.name for connection in planned.unchanged],
        "absent": [connection.name for connection in planned.absent],
        "regions": {
            "add": [region.to_json() for region in regions.add],
            "change": [region.to_json() for region in regions.change],
            "unchanged": list(regions.unchanged),
            "absent": list(regions.absent),
        },
        "hooks": {
            "add": [hook.to_table() for hook in hooks.add],
            "change": [hook.to_table() for hook in hooks.change],
            "unchanged": list(hooks.unchanged),
            "absent": list(hooks.absent),
        },
    }
