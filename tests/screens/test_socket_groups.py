"""Who holds the sockets, by keys: groups, single ones, whole queries; cancelling and ending, after a question."""

from __future__ import annotations

import asyncio
import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Button, Input

from tests.screens.conftest import Look, answers, on_stage, seen, top, type_text, until
from tests.sockets.given import PASSWORD, held, role
from tests.sockets.given import connection as connection_to
from tests.widgets.given import HOSTILE, connection
from tui.connections.secret import Secret
from tui.postgres.errors import CannotConnect
from tui.postgres.finding import Finding
from tui.screens.backend import ShowBackend
from tui.screens.connection_detail import ConnectionDetail
from tui.screens.end_backends import EndBackends
from tui.screens.passphrase import AskPassword
from tui.screens.socket_groups import SocketGroups
from tui.sockets.backends import Backend, Listing, read_comment
from tui.sockets.control import Done, Plan, Result
from tui.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from tests.servers.fixtures import PgServer
    from tests.servers.postgres import Server
    from tui.screens.services import Services

A = connection("analytics", password_from="ask")
COMMENT = "/* CARTO/3.0 (ACCID:ac; USERID:auth0|ann; CM:{}; connectionId:c; mapId:m) */ "


def backend(pid: int, **values: Any) -> Backend:
    """A backend, idle for a minute where nothing else is said."""
    query = values.pop("query", "SELECT 1")
    given: dict[str, Any] = {
        "started": 1_700_000_000_000_000 + pid, "database": "gis", "username": "carto", "application": "maps-api",
        "client": "10.0.0.7", "state": "idle", "state_s": 60.0 + pid, "age_s": 3600.0 + pid, "query_s": 61.0 + pid,
        "transaction_s": None, "wait_event": "", "query_cut": False, "query_started": 1, "console": False,
        "right": "yes", "carto": read_comment(query), **values,
    }  # fmt: skip
    return Backend(pid=pid, query=query, **given)


SEVEN = (
    *(backend(100 + number, query=COMMENT.format("builder") + "SELECT * FROM stores") for number in range(4)),
    backend(201, application="workflows", state="active", state_s=754.0, query="SELECT pg_sleep(900)", client=None),
    backend(202, application="workflows", state="idle_in_transaction", client="10.0.0.9"),
    backend(301, username="admin", application="", right="superuser"),
)


class FakeServer:
    """Stands in for a server: it lists what it was given, and does what it is told."""

    def __init__(self, *backends: Backend) -> None:
        self.backends = backends
        self.asked: list[bool] = []
        self.passwords: list[Secret | None] = []
        self.plans: list[Plan] = []
        self.problem: CannotConnect | None = None
        self.outcome: Callable[[Backend], Result] = lambda one: Result(one, "done", "It was ended")

    async def listed(self, password: Secret | None, *, whole_server: bool) -> Listing:
        """Return what there is."""
        self.asked.append(whole_server)
        self.passwords.append(password)
        if self.problem is not None:
            raise self.problem
        return Listing(1000.0, self.backends)

    async def whole(self, password: Secret | None, backend: Backend) -> Backend | None:
        """Return the rest of a query."""
        return replace(backend, query=backend.query + " AND the rest", query_cut=False)

    async def act(self, password: Secret | None, plan: Plan, on_result: Callable[[Result], None]) -> Done:
        """Remember what was to be done, and do it."""
        self.plans.append(plan)
        results = tuple(map(self.outcome, plan.targets))
        for each in results:
            on_result(each)
            await asyncio.sleep(0)
        ended = {one.backend.pid for one in results if one.outcome == "done"}
        self.backends = tuple(one for one in self.backends if one.pid not in ended)
        return Done(results)


def groups(services: Services, server: FakeServer) -> SocketGroups:
    services.secrets.remember(A.id, Secret("hunter2"))
    return SocketGroups(services, A, lambda *_: server)


def on_top(pilot: Pilot[int], screen: type[object]) -> bool:
    return isinstance(top(pilot), screen)


async def test_groups_then_sockets_then_one(services: Services, size: tuple[int, int], look: Look) -> None:
    server = FakeServer(*SEVEN)
    async with on_stage(services, groups(services, server), size) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        await look(pilot, "by application")
        await pilot.press("enter")
        await until(pilot, lambda: "103" in seen(pilot))
        await look(pilot, "sockets")
        await pilot.press("enter")
        await until(pilot, lambda: on_top(pilot, ShowBackend))
        await look(pilot, "one")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: "no application name" in seen(pilot))
        assert pilot.app.screen.query_one(LiveTable).cursor == "maps-api"
        await pilot.press("q")
        await until(pilot, lambda: answers(pilot) == [None])


@pytest.mark.parametrize(
    ("presses", "expected"),
    [
        (1, ("10.0.0.7", "local, no address")),
        (2, ("carto", "admin")),
        (3, ("gis",)),
        (4, ("idle", "active", "in tx")),
        (5, ("builder", "no CARTO comment")),
        (6, ("auth0|ann",)),
        (7, ("1 to 24 hours",)),
    ],
)
async def test_by_everything(services: Services, presses: int, expected: tuple[str, ...]) -> None:
    async with on_stage(services, groups(services, FakeServer(*SEVEN))) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        await pilot.press(*"b" * presses)
        await until(pilot, lambda: all(text in seen(pilot) for text in expected))


async def test_a_cut_query_is_read_whole_and_hostile_text_does_no_harm(services: Services) -> None:
    long = backend(7, application=HOSTILE, username=HOSTILE, query="SELECT " + HOSTILE, query_cut=True)
    async with on_stage(services, groups(services, FakeServer(long))) as pilot:
        await until(pilot, lambda: "漢字" in seen(pilot))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "AND the rest" in seen(pilot))
        assert "\x1b" not in seen(pilot)
        assert "\u202e" not in seen(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard.endswith("AND the rest")


async def test_the_safe_answer_is_the_default(services: Services, size: tuple[int, int], look: Look) -> None:
    server = FakeServer(*SEVEN)
    async with on_stage(services, groups(services, server), size) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        await pilot.press("e")
        await until(pilot, lambda: on_top(pilot, EndBackends))
        await look(pilot, "question")
        assert isinstance(pilot.app.focused, Button)
        assert pilot.app.focused.id == "keep"
        await pilot.press("enter")
        await until(pilot, lambda: on_top(pilot, SocketGroups))
        assert server.plans == []


async def test_end_a_group_and_read_what_became_of_each(services: Services, look: Look) -> None:
    server = FakeServer(*SEVEN)
    gone = Result(SEVEN[1], "gone", "It was gone already")
    refused = Result(SEVEN[2], "no_right", "The role carto may not", "GRANT pg_signal_backend TO carto;")
    by_pid = {101: gone, 102: refused}
    server.outcome = lambda one: by_pid.get(one.pid) or Result(one, "done", "It was ended")
    async with on_stage(services, groups(services, server)) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "End 4 sockets?" in seen(pilot))
        await pilot.press("y", "down", "down")
        await until(pilot, lambda: "3 of 4 ended or gone, 1 not" in seen(pilot))
        await until(pilot, lambda: "→ GRANT pg_signal_backend TO carto;" in seen(pilot))
        await look(pilot, "results")
        await pilot.press("escape")
        await until(pilot, lambda: on_top(pilot, SocketGroups) and "analytics: 5 sockets" in seen(pilot))
    assert [one.pid for one in server.plans[0].targets] == [100, 101, 102, 103]


async def test_the_answers_stay_in_sight_of_a_long_list(services: Services) -> None:
    server = FakeServer(*(backend(pid) for pid in range(1000, 1500)))
    async with on_stage(services, groups(services, server)) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "Leave them" in seen(pilot))
        assert "End 500 sockets  " in seen(pilot)
        await pilot.press(*["pagedown"] * 3)
        await until(pilot, lambda: "1015" in seen(pilot))


async def test_only_what_is_idle_for_long_enough(services: Services) -> None:
    server = FakeServer(*(backend(pid, state_s=60.0 * pid) for pid in range(1, 9)), SEVEN[4])
    async with on_stage(services, groups(services, server)) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        pilot.app.focused.value = "soon"  # type: ignore[union-attr]
        await pilot.press("enter")
        await until(pilot, lambda: "Type a length of time" in seen(pilot))
        pilot.app.focused.value = "5m"  # type: ignore[union-attr]
        await pilot.press("enter")
        await until(pilot, lambda: "End 4 sockets?" in seen(pilot))
        await pilot.press("y")
        await until(pilot, lambda: "4 of 4 ended" in seen(pilot))
    (plan,) = server.plans
    assert ([one.pid for one in plan.targets], plan.state, plan.least_s) == ([5, 6, 7, 8], "idle", 300.0)


async def test_cancel_hits_running_queries_only(services: Services) -> None:
    server = FakeServer(*SEVEN)
    async with on_stage(services, groups(services, server)) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        await pilot.press("c")
        await until(pilot, lambda: "No query runs there" in seen(pilot))
        await pilot.press("down", "c")
        await until(pilot, lambda: "Cancel 1 query?" in seen(pilot))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(server.plans))
    assert [one.pid for one in server.plans[0].targets] == [201]


async def test_without_the_right_it_says_which_grant_and_asks_nothing(services: Services) -> None:
    server = FakeServer(backend(1, username="other", right="no_grant"), backend(2, console=True, application="pgconns"))
    async with on_stage(services, groups(services, server)) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "GRANT pg_signal_backend TO" in seen(pilot))
        assert not pilot.app.screen.query("#do")
        await pilot.press("y", "escape", "down", "e")
        await until(pilot, lambda: "It is of pgconns" in seen(pilot))
    assert server.plans == []


async def test_what_the_role_may_not_see_is_never_a_zero(services: Services) -> None:
    unseen = {"state": "unknown", "state_s": None, "age_s": None, "query_s": None, "client": None, "query": ""}
    server = FakeServer(
        *(backend(pid, application="dashboard", started=None, **unseen) for pid in (1, 2)),
        backend(3, **unseen),
        backend(4),
    )
    async with on_stage(services, groups(services, server)) as pilot:
        await until(pilot, lambda: "dashboard" in seen(pilot))
        (hidden,) = (line for line in seen(pilot).splitlines() if "dashboard" in line)
        (partly,) = (line for line in seen(pilot).splitlines() if "maps-api" in line)
        assert hidden.split()[-6:] == ["2", *"—————"]
        assert partly.split()[-8:-4] == ["2", "0+", "1+", "0+"]
        assert "GRANT pg_read_all_stats" in seen(pilot)


async def test_a_server_that_cannot_be_reached_says_why_and_keeps_what_was_seen(services: Services) -> None:
    server = FakeServer(*SEVEN)
    async with on_stage(services, groups(services, server)) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        server.problem = CannotConnect(Finding("session", "failed", "the server is full", fix="end some"))
        await pilot.press("r")
        await until(pilot, lambda: "✗ Not read: the server is full → end some" in seen(pilot))
        assert "maps-api" in seen(pilot)
        server.problem = None
        await pilot.press("a")
        await until(pilot, lambda: "all of db.example.com:5432: 7 sockets" in seen(pilot))
    assert server.asked == [False, False, True]
    assert set(server.passwords) == {Secret("hunter2")}


async def test_a_password_that_is_kept_nowhere_is_asked_for_once(services: Services) -> None:
    services.registry.add(A)
    async with on_stage(services, ConnectionDetail(services, A)) as pilot:
        await pilot.press("g")
        await until(pilot, lambda: on_top(pilot, AskPassword))
        await pilot.press("escape")
        await until(pilot, lambda: "✗ Not read: " in seen(pilot))
        await pilot.press("r")
        await until(pilot, lambda: on_top(pilot, AskPassword))


def sockets_of(server: Server, username: str) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND application_name NOT LIKE 'pgconns%%'"
    ((number,),) = server.execute(query, (username,))
    return int(number)


async def test_idle_sockets_of_a_real_server_are_ended_by_keys(services: Services, pg_server: PgServer) -> None:
    server = pg_server(17)
    username, database = role(server), server.database()
    own = connection_to(server, "own", username, database, password_from="ask")
    services.secrets.remember(own.id, Secret(PASSWORD))
    with (
        held(server, 3, username, database, application_name="leaky"),
        held(server, 1, username, database, "active", application_name="worker"),
    ):
        async with on_stage(services, SocketGroups(services, own)) as pilot:
            await until(pilot, lambda: "own: 4 sockets" in seen(pilot))
            await pilot.press("c")
            await until(pilot, lambda: "No query runs there" in seen(pilot))
            await pilot.press("i")
            await until(pilot, lambda: "End 3 sockets?" in seen(pilot))
            assert await asyncio.to_thread(sockets_of, server, username) == 4
            await pilot.press("y")
            await until(pilot, lambda: "3 of 3 ended or gone" in seen(pilot))
            assert await asyncio.to_thread(sockets_of, server, username) == 1
            await pilot.press("escape")
            await until(pilot, lambda: "own: 1 socket" in seen(pilot) and "worker" in seen(pilot))
            await pilot.press("enter", "c")
            await until(pilot, lambda: "Cancel 1 query?" in seen(pilot))
            await pilot.press("y")
            await until(pilot, lambda: "1 of 1 cancelled" in seen(pilot))
            assert await asyncio.to_thread(sockets_of, server, username) == 1


async def test_the_sockets_of_a_group_are_written_to_a_file(services: Services, tmp_path: Path) -> None:
    server = FakeServer(*SEVEN, backend(401, application="maps-api", query="=HYPERLINK()"))
    async with on_stage(services, groups(services, server)) as pilot:
        await until(pilot, lambda: "maps-api" in seen(pilot))
        await pilot.press("X")
        await until(pilot, lambda: "8 sockets, with the fields of pgconns backends --json" in seen(pilot))
        await pilot.press("escape", "enter", "X")
        await until(pilot, lambda: "5 sockets, with the fields" in seen(pilot))
        await pilot.press("ctrl+u")
        await type_text(pilot, str(tmp_path / "maps.csv"))
        await pilot.press("enter")
        await until(pilot, lambda: on_top(pilot, SocketGroups))
    rows = list(csv.DictReader((tmp_path / "maps.csv").open()))
    assert {row["pid"] for row in rows} == {"100", "101", "102", "103", "401"}
    assert {row["query"] for row in rows} == {COMMENT.format("builder") + "SELECT * FROM stores", "'=HYPERLINK()"}
    assert {row["carto_feature"] for row in rows} == {"builder", ""}
