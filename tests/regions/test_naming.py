"""Which region a word means, and what is proposed where it means none."""

from __future__ import annotations

import pytest

from tui.connections import region_text
from tui.connections.parameters import Problem
from tui.regions.model import BUILT_IN, Region
from tui.regions.naming import find, unknown

REGIONS = (*BUILT_IN, Region("my-dc", "", ("10.0.0.1",), "own", None))


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("us-east1", "us-east1"),
        (" US-East1 ", "us-east1"),
        ("pinea", "europe-west1"),
        ("clausa.app.carto.com", "us-east1"),
        ("https://clausa.app.carto.com/workspace?x=1#y", "us-east1"),
        ("HTTPS://me@Thunbergil.app.carto.com:443", "asia-northeast1"),
        ("https://workspace-gcp-australia-southeast1.app.carto.com/meta", "australia-southeast1"),
        ("my-dc", "my-dc"),
    ],
)
def test_a_name_a_code_word_or_a_tenants_address_picks_its_region(word: str, name: str) -> None:
    assert find(REGIONS, word).region == name


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("us-east2", "No region is called us-east2: did you mean us-east1?"),
        ("pinae", "did you mean pinea?"),
        ("https://clausa.app.carto.com.evil.example/x", "clausa.app.carto.com.evil.example"),
        ("https://evil.example/clausa.app.carto.com", "evil.example"),
        ("", "there are us-east1, europe-west1, asia-northeast1, australia-southeast1, my-dc"),
        ("-", "there are"),
        ("https://", "there are"),
        ("https://me:hunter2@nowhere.example/?token=hunter2", "No region is called nowhere.example"),
    ],
)
def test_a_word_that_means_none_is_told_with_the_nearest(word: str, words: str) -> None:
    with pytest.raises(Problem) as caught:
        find(REGIONS, word)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_connections_region_that_nobody_knows_is_told() -> None:
    assert unknown(REGIONS, "") == unknown(REGIONS, "my-dc") == ""
    assert "did you mean my-dc?" in unknown(REGIONS, "my-dcc")
    assert "pgconns regions my-dcc --set" in unknown(REGIONS, "my-dcc")


def test_the_names_that_are_reserved_are_those_of_carto() -> None:
    assert {word for region in BUILT_IN for word in (region.region, region.code)} == region_text.RESERVED
