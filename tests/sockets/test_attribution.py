"""Whose socket it is, on snapshots of any kind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.connections.model import Connection, Parameters
from tui.sockets.attribution import Attribution
from tui.sockets.counting import Counted, count
from tui.sockets.matching import application_matches, client_matches, like, valid_networks
from tui.sockets.model import STATES, Group, Limits, Snapshot

_DATABASES, _ROLES = ("gis", "dwh"), ("carto", "etl")
_APPLICATIONS, _CLIENTS = ("carto-maps", "carto_x", "psql", ""), ("10.0.0.1", "10.0.1.1", "2001:db8::1", None)


def connection(name: str, database: str = "gis", username: str = "carto", **more: tuple[str, ...] | str) -> Connection:
    """A Connection of one server."""
    values: dict[str, object] = {"name": name, "server": "db", "username": username, "database": database, **more}
    return Connection(name, Parameters(**values))  # type: ignore[arg-type]


def group(sockets: int = 1, **more: object) -> Group:
    """A group of a socket of the role carto in the database gis."""
    values: dict[str, object] = {
        "database": "gis",
        "username": "carto",
        "application": "carto-maps",
        "client": "10.0.0.1",
        "state": "idle",
        **more,
    }
    return Group(sockets=sockets, **values)  # type: ignore[arg-type]


def counted(connections: list[Connection], *groups: Group, limits: Limits | None = None) -> Counted:
    """What those groups mean."""
    snapshot = Snapshot(0.0, groups, limits or Limits(100, 3, {}, {}), sees_all=True)
    return count("db:5432", snapshot, Attribution(connections), {}, {"europe": ("10.0.0.0/24",)})


def owner(connections: list[Connection], one: Group) -> list[str]:
    """The names of the Connections that show a group."""
    return [each.name for each in counted(connections, one).connections if each.sockets]


def test_role_and_database_tell_connections_apart() -> None:
    both = [connection("gis"), connection("dwh", "dwh")]
    assert owner(both, group()) == ["gis"]
    assert owner(both, group(database="dwh")) == ["dwh"]
    assert owner(both, group(database="dwh", username="etl")) == []


def test_matchers_tell_connections_of_one_role_apart() -> None:
    plain, maps = connection("plain"), connection("maps", match_application=("carto-*",))
    near = connection("near", match_client=("10.0.0.0/24",))
    assert owner([plain, maps], group()) == ["maps"]
    assert owner([plain, maps], group(application="psql")) == ["plain"]
    assert owner([maps], group(application="psql")) == []
    assert owner([plain, near], group()) == ["near"]
    assert owner([plain, near], group(client=None)) == ["plain"]


def test_two_kinds_of_matchers_win_over_one_and_all_must_fit() -> None:
    one = connection("one", match_application=("carto-*",))
    two = connection("two", match_application=("carto-*",), match_client=("10.0.0.0/24",))
    assert owner([one, two], group()) == ["two"]
    assert owner([one, two], group(client="10.9.9.9")) == ["one"]


def test_behind_a_proxy_matchers_alone_speak_unless_several_do() -> None:
    alias = connection("alias", "alias", "someone", match_application=("carto-*",))
    other = connection("other", "other", "someone", match_application=("carto*",))
    assert owner([alias], group()) == ["alias"]
    assert owner([alias, connection("own")], group()) == ["own"]
    assert owner([alias, other], group()) == []


def test_an_unseen_client_is_presumed_to_fit() -> None:
    near, plain = connection("near", match_client=("10.0.0.0/24",)), connection("plain")
    hidden = group(client=None, state="unknown")
    assert owner([near], hidden) == ["near"]
    assert owner([near, plain], hidden) == ["plain"]


def test_equal_claims_share_their_sockets_and_a_total_counts_them_once() -> None:
    result = counted([connection("a"), connection("b"), connection("c", "dwh")], group(5), group(2, database="dwh"))
    assert [(each.name, each.sockets, each.shared_with) for each in result.connections] == [
        ("a", 5, ("b",)),
        ("b", 5, ("a",)),
        ("c", 2, ()),
    ]
    assert (result.server.attributed, result.server.used) == (7, 7)


def test_the_nearest_limit_is_named_and_superusers_have_the_servers_only() -> None:
    limits = Limits(100, 5, {"carto": 4}, {"gis": 10}, frozenset())
    (one,) = counted([connection("a")], group(3), group(6, username="x"), limits=limits).connections
    assert (one.bounded_by, one.limit, one.headroom) == ("role", 4, 1)
    (one,) = counted([connection("a")], group(2), group(8, username="x"), limits=limits).connections
    assert (one.bounded_by, one.limit, one.headroom) == ("database", 10, 0)
    (one,) = counted(
        [connection("a")], group(3), limits=Limits(100, 5, {"carto": 4}, {"gis": 3}, frozenset({"carto"}))
    ).connections
    assert (one.bounded_by, one.limit, one.headroom) == ("server", 95, 92)
    result = counted([connection("a")], group(99), limits=Limits(100, 5, {}, {}))
    assert (result.server.limit, result.server.reserved, result.server.headroom) == (95, 5, 0)


def test_sockets_of_the_region_are_counted_apart() -> None:
    here = [connection("a", region="europe"), connection("b", "dwh"), connection("c", "x", region="nowhere")]
    result = counted(here, group(2), group(3, client="10.0.1.1"), group(1, client=None))
    assert [each.from_region for each in result.connections] == [2, None, None]
    assert counted(here, group(state="unknown", client=None)).connections[0].from_region is None
    assert counted(here).connections[0].from_region == 0


def test_the_oldest_idle_in_transaction_is_told() -> None:
    result = counted(
        [connection("a")],
        group(state="idle_in_transaction", oldest_idle_in_transaction_s=3.0),
        group(client=None, state="idle_in_transaction", oldest_idle_in_transaction_s=9.0),
    )
    assert result.connections[0].oldest_idle_in_transaction_s == 9.0


_matchers = {
    "match_application": st.sampled_from([(), ("carto*",), ("*",), ("psql", "carto-?aps")]),
    "match_client": st.sampled_from([(), ("10.0.0.0/24",), ("10.0.0.0/8", "2001:db8::/32")]),
}
_connections = st.lists(
    st.builds(Parameters, st.just("n"), st.just("db"), st.sampled_from(_ROLES), st.sampled_from(_DATABASES),
              region=st.sampled_from(["", "europe"]), **_matchers),
    max_size=6,
).map(lambda all: [Connection(f"id-{n}", p._replace(name=f"c{n}")) for n, p in enumerate(all)])  # fmt: skip


@st.composite
def _group(draw: st.DrawFn) -> Group:
    sockets = draw(st.integers(1, 50))
    return Group(
        draw(st.sampled_from([*_DATABASES, "other", ""])),
        draw(st.sampled_from([*_ROLES, "other", ""])),
        draw(st.sampled_from(_APPLICATIONS)),
        draw(st.sampled_from(_CLIENTS)),
        draw(st.sampled_from(STATES)),
        sockets,
        console=draw(st.sampled_from([0, 0, 0, 1, sockets])),
    )


@given(_connections, st.lists(_group(), max_size=20))
def test_sums_add_up_for_any_snapshot(connections: list[Connection], groups: list[Group]) -> None:
    result = counted(connections, *groups)
    server = result.server
    assert server.used == sum(group.sockets for group in groups)
    assert server.console == sum(group.console for group in groups)
    assert server.unregistered == sum(stranger.sockets for stranger in result.unregistered)
    assert server.attributed is not None and server.unregistered is not None and server.console is not None
    assert server.attributed + server.unregistered + server.console == server.used
    once = {frozenset((each.name, *each.shared_with)): each.sockets or 0 for each in result.connections}
    assert sum(once.values()) == server.attributed
    assert all(each.states is not None and sum(each.states) == each.sockets for each in result.connections)
    assert [each.id for each in result.connections] == [each.id for each in connections]


_text = st.text(st.sampled_from("ab%_\\*?.[]"), max_size=6)


@given(_text, _text)
def test_patterns_mean_the_same_in_like(glob: str, application: str) -> None:
    assert application_matches((glob,), application) == _like(like(glob), application)


def _like(pattern: str, text: str) -> bool:
    """LIKE, as PostgreSQL's documentation defines it."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(_like(pattern[1:], text[n:]) for n in range(len(text) + 1))
    if pattern[0] == "\\":
        return text[:1] == pattern[1] and _like(pattern[2:], text[1:])
    return bool(text) and (pattern[0] in {"_", text[0]}) and _like(pattern[1:], text[1:])


def test_what_is_no_network_matches_nothing() -> None:
    assert not client_matches(("nonsense",), "10.0.0.1")
    assert not client_matches(("10.0.0.0/8",), "nonsense")
    assert valid_networks(["10.1.2.3/8", "nonsense", "10.0.0.0/8"]) == ("10.0.0.0/8",)
