"""One Connection: its parameters, its sockets now, and what its last check found."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.connections import checks
from tui.connections.connectors import BY_KEY
from tui.connections.registry import RegistryError, UnknownConnection
from tui.connections.secret import PasswordNeeded, SecretsError, VaultLocked
from tui.postgres.finding import Finding
from tui.probe.report import CHECKS
from tui.screens import connection_actions
from tui.screens.base import Base
from tui.screens.passphrase import AskPassword, unlocked
from tui.styling import sheet
from tui.text import safe
from tui.widgets.cells import duration, level_bar, plural, sparkline
from tui.widgets.check_list import CheckList
from tui.widgets.panel import server_name
from tui.widgets.socket_lines import share_tone
from tui.widgets.troubles import SIGNS, binding_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.screens.services import Services
    from tui.widgets.socket_lines import Row

_LABEL = 11
_BAR = 24
_COLOURS = {"accent": "$accent", "warning": "$warning", "failed": "$failed", "plain": ""}
_STATE_WORDS = ("active", "idle", "idle in transaction", "other", "not visible")


def facts(connection: Connection) -> Content:
    """Return the Connection's parameters, and where its password lives."""
    p = connection.parameters
    tls = p.sslmode + (f", trusting {p.sslrootcert}" if p.sslrootcert else "")
    pairs = {
        "Connector": BY_KEY[p.connector].label if p.connector in BY_KEY else p.connector,
        "Server": server_name(connection),
        "Database": p.database,
        "Role": p.username,
        "TLS": tls,
        "Password": connection_actions.place_of(connection),
        "Region": p.region,
        "Matches": ", ".join((*p.match_application, *p.match_client)),
        "Toolbox": p.analytics_toolbox,
        "Observatory": p.data_observatory,
        "Workflows": p.workflows_temp,
        "Registry": "system-wide, read-only here" if connection.read_only else "",
    }
    return _pairs({label: Content(safe(text)) for label, text in pairs.items() if text})


def sockets(row: Row | None) -> Content:
    """Return the Connection's sockets now, the limit that binds them, and what is wrong."""
    seen = row.seen if row else None
    if row is None or seen is None:
        return Content.styled("connecting…", "$muted")
    wrong = [_trouble(each.level, each.sentence) for each in row.wrong if "press enter" not in each.sentence]
    if seen.sockets is None:
        return Content("\n").join([_pairs({"Sockets": Content.styled("—", "$muted")}), *wrong])
    pairs = {"Sockets": Content.styled(str(seen.sockets), "bold")}
    if seen.limit is not None and seen.headroom is not None:
        bar = level_bar(seen.sockets, max(0, seen.limit - seen.headroom - seen.sockets), seen.limit, _BAR)
        colour = _COLOURS[share_tone(seen.limit, seen.headroom)]
        pairs["Sockets"] += Content(f" of {binding_limit(seen)}, {seen.headroom} more can open")
        pairs[""] = Content.assemble((bar.own, colour), (bar.others, "$muted"), (bar.free, "$line"))
    if seen.states is not None:
        states = zip(_STATE_WORDS, seen.states, strict=True)
        shown = [f"{number} {word}" for i, (word, number) in enumerate(states) if number or i < 3]
        pairs["States"] = Content(", ".join(shown))
    if seen.oldest_idle_in_transaction_s is not None:
        pairs["Oldest"] = Content(f"idle in transaction for {duration(seen.oldest_idle_in_transaction_s)}")
    if seen.from_region is not None and row.connection.parameters.region:
        pairs["From CARTO"] = Content(f"{plural(seen.from_region, 'socket')} from {row.connection.parameters.region}")
    pairs["Recent"] = Content.styled(sparkline(row.recent, 32).strip(), "$accent")
    return Content("\n").join([_pairs(pairs), *wrong])


def _trouble(level: Any, sentence: str) -> Content:
    colour = {"failed": "$failed", "warning": "$warning"}.get(level, "")
    return Content.styled(f"{SIGNS[level]} {safe(sentence)}", colour)


def _pairs(pairs: Mapping[str, Content]) -> Content:
    lines = [Content.assemble((label.ljust(_LABEL), "$muted"), text) for label, text in pairs.items()]
    return Content("\n").join(lines)


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


class ConnectionDetail(Base[None]):
    """Everything about one Connection, and what one can do with it."""

    heading = "Connection"
    CSS_PATH = sheet("connection_detail")
    BINDINGS: ClassVar = [
        Binding("escape,q", "back", "Back", id="detail.back", tooltip="Go back to the live panel; stops a check"),
        Binding("c", "check", "Check again", id="detail.check", tooltip="Check again everything CARTO needs of it"),
        Binding("e", "edit", "Edit", id="detail.edit", tooltip="Change its parameters"),
        Binding("r", "rename", "Rename", id="detail.rename", tooltip="Give it another name"),
        Binding("d,delete", "remove", "Remove", id="detail.remove", tooltip="Remove it; asks first"),
        Binding("y", "copy", "Copy", id="detail.copy", tooltip="Copy its URI, without the password"),
        Binding("f", "copy_fixes", "Copy fixes", id="detail.fixes", tooltip="Copy the fixes of what the check found"),
        Binding("question_mark", "app.help", "Help", id="detail.help", show=False, tooltip="What the screen is for"),
    ]

    def __init__(self, services: Services, connection: Connection, *, check: bool = False) -> None:
        """Show `connection`; with `check`, check it again at once."""
        super().__init__(services, connection.name)
        self.connection = connection
        self._check_now = check
        self._row: Row | None = None

    @property
    def connection_id(self) -> str:
        """Which Connection it is."""
        return self.connection.id

    def body(self) -> ComposeResult:
        """Yield parameters and sockets beside each other where there is room, and the check list."""
        with VerticalScroll(id="all", can_focus=False):
            with Horizontal(id="facts"):
                yield Static(facts(self.connection), id="parameters")
                yield Static(sockets(self._row), id="now")
            yield Static("", id="checked", markup=False)
            yield CheckList(CHECKS)

    def on_mount(self) -> None:
        """Show the last check, or make one."""
        self.query_one(CheckList).focus()
        if self._check_now:
            self.action_check()
        else:
            self._show_kept()

    def show_row(self, row: Row) -> None:
        """Show newer counts of this Connection; the live panel calls it."""
        if row.connection != self.connection:
            self.connection = row.connection
            self._show_parameters()
        self._row = row
        if self.is_mounted:
            self._tell("#now", sockets(row))

    def _show_parameters(self) -> None:
        if self.is_mounted:
            self.about(self.connection.name)
            self._tell("#parameters", facts(self.connection))

    def _tell(self, selector: str, content: Content) -> None:
        static = self.query_one(selector, Static)
        if static.content != content:
            static.update(content)

    def on_screen_resume(self) -> None:
        """Show what an edit changed."""
        self.run_worker(self._reload(), group="reload", exclusive=True, description="read the Connection again")

    async def _reload(self) -> None:
        try:
            self.connection = await asyncio.to_thread(self.services.registry.get, self.connection.id)
        except UnknownConnection:
            self.dismiss()
            return
        except RegistryError as error:
            self.tell(str(error), severity="error")
            return
        self._show_parameters()
        if not self._checking:
            self._show_kept()

    @property
    def _checking(self) -> bool:
        return any(worker.group == "check" and not worker.is_finished for worker in self.workers)

    def _show_kept(self) -> None:
        report = checks.load(self.connection.id)
        check_list = self.query_one(CheckList)
        findings = kept_findings(report) if report else ()
        if findings == check_list.findings:
            return
        check_list.reset(running=False)
        if not report:
            self._tell("#checked", Content("Never checked here: press c"))
            return
        for finding in findings:
            check_list.show(finding)
        check_list.finish()
        check_list.scroll_home(animate=False)
        self._tell("#checked", Content(f"Last check, {how_long_ago(str(report.get('at', '')))}: {_verdict(findings)}"))

    def action_back(self) -> None:
        """Leave; a check that is being made is cancelled."""
        self.workers.cancel_group(self, "check")
        self.dismiss()

    def action_check(self) -> None:
        """Check again; what is found streams in."""
        self.query_one(CheckList).reset()
        self._tell("#checked", Content("Checking…"))
        self.run_worker(self._check(), group="check", exclusive=True, description="check a Connection")

    async def _check(self) -> None:
        check_list = self.query_one(CheckList)
        try:
            password = await self._password()
            report = await self.services.probe(self.connection.parameters, password, check_list.show)
        except SecretsError as error:
            check_list.finish()
            self._tell("#checked", Content(f"Not checked: {safe(str(error))}"))
            return
        check_list.finish()
        kept = {**report.to_json(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            await asyncio.to_thread(checks.save, self.connection.id, kept)
        except OSError as error:
            self.tell(f"What was found cannot be kept: {error.strerror}", severity="warning")
        self._tell("#checked", Content(f"Checked now: {_verdict(report.findings)}"))

    async def _password(self) -> Secret | None:
        secrets, connection = self.services.secrets, self.connection
        try:
            return await unlocked(self, secrets, lambda: secrets.get(connection))
        except PasswordNeeded:
            password = await self.app.push_screen_wait(AskPassword(connection.name))
            if password is None:
                raise
            secrets.remember(connection.id, password)
            return password
        except VaultLocked:
            raise SecretsError("the vault stayed locked") from None

    def action_edit(self) -> None:
        """Change its parameters."""
        connection_actions.edit(self, self.connection)

    def action_rename(self) -> None:
        """Give it another name."""
        self.run_worker(connection_actions.rename(self, self.connection), description="rename")

    def action_remove(self) -> None:
        """Remove it, after a question."""
        self.run_worker(self._remove(), description="remove")

    async def _remove(self) -> None:
        if await connection_actions.remove(self, self.connection):
            self.dismiss()

    def action_copy(self) -> None:
        """Copy its URI, without the password."""
        connection_actions.copy(self, self.connection)

    def action_copy_fixes(self) -> None:
        """Copy what would mend what the check found."""
        fixes = [finding.fix for finding in self.query_one(CheckList).findings if finding.fix]
        if not fixes:
            self.tell("The last check found nothing to mend")
            return
        self.app.copy_to_clipboard("\n".join(fixes))
        self.tell(
            f"{plural(len(fixes), 'fix')[:-1]}es" if len(fixes) > 1 else fixes[0],
            title="Sent to the terminal's clipboard",
        )


def _verdict(findings: tuple[Finding, ...]) -> str:
    failed = sum(finding.status == "failed" for finding in findings)
    warnings = sum(finding.status == "warning" for finding in findings)
    said = [plural(number, word) for number, word in ((failed, "failure"), (warnings, "warning")) if number]
    return ", ".join(said) if said else "everything is OK"
