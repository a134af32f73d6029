"""Own regions in a registry's text: what is read, what is refused and where, and what an edit leaves as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connections.given import connection
from tui.connections import region_text, registry_text
from tui.connections.model import OwnRegion
from tui.connections.parameters import Problem
from tui.connections.registry import ReadOnlyConnection, Refused, Registry, RegistryError
from tui.connections.registry_text import Content, TextError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
# Ours.
version = 1

# The map team's own installation
[[regions]]
name = "my-dc"   # in Madrid
owner = "maps"
addresses = [
  "10.1.2.3",  # node 1
  "203.0.113.0/28",
]

[[connections]]
name = "prod"
server = "db.example.com"
username = "carto"
database = "gis"
region = "my-dc"

# The old one
[[regions]]
name = "attic"
addresses = ["2001:db8::/48"]
"""
MY_DC, ATTIC = OwnRegion("my-dc", ("10.1.2.3", "203.0.113.0/28")), OwnRegion("attic", ("2001:db8::/48",))


def _lines_gone(before: str, after: str) -> set[str]:
    return set(before.split("\n")) - set(after.split("\n"))


def test_regions_stand_beside_connections() -> None:
    content = registry_text.read(TEXT)
    assert content.regions == (MY_DC, ATTIC)
    assert [each.name for each in content.connections] == ["prod"]
    assert registry_text.parse(TEXT) == content.connections


def test_addresses_are_written_in_their_usual_spelling() -> None:
    found = region_text.region(" my-dc ", [" 10.0.0.1/32", "10.0.0.1", "2001:DB8:0::1", "10.0.0.0/255.0.0.0"])
    assert found == OwnRegion("my-dc", ("10.0.0.1", "2001:db8::1", "10.0.0.0/8"))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("0.0.0.0/0", "wider than /8"),
        ("10.0.0.0/7", "wider than /8"),
        ("::/0", "wider than /8"),
        ("0.0.0.0", "an unspecified address"),
        ("0.0.0.0/8", "an unspecified address"),
        ("::", "an unspecified address"),
        ("127.0.0.1", "a loopback address"),
        ("127.0.0.0/8", "a loopback address"),
        ("::1", "a loopback address"),
        ("224.0.0.1", "a multicast address"),
        ("ff02::1", "a multicast address"),
        ("10.0.0.1/24", "10.0.0.1/24 has bits beyond its prefix: write 10.0.0.0/24"),
        ("::ffff:10.0.0.1", "write it plainly"),
        ("fe80::1%eth0", "write it plainly"),
        ("db.example.com", "no address or network"),
        ("10.0.0.300", "no address or network"),
        ("", "no address or network"),
    ],
)
def test_what_would_let_everybody_in_or_nobody_is_refused(address: str, words: str) -> None:
    with pytest.raises(Problem) as caught:
        region_text.region("my-dc", ["10.0.0.1", address])
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["", "-dc", "My-DC", "a b", "x" * 64, "dc/1", "us-east1", "clausa", "dc\n"])
def test_a_name_is_like_a_regions_and_none_of_cartos(name: str) -> None:
    if name == "dc\n":
        assert region_text.region(name, ["10.0.0.1"]).name == "dc"
        return
    with pytest.raises(Problem):
        region_text.region(name, ["10.0.0.1"])


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('name = "my-dc"', 'name = "us-east1"', 6, "us-east1 is CARTO's own"),
        ('name = "my-dc"', "name = 5", 6, "a text, in quotes"),
        ('name = "my-dc"', 'title = "my-dc"', 5, "A region's name has"),
        ('name = "attic"', 'name = "my-dc"', 22, "the region 'my-dc' is there twice"),
        ('"10.1.2.3",', '"10.1.2.3/8",', 8, "bits beyond its prefix"),
        ('"10.1.2.3",', "7,", 8, "a list of texts"),
        ('["2001:db8::/48"]', "[]", 23, "has no address"),
        ('["2001:db8::/48"]', '"2001:db8::/48"', 23, "a list of texts"),
        ('owner = "maps"', 'password = "hunter2"', 7, "no secret belongs here"),
    ],
)
def test_a_wrong_value_names_its_line(old: str, new: str, line: int, words: str) -> None:
    assert old in TEXT
    with pytest.raises(TextError) as caught:
        registry_text.read(TEXT.replace(old, new))
    assert caught.value.line == line
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["regions = 5\n", "[regions]\nname = 'x'\n", "regions = ['x']\n"])
def test_regions_of_another_form_are_told(text: str) -> None:
    with pytest.raises(TextError, match=r"line 1: each region starts with a line \[\[regions\]\]"):
        registry_text.read(text)


def test_changing_a_region_touches_its_addresses_only() -> None:
    text = region_text.with_set(TEXT, OwnRegion("attic", ("10.9.9.9",)))
    assert registry_text.read(text).regions == (MY_DC, OwnRegion("attic", ("10.9.9.9",)))
    assert _lines_gone(TEXT, text) == {'addresses = ["2001:db8::/48"]'}
    assert region_text.with_set(TEXT, MY_DC._replace(read_only=True)) == TEXT
    moved = region_text.with_set(TEXT, OwnRegion("my-dc", ("10.9.9.9",)))
    for kept in ("# Ours.", "# The map team's own installation", 'name = "my-dc"   # in Madrid', 'owner = "maps"'):
        assert kept in moved


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", TEXT, TEXT.replace("\n", "\r\n")])
def test_a_new_region_stands_at_the_end(text: str) -> None:
    new = OwnRegion("lab", ("10.9.9.9",))
    after = region_text.with_set(text, new)
    assert after.startswith(text.strip())
    assert registry_text.read(after).regions[-1] == new
    assert registry_text.parse(after) == registry_text.parse(text)
    assert ("\r\n" in after) == ("\r\n" in text)


def test_a_removed_region_takes_its_own_comment_along() -> None:
    text = region_text.without(TEXT, "my-dc")
    assert registry_text.read(text).regions == (ATTIC,)
    assert "map team" not in text
    assert "# The old one" in text


def test_editing_connections_leaves_regions_as_they_are() -> None:
    prod = registry_text.parse(TEXT)[0]
    edits = [
        registry_text.with_added(TEXT, connection("new")),
        registry_text.with_replaced(TEXT, prod._replace(parameters=prod.parameters._replace(port=1))),
        registry_text.without(TEXT, prod.id),
    ]
    for text in edits:
        assert registry_text.read(text).regions == (MY_DC, ATTIC)
        assert {'  "10.1.2.3",  # node 1', "# The old one"} <= set(text.split("\n"))


@pytest.mark.parametrize(
    "text",
    [
        'regions = [{name = "attic", addresses = ["10.0.0.1"]}]\n',
        '[["regi\\u006fns"]]\nname = "attic"\naddresses = ["10.0.0.1"]\n',
    ],
)
def test_regions_written_as_one_array_are_read_and_not_edited(text: str) -> None:
    assert registry_text.read(text).regions == (OwnRegion("attic", ("10.0.0.1",)),)
    with pytest.raises(TextError):
        region_text.without(text, "attic")
    with pytest.raises(TextError):
        region_text.with_set(text, OwnRegion("attic", ("10.0.0.2",)))


_NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,12}", fullmatch=True)
_ADDRESSES = st.lists(st.ip_addresses(network="10.0.0.0/8").map(str), min_size=1, max_size=3, unique=True).map(tuple)
_REGIONS = st.lists(
    st.builds(
        OwnRegion,
        _NAMES.filter(lambda name: name not in region_text.RESERVED),
        _ADDRESSES,
        read_only=st.just(False),
    ),
    max_size=4,
    unique_by=lambda region: region.name,
)


@settings(max_examples=40)
@given(_REGIONS, st.data())
def test_any_regions_read_back_and_are_edited_right(many: list[OwnRegion], data: st.DataObject) -> None:
    connections = (connection("a"), connection("b"))
    text = registry_text.dumps(connections, many)
    assert registry_text.read(text) == Content(connections, tuple(many))
    for number, one in enumerate(many):
        rest = (*many[:number], *many[number + 1 :])
        assert registry_text.read(region_text.without(text, one.name)) == Content(connections, rest)
        changed = one._replace(addresses=data.draw(st.sampled_from([("10.0.0.0/8",), ("10.0.0.1", "fd00::1")])))
        after = registry_text.read(region_text.with_set(text, changed))
        assert after == Content(connections, (*many[:number], changed, *many[number + 1 :]))


@pytest.fixture
def layers(tmp_path: Path) -> Registry:
    """A user's registry over a system-wide one."""
    (tmp_path / "system.toml").write_text(registry_text.dumps([connection("shipped", region="attic")], [ATTIC, MY_DC]))
    return Registry(tmp_path / "registry.toml", (tmp_path / "system.toml",))


def test_the_users_regions_lie_over_the_system_wide_ones(layers: Registry) -> None:
    assert layers.regions() == (ATTIC._replace(read_only=True), MY_DC._replace(read_only=True))
    with pytest.raises(ReadOnlyConnection, match="attic comes from a system-wide registry"):
        layers.remove_region("attic")
    other = OwnRegion("attic", ("10.0.0.1",))
    layers.set_region(other)
    assert layers.regions() == (other, MY_DC._replace(read_only=True))
    layers.remove_region("attic")  # shipped still names it, and the system-wide one is there for it
    assert layers.regions()[0] == ATTIC._replace(read_only=True)


def test_a_region_in_use_is_not_removed(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry.toml")
    registry.set_region(MY_DC)
    registry.add(connection("prod", region="my-dc"))
    registry.add(connection("staging", region="my-dc"))
    registry.add(connection("other", region="us-east1"))
    with pytest.raises(Refused, match="my-dc is still the region of prod, staging"):
        registry.remove_region("my-dc")
    assert registry.regions() == (MY_DC,)
    for name in ("prod", "staging"):
        registry.remove(registry.get(name).id)
    registry.remove_region("my-dc")
    assert registry.regions() == ()
    with pytest.raises(Refused, match="No own region is called my-dc"):
        registry.remove_region("my-dc")


def test_a_wrong_region_is_a_wrong_registry(tmp_path: Path) -> None:
    path = tmp_path / "registry.toml"
    path.write_text(TEXT.replace("2001:db8::/48", "0.0.0.0/0"))
    registry = Registry(path)
    for use in (
        registry.load,
        registry.regions,
        lambda: registry.add(connection()),
        lambda: registry.set_region(ATTIC),
    ):
        with pytest.raises(RegistryError, match=r"registry\.toml, line 23: addresses: 0\.0\.0\.0/0 is wider than /8"):
            use()
