"""What is read of real servers, and what is told where they say little."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.postgres.given import superuser, to
from tui.postgres.door import connect
from tui.regions.admission import Reach
from tui.regions.reach import reach

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer, StartBouncer
    from tests.servers.postgres import Server
    from tui.postgres.target import Target

ADDRESSES = ("198.51.100.7",)


async def asked(target: Target, *addresses: str) -> Reach:
    async with await connect(target) as session:
        return await reach(session, "own", addresses or ADDRESSES)


def role_of(server: Server, database: str, **more: str) -> Target:
    """A role that may read the rules."""
    role = server.role("pw", **more)
    server.execute(f'GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO "{role}"', (), database)
    return to(server, database=database, username=role, password="pw")


@pytest.mark.parametrize("major", ["12", "13", "14", "15", "16", "17", "18"])
async def test_a_superuser_sees_whether_the_file_is_loaded(pg_server: PgServer, major: str) -> None:
    server = pg_server(major, own="reach loaded", hba="host all all 198.51.100.0/24 md5")
    file = server.data / "pg_hba.conf"
    old = time.time() - 60
    os.utime(file, (old, old))
    answer = await asked(superuser(server))
    assert (answer.loaded, answer.all_in, answer.notes) == (True, True, ())
    assert answer.addresses[0].rule is not None
    assert answer.addresses[0].rule.file == str(file)
    later = time.time() + 60
    os.utime(file, (later, later))
    answer = await asked(superuser(server))
    assert (answer.loaded, answer.all_in) == (False, False)
    assert answer.warnings[0] == f"{file} was changed after the server had loaded it: SELECT pg_reload_conf();"


async def test_secrets_of_directories_stay_in_the_server(pg_server: PgServer) -> None:
    line = 'host all all all radius radiusservers="127.0.0.1" radiussecrets="planted-5521"'
    server = pg_server(17, own="reach", hba=line)
    server.hba(line)
    answer = await asked(superuser(server))
    assert answer.addresses[0].method == "radius"
    assert "planted" not in f"{answer!r}{answer.to_json()}"


async def test_through_a_pooler_the_poolers_address_counts(pg_server: PgServer, pgbouncer: StartBouncer) -> None:
    server = pg_server(17, hba="host all all all scram-sha-256")
    role = server.role("pw")
    bouncer = pgbouncer(server)
    answer = await asked(to(bouncer, username=role, password="pw"))
    assert [(one.admitted, one.rule) for one in answer.addresses] == [(None, None)]
    assert not answer.all_in
    assert "pooler's address (127.0.0.1)" in answer.notes[0]
    assert not answer.fix


async def test_names_that_are_no_ascii(pg_server: PgServer) -> None:
    """A dot is a byte to the server, which knows no encoding when it looks at a line."""
    server = pg_server(16, own="reach")
    database = server.database("müller")
    target = role_of(server, database, name="ärger")
    opening = f'host all "{target.username}" 127.0.0.1/32 scram-sha-256\n'
    for pattern, matches in (("/^m.ller$", False), ("/^m..ller$", True), ("/^mü", True), ("/(?i)MÜL", False)):
        server.hba(f"{opening}host {pattern} ärger all scram-sha-256")
        answer = await asked(target)
        assert answer.addresses[0].admitted is matches, pattern


async def test_an_expression_without_end_is_not_known(pg_server: PgServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server = pg_server(16, own="reach")
    target = role_of(server, "postgres")
    server.hba('host all all 127.0.0.1/32 scram-sha-256\nhost "/x{1,2}" all all scram-sha-256')
    monkeypatch.setattr("tui.regions.reach.EXPRESSIONS", "SELECT pg_sleep(60), %s::text[], %s::text[]")
    monkeypatch.setattr("tui.regions.reach._EXPRESSIONS_S", 0.1)
    answer = await asked(target)
    assert answer.addresses[0].admitted is None
    assert answer.addresses[0].rule is not None


async def test_names_with_everything_in_them(pg_server: PgServer) -> None:
    server = pg_server(18, own="reach")
    database = server.database('a "b", #c\\')
    target = role_of(server, database, name="all, +\x1b[31m")
    server.hba("host all all 127.0.0.1/32 scram-sha-256")
    answer = await asked(target)
    (line,) = answer.lines
    server.hba(f"host all all 127.0.0.1/32 scram-sha-256\n{line}")
    assert (await asked(target)).addresses[0].enters


async def test_a_line_of_an_included_file(pg_server: PgServer) -> None:
    server = pg_server(16, own="reach")
    included = server.data / "included.conf"
    included.write_text("# office\nhost all all 198.51.100.0/24 reject\n")
    server.hba("host all all 127.0.0.1/32 scram-sha-256\ninclude included.conf")
    answer = await asked(superuser(server))
    assert (answer.before, answer.file) == (2, str(included))
    assert f"before line 2 of {included}" in answer.fix


async def test_a_server_that_nobody_else_reaches(pg_server: PgServer) -> None:
    server = pg_server(17, own="reach", hba="")
    server.hba("host all all all scram-sha-256")
    assert any("listens on 127.0.0.1 alone" in warning for warning in (await asked(superuser(server))).warnings)
    assert not (await asked(superuser(server), "127.0.0.5")).warnings


async def test_roles_whose_passwords_are_kept_for_md5(pg_server: PgServer) -> None:
    server = pg_server(13, settings={"password_encryption": "md5"}, hba="")
    assert (await asked(superuser(server))).lines == ('host "postgres" "postgres" 198.51.100.7/32 md5',)
