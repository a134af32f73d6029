"""What a list becomes: sound answers replace it, nothing else touches it, and its change is told."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tui.connections.model import OwnRegion
from tui.regions.merging import Answers, difference, disagreements, merged, over_built_in, with_own
from tui.regions.model import BUILT_IN, BUILT_IN_AT, Change, Region

NOW = BUILT_IN_AT + 1_000_000
US = BUILT_IN[0]
_ADDRESSES = st.lists(st.sampled_from([f"34.1.2.{n}" for n in range(6)]), min_size=1, max_size=4, unique=True).map(
    tuple
)
_NAMES = st.sampled_from(["us-east1", "europe-west1", "europe-west9", "asia-south1"])
_LISTS = st.dictionaries(_NAMES, _ADDRESSES, max_size=4)


def test_the_endpoint_comes_before_the_page() -> None:
    answers = Answers({US.region: ("34.1.2.3",)}, {US.region: ("34.1.2.4",), "europe-west1": ("34.1.2.5",)})
    us, europe, *others = merged(BUILT_IN, answers, NOW)
    assert (us.addresses, us.source, us.code, us.fetched_at) == (("34.1.2.3",), "live", "clausa", NOW)
    assert (europe.addresses, europe.source) == (("34.1.2.5",), "page")
    assert tuple(others) == BUILT_IN[2:]


def test_a_change_is_told_until_the_next_one() -> None:
    first = merged(BUILT_IN, Answers({US.region: (*US.addresses[1:], "34.1.2.3")}, {}), NOW)[0]
    assert first.changed == Change(("34.1.2.3",), US.addresses[:1])
    assert first.changed_at == NOW
    confirmed = merged([first], Answers({US.region: tuple(reversed(first.addresses))}, {}), NOW + 60)[0]
    assert (confirmed.changed, confirmed.changed_at, confirmed.fetched_at) == (first.changed, NOW, NOW + 60)
    again = merged([confirmed], Answers({US.region: US.addresses}, {}), NOW + 120)[0]
    assert again.changed == Change(US.addresses[:1], ("34.1.2.3",))
    assert again.changed_at == NOW + 120


def test_a_region_that_only_an_answer_names_is_not_lost() -> None:
    *known, new = merged(BUILT_IN, Answers({}, {"europe-west9": ("34.1.2.3",)}), NOW)
    assert tuple(known) == BUILT_IN
    assert (new.region, new.code, new.addresses, new.source) == ("europe-west9", "", ("34.1.2.3",), "page")
    assert new.changed == Change(("34.1.2.3",), ())


@given(_LISTS, _LISTS, _LISTS)
def test_no_look_adds_what_no_answer_has_or_removes_without_one(
    before: dict[str, tuple[str, ...]], live: dict[str, tuple[str, ...]], page: dict[str, tuple[str, ...]]
) -> None:
    known = tuple(Region(name, "", addresses, "live", NOW) for name, addresses in before.items())
    after = {region.region: region for region in merged(known, Answers(live, page), NOW + 1)}
    assert set(after) == {*before, *live, *page}
    for name, region in after.items():
        assert set(region.addresses) == set(live.get(name) or page.get(name) or before[name])
        answered = name in live or name in page
        assert (region.fetched_at == NOW + 1) == answered
        old = set(before.get(name, ()))
        if region.changed:
            assert set(region.changed.added) == set(region.addresses) - old
            assert set(region.changed.removed) == old - set(region.addresses)
            assert region.changed_at == NOW + 1
        else:
            assert old == set(region.addresses)


@given(_LISTS)
def test_where_nothing_sound_was_answered_nothing_moves(before: dict[str, tuple[str, ...]]) -> None:
    known = tuple(Region(name, "", addresses, "page", NOW) for name, addresses in before.items())
    assert merged(known, Answers({}, {}), NOW + 1) == known
    assert merged(known, Answers(dict.fromkeys(before, ()), {}), NOW + 1) == known


def test_an_upgrade_brings_newer_lists_and_tells_how_they_differ() -> None:
    old = replace(US, addresses=("34.1.2.3",), source="live", fetched_at=BUILT_IN_AT - 1)
    us, *others = over_built_in([old])
    assert (us.addresses, us.source) == (US.addresses, "built-in")
    assert us.changed == Change(US.addresses, ("34.1.2.3",))
    assert tuple(others) == BUILT_IN[1:]
    newer = replace(old, fetched_at=NOW, code="")
    assert over_built_in([newer])[0] == replace(newer, code="clausa")


def test_a_region_that_is_not_built_in_is_kept() -> None:
    new = Region("europe-west9", "", ("34.1.2.3",), "page", NOW)
    assert over_built_in([new]) == (*BUILT_IN, new)


def test_own_regions_stand_last_and_keep_their_name() -> None:
    found = with_own([Region("lab", "", ("34.1.2.3",), "page", NOW), *BUILT_IN], [OwnRegion("lab", ("10.0.0.1",))])
    assert found == (*BUILT_IN, Region("lab", "", ("10.0.0.1",), "own", None))


def test_an_endpoint_and_a_page_that_differ_are_told() -> None:
    answers = Answers({"us-east1": ("a", "b"), "asia-south1": ("a",)}, {"us-east1": ("b", "c")})
    assert disagreements(answers) == {
        "us-east1": "Its endpoint, which counts, and the documentation differ: only the endpoint lists a; "
        "only the page lists c"
    }


@given(_ADDRESSES, _ADDRESSES)
def test_a_difference_leads_from_one_list_to_the_other(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    change = difference(before, after)
    assert (set(before) - set(change.removed)) | set(change.added) == set(after)
    assert bool(change) == (set(before) != set(after))
