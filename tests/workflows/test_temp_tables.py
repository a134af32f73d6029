"""The temporary tables of workflows: seen over one socket, aged by when they were first seen, cleaned by script."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers.host import wait_until
from tests.sockets.given import connection, consoles, password_of, role, until, watching
from tui.connections.model import Connection, Parameters
from tui.history import ledger, notices
from tui.history.errors import HistoryError
from tui.history.ledger import LedgerKeeper
from tui.history.schema import APPLICATION_ID, MIGRATIONS
from tui.history.store import Store
from tui.postgres.door import connect
from tui.postgres.target import target
from tui.text import safe
from tui.workflows import tables as tables_module
from tui.workflows.cleaning import script
from tui.workflows.looking import look
from tui.workflows.rounds import Rounds
from tui.workflows.tables import Elsewhere, Kept, Ledger, Look, Spot, Table, spot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import PgServer
    from tests.servers.postgres import Server

HOSTILE = [
    'a"; DROP TABLE x; --',
    "$pgconns$",
    "line\nbreak\\",
    "\x1b[31m\u202ered",
    "it's",
    "Ünïcode 表",
    "%s %% {size}",
]
SPOT = Spot("db:5432", "gis", "temp")
DAY = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A history, empty."""
    place = tmp_path / "history.db"
    Store(place).close()
    return place


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def names(server: Server, database: str, schema: str) -> set[str]:
    """The tables of a schema."""
    with server.connect(database) as opened:
        rows = opened.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))
        return {name for (name,) in rows}


def known(path: Path, where: Spot) -> Ledger:
    """What the ledger has."""
    found = ledger.read(path, where)
    assert found is not None
    return found


def _tables(*oids: int) -> Look:
    return Look("gis", "temp", True, tuple(Table(oid, f"t{oid}", "r", 8192, False) for oid in oids), len(oids))


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_history_gets_a_ledger(tmp_path: Path, version: int) -> None:
    place = tmp_path / "history.db"
    with closing(sqlite3.connect(place)) as database:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(HistoryError, match="of an older pgconns"):
        ledger.read(place, SPOT)
    Store(place).close()
    assert ledger.read(place, SPOT) is None
    assert notices.load(place).known == {}


def test_a_table_is_as_old_as_it_was_seen_while_its_oid_is_the_same(path: Path) -> None:
    ledger.keep(path, SPOT, _tables(1, 2), 1000.0)
    ledger.keep(path, SPOT, _tables(2, 3), 1600.0)
    renamed = Look("gis", "temp", True, (Table(2, "new name", "r", 5, True), Table(4, "t3", "r", 1, False)), 2)
    ledger.keep(path, SPOT, renamed, 90_000.0)
    ledger.keep(path, SPOT, None, 91_000.0, "It does not answer")
    found = known(path, SPOT)
    assert (found.looked, found.error, found.total) == (90_000.0, "It does not answer", 2)
    old, new = found.tables
    assert old == Kept(Table(2, "new name", "r", 5, True), 1000.0, None)
    assert new == Kept(Table(4, "t3", "r", 1, False), 90_000.0, 1600.0)
    assert (old.is_vague, new.is_vague) == (True, True)  # nobody had looked for a day
    ledger.keep(path, SPOT, _tables(2, 5), 90_600.0)
    assert not known(path, SPOT).tables[1].is_vague
    assert [kept.table.oid for kept in known(path, SPOT).older(DAY, 1000.0 + DAY)] == [2]
    assert ledger.read(path, SPOT._replace(location="other")) is None


def test_what_was_not_listed_before_may_be_old(path: Path) -> None:
    ledger.keep(path, SPOT, _tables(1)._replace(total=2), 1000.0)
    ledger.keep(path, SPOT, _tables(2), 1600.0)
    assert known(path, SPOT).tables[0].created_after is None


@given(st.lists(st.sets(st.integers(1, 6)), max_size=8))
@settings(max_examples=15)
def test_the_ledger_is_what_was_seen_and_since_when(
    tmp_path_factory: pytest.TempPathFactory, looks: list[set[int]]
) -> None:
    place = tmp_path_factory.mktemp("ledger") / "history.db"
    Store(place).close()
    since: dict[int, float] = {}
    for number, oids in enumerate(looks):
        at = 1000.0 + 600 * number
        ledger.keep(place, SPOT, _tables(*oids), at)
        since = {oid: since.get(oid, at) for oid in oids}
        assert {kept.table.oid: kept.first_seen for kept in known(place, SPOT).tables} == since


@pytest.mark.parametrize("major", [12, 17])
async def test_hostile_tables_are_seen_and_cleaned_by_the_script(pg_server: PgServer, path: Path, major: int) -> None:
    server = pg_server(major, own="temp tables")
    database, schema = server.database(options="ENCODING 'UTF8' TEMPLATE template0"), 'te"mp\t$pgconns$'
    one = connection(server, "one", role(server), database, workflows_temp=schema)
    with server.connect(database) as opened:
        opened.execute(f"CREATE SCHEMA {quoted(schema)}")
        for name in HOSTILE:
            opened.execute(f"CREATE TABLE {quoted(schema)}.{quoted(name)} AS SELECT generate_series(1, 1000) AS n")
        opened.execute(f"CREATE MATERIALIZED VIEW {quoted(schema)}.mv AS SELECT 1 AS n")
        opened.execute(f"CREATE VIEW {quoted(schema)}.v AS SELECT 1 AS n")
    async with await connect(target(one.parameters, await password_of(one))) as session:
        seen = await look(session, schema)
    assert isinstance(seen, Look)
    assert {each.name for each in seen.tables} == {*HOSTILE, "mv"}
    assert all(each.bytes >= 8192 and not each.estimated for each in seen.tables)
    ledger.keep(path, spot(one), seen, 1000.0)
    later = Look(seen.database, schema, True, (*seen.tables, Table(2**32 - 2, "newer", "r", 0, False)), seen.total + 1)
    ledger.keep(path, spot(one), later, 1000.0 + 5 * DAY)
    found = known(path, spot(one))
    with server.connect(database) as opened:
        opened.execute(f"CREATE TABLE {quoted(schema)}.newer ()")
        written = script(found, found.older(7 * DAY, 1000.0 + 8 * DAY), 1000.0 + 8 * DAY)
        assert written.isprintable() or all(line.isprintable() for line in written.split("\n"))
        # A name that was given to another table meanwhile stops all of it.
        opened.execute(f"DROP TABLE {quoted(schema)}.{quoted(HOSTILE[0])}")
        opened.execute(f"CREATE TABLE {quoted(schema)}.{quoted(HOSTILE[0])} ()")
        with pytest.raises(Exception, match="a table was made anew"):
            opened.execute(written.encode())
        opened.execute("ROLLBACK")
        assert names(server, database, schema) == {*HOSTILE, "newer"}
        opened.execute(f"DROP TABLE {quoted(schema)}.{quoted(HOSTILE[0])}")
        opened.execute(written.encode())
        assert names(server, database, schema) == {"newer"}
        assert not opened.execute("SELECT FROM pg_matviews WHERE matviewname = 'mv'").fetchall()


async def test_a_table_that_is_locked_is_not_waited_for(pg_server: PgServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.workflows.looking._SIZED_S", 0.5)
    server = pg_server(17)
    database = server.database()
    one = connection(server, "one", role(server), database, workflows_temp="public")
    with server.connect(database) as opened:
        opened.execute("CREATE TABLE free AS SELECT 1; CREATE TABLE locked AS SELECT 1; CREATE INDEX i ON free ((1))")
    async with await connect(target(one.parameters, await password_of(one))) as session:
        with server.connect(database) as holder:
            holder.execute("BEGIN; LOCK TABLE locked")
            seen = await look(session, "public")
            assert isinstance(seen, Look)
            assert {each.name: each.estimated for each in seen.tables} == {"free": False, "locked": True}
        with server.connect(database) as holder:
            holder.execute("BEGIN; REINDEX INDEX i")  # which the size of its table waits for
            seen = await look(session, "public")
            assert isinstance(seen, Look)
            assert {each.name: each.estimated for each in seen.tables} == {"free": True, "locked": True}
        assert await look(session, "other.schema") == Elsewhere("other", "schema")
        assert await look(session, "missing") == Look(database, "missing", found=False)
        assert isinstance(await look(session, f"{database}.public"), Look)


async def test_only_so_many_are_listed_and_the_rest_is_counted(
    pg_server: PgServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = pg_server(17)
    database = server.database()
    one = connection(server, "one", role(server), database)
    with server.connect(database) as opened:
        opened.execute("DO 'BEGIN FOR i IN 1..30 LOOP EXECUTE format($$CREATE TABLE t%s ()$$, i); END LOOP; END'")
    monkeypatch.setattr("tui.workflows.looking.MOST", 10)
    monkeypatch.setattr("tui.workflows.looking.MOST_SIZED", 20)
    async with await connect(target(one.parameters, await password_of(one))) as session:
        seen = await look(session, "public")
    assert isinstance(seen, Look)
    assert [each.name for each in seen.tables] == [f"t{number}" for number in range(1, 11)]
    assert (seen.total, all(each.estimated for each in seen.tables)) == (30, True)


async def test_the_rounds_keep_to_one_socket_per_server(pg_server: PgServer, path: Path) -> None:
    server = pg_server(17, own="rounds")
    first, second = server.database(), server.database()
    for database in (first, second):
        with server.connect(database) as opened:
            opened.execute("CREATE SCHEMA wt; CREATE TABLE wt.one AS SELECT 1")
    carto = role(server, "pg_monitor")
    watched = [
        connection(server, "own", carto, first, workflows_temp="wt"),
        connection(server, "same", role(server), first, workflows_temp="wt"),
        connection(server, "other database", role(server), second, workflows_temp="wt"),
        connection(server, "elsewhere", role(server), first, workflows_temp=f"{second}.wt"),
        connection(server, "nowhere", role(server), second, workflows_temp="no_database.wt"),
        connection(server, "refused", "nobody", second, workflows_temp="x"),
    ]
    most: list[int] = []
    async with watching(*watched) as watch:
        await until(watch, lambda sample: all(one.used is not None for one in sample.servers))

        async def count() -> None:
            while True:
                most.append(await asyncio.to_thread(consoles, server))

        counting = asyncio.create_task(count())
        rounds = Rounds(watch, LedgerKeeper(path), password_of, lambda: watched, lambda: True)
        await rounds.make()
        sample = await until(watch, lambda sample: all(one.used is not None for one in sample.servers))
        counting.cancel()
        assert max(most) == 1
        assert sample.servers[0].error == ""
        for name, number in {"own": 1, "same": 1, "other database": 1, "elsewhere": 1}.items():
            one = next(one for one in watched if one.name == name)
            assert (known(path, spot(one)).found, known(path, spot(one)).total) == (True, number), name
        assert "no_database" in known(path, spot(watched[4])).error
        assert known(path, spot(watched[5])).error
        looked = known(path, spot(watched[0])).looked
        await rounds.make()  # too soon
        assert known(path, spot(watched[0])).looked == looked
    await asyncio.to_thread(wait_until, lambda: consoles(server) == 0, "no socket is left")


async def test_an_errand_ends_with_its_server(pg_server: PgServer) -> None:
    server = pg_server(17)
    one = connection(server, "one", role(server), "postgres")
    async with watching(one) as watch:
        await until(watch, lambda sample: sample.servers[0].used is not None)
        begun = asyncio.Event()

        async def endless() -> None:
            begun.set()
            await asyncio.Event().wait()

        running, waiting = (asyncio.create_task(watch.run_errand(one.id, endless)) for _ in range(2))
        await asyncio.wait_for(begun.wait(), 30)
        watch.set_connections([])
        assert list(await asyncio.wait_for(asyncio.gather(running, waiting), 30)) == [False, False]
        assert not await watch.run_errand(one.id, endless)


def test_a_hundred_thousand_tables_are_bounded(path: Path) -> None:
    """What is listed is bounded where it is asked; the ledger of so many takes well under a second of a thread."""
    many = tuple(Table(oid, f"t{oid}", "r", oid, False) for oid in range(tables_module.MOST))
    for number in range(3):
        ledger.keep(path, SPOT, Look("gis", "temp", True, many, 100_000), 1000.0 + 600 * number)
    found = known(path, SPOT)
    assert (len(found.tables), found.total) == (tables_module.MOST, 100_000)
    assert len(script(found, found.tables, 1e6).split("\n")) > tables_module.MOST


def _ledger(*kept: Kept) -> Ledger:
    return Ledger(SPOT, "gis", "temp", True, len(kept), 1000.0, "", kept)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), max_size=4))
def test_the_script_is_shown_as_it_is_whatever_the_names(texts: list[str]) -> None:
    kept = [Kept(Table(n, text, "r", 0, False), 0.0, None) for n, text in enumerate(texts)]
    written = script(_ledger(*kept), kept, 1000.0)
    assert all(safe(line) == line for line in written.split("\n"))
    assert len(written.split("\n")) == (2 if not texts else 11 + 2 * len(texts))


def test_connections_that_share_a_location_share_a_line() -> None:
    parameters = Parameters("a", "db", "carto", "gis", workflows_temp="wt")
    one, other = Connection("1", parameters), Connection("2", parameters._replace(name="b", username="x"))
    assert spot(one) == spot(other) == Spot("db:5432", "gis", "wt")
