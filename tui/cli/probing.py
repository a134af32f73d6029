"""Probes candidates for a command: one with its findings streamed, or many at once with progress."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.cli import prompts
from tui.cli.output import Refused
from tui.connections.secret import PasswordNeeded, SecretsError
from tui.exits import Exit
from tui.postgres.finding import Finding
from tui.probe.report import Report, Server, is_behind_obstacle
from tui.probe.run import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui.cli.output import Output
    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.connections.secrets import Secrets

# A probe waits more than it works; more at once would look like an attack to some firewalls.
AT_ONCE = 8


class Candidate(NamedTuple):
    """A Connection to probe, with the password to log in with; `problem` says why there is none to be had."""

    connection: Connection
    secret: Secret | None = None
    problem: str = ""


def candidate(connection: Connection, secrets: Secrets) -> Candidate:
    """Return a Connection with the password from its source.

    A variable, file or command that fails is that Connection's problem; a vault or keyring that stays closed raises
    SecretsError, because it is everybody's.
    """
    try:
        return Candidate(connection, secrets.get(connection))
    except PasswordNeeded as needed:
        if not prompts.can_ask():
            return Candidate(connection, problem=f"{needed}; nobody can be asked here")
        secret = prompts.password(f"Password of {connection.parameters.username} for {connection.name}: ")
        if secret is not None:
            secrets.remember(connection.id, secret)
        return Candidate(connection, secret)
    except SecretsError as error:
        if secrets.writable(connection.parameters.password_from):
            raise
        return Candidate(connection, problem=str(error))


def with_typed(connection: Connection, typed: Secret | None, secrets: Secrets, *, given: bool) -> Candidate:
    """Return a new Connection with the password typed for it, or asked for, where its source holds typed ones.

    `given` says that stdin was read for it: empty, it means that the server wants no password.
    """
    source = connection.parameters.password_from
    if not secrets.writable(source):
        if typed is not None:
            raise Refused(f"--password-from {source} and a typed password exclude each other: leave one out")
        return candidate(connection, secrets)
    if typed is None and not given:
        if not prompts.can_ask():
            raise Refused(
                "No password was given, and nobody can be asked here: use --password-stdin (an empty line for none), "
                "or --password-from env:VARIABLE, file:/path, command:... or pgpass"
            )
        typed = prompts.password(f"Password of {connection.parameters.username} (empty for none): ")
    return Candidate(connection, typed)


def edited(before: Connection, after: Connection, typed: Secret | None, secrets: Secrets) -> Candidate:
    """Return a changed Connection with its password: the new one, or the one it had where pgconns keeps it."""
    source = after.parameters.password_from
    if typed is not None or not secrets.writable(source):
        return with_typed(after, typed, secrets, given=True)
    kept = candidate(after if source == before.parameters.password_from else before, secrets)
    return kept._replace(connection=after)


def to_keep(chosen: Candidate, secrets: Secrets) -> Secret | None:
    """Return the password that pgconns is to store; None where others keep it."""
    return chosen.secret if secrets.writable(chosen.connection.parameters.password_from) else None


def shown(chosen: Candidate, output: Output, *, data: bool = False) -> Report:
    """Probe one candidate; where nobody asked for JSON, its check list streams to stderr, or as data to stdout."""

    def on_finding(finding: Finding) -> None:
        if not output.json and not is_behind_obstacle(finding):
            output.finding(finding, data=data)
        output.progress(f"Checking {chosen.connection.name}")

    output.progress(f"Checking {chosen.connection.name}")
    report = one(chosen, on_finding)
    if not output.json:
        output.not_looked_at(report.findings, data=data)
    return report


def with_warnings(report: Report) -> str:
    """Return the words that tell of warnings, or nothing.

    >>> with_warnings(Report((), Server()))
    ''
    """
    count = len(report.warnings)
    return f" with {count} warning{'s' * (count > 1)}" if count else ""


def one(chosen: Candidate, on_finding: Callable[[Finding], None]) -> Report:
    """Probe one candidate; each finding is handed over as it is made."""
    return asyncio.run(_probe(chosen, on_finding))


def many(candidates: Sequence[Candidate], output: Output, on_report: Callable[[Candidate, Report], None]) -> None:
    """Probe all candidates, AT_ONCE at a time; hand the reports over in their order, as early as can be."""
    asyncio.run(_many(candidates, output, on_report))


async def _many(
    candidates: Sequence[Candidate], output: Output, on_report: Callable[[Candidate, Report], None]
) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def probe_in_turn(chosen: Candidate) -> Report:
        nonlocal done
        async with gate:
            report = await _probe(chosen, lambda _: None)
        done += 1
        output.progress(f"Checked {done} of {len(candidates)}")
        return report

    output.progress(f"Checking {len(candidates)}")
    # No TaskGroup: what `on_report` raises, a closed pipe perhaps, would arrive wrapped.
    tasks = [asyncio.create_task(probe_in_turn(chosen)) for chosen in candidates]
    try:
        for chosen, task in zip(candidates, tasks, strict=True):
            on_report(chosen, await task)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _probe(chosen: Candidate, on_finding: Callable[[Finding], None]) -> Report:
    if chosen.problem:
        finding = Finding("password", "failed", chosen.problem)
        on_finding(finding)
        return Report((finding,), Server())
    return await probe(chosen.connection.parameters, chosen.secret, on_finding)


def status_of(chosen: Candidate, report: Report) -> Exit:
    """Return the exit status of one candidate: a password that cannot be had is the secret store's failure."""
    return Exit.UNUSABLE_STORE if chosen.problem else report.exit_status


def answer(connection: Connection, report: Report, *, registered: bool) -> dict[str, Any]:
    """Return the JSON shape of `add` and `check`; a Connection that was not registered has no id."""
    return {
        "name": connection.name,
        "id": connection.id if registered else None,
        "registered": registered,
        **report.to_json(),
    }
