"""Single backends of real servers: all of them, whole, whatever stands in their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sockets.given import connection, held, password_of, role
from tui.postgres.door import Session, connect
from tui.postgres.target import target
from tui.sockets.attribution import Attribution
from tui.sockets.backends import WHOLE_QUERY_BYTES, Filter, backends, belonging, read_comment

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer
    from tests.servers.postgres import Server

MAJORS = (12, 13, 14, 15, 16, 17, 18)
COMMENT = "/* CARTO/3.0 (GPN:p; ACCID:a; USERID:auth0|u; CM:builder; connectionId:c-1; mapId:m) */ SELECT 1"


async def opened(server: Server, username: str, database: str = "postgres") -> Session:
    """A session of a role."""
    one = connection(server, "looking", username, database)
    return await connect(target(one.parameters, await password_of(one)))


@pytest.mark.parametrize("major", MAJORS)
async def test_each_backend_is_seen_whole(pg_server: PgServer, major: int) -> None:
    server = pg_server(major)
    carto, monitor, gis = role(server), role(server, "pg_monitor"), server.database()
    with (
        held(server, 2, carto, gis, application_name="maps-api") as (one, two),
        held(server, 1, carto, gis, "idle_in_transaction", application_name="builder") as (holds,),
        held(server, 1, carto, gis, "active") as (runs,),
    ):
        one.execute(COMMENT)
        holds_pid, runs_pid = holds.info.backend_pid, runs.info.backend_pid
        async with await opened(server, monitor) as session:
            listing = await backends(session, Filter(database=gis, username=carto))
            first = await backends(session, Filter(database=gis), most=1)
            by = {
                "state": await backends(session, Filter(database=gis, state="idle_in_transaction")),
                "application": await backends(session, Filter(database=gis, application="maps-api")),
                "client": await backends(session, Filter(database=gis, client="127.0.0.1")),
                "pids": await backends(session, Filter(pids=(two.info.backend_pid, 1))),
                "feature": await backends(session, Filter(database=gis, feature="builder")),
                "no feature": await backends(session, Filter(database=gis, feature="")),
                "age": await backends(session, Filter(database=gis, least_s=3600.0)),
            }
            own = await backends(session, Filter(username=monitor))
    assert {name: len(found.backends) for name, found in by.items()} == {
        "state": 1, "application": 2, "client": 4, "pids": 1, "feature": 1, "no feature": 3, "age": 0,
    }  # fmt: skip
    found = {backend.pid: backend for backend in listing.backends}
    assert len(found) == 4 and {one.username for one in found.values()} == {carto}
    assert (first.total, first.left_out, len(first.backends)) == (4, 3, 1)
    (backend,) = by["feature"].backends
    assert (backend.query, backend.statement, backend.query_cut) == (COMMENT, "SELECT 1", False)
    assert backend.group.connection_id == "c-1" and backend.carto is not None and backend.carto.user == "auth0|u"
    (in_transaction,) = by["state"].backends
    assert in_transaction.transaction_s is not None and 0 <= in_transaction.transaction_s < 60
    assert all(0 <= (one.age_s or -1.0) < 60 and one.started and one.right == "no_grant" for one in found.values())
    assert [one.console for one in own.backends] == [True]
    by_state = {one.state: one.pid for one in found.values()}
    assert by_state.keys() == {"active", "idle", "idle_in_transaction"}
    assert (holds_pid, runs_pid) == (in_transaction.pid, by_state["active"])


@pytest.mark.parametrize("major", MAJORS)
async def test_what_may_not_be_seen_is_not_there(pg_server: PgServer, major: int) -> None:
    server = pg_server(major)
    carto, other, gis = role(server), role(server), server.database()
    with held(server, 1, carto, gis, application_name="maps-api"):
        async with await opened(server, other) as session:
            (masked,) = (await backends(session, Filter(database=gis))).backends
    assert (masked.username, masked.application, masked.state) == (carto, "maps-api", "unknown")
    assert (masked.started, masked.query, masked.client, masked.age_s, masked.state_s) == (None, "", None, None, None)


async def test_those_of_a_connection_are_those_it_is_counted_by(pg_server: PgServer) -> None:
    server = pg_server(17)
    carto, etl, gis = role(server, "pg_monitor"), role(server), server.database()
    maps = connection(server, "maps", carto, gis, match_application=("maps*",))
    rest = connection(server, "rest", carto, gis)
    with (
        held(server, 1, carto, gis, application_name="maps-api") as (one,),
        held(server, 2, carto, gis, application_name="builder") as (two, three),
        held(server, 1, etl, gis),
    ):
        pids = {one.info.backend_pid}, {two.info.backend_pid, three.info.backend_pid}
        async with await opened(server, carto, gis) as session:
            listing = await backends(session)
    attribution = Attribution((maps, rest))
    assert {found.pid for found in belonging(listing, attribution, maps).backends} == pids[0]
    assert {found.pid for found in belonging(listing, attribution, rest).backends} == pids[1]


@pytest.mark.parametrize("major", [12, 15, 18])
async def test_bytes_of_any_encoding_are_read_from_any_database(pg_server: PgServer, major: int) -> None:
    server = pg_server(major)
    carto = role(server, "pg_monitor")
    databases = {
        encoding: server.database(options=f"ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        for encoding in ("SQL_ASCII", "LATIN1", "EUC_JP")
    } | {"UTF8": server.database()}
    with held(server, 1, carto, databases["SQL_ASCII"], client_encoding="SQL_ASCII") as (socket,):
        socket.execute("SELECT set_config('application_name', convert_from('\\xff41'::bytea, 'SQL_ASCII'), false)")
        socket.pgconn.exec_(b"SELECT 'a\xffb\xe2\x82' AS \"\xfe\x1b[31m\", 'z'")
        pid = socket.info.backend_pid
        for database in databases.values():
            async with await opened(server, carto, database) as session:
                (found,) = (await backends(session, Filter(pids=(pid,)))).backends
                cut = (await backends(session, Filter(pids=(pid,)), query_bytes=9)).backends[0]
            assert found.query.startswith("SELECT 'a") and found.query.endswith("'z'")
            assert "\x1b[31m" in found.query and found.application.endswith("A")
            assert (cut.query, cut.query_cut) == ("SELECT 'a", True)


async def test_a_query_of_megabytes_is_cut_on_the_server(pg_server: PgServer) -> None:
    server = pg_server(17, settings={"track_activity_query_size": "1048576"})
    carto, gis = role(server), server.database()
    with held(server, 1, carto, gis) as (socket,):
        socket.execute("SELECT 1 -- " + "x" * 10_000_000)
        async with await opened(server, carto, gis) as session:
            (one,) = (await backends(session, Filter(state="idle", username=carto))).backends
            wanted = Filter(pids=(one.pid,))
            (whole,) = (await backends(session, wanted, query_bytes=WHOLE_QUERY_BYTES)).backends
    assert (len(one.query), one.query_cut) == (1000, True)
    assert (len(whole.query), whole.query_cut) == (WHOLE_QUERY_BYTES, True)


@pytest.mark.parametrize(
    "query",
    ["SELECT 1", "", "/* CARTO/3.0 (" + "x" * 500 + "; CM:builder) */ SELECT 1", " /* CARTO/3.0 (CM:builder) */"],
)
def test_what_is_no_comment_of_cartos_says_nothing(query: str) -> None:
    assert read_comment(query) is None
