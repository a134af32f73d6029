"""What the command line answers when a command raised: a domain error's sentence, or the report of a defect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.exits import Exit
from tui.faults import describe

if TYPE_CHECKING:
    from tui.cli.output import Output


def explain(error: Exception, output: Output) -> Exit:
    """Write why a command failed; return its exit status."""
    status = _domain_status(error)
    if status is None:
        output.note(describe(error))
        return Exit.CRASHED
    output.error(str(error))
    return status


def _domain_status(error: Exception) -> Exit | None:
    """Return the status of an error that has words for people; None for a defect."""
    from tui.connections import parameters, registry, secrets
    from tui.history.errors import HistoryError

    if isinstance(error, (registry.RegistryError, secrets.SecretsError, HistoryError)):
        return Exit.UNUSABLE_STORE
    if isinstance(error, (registry.Refused, parameters.Problem)):
        return Exit.USAGE
    return None
