"""The draft: what a person set stays, what presets brought is replaced."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.connections.connectors import BY_KEY
from tui.connections.model import Parameters
from tui.connections.parameters import FIELDS, read
from tui.connections.secret import Secret
from tui.screens.draft import Draft

keys = st.sampled_from(list(BY_KEY))
texts = st.text(max_size=20)


@given(keys, keys)
def test_an_untouched_draft_takes_the_presets_of_the_connector_picked_last(first: str, last: str) -> None:
    assert Draft.new(first).pick(last) == Draft.new(last)
    assert not Draft.new(first).pick(last).touched


@given(st.dictionaries(st.sampled_from([f.name for f in FIELDS if f.name != "connector"]), texts), keys)
def test_what_a_person_set_survives_another_connector(typed: dict[str, str], connector: str) -> None:
    draft = Draft.new()
    for name, text in typed.items():
        draft = draft.type(name, text)
    picked = draft.pick(connector)
    changed = {name for name, text in typed.items() if text != Draft.new().values[name]}
    assert {name: picked.values[name] for name in changed} == {name: typed[name] for name in changed}


def test_presets_in_a_pasted_text_give_way_to_another_connector() -> None:
    pasted = {"server": "a.rds.amazonaws.com", "connector": "rds", "port": "5432", "sslmode": "require"}
    draft = Draft.new().fill(pasted, None)
    assert draft.pick("pgbouncer").values["port"] == "6432"
    assert Draft.new().fill({**pasted, "port": "5433"}, None).pick("pgbouncer").values["port"] == "5433"


def test_a_registered_connection_comes_back_as_it_is() -> None:
    parameters = Parameters("Prod", "h", "u", "d", port=6000, match_client=("10.0.0.0/8",))
    draft = Draft.of(parameters)
    assert read(draft.values)[0] == parameters
    assert not draft.touched


def test_taken_names_and_passwords() -> None:
    draft = Draft.new().type("name", "Prod ")
    assert "already" in draft.problems(frozenset({"Prod"}))["name"]
    assert draft.type_password(Secret("")).password is None
    assert Draft.new().type_password(Secret("x")).touched
