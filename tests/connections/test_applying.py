"""The plan of `apply`: what it adds and changes, and that the second time it does nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.connections.given import PARAMETERS, connection
from tui.connections.applying import plan
from tui.connections.model import Connection, Parameters


def test_connections_match_by_id_then_by_name() -> None:
    current = [connection("a", id="1"), connection("b", id="2"), connection("c", id="3"), connection("d", id="4")]
    wanted = [
        connection("a", id="made-from-name"),
        connection("renamed", id="2"),
        connection("c", id="other", port=6000),
        connection("new", id="5"),
    ]
    found = plan(current, wanted)
    assert found.add == (wanted[3],)
    assert found.unchanged == (current[0],)
    assert found.absent == (current[3],)
    assert [(change.before.id, change.after.id, change.fields) for change in found.change] == [
        ("2", "2", ("name",)),
        ("3", "3", ("port",)),
    ]


def test_system_wide_connections_are_covered_and_never_changed() -> None:
    shipped = connection("shared")._replace(read_only=True)
    assert plan([shipped], [connection("shared", id="x")]).unchanged == (shipped,)
    different = plan([shipped], [connection("shared", id="x", port=1)])
    assert different.add == (connection("shared", id="x", port=1),)
    assert not different.change
    assert not different.absent
    assert plan([shipped], []).absent == (shipped,)


@given(
    st.lists(PARAMETERS, max_size=4, unique_by=lambda one: one.name),
    st.lists(PARAMETERS, max_size=4, unique_by=lambda one: one.name),
)
def test_what_is_applied_is_unchanged_the_next_time(have: list[Parameters], want: list[Parameters]) -> None:
    current = [Connection(f"have-{number}", one) for number, one in enumerate(have)]
    wanted = [Connection(f"want-{number}", one) for number, one in enumerate(want)]
    first = plan(current, wanted)
    changed = {change.before.id: change.after for change in first.change}
    after = [changed.get(one.id, one) for one in current] + list(first.add)
    again = plan(after, wanted)
    assert not again.add
    assert not again.change
    assert {one.parameters for one in again.unchanged} == set(want)
    assert again.absent == first.absent
